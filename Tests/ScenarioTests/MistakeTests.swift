// Every mistake is pointed at, with what is expected instead; all of them at once.

import Testing

@testable import Scenario

struct MistakeTests {
  static let head = "version: 1\nname: x\n"

  /// One mistake each: YAML after the head, and the message.
  static let table: [(yaml: String, message: String)] = [
    ("clustre: {}", #"3:1: unknown key "clustre", expected one of version, "#),
    (
      "cluster: {nodez: 3}",
      #"3:11: unknown key "nodez" in cluster, expected one of broker, nodes; did you mean nodes?"#
    ),
    ("cluster: {nodes: many}", #"3:18: cluster.nodes is "many", expected a whole number from 1 to 7"#),
    ("cluster: {nodes: 8}", "3:18: cluster.nodes is 8, expected a whole number from 1 to 7"),
    ("cluster: {nodes: \"3\"}", #"3:18: cluster.nodes is "3", expected a whole number"#),
    ("cluster: {nodes: }", "3:18: cluster.nodes is nothing, expected a whole number"),
    ("cluster: [embedded]", "3:10: cluster is a list, expected a map with broker, nodes"),
    ("cluster: {broker: embeded}", "expected one of embedded, rabbitmq; did you mean embedded?"),
    ("seed: -1", "3:7: seed is -1, expected a whole number from 0 to 18446744073709551615"),
    ("seed: 18446744073709551616", "3:7: seed is 18446744073709551616, expected"),
    ("levels: []", "3:9: levels is an empty list, expected a list of 1 to 8"),
    ("levels: [lo]", #"3:10: levels[0] is "lo", expected one of low, medium, high"#),
    ("levels: [low, low]", #"3:15: level "low" again, expected each name once"#),
    ("levels: [{base: low}]", "3:10: levels[0] has no name, expected name: a level's name"),
    ("levels: [{name: all}]", "3:17: a level named all"),
    ("levels: [{name: low, base: high}]", "3:17: a level named low with base high"),
    ("levels: [{name: f, publish: fire-and-forget}]", "retry until-confirmed with publish fire-and-forget"),
    ("levels: [{name: f, publish: confirms}]", "did you mean confirm?"),
    ("workload: {prefetch: -1}", "3:22: workload.prefetch is -1, expected a whole number from 1 to 65535"),
    ("workload: {service-time: 2}", "3:26: workload.service-time is 2, expected a duration such as 500ms"),
    ("workload: {service-time: 2 s}", "expected a duration such as 500ms"),
    ("workload: {requeue: 95%}", "expected a percentage such as 1%, from 0% to 90%"),
    ("workload: {message: {size: 1}}", "expected a size such as 1KiB, from 64B to 1MiB"),
    ("workload: {message: {size: 63B}}", "expected a size such as 1KiB, from 64B to 1MiB"),
    ("workload: {rate: 1000}", "3:18: workload.rate is 1000, expected a rate such as 1000/s"),
    ("workload: {rate: {steps: []}}", "workload.rate.steps is an empty list"),
    ("workload: {rate: {base: 5/s, burst: 9/s, for: 1s}}", "a burst without every"),
    ("workload: {rate: {base: 5/s, for: 1s, every: 2s}}", "a burst without burst"),
    ("workload: {rate: {base: 5/s, from: 1s}}", "3:30: from without burst"),
    ("workload: {rate: {base: 5/s, burst: 9/s, for: 2s, every: 2s}}", "expected for shorter than every"),
    ("workload: {rate: {base: 5/s, burst: 9/s, from: 10s, for: 1s, every: 2s}}", "the first burst begins at 10s"),
    ("workload: {rate: {burst: 9/s, for: 1s, every: 2s}}", "workload.rate has no base"),
    ("phases: {load: 0s}", "expected a duration such as 500ms, from 1ms to 1h"),
    ("topology: {queues: [{name: q}, {name: q}]}", #"queue "q" again"#),
    ("topology: {queues: [{name: amq.q}]}", "amq. is the broker's own"),
    ("topology: {queues: [{name: q, bind: [{exchange: e, key: k}]}]}", #"there is no exchange "e", expected none"#),
    (
      "topology: {exchanges: [{name: ex, type: topic}], queues: [{name: q, bind: [{exchange: xe, key: k}]}]}",
      "expected one of ex; did you mean ex?"
    ),
    (
      "topology: {exchanges: [{name: e, type: direct}], queues: [{name: q, bind: [{exchange: e}]}]}",
      "a binding to the direct exchange e without a key"
    ),
    (
      "topology: {exchanges: [{name: e, type: fanout}], queues: [{name: q, bind: [{exchange: e, key: k}]}]}",
      "a key for the fanout exchange e"
    ),
    ("topology: {queues: [{name: q, durable: true}]}", "durable with type auto"),
    ("topology: {queues: [{name: q, type: quorum, durable: false}]}", "a quorum queue that is not durable"),
    (
      "faults: [{kind: crash, target: n9, at: 1s, restart-after: 1s}]",
      #"3:32: there is no node "n9", expected one of n1"#
    ),
    ("faults: [{kind: crash, target: {leader-of: z}, at: 1s, restart-after: 1s}]", #"3:44: there is no queue "z""#),
    (
      "faults: [{kind: crash, target: bob, at: 1s, restart-after: 1s}]",
      #"faults[0].target is "bob", expected one of leader"#
    ),
    ("faults: [{kind: crash, target: n1, at: 1s, restart-after: 1s, for: 1s}]", #"unknown key "for" in faults[0]"#),
    ("faults: [{kind: crsh, target: n1, at: 1s, for: 1s}]", #"faults[0].kind is "crsh", expected one of crash"#),
    ("faults: [{target: n1, at: 1s, for: 1s}]", "faults[0] has no kind, expected kind: one of crash"),
    ("faults: [{kind: pause, target: n1, at: 10s, for: 1s}]", "3:40: pause#1 begins at 10s, expected a time within"),
    ("faults: [{kind: pause, target: n1, at: 9s, for: 2s}]", "3:49: pause#1 ends at 11s, expected a time within"),
    ("faults: [{kind: link, target: n1, at: 1s, for: 1s}]", "link#1 changes nothing"),
    ("faults: [{kind: partition, target: all, at: 1s, for: 1s, shape: halves}]", "halves with all"),
    (
      "cluster: {nodes: 1}\nfaults: [{kind: partition, target: n1, at: 1s, for: 1s}]", "4:17: a partition with one node"
    ),
    ("cluster: {nodes: 1}\nfaults: [{kind: pause, target: random-follower, at: 1s, for: 1s}]", "a follower with one"),
    ("expect: {lo: {lost: 0}}", #"3:10: there is no level "lo""#),
    ("expect: {low: {lots: 0}}", "did you mean lost?"),
    ("expect: {low: {lost: none}}", "expected a whole number from 0 to 1000000000, or report"),
    ("expect: {all: {longest-outage: 5s}}", #"expected a bound such as "< 5s", or report"#),
    ("cluster: {nodes: 3}\ncluster: {nodes: 3}", #"4:1: key "cluster" again"#),
    ("seed: !!int 3", "3:7: tag"),
    ("? [a]\n: b", "3:3: a key that is a list"),
    ("about: \"a\\0b\"", "about is"),
  ]

  @Test(arguments: table)
  func onePointedAt(yaml: String, message: String) {
    let lines = mistakes(Self.head + yaml + "\n")
    #expect(lines.count == 1, "\(lines)")
    #expect(lines.first?.hasPrefix("f:") == true)
    #expect(lines.first?.contains(message) == true, "\(lines)")
    #expect(lines.first?.contains("expected ") == true)
  }

  /// Overlaps: two faults, and whether they may stand together.
  @Test(arguments: [
    ("crash, target: n1, at: 1s, restart-after: 2s", "crash, target: n1, at: 2s, restart-after: 1s", false),
    ("crash, target: n1, at: 1s, restart-after: 1s", "crash, target: n1, at: 2s, restart-after: 1s", true),
    ("crash, target: n1, at: 1s, restart-after: 2s", "crash, target: n2, at: 2s, restart-after: 1s", true),
    ("crash, target: n1, at: 1s, restart-after: 2s", "disk-stall, target: n1, at: 2s, for: 1s", false),
    ("crash, target: all, at: 1s, restart-after: 2s", "disk-stall, target: n1, at: 2s, for: 1s", false),
    ("pause, target: n1, at: 1s, for: 2s", "disk-stall, target: n1, at: 2s, for: 1s", true),
    ("pause, target: n1, at: 1s, for: 2s", "pause, target: n1, at: 2s, for: 1s", false),
    ("partition, target: n1, at: 1s, for: 2s", "link, target: n1, at: 2s, for: 1s, delay: 1ms", true),
    ("partition, target: leader, at: 1s, for: 2s", "partition, target: leader, at: 2s, for: 2s", false),
    ("partition, target: majority, at: 1s, for: 2s", "partition, target: n1, at: 0s, for: 2s", false),
  ])
  func overlap(first: String, second: String, isAllowed: Bool) {
    let lines = mistakes(Self.head + "faults:\n  - {kind: \(first)}\n  - {kind: \(second)}\n")
    #expect(lines.isEmpty == isAllowed, "\(lines)")
    #expect(lines.allSatisfy { $0.hasPrefix("f:5:") && $0.contains("expected no overlap") })
  }

  @Test func allAtOnceInTheOrderOfTheFile() {
    let lines = mistakes(
      """
      version: 2
      cluster: {nodes: many, broker: mq}
      workload: {prefetch: -1, rate: fast}
      faults: [{kind: crash, target: n9, at: 1s}, {kind: x, target: n1, at: soon}]
      levles: [low]
      """)
    let marks = lines.map { $0.split(separator: ":")[1...2].joined(separator: ":") }
    #expect(marks == ["1:1", "1:10", "2:18", "2:32", "3:22", "3:32", "4:10", "4:52", "4:71", "5:1"], "\(lines)")
  }

  @Test func brokerThatLacksQuorumQueues() throws {
    // No known broker lacks them; the rule is the same for one that does.
    let file = try YamlParser.parse(Array("topology: {queues: [{name: q, type: quorum}]}".utf8)).root
    var check = Check()
    let value = check.value(file, ScenarioKeys.root, "")
    var scenario = try Files.scenario("crash")
    scenario.broker = "small"
    var rules = Rules(file: value, scenario: scenario, mistakes: [])
    rules.brokers = [BrokerTraits(name: "small", queueTypes: [.classic])]
    rules.apply()
    #expect(rules.mistakes.map(\.what) == ["broker small has no quorum queues"])
  }

  @Test(arguments: [
    ("", "1:1: the file is empty"), ("# nothing\n", "1:1: the file is empty"), ("---\n", "2:1: the file is nothing"),
    ("[]", "1:1: the file is an empty list"), ("a: 1\n---\nb: 1\n", "2:1: a second document begins"),
    ("a: [1, 2", "expected valid YAML"), ("a: b: c", "1:5: mapping values are not allowed"),
    ("a: *x", "1:4: alias of the unknown anchor"), ("a: &a [*a]", "1:8: alias of the unknown anchor"),
    ("a: \u{1}", "1:4: control characters are not allowed"),
    (String(repeating: "[", count: 100_000), "1:65: this is too deep"),
    (String(repeating: "x", count: 300_000), "the file has 300000 bytes"),
  ])
  func unreadable(yaml: String, message: String) {
    let lines = mistakes(yaml)
    #expect(lines.contains { $0.contains(message) }, "\(lines.prefix(3))")
    #expect(lines.allSatisfy { $0.utf8.count < 1000 })
  }

  @Test func bytesThatAreNotUTF8() {
    #expect(
      throws: Mistakes([Mistake(Mark(line: 2, column: 3), "bytes that are not UTF-8", expected: "text in UTF-8")])
    ) {
      try Scenario.decode(Array("ä\n".utf8) + [0x61, 0x3a, 0xff, 0x0a])
    }
  }

  @Test func bombs() {
    let doubling =
      "a: &a [x, x, x, x, x, x, x, x, x]\n"
      + (1..<30).map { "b\($0): &b\($0) [*\($0 == 1 ? "a" : "b\($0 - 1)"), *\($0 == 1 ? "a" : "b\($0 - 1)")]\n" }
      .joined()
    #expect(mistakes(doubling).last?.contains("too many values") == true)
    let many = "a: &a x\nb: [" + Array(repeating: "*a", count: 65).joined(separator: ", ") + "]\n"
    #expect(mistakes(many).last?.contains("alias number 65") == true)
    let flat = "a: [" + Array(repeating: "x", count: 10_001).joined(separator: ",") + "]\n"
    #expect(mistakes(flat).last?.contains("too many values") == true)
    let deep =
      "a: &a " + String(repeating: "[", count: 40) + String(repeating: "]", count: 40) + "\nb: "
      + String(repeating: "[", count: 40) + "*a" + String(repeating: "]", count: 40) + "\n"
    #expect(mistakes(deep).last?.contains("too deep") == true)
  }

  @Test func aliasesWithinTheLimitsAreFine() {
    let yaml = Self.head + "workload: {service-time: &t 3ms}\nphases: {warmup: *t}\n"
    #expect(mistakes(yaml).isEmpty)
  }
}
