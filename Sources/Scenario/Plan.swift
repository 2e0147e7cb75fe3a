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

  public init(
    name: String, about: String, seed: UInt64, cluster: ClusterPlan, exchanges: [ExchangePlan], routes: [RoutePlan],
    levels: [LevelPlan], workload: WorkloadPlan, phases: PhasesPlan, faults: [FaultPlan]
  ) {
    self.name = name
    self.about = about
    self.seed = seed
    self.cluster = cluster
    self.exchanges = exchanges
    self.routes = routes
    self.levels = levels
    self.workload = workload
    self.phases = phases
    self.faults = faults
  }
}

public struct ClusterPlan: Codable, Equatable, Sendable {
  /// A driver's name: `embedded`, `rabbitmq`.
  public var broker: String
  public var nodes: [NodePlan]
  /// The address of the clients' namespace.
  public var client: String
  /// A planted defect of the embedded broker; a test switch.
  public var defect: String?

  public init(broker: String, nodes: [NodePlan], client: String, defect: String? = nil) {
    self.broker = broker
    self.nodes = nodes
    self.client = client
    self.defect = defect
  }
}

public struct NodePlan: Codable, Equatable, Sendable {
  /// `n1`, `n2`, …
  public var name: String
  /// IPv4, such as `10.77.0.1`; one /24 for a whole sandbox.
  public var address: String

  public init(name: String, address: String) {
    self.name = name
    self.address = address
  }
}

public struct ExchangePlan: Codable, Equatable, Sendable {
  public var name: String
  /// direct, topic, fanout.
  public var type: String

  public init(name: String, type: String) {
    self.name = name
    self.type = type
  }
}

public struct RoutePlan: Codable, Equatable, Sendable {
  public var exchange: String
  public var key: String
  public var to: [String]

  public init(exchange: String, key: String, to: [String]) {
    self.exchange = exchange
    self.key = key
    self.to = to
  }
}

public struct BindingPlan: Codable, Equatable, Sendable {
  public var exchange: String
  public var key: String

  public init(exchange: String, key: String) {
    self.exchange = exchange
    self.key = key
  }
}

public struct QueuePlan: Codable, Equatable, Sendable {
  public enum Kind: String, Codable, Sendable { case classic, quorum }
  public var name: String
  public var type: Kind
  public var durable: Bool
  public var bind: [BindingPlan]

  public init(name: String, type: Kind, durable: Bool, bind: [BindingPlan]) {
    self.name = name
    self.type = type
    self.durable = durable
    self.bind = bind
  }
}

/// The five axes of a reliability level (DESIGN: operations, outcomes, guarantees).
public struct Axes: Codable, Equatable, Sendable {
  public enum Publish: String, Codable, Sendable, CaseIterable {
    case fireAndForget = "fire-and-forget"
    case confirm, transaction
  }
  public enum Consume: String, Codable, Sendable, CaseIterable {
    case autoAck = "auto-ack"
    case manualAck = "manual-ack"
    case transaction
  }
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

  public init(publish: Publish, consume: Consume, durability: Durability, retry: Retry) {
    self.publish = publish
    self.consume = consume
    self.durability = durability
    self.retry = retry
  }
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

  public init(name: String, seed: UInt64, axes: Axes, judgedAs: String, queues: [QueuePlan], expect: [Expectation]) {
    self.name = name
    self.seed = seed
    self.axes = axes
    self.judgedAs = judgedAs
    self.queues = queues
    self.expect = expect
  }
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

  public init(name: String, rule: Rule) {
    self.name = name
    self.rule = rule
  }
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

    public init(rate: Double, from: Nanoseconds, length: Nanoseconds, every: Nanoseconds) {
      self.rate = rate
      self.from = from
      self.length = length
      self.every = every
    }
  }
  public struct Step: Codable, Equatable, Sendable {
    public var rate: Double
    public var length: Nanoseconds

    public init(rate: Double, length: Nanoseconds) {
      self.rate = rate
      self.length = length
    }
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

  public init(
    kind: String, producers: Int, consumers: Int, rate: Rate, messageSize: Int, window: Int, prefetch: Int,
    serviceTime: Nanoseconds, requeue: Double, transactionSize: Int, rollback: Double
  ) {
    self.kind = kind
    self.producers = producers
    self.consumers = consumers
    self.rate = rate
    self.messageSize = messageSize
    self.window = window
    self.prefetch = prefetch
    self.serviceTime = serviceTime
    self.requeue = requeue
    self.transactionSize = transactionSize
    self.rollback = rollback
  }
}

public struct PhasesPlan: Codable, Equatable, Sendable {
  public var warmup: Nanoseconds
  public var load: Nanoseconds
  public var settle: Nanoseconds
  /// The bound of the drain.
  public var drain: Nanoseconds

  public init(warmup: Nanoseconds, load: Nanoseconds, settle: Nanoseconds, drain: Nanoseconds) {
    self.warmup = warmup
    self.load = load
    self.settle = settle
    self.drain = drain
  }
}

/// One fault of the schedule.
public struct FaultPlan: Codable, Equatable, Sendable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    case crash, pause, partition, link
    case diskStall = "disk-stall"
    case diskDelay = "disk-delay"
    case diskError = "disk-error"
  }
  public enum Shape: String, Codable, Sendable, CaseIterable {
    /// The target from all other nodes, both ways.
    case isolate
    /// The nodes in two parts, the target in the smaller.
    case halves
    /// What the target sends is lost, what it is sent arrives.
    case oneWay = "one-way"
  }

  /// What `operations` may hold, in the words of FUSE; fsync is fdatasync too.
  public static let operationNames = [
    "lookup", "getattr", "setattr", "open", "create", "read", "write", "fsync", "fallocate", "rename", "unlink",
    "mkdir",
    "readdir",
  ]
  /// What `error` may be.
  public static let errorNames = ["EIO", "ENOSPC", "EROFS", "EDQUOT"]

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

  public init(
    id: String, kind: Kind, target: Target, at: Nanoseconds, length: Nanoseconds, seed: UInt64, shape: Shape? = nil,
    clients: Bool = false, delay: Nanoseconds = 0, jitter: Nanoseconds = 0, loss: Double = 0, path: String = "*",
    operations: [String] = [], error: String? = nil
  ) {
    self.id = id
    self.kind = kind
    self.target = target
    self.at = at
    self.length = length
    self.seed = seed
    self.shape = shape
    self.clients = clients
    self.delay = delay
    self.jitter = jitter
    self.loss = loss
    self.path = path
    self.operations = operations
    self.error = error
  }
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
