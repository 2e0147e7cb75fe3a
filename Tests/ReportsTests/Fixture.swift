// A made-up run: a plan, and levels with histories, events, series and latencies, whole or as a run directory on disk.

import Base
import Checkers
import Foundation
import History
import Reports
import Scenario

/// Builds histories event by event; times in milliseconds since the begin of the load, which lies at 10 s.
struct HistoryBuilder {
  static let loadBegin: Nanoseconds = 10 * .second
  var names = Names()
  var events: [Event] = []
  private var op: UInt64 = 0

  static func time(_ milliseconds: Double) -> Nanoseconds { loadBegin + Nanoseconds(milliseconds * 1e6) }

  mutating func add(
    _ milliseconds: Double, _ function: Function, _ outcome: Outcome, op: UInt64 = 0,
    _ fill: (inout Event) -> Void = { _ in }
  ) {
    var event = Event()
    event.time = Self.time(milliseconds)
    event.function = function
    event.outcome = outcome
    event.op = op
    fill(&event)
    events.append(event)
  }

  mutating func next() -> UInt64 {
    op += 1
    return op
  }

  /// A consumer with one subscription on `q`.
  mutating func subscribe(_ at: Double, session: UInt32 = 1, autoAck: Bool = false) {
    let (op, queue) = (next(), names.word("q"))
    for outcome in [Outcome.invoke, .ok] {
      add(at + (outcome == .ok ? 1 : 0), .subscribe, outcome, op: op) {
        $0.place = queue
        $0.session = session
        $0.process = 10_000
        if autoAck { $0.flags.insert(.autoAck) }
      }
    }
  }

  /// A publish and what became of it; `confirm` nil: unknown.
  mutating func publish(
    _ at: Double, _ sequence: Int, confirm: Double?, transaction: UInt64 = 0, attempt: UInt32 = 1,
    sentOnly: Bool = false,
    node: String = "n1"
  ) {
    let (op, route, node) = (next(), names.route(to: ["q"]), names.word(node))
    add(at, .publish, .invoke, op: op) {
      $0.message = MessageID(producer: 3, sequence: sequence)
      $0.attempt = attempt
      $0.place = route
      $0.session = 100
      $0.transaction = transaction
      $0.node = node
      $0.process = 3
    }
    guard transaction == 0 else { return }
    add(confirm ?? at + 0.01, .publish, confirm == nil ? .info : .ok, op: op) {
      $0.process = 3
      $0.node = node
      if confirm == nil, sentOnly { $0.flags.insert(.sent) }
    }
  }

  mutating func deliver(
    _ at: Double, _ sequence: Int, tag: UInt64, session: UInt32 = 1, redelivered: Bool = false, ack: Bool = true
  ) {
    let queue = names.word("q")
    add(at, .deliver, .ok) {
      $0.message = MessageID(producer: 3, sequence: sequence)
      $0.attempt = 1
      $0.place = queue
      $0.session = session
      $0.tag = tag
      $0.process = 10_000
      if redelivered { $0.flags.insert(.redelivered) }
    }
    guard ack else { return }
    add(at + 0.2, .ack, .invoke, op: next()) {
      $0.session = session
      $0.tag = tag
      $0.process = 10_000
    }
  }

  mutating func commit(_ at: Double, _ transaction: UInt64, _ outcome: Outcome = .ok, after: Double = 2) {
    let op = next()
    for (time, outcome) in [(at, Outcome.invoke), (at + after, outcome)] {
      add(time, .commit, outcome, op: op) {
        $0.transaction = transaction
        $0.session = 100
        $0.process = 3
      }
    }
  }

  mutating func fault(_ id: String, _ from: Double, _ to: Double?) {
    let name = names.word(id)
    add(from, .fault, .invoke) { ($0.place, $0.process) = (name, -1) }
    if let to { add(to, .fault, .ok) { ($0.place, $0.process) = (name, -1) } }
  }

  /// Queue `q` drained to an observed empty.
  mutating func drained(_ at: Double, left: UInt64 = 0) {
    let (op, queue) = (next(), names.word("q"))
    add(at, .drained, .invoke, op: op) { ($0.place, $0.process) = (queue, -2) }
    add(at + 1, .drained, left == 0 ? .ok : .info, op: op) { ($0.place, $0.process, $0.tag) = (queue, -2, left) }
  }

  func history(isComplete: Bool = true) -> RecordedHistory {
    var sorted = events.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(
      \.element)
    for index in sorted.indices.dropFirst() where sorted[index].time <= sorted[index - 1].time {
      sorted[index].time = sorted[index - 1].time + 1
    }
    return RecordedHistory(names: names, events: sorted, isComplete: isComplete)
  }
}

enum Fixture {
  static let nodes = ["n1", "n2", "n3"]

  static func faults() -> [FaultPlan] {
    [
      FaultPlan(
        id: "crash#1", kind: .crash, target: .leaderOf("q"), at: 2800 * .millisecond, length: 2 * .second, seed: 1),
      FaultPlan(
        id: "partition#1", kind: .partition, target: .leaderOf("q"), at: 6800 * .millisecond, length: 3 * .second,
        seed: 2,
        shape: .isolate),
      FaultPlan(
        id: "disk-stall#1", kind: .diskStall, target: .leaderOf("q"), at: 10_800 * .millisecond, length: 2 * .second,
        seed: 3),
    ]
  }

  static func level(_ bundle: ReliabilityBundle, expect: [Expectation]? = nil) -> LevelPlan {
    LevelPlan(
      name: bundle.rawValue, seed: 7, axes: bundle.axes, judgedAs: bundle.rawValue,
      queues: [QueuePlan(name: "q", type: bundle == .low ? .classic : .quorum, durable: bundle != .low, bind: [])],
      expect: expect ?? bundle.expectations)
  }

  static func plan(levels: [LevelPlan], faults: [FaultPlan], name: String = "quickstart") -> Plan {
    Plan(
      name: name, about: "What low, medium and high mean, shown by a crash, a partition and a stalled disk.", seed: 42,
      cluster: ClusterPlan(
        broker: "embedded", nodes: nodes.enumerated().map { NodePlan(name: $1, address: "10.77.0.\($0 + 1)") },
        client: "10.77.0.100"),
      exchanges: [ExchangePlan(name: "orders", type: "topic")],
      routes: [RoutePlan(exchange: "orders", key: "order.0", to: ["q"])], levels: levels,
      workload: WorkloadPlan(
        kind: "work-queue", producers: 4, consumers: 4, rate: .open(base: 1000, burst: nil), messageSize: 1024,
        window: 100,
        prefetch: 20, serviceTime: 2 * .millisecond, requeue: 0.01, transactionSize: 10, rollback: 0.05),
      phases: PhasesPlan(warmup: .second, load: 15 * .second, settle: 2 * .second, drain: 30 * .second), faults: faults)
  }

  static func phase(_ name: String, _ milliseconds: Double) -> RunEvent {
    var event = RunEvent(time: HistoryBuilder.time(milliseconds), kind: .phase)
    event.name = name
    return event
  }

  /// Load from 0 to `load` seconds, then settle and drain.
  static func phases(load: Double) -> [RunEvent] {
    [
      phase("warmup", -1000), phase("load", 0), phase("heal", load * 1000), phase("settle", load * 1000 + 1),
      phase("drain", load * 1000 + 2000), phase("stop", load * 1000 + 3000), phase("done", load * 1000 + 3100),
    ]
  }

  /// What the nemesis says of a fault.
  static func events(
    _ fault: String, _ from: Double, _ to: Double?, node: String, inForce: Bool = true, felt: Bool = true,
    text: String = ""
  ) -> [RunEvent] {
    func event(_ kind: RunEvent.Kind, _ at: Double) -> RunEvent {
      var event = RunEvent(time: HistoryBuilder.time(at), kind: kind)
      event.fault = fault
      return event
    }
    var intent = event(.faultIntent, from - 1)
    intent.node = node
    intent.text = "leader-of: q is \(node), term 3, said 0.2 s ago"
    var began = event(.faultBegan, from)
    (began.before, began.after) = (HistoryBuilder.time(from), HistoryBuilder.time(from + 1))
    var evidence = event(.faultEvidence, from + 400)
    (evidence.inForce, evidence.felt, evidence.text) = (inForce, felt, text)
    evidence.counts = felt ? ["packets": 341] : nil
    guard let to else { return [intent, began, evidence] }
    var healed = event(.faultHealed, to)
    (healed.before, healed.after) = (HistoryBuilder.time(to - 1), HistoryBuilder.time(to))
    return [intent, began, evidence, healed, event(.firstTraffic, to + 20)]
  }

  static func settings(_ level: ReliabilityBundle) -> LevelSettings {
    LevelSettings(
      level: level.rawValue,
      settings: [
        .init("queue q", level == .low ? "classic, transient" : "quorum, durable"),
        .init("publish", level == .low ? "basic.publish, no confirm" : "confirm.select, mandatory, bounded window"),
        .init("delivery-mode", level == .low ? "1 (transient)" : "2 (persistent)"),
      ],
      promises: level == .low
        ? ["Nothing is promised for transient messages when their node ends."]
        : ["A confirmed message is on a majority of disks."],
      promised: ["lost": level != .low, "duplicated": true])
  }

  static var manifest: Manifest {
    Manifest(
      stormproof: "0.1.0", broker: "embedded: 0.1.0", started: "2026-11-24T12:00:00Z", host: "build-7",
      kernel: "6.1.0-18-amd64",
      cores: 2, memoryBytes: 16 << 30, tier: "user namespaces", fsyncProbe: 810_000,
      monotonic: HistoryBuilder.loadBegin,
      realtime: 1_795_521_600_000_000_000, command: "stormproof run scenarios/quickstart.yaml --seed 42",
      levels: ReliabilityBundle.allCases.map(settings))
  }
}
