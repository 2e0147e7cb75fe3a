// The keys of a scenario file: what may stand there, what holds when it does not, and a sentence for editors.

/// The whole file.
enum ScenarioKeys {
  static let root = Shape.table(
    Table([
      Key("version", .whole(1...1), .required, "Version of this format."),
      Key("name", .name(fileName), .required, "Name of the scenario; part of the run directory's name."),
      Key("about", .text(limit: 1000), .otherwise("\"\""), "What the scenario is about; stands in the report."),
      Key("seed", .seed, .otherwise("1"), "All chance comes from it; --seed overrides it."),
      Key("cluster", cluster, .otherwise("{}"), "The broker and its nodes."),
      Key("topology", topology, .otherwise("{}"), "Exchanges and queues, the same at every level."),
      Key("levels", levels, .otherwise("[low, medium, high]"), "Reliability levels, run one after the other."),
      Key("workload", workload, .otherwise("{}"), "What the clients do."),
      Key("phases", phases, .otherwise("{}"), "How long the parts of a level take."),
      Key("faults", .list(fault, 0...64), .otherwise("[]"), "Faults in the load phase, in any order."),
      Key(
        "expect", .byName(levelName, expectations), .otherwise("{}"),
        "Expectations by level (low, medium, high, a level of your own, or all), beside the defaults of the levels."),
    ]))

  // MARK: names

  static let fileName = Name(
    noun: "a name of letters, digits, dot, dash and underscore, at most 64", first: "A-Za-z0-9", rest: "A-Za-z0-9._-",
    length: 1...64)
  static let levelName = Name(
    noun: "a level's name of small letters, digits and dashes, at most 32", first: "a-z", rest: "a-z0-9-",
    length: 1...32)
  static let amqpName = Name(
    noun: "a name of letters, digits, dot, dash and underscore, at most 127", first: "A-Za-z0-9_",
    rest: "A-Za-z0-9._-", length: 1...127)
  static let nodeName = Name(noun: "a node such as n2", first: "n", rest: "0-9", length: 2...2)
  static let glob = Name(
    noun: "a path inside the data directory, with * for anything", first: "A-Za-z0-9._*/", rest: "A-Za-z0-9._*?/@+-",
    length: 1...256)

  // MARK: cluster and topology

  private static let cluster = Shape.table(
    Table([
      Key("broker", .word(BrokerTraits.known.map(\.name)), .otherwise("embedded"), "Which broker is tested."),
      Key("nodes", .whole(1...7), .otherwise("3"), "How many nodes, named n1, n2 and so on."),
    ]))

  private static let topology = Shape.table(
    Table([
      Key("exchanges", .list(exchange, 0...32), .otherwise("[]"), "Exchanges to declare."),
      Key("queues", .list(queue, 1...32), .otherwise("[{name: q}]"), "Queues to declare."),
    ]))

  private static let exchange = Shape.table(
    Table([
      Key("name", .name(amqpName), .required, "Name of the exchange."),
      Key("type", .word(["direct", "topic", "fanout"]), .required, "How it routes."),
    ]))

  private static let queue = Shape.table(
    Table([
      Key("name", .name(amqpName), .required, "Name of the queue."),
      Key(
        "type", .word(["auto", "classic", "quorum"]), .otherwise("auto"),
        "auto: low takes a transient classic queue; medium and high a quorum queue with three or more nodes, else a "
          + "durable classic one."),
      Key("durable", .boolean, .optional, "For an explicit type only; left out, the level's durability decides."),
      Key(
        "bind", .list(binding, 0...32), .otherwise("[]"),
        "Bindings; without any, producers publish to the queue by the default exchange."),
    ]))

  private static let binding = Shape.table(
    Table([
      Key("exchange", .name(amqpName), .required, "An exchange of this topology."),
      Key("key", .text(limit: 255), .optional, "Routing key, or pattern of a topic exchange; none for fanout."),
    ]))

  // MARK: levels and expectations

  private static func words<T: RawRepresentable<String> & CaseIterable>(_ type: T.Type) -> Shape {
    .word(T.allCases.map(\.rawValue))
  }

  private static let levels = Shape.list(
    .either([
      words(Bundle.self),
      .table(
        Table([
          Key("name", .name(levelName), .required, "Name of the level."),
          Key("base", words(Bundle.self), .otherwise("medium"), "The bundle that it begins from and is judged as."),
          Key("publish", words(Axes.Publish.self), .optional, "How producers publish."),
          Key("consume", words(Axes.Consume.self), .optional, "How consumers acknowledge."),
          Key("durability", words(Axes.Durability.self), .optional, "What messages and queues survive."),
          Key("retry", words(Axes.Retry.self), .optional, "What producers send again."),
        ])),
    ]), 1...8)

  private static let expectations = Shape.table(
    Table(
      FindingRule.names.map { name in
        Key(
          name, .either([.whole(0...1_000_000_000), .word(["report"])]), .optional,
          "At most so many of the finding \(name), or report: counted, never a violation.")
      }
        + Measure.allCases.map { measure in
          Key(
            measure.rawValue, .either([.bound, .word(["report"])]), .optional,
            "Bound of the measure \(measure.rawValue); missed, the run exits with 4.")
        }))

  // MARK: workload and phases

  private static func duration(_ range: ClosedRange<Double>) -> Shape {
    .quantity(.duration, range.lowerBound * 1e9...range.upperBound * 1e9)
  }
  private static let anyTime = duration(0...3600)
  private static let someTime = duration(0.001...3600)
  private static let rate = Shape.quantity(.rate, 1...1_000_000)

  private static let workload = Shape.table(
    Table([
      Key("kind", .word(["work-queue"]), .otherwise("work-queue"), "Producers and competing consumers."),
      Key("producers", .whole(1...64), .otherwise("4"), "How many producers, each with a connection."),
      Key("consumers", .whole(1...64), .otherwise("4"), "How many consumers, each with a connection."),
      Key(
        "rate",
        .either([
          rate, .word(["max"]),
          .variants([
            Variant(
              .key("steps"),
              [
                Key(
                  "steps",
                  .list(
                    .table(
                      Table([
                        Key("rate", rate, .required, "Messages per second, over all producers."),
                        Key("for", someTime, .required, "How long; the last step goes on."),
                      ])), 1...100), .required, "One rate after the other.")
              ]),
            Variant(
              .otherwise,
              [
                Key("base", rate, .required, "Messages per second outside of bursts."),
                Key("burst", rate, .optional, "Messages per second in a burst."),
                Key("from", anyTime, .otherwise("0s"), "Begin of the first burst, from the begin of load."),
                Key("for", someTime, .optional, "How long a burst lasts."),
                Key("every", someTime, .optional, "From the begin of one burst to the next."),
              ]),
          ]),
        ]), .otherwise("1000/s"),
        "Messages per second over all producers (open loop); max: as fast as the window lets them (closed loop)."),
      Key(
        "message",
        .table(
          Table([
            Key("size", .quantity(.size, 64...1_048_576), .otherwise("1KiB"), "Bytes of a payload, header included.")
          ])), .otherwise("{}"), "The messages."),
      Key("window", .whole(1...65_535), .otherwise("100"), "Unconfirmed publishes that a producer may have."),
      Key("prefetch", .whole(1...65_535), .otherwise("20"), "Unacknowledged deliveries that a consumer may hold."),
      Key("service-time", duration(0...60), .otherwise("0s"), "How long a consumer works on a message."),
      Key("requeue", .quantity(.share, 0...0.9), .otherwise("0%"), "Share of deliveries that are given back."),
      Key(
        "transaction",
        .table(
          Table([
            Key("size", .whole(1...1000), .otherwise("10"), "Messages in a transaction."),
            Key(
              "rollback", .quantity(.share, 0...0.9), .otherwise("0%"), "Share of transactions that are rolled back."),
          ])), .otherwise("{}"), "Where the level uses transactions."),
    ]))

  private static let phases = Shape.table(
    Table([
      Key("warmup", anyTime, .otherwise("1s"), "Load before the schedule begins; recorded, and checked too."),
      Key("load", someTime, .otherwise("10s"), "The time of bursts and faults."),
      Key("settle", anyTime, .otherwise("2s"), "After the load, before the drain."),
      Key("drain", duration(1...3600), .otherwise("30s"), "Bound of the drain."),
    ]))

  // MARK: faults

  private static let target = Shape.either([
    .word(["leader", "random", "random-follower", "majority", "all"]), .name(nodeName),
    .table(Table([Key("leader-of", .name(amqpName), .required, "The leader of this queue when the fault fires.")])),
  ])

  private static func fault(_ kind: FaultPlan.Kind, _ more: [Key]) -> Variant {
    Variant(
      .value(kind.rawValue, of: "kind"),
      [
        Key("kind", .word([kind.rawValue]), .required, "What is done."),
        Key("target", target, .required, "Whom it hits: a node, or a role that is looked up when the fault fires."),
        Key("at", anyTime, .required, "When, from the begin of the load phase."),
      ] + more)
  }

  private static let standing = Key("for", someTime, .required, "How long it stands.")
  private static let files = [
    standing,
    Key("path", .name(glob), .otherwise("\"*\""), "Files concerned, by their path inside the data directory."),
    Key(
      "operations", .list(.word(FaultPlan.operationNames), 0...FaultPlan.operationNames.count),
      .otherwise("[]"), "Operations concerned; none: write and fsync."),
  ]

  private static let fault = Shape.variants([
    fault(.crash, [Key("restart-after", someTime, .required, "From the crash to the restart on the same disk.")]),
    fault(.pause, [standing]),
    fault(
      .partition,
      [
        standing,
        Key(
          "shape", words(FaultPlan.Shape.self), .otherwise("isolate"),
          "isolate: the target from all other nodes; halves: the target in the smaller half; one-way: what the target "
            + "sends is lost."),
        Key("clients", .boolean, .otherwise("false"), "Whether clients lose the target too."),
      ]),
    fault(
      .link,
      [
        standing,
        Key("delay", duration(0...60), .otherwise("0s"), "Added to every packet, both ways."),
        Key("jitter", duration(0...60), .otherwise("0s"), "At most so much more or less."),
        Key("loss", .quantity(.share, 0...1), .otherwise("0%"), "Share of packets lost."),
      ]),
    fault(.diskStall, files),
    fault(.diskDelay, files + [Key("delay", duration(0.001...60), .required, "Added to every operation.")]),
    fault(
      .diskError,
      files + [Key("error", .word(FaultPlan.errorNames), .otherwise("EIO"), "What operations end with.")]),
  ])
}
