// What the harness must know of a broker to boot it, to find its leader and to judge it. One file per broker beside this.

import Base
import Scenario

/// One broker. A driver decides nothing at run time: it answers questions, the supervisor acts.
public protocol Driver: Sendable {
  /// As scenarios write it.
  var name: String { get }
  /// The broker's own word of its version, by asking its binary or its files; throws where it is not installed.
  func version() throws(DriverError) -> String
  /// How to start one node. Writes nothing: the files are part of the answer.
  func launch(_ node: NodeContext) throws(DriverError) -> NodeLaunch
  /// Whether nodes must be ready one after the other, and how long one may take.
  var boot: BootOrder { get }
  /// Where clients connect.
  var port: UInt16 { get }
  /// How roles are found.
  var roles: RoleSource { get }
  /// The longest that this broker may take to hand out again what a lost consumer held, with a margin: a drain is over
  /// when nothing came for longer than this.
  var redeliveryTimer: Nanoseconds { get }
  /// The broker's settings at a level, as given to it or to its clients, and what its manual promises for them.
  func terms(axes: Axes, queues: [QueuePlan], nodes: Int) -> Terms
}

/// Everything `Driver.launch` may use. All paths are absolute.
public struct NodeContext: Sendable {
  public var node: NodePlan
  public var cluster: ClusterPlan
  /// Exists; for configuration and homes; outlives the node.
  public var directory: String
  /// The node's data directory as the broker shall see it.
  public var data: String
  /// A directory for sockets and other short-lived files, private to the node.
  public var runtime: String
  /// Value for NOTIFY_SOCKET.
  public var notifySocket: String
  /// Where our own executables lie.
  public var executables: String
  public var seed: UInt64

  public init(
    node: NodePlan, cluster: ClusterPlan, directory: String, data: String, runtime: String, notifySocket: String,
    executables: String, seed: UInt64
  ) {
    self.node = node
    self.cluster = cluster
    self.directory = directory
    self.data = data
    self.runtime = runtime
    self.notifySocket = notifySocket
    self.executables = executables
    self.seed = seed
  }
}

/// A command line with its surroundings.
public struct NodeLaunch: Sendable, Equatable {
  public struct File: Sendable, Equatable {
    public var path: String
    public var content: String
    public var mode: UInt32
  }
  public struct Link: Sendable, Equatable {
    public var path: String
    public var target: String
  }

  public var arguments: [String]
  public var environment: [String: String]
  public var workingDirectory: String
  /// Directories to make, then links, then files to write, before the first start only.
  public var directories: [String] = []
  public var links: [Link] = []
  public var files: [File] = []
  /// Processes that must run beside the broker in its node, started before it.
  public var sidecars: [[String]] = []
}

public struct BootOrder: Sendable, Equatable {
  public var oneByOne: Bool
  /// For one node; for all where they start together.
  public var timeout: Nanoseconds
}

public enum RoleSource: Sendable, Equatable {
  /// `STATUS=role=leader term=7` over the notify socket; the highest term wins. A classic queue is led by the node on
  /// which it was declared.
  case notifyStatus
  /// RabbitMQ's management API on this port of each node, asked from inside the node's own network.
  case management(port: UInt16)
}

/// Settings and promises of one level.
public struct Terms: Sendable, Equatable {
  public struct Setting: Sendable, Equatable {
    public var name: String
    public var value: String
  }
  public var settings: [Setting]
  /// Sentences for the report.
  public var promises: [String]
  /// By finding: promised not to happen under crash, partition and disk stall of a minority.
  public var promised: [String: Bool]
}

public struct DriverError: Error, Equatable, CustomStringConvertible {
  public var description: String
  public init(_ description: String) { self.description = description }
}

/// The brokers there are.
public enum Brokers {
  public static let all: [any Driver] = [EmbeddedDriver(), RabbitMQDriver()]

  public static func named(_ name: String) -> (any Driver)? { all.first { $0.name == name } }
}

/// Settings that clients make the same way with every AMQP 0-9-1 broker.
func amqpSettings(_ axes: Axes) -> [Terms.Setting] {
  let publish =
    switch axes.publish {
    case .fireAndForget: "basic.publish, no confirm"
    case .confirm: "confirm.select, mandatory, bounded window"
    case .transaction: "tx.select, tx.commit"
    }
  let consume =
    switch axes.consume {
    case .autoAck: "basic.consume no-ack"
    case .manualAck: "basic.ack after processing"
    case .transaction: "basic.ack inside tx.commit"
    }
  let retry =
    switch axes.retry {
    case .none: "none"
    case .untilConfirmed: "same id, next attempt, until confirmed"
    case .certainFailures: "only what certainly failed"
    }
  return [
    .init(name: "publish", value: publish), .init(name: "consume", value: consume),
    .init(name: "delivery-mode", value: axes.durability == .transient ? "1 (transient)" : "2 (persistent)"),
    .init(name: "retry", value: retry),
  ]
}

func queueSettings(_ queues: [QueuePlan]) -> [Terms.Setting] {
  queues.map { .init(name: "queue \($0.name)", value: "\($0.type.rawValue), \($0.durable ? "durable" : "transient")") }
}
