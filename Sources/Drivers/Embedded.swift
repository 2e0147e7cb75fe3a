// Our own broker, `stormproof-node`, seen from outside like any other.

import Base
import Glibc
import Scenario

public struct EmbeddedDriver: Driver {
  public let name = "embedded"
  public let boot = BootOrder(oneByOne: false, timeout: 30 * .second)
  public let port: UInt16 = 5672
  public let roles = RoleSource.notifyStatus
  public let redeliveryTimer: Nanoseconds = 2 * .second
  /// Where nodes talk to each other.
  static let peerPort = 25672

  public init() {}

  public func version() throws(DriverError) -> String { "embedded broker of this Stormproof" }

  public func launch(_ context: NodeContext) throws(DriverError) -> NodeLaunch {
    let program = context.executables + "/stormproof-node"
    guard access(program, X_OK) == 0 else {
      throw DriverError("\(program) is missing: build it with `make build`")
    }
    var arguments = [
      program, "--data", context.data, "--listen", "\(context.node.address):\(port)", "--name", context.node.name,
      "--seed", String(context.seed),
    ]
    if context.cluster.nodes.count > 1 {
      let peers = context.cluster.nodes.map { "\($0.name)=\($0.address):\(Self.peerPort)" }
      arguments += ["--peers", peers.joined(separator: ",")]
    }
    if let defect = context.cluster.defect { arguments += ["--defect", defect] }
    return NodeLaunch(
      arguments: arguments,
      environment: [
        "PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": context.notifySocket, "SWIFT_BACKTRACE": "enable=no",
      ],
      workingDirectory: context.directory)
  }

  public func terms(axes: Axes, queues: [QueuePlan], nodes: Int) -> Terms {
    let replicated = queues.allSatisfy { $0.type == .quorum } && nodes >= 3
    let durable = queues.allSatisfy { $0.durable } && axes.durability != .transient
    let confirmed = axes.publish != .fireAndForget
    let keeps = confirmed && durable && axes.consume != .autoAck
    var promises: [String] = []
    if axes.publish == .fireAndForget { promises.append("Nothing is promised for a publish without a confirm.") }
    if axes.consume == .autoAck {
      promises.append("A message is gone once it was written to an auto-ack consumer's socket.")
    }
    if keeps {
      promises.append(
        replicated
          ? "A confirmed message is on the disks of a majority and survives any minority."
          : "A confirmed message is on the disk of its node and survives a crash of it.")
    }
    if axes.publish == .transaction {
      promises.append("A transaction is one log entry, acknowledgements included: all of it or nothing.")
    }
    return Terms(
      settings: amqpSettings(axes) + queueSettings(queues) + [
        .init(name: "sync", value: durable ? "fdatasync before confirm, group commit" : "none")
      ],
      promises: promises,
      promised: [
        "lost": keeps, "unexpected": true, "aborted-read": true, "duplicated": true,
        "duplicated-by-retry": axes.publish == .transaction, "wrong-redelivered-flag": true,
        "torn-transaction": axes.publish == .transaction, "out-of-order": true, "stuck-confirm": confirmed,
        "stuck-message": true,
      ])
  }
}
