// From a scenario to a plan: seeds drawn, addresses given, levels expanded. No choice is left to the run but the roles.

import Base

/// What the command line asked for and the scenario does not have.
public struct PlanError: Error, Equatable, Sendable, CustomStringConvertible {
  /// `what, expected what`.
  public var description: String
}

public enum Planner {
  /// The same scenario, seed, levels and defect give the same plan.
  /// - Parameters:
  ///   - seed: instead of the scenario's.
  ///   - levels: the names of those to run, in any order; nil: all. They run in the order of the scenario.
  ///   - defect: a planted defect of the broker, for tests of the checkers.
  public static func plan(
    _ scenario: Scenario, seed: UInt64? = nil, levels: [String]? = nil, defect: String? = nil
  ) throws(PlanError) -> Plan {
    let seed = seed ?? scenario.seed
    let names = scenario.levels.map(\.name)
    for name in levels ?? [] where !names.contains(name) {
      let hint = nearest(name, in: names).map { "; did you mean \($0)?" } ?? ""
      throw PlanError(
        description:
          "level \(quoted(name)) is not in the scenario, expected one of \(names.joined(separator: ", "))\(hint)")
    }
    if let levels, levels.isEmpty {
      throw PlanError(description: "no level, expected one of \(names.joined(separator: ", "))")
    }
    if let defect { try check(defect, of: scenario.broker) }

    let chosen = scenario.levels.filter { levels?.contains($0.name) ?? true }
    var faults = scenario.faults
    for index in faults.indices {
      faults[index].seed = SeededGenerator.derive(seed: seed, label: faults[index].id)
    }
    return Plan(
      name: scenario.name, about: scenario.about, seed: seed,
      cluster: ClusterPlan(
        broker: scenario.broker,
        nodes: (1...scenario.nodes).map { NodePlan(name: "n\($0)", address: "10.77.0.\($0)") },
        client: "10.77.0.100", defect: defect),
      exchanges: scenario.exchanges, routes: Routes.all(scenario.exchanges, scenario.queues),
      levels: chosen.map { level(scenario, $0, seed) }, workload: scenario.workload, phases: scenario.phases,
      faults: faults)
  }

  private static func check(_ defect: String, of broker: String) throws(PlanError) {
    let known = BrokerTraits.named(broker)?.defects ?? []
    if known.contains(defect) { return }
    if known.isEmpty { throw PlanError(description: "defect \(quoted(defect)), expected none with broker \(broker)") }
    let hint = nearest(defect, in: known).map { "; did you mean \($0)?" } ?? ""
    throw PlanError(
      description: "unknown defect \(quoted(defect)), expected one of \(known.joined(separator: ", "))\(hint)")
  }

  private static func level(_ scenario: Scenario, _ level: Scenario.Level, _ seed: UInt64) -> LevelPlan {
    LevelPlan(
      name: level.name, seed: SeededGenerator.derive(seed: seed, label: "level " + level.name), axes: level.axes,
      judgedAs: level.base.rawValue,
      queues: scenario.queues.map { queue($0, durability: level.axes.durability, nodes: scenario.nodes) },
      expect: expectations(of: level, scenario.expect))
  }

  /// A queue as the level's durability makes it; what the queue says itself comes first.
  private static func queue(_ queue: Scenario.Queue, durability: Axes.Durability, nodes: Int) -> QueuePlan {
    let type: QueuePlan.Kind =
      switch queue.type {
      case .classic: .classic
      case .quorum: .quorum
      case .auto: durability != .transient && nodes >= 3 ? .quorum : .classic
      }
    let durable = type == .quorum || (queue.durable ?? (durability != .transient))
    return QueuePlan(name: queue.name, type: type, durable: durable, bind: queue.bind)
  }

  /// The bundle's own, then `all`, then the bundle's name, then the level's name: the narrower overrides the wider.
  private static func expectations(
    of level: Scenario.Level, _ written: [Scenario.Expectations]
  ) -> [Expectation] {
    var result = level.base.expectations
    var keys = ["all", level.base.rawValue]
    if level.name != level.base.rawValue { keys.append(level.name) }
    for key in keys {
      for expectation in written.first(where: { $0.level == key })?.list ?? [] {
        if let index = result.firstIndex(where: { $0.name == expectation.name }) {
          result[index] = expectation
        } else {
          result.append(expectation)
        }
      }
    }
    return result
  }
}
