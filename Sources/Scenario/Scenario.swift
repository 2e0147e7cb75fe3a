// A scenario as it was written, in Swift types: every reference resolved, no choice made yet.

import Base

/// What a scenario file says.
public struct Scenario: Equatable, Sendable {
  public struct Queue: Equatable, Sendable {
    public enum Kind: String, Sendable { case auto, classic, quorum }
    public var name: String
    public var type: Kind
    /// nil: as the level's durability says.
    public var durable: Bool?
    public var bind: [BindingPlan]
  }

  public struct Level: Equatable, Sendable {
    public var name: String
    /// The bundle that judges it.
    public var base: Bundle
    public var axes: Axes
  }

  /// What stands below one key of `expect`.
  public struct Expectations: Equatable, Sendable {
    /// A level's name, a bundle's, or `all`.
    public var level: String
    public var list: [Expectation]
  }

  public var name: String
  public var about: String
  public var seed: UInt64
  public var broker: String
  /// How many.
  public var nodes: Int
  public var exchanges: [ExchangePlan]
  public var queues: [Queue]
  public var levels: [Level]
  public var workload: WorkloadPlan
  public var phases: PhasesPlan
  /// In the order of the file, with their ids; their seeds are the planner's.
  public var faults: [FaultPlan]
  public var expect: [Expectations]

  /// Bytes that a scenario file may have.
  public static let byteLimit = YamlLimits.bytes

  /// Reads a scenario file.
  /// - Throws: all its mistakes, by position.
  public static func decode(_ yaml: [UInt8]) throws(Mistakes) -> Scenario {
    let (root, noted) = try YamlParser.parse(yaml)
    var check = Check(mistakes: noted)
    let value = check.value(root, ScenarioKeys.root, "")
    let scenario = Scenario(value)
    var rules = Rules(file: value, scenario: scenario, mistakes: check.mistakes)
    rules.apply()
    if !rules.mistakes.isEmpty { throw Mistakes(rules.mistakes) }
    return scenario
  }
}

// MARK: from checked values

/// Where a mistake left a hole, these give something harmless: the scenario is thrown away in the end, and the rules look
/// before they judge.
extension Value {
  subscript(_ key: String) -> Value? {
    guard case .table(let values, _) = content else { return nil }
    return values[key]
  }

  /// Where the key was written; nil where it was not.
  func keyMark(_ key: String) -> Mark? {
    guard case .table(_, let marks) = content else { return nil }
    return marks[key]
  }

  var items: [Value] { if case .list(let items) = content { items } else { [] } }
  var names: [(name: String, mark: Mark, value: Value)] { if case .names(let names) = content { names } else { [] } }
  var asText: String? { if case .text(let text) = content { text } else { nil } }

  func text(_ key: String) -> String { self[key]?.asText ?? "" }
  func whole(_ key: String) -> Int {
    if case .whole(let number)? = self[key]?.content { number } else { 1 }
  }
  func flag(_ key: String) -> Bool? {
    if case .boolean(let flag)? = self[key]?.content { flag } else { nil }
  }
  func quantity(_ key: String) -> Double {
    if case .quantity(let value)? = self[key]?.content { value } else { 0 }
  }
  func time(_ key: String) -> Nanoseconds { Nanoseconds(quantity(key)) }
  func word<T: RawRepresentable<String>>(_ key: String, _ type: T.Type = T.self) -> T? {
    self[key]?.asText.flatMap(T.init(rawValue:))
  }
}

extension Scenario {
  fileprivate init(_ file: Value) {
    name = file.text("name")
    about = file.text("about")
    if case .seed(let number)? = file["seed"]?.content { seed = number } else { seed = 0 }
    broker = file["cluster"]?.text("broker") ?? ""
    nodes = file["cluster"]?.whole("nodes") ?? 1
    exchanges = file["topology"]?["exchanges"]?.items.map { .init(name: $0.text("name"), type: $0.text("type")) } ?? []
    queues = file["topology"]?["queues"]?.items.map(Queue.init) ?? []
    levels = file["levels"]?.items.map(Level.init) ?? []
    workload = WorkloadPlan(file["workload"])
    phases = PhasesPlan(file["phases"])
    faults = []
    for item in file["faults"]?.items ?? [] {
      let kind = item.word("kind", FaultPlan.Kind.self) ?? .crash
      let number = faults.count { $0.kind == kind } + 1
      faults.append(FaultPlan(item, kind, id: "\(kind.rawValue)#\(number)"))
    }
    expect = (file["expect"]?.names ?? []).map { name, _, value in
      Expectations(level: name, list: Expectation.list(value))
    }
  }
}

extension Scenario.Queue {
  fileprivate init(_ value: Value) {
    name = value.text("name")
    type = value.word("type") ?? .auto
    durable = value.flag("durable")
    bind = value["bind"]?.items.map { .init(exchange: $0.text("exchange"), key: $0.text("key")) } ?? []
  }
}

extension Scenario.Level {
  fileprivate init(_ value: Value) {
    if let word = value.asText {
      name = word
      base = Bundle(rawValue: word) ?? .medium
      axes = base.axes
    } else {
      name = value.text("name")
      base = value.word("base") ?? .medium
      axes = Axes(
        publish: value.word("publish") ?? base.axes.publish, consume: value.word("consume") ?? base.axes.consume,
        durability: value.word("durability") ?? base.axes.durability, retry: value.word("retry") ?? base.axes.retry)
    }
  }
}

extension WorkloadPlan {
  fileprivate init(_ value: Value?) {
    let value = value ?? Value(mark: Mark(line: 1, column: 1), content: .invalid)
    self.init(
      kind: value.text("kind"), producers: value.whole("producers"), consumers: value.whole("consumers"),
      rate: Rate(value["rate"]), messageSize: Int(value["message"]?.quantity("size") ?? 0),
      window: value.whole("window"), prefetch: value.whole("prefetch"), serviceTime: value.time("service-time"),
      requeue: value.quantity("requeue"), transactionSize: value["transaction"]?.whole("size") ?? 1,
      rollback: value["transaction"]?.quantity("rollback") ?? 0)
  }
}

extension WorkloadPlan.Rate {
  fileprivate init(_ value: Value?) {
    switch value?.content {
    case .quantity(let rate)?: self = .open(base: rate, burst: nil)
    case .table?:
      if let steps = value?["steps"] {
        self = .steps(steps.items.map { .init(rate: $0.quantity("rate"), length: $0.time("for")) })
      } else {
        let burst = value.flatMap { value in
          value["burst"].map { _ in
            WorkloadPlan.Burst(
              rate: value.quantity("burst"), from: value.time("from"), length: value.time("for"),
              every: value.time("every"))
          }
        }
        self = .open(base: value?.quantity("base") ?? 0, burst: burst)
      }
    default: self = .max
    }
  }
}

extension PhasesPlan {
  fileprivate init(_ value: Value?) {
    self.init(
      warmup: value?.time("warmup") ?? 0, load: value?.time("load") ?? 0, settle: value?.time("settle") ?? 0,
      drain: value?.time("drain") ?? 0)
  }
}

extension FaultPlan {
  fileprivate init(_ value: Value, _ kind: Kind, id: String) {
    let target =
      value["target"].map { target -> Target in
        target["leader-of"]?.asText.map { .leaderOf($0) } ?? Target(target.asText ?? "")
      } ?? .all
    self.init(
      id: id, kind: kind, target: target, at: value.time("at"),
      length: value.time(kind == .crash ? "restart-after" : "for"), seed: 0, shape: value.word("shape"),
      clients: value.flag("clients") ?? false, delay: value.time("delay"), jitter: value.time("jitter"),
      loss: value.quantity("loss"), path: kind.isOfDisk ? value.text("path") : "*",
      operations: value["operations"]?.items.compactMap(\.asText) ?? [], error: value["error"]?.asText)
  }
}

extension FaultPlan.Kind {
  var isOfDisk: Bool { self == .diskStall || self == .diskDelay || self == .diskError }
}

extension Expectation {
  fileprivate static func list(_ value: Value) -> [Expectation] {
    let names = FindingRule.names + Measure.allCases.map(\.rawValue)
    return names.compactMap { name in
      switch value[name]?.content {
      case .whole(let count)?: Expectation(name: name, rule: .atMost(count))
      case .quantity(let time)?: Expectation(name: name, rule: .below(Nanoseconds(time)))
      case .text?: Expectation(name: name, rule: .report)
      default: nil
      }
    }
  }
}
