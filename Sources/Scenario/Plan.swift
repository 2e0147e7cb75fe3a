// The plan: a scenario with every choice made that can be made beforehand. Same scenario and seed, byte-identical JSON.

import Base

/// What a run executes. All times are nanoseconds; a fault's `at` counts from the begin of the load phase.
public struct Plan: Codable, Equatable, Sendable {
  public var schema = 1
  public var name: String
  public var about: String
  public var seed: UInt64
  public var cluster: ClusterPlan
  public var exchanges: [ExchangePlan]
  /// Where producers publish, in turn by producer, and the queues that certainly receive it.
  public var routes: [RoutePlan]
  public var levels: [LevelPlan]
  public var workload: WorkloadPlan
  public var phases: PhasesPlan
  public var faults: [FaultPlan]
}

public struct ClusterPlan: Codable, Equatable, Sendable {
  /// A driver's name: `embedded`, `rabbitmq`.
  public var broker: String
  public var nodes: [NodePlan]
  /// The address of the clients' namespace.
  public var client: String
  /// A planted defect of the embedded broker; a test switch.
  public var defect: String?
}

public struct NodePlan: Codable, Equatable, Sendable {
  /// `n1`, `n2`, …
  public var name: String
  /// IPv4, such as `10.77.0.1`; one /24 for a whole sandbox.
  public var address: String
}

public struct ExchangePlan: Codable, Equatable, Sendable {
  public var name: String
  /// direct, topic, fanout.
  public var type: String
}

public struct RoutePlan: Codable, Equatable, Sendable {
  public var exchange: String
  public var key: String
  public var to: [String]
}

public struct BindingPlan: Codable, Equatable, Sendable {
  public var exchange: String
  public var key: String
}

public struct QueuePlan: Codable, Equatable, Sendable {
  public enum Kind: String, Codable, Sendable { case classic, quorum }
  public var name: String
  public var type: Kind
  public var durable: Bool
  public var bind: [BindingPlan]
}

/// The five axes of a reliability level (DESIGN: operations, outcomes, guarantees).
public struct Axes: Codable, Equatable, Sendable {
  public enum Publish: String, Codable, Sendable, CaseIterable { case fireAndForget = "fire-and-forget", confirm, transaction }
  public enum Consume: String, Codable, Sendable, CaseIterable { case autoAck = "auto-ack", manualAck = "manual-ack", transaction }
  public enum Durability: String, Codable, Sendable, CaseIterable { case transient, durable, replicated }
  public enum Retry: String, Codable, Sendable, CaseIterable {
    case none
    /// Same id, next attempt, until confirmed.
    case untilConfirmed = "until-confirmed"
    /// Only what certainly failed; unknown stays unknown.
    case certainFailures = "certain-failures"
  }
  public var publish: Publish
  public var consume: Consume
  public var durability: Durability
  public var retry: Retry
}

public struct LevelPlan: Codable, Equatable, Sendable {
  public var name: String
  public var seed: UInt64
  public var axes: Axes
  /// The bundle (`low`, `medium`, `high`) whose rules judge this level.
  public var judgedAs: String
  /// With `type: auto` resolved.
  public var queues: [QueuePlan]
  public var expect: [Expectation]
}

/// One expectation on one level. `rule` is `"0"` (at most so many), `"report"`, or `"< 5s"`.
public struct Expectation: Codable, Equatable, Sendable {
  public enum Rule: Codable, Equatable, Sendable {
    case atMost(Int)
    case report
    case below(Nanoseconds)
  }
  /// A finding of CHECKING (`lost`, `duplicated`, …) or a measure (`first-confirm-after-heal`).
  public var name: String
  public var rule: Rule
}

public struct WorkloadPlan: Codable, Equatable, Sendable {
  public enum Rate: Codable, Equatable, Sendable {
    /// Closed loop: as fast as the publish window lets it.
    case max
    /// Messages per second over all producers, open loop.
    case open(base: Double, burst: Burst?)
    /// One after the other, the last one goes on.
    case steps([Step])
  }
  public struct Burst: Codable, Equatable, Sendable {
    public var rate: Double
    /// The first begins at `from` after the begin of load, lasts `length`, and comes again `every`.
    public var from: Nanoseconds
    public var length: Nanoseconds
    public var every: Nanoseconds
  }
  public struct Step: Codable, Equatable, Sendable {
    public var rate: Double
    public var length: Nanoseconds
  }

  /// `work-queue`.
  public var kind: String
  public var producers: Int
  public var consumers: Int
  public var rate: Rate
  /// Bytes of a payload, header included.
  public var messageSize: Int
  /// Unconfirmed publishes a producer may have.
  public var window: Int
  public var prefetch: Int
  public var serviceTime: Nanoseconds
  /// Probability of a negative acknowledgement with requeue.
  public var requeue: Double
  /// Messages in a transaction, and the probability that one is rolled back instead of committed.
  public var transactionSize: Int
  public var rollback: Double
}

public struct PhasesPlan: Codable, Equatable, Sendable {
  public var warmup: Nanoseconds
  public var load: Nanoseconds
  public var settle: Nanoseconds
  /// The bound of the drain.
  public var drain: Nanoseconds
}

/// One fault of the schedule.
public struct FaultPlan: Codable, Equatable, Sendable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    case crash, pause, partition, link
    case diskStall = "disk-stall", diskDelay = "disk-delay", diskError = "disk-error"
  }
  public enum Shape: String, Codable, Sendable, CaseIterable {
    /// The target from all other nodes, both ways.
    case isolate
    /// The nodes in two parts, the target in the smaller.
    case halves
    /// What the target sends is lost, what it is sent arrives.
    case oneWay = "one-way"
  }

  /// Kind and count: `crash#1`.
  public var id: String
  public var kind: Kind
  public var target: Target
  public var at: Nanoseconds
  /// How long it stands; for a crash, the time until the restart.
  public var length: Nanoseconds
  /// Breaks ties where a role has several nodes.
  public var seed: UInt64
  public var shape: Shape?
  /// The partition also cuts the target's clients.
  public var clients: Bool = false
  /// link: added to every packet of the target's links, both ways.
  public var delay: Nanoseconds = 0
  public var jitter: Nanoseconds = 0
  /// link: share of packets lost, 0 to 1.
  public var loss: Double = 0
  /// disk: which files, as a glob over the path inside the data directory; `*` matches `/` too.
  public var path: String = "*"
  /// disk: `read`, `write`, `fsync`, …; empty: the operations that the kind touches by default (write and fsync).
  public var operations: [String] = []
  /// disk-error: `EIO`.
  public var error: String?
}

/// Whom a fault hits. A role stays a role until the fault fires. In JSON and YAML: `n2`, `leader`, `leader-of: q`.
public enum Target: Codable, Equatable, Sendable {
  case node(String)
  case leader
  case leaderOf(String)
  case random
  case randomFollower
  case majority
  case all
}
