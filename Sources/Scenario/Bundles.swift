// What the three bundles mean, what is expected of them, and what the planner must know of each broker.

/// The reliability levels that have a name: a value on each axis, and what a level of this kind claims.
public enum Bundle: String, Codable, Sendable, CaseIterable {
  /// At most once: async, automatic acknowledgement.
  case low
  /// At least once: confirms and manual acknowledgement.
  case medium
  /// Exactly once in effect, atomic: transactions, persistent and replicated.
  case high

  public var axes: Axes {
    switch self {
    case .low: Axes(publish: .fireAndForget, consume: .autoAck, durability: .transient, retry: .none)
    case .medium: Axes(publish: .confirm, consume: .manualAck, durability: .durable, retry: .untilConfirmed)
    case .high: Axes(publish: .transaction, consume: .transaction, durability: .replicated, retry: .certainFailures)
    }
  }

  /// One for every finding, in the order of `FindingRule.names`: none allowed, but for what a level does not claim.
  public var expectations: [Expectation] {
    FindingRule.names.map { name in
      let isReported =
        switch name {
        case "redelivered", "recovered": true
        case "lost": self == .low
        case "duplicated-by-retry": self != .high
        default: false
        }
      return Expectation(name: name, rule: isReported ? .report : .atMost(0))
    }
  }
}

/// The findings that a scenario can have expectations of, by the names that the checkers give them.
public enum FindingRule {
  public static let names = [
    "lost", "unexpected", "aborted-read", "duplicated", "duplicated-by-retry", "redelivered", "wrong-redelivered-flag",
    "recovered", "torn-transaction", "out-of-order", "stuck-confirm", "stuck-message",
  ]
}

/// Times that a scenario can bound: `"< 5s"`.
public enum Measure: String, Codable, Sendable, CaseIterable {
  /// From a fault's heal to the first confirm of a publish invoked after it; the longest over all faults.
  case firstConfirmAfterHeal = "first-confirm-after-heal"
  /// The same to the first delivery.
  case firstDeliveryAfterHeal = "first-delivery-after-heal"
  /// The longest time in the load phase without a confirm.
  case longestOutage = "longest-outage"
}

/// What a broker has, as far as a plan depends on it. Drivers say the rest.
public struct BrokerTraits: Equatable, Sendable {
  public var name: String
  public var queueTypes: [QueuePlan.Kind]
  /// Planted defects that it can be started with.
  public var defects: [String]

  public init(name: String, queueTypes: [QueuePlan.Kind], defects: [String] = []) {
    self.name = name
    self.queueTypes = queueTypes
    self.defects = defects
  }

  public static let known = [
    BrokerTraits(
      name: "embedded", queueTypes: [.classic, .quorum],
      defects: ["confirm-before-fsync-and-quorum", "drop-on-requeue", "torn-commit"]),
    BrokerTraits(name: "rabbitmq", queueTypes: [.classic, .quorum]),
  ]

  public static func named(_ name: String) -> BrokerTraits? { known.first { $0.name == name } }
}
