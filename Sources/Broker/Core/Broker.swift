// The broker of one node: told what happened, it says what to do. No socket, no file, no clock; one thread owns it.
import AMQP
import Base

/// A node's broker. After any number of calls, `takeActions` says what is to be done.
///
/// Links: one duplex link between each two nodes, first in first out. `peerConnected` when one is new, then its frames,
/// then `peerDisconnected`; a frame of an older link never comes after that.
public final class Broker {
  public let config: BrokerConfig
  private var connections: [ConnectionID: ServerConnection] = [:]
  private var actions = BrokerActions()

  /// - Parameter recovered: what the node's write-ahead log held.
  /// - Throws: where the log holds what this broker never writes.
  public init(config: BrokerConfig, recovered: RecoveredLog, now: Nanoseconds) throws(DecodingError) {
    self.config = config
  }

  /// What the node is now.
  public var status: BrokerStatus { BrokerStatus(role: .follower, term: 0, leader: nil) }

  /// True once the node has seen a leader and has caught up with it: time to tell the service manager "ready".
  public var isReady: Bool { false }

  // MARK: Clients

  public func connectionOpened(_ id: ConnectionID, now: Nanoseconds) {}

  /// Bytes of a client: all that are unread. Returns how many were used; keep the rest and offer it again, when more
  /// has come, or when the connection is among `BrokerActions.resumed`.
  public func receive(_ id: ConnectionID, _ bytes: UnsafeRawBufferPointer, now: Nanoseconds) -> Int { bytes.count }

  /// True while nothing should be read from the connection's socket.
  public func isPaused(_ id: ConnectionID) -> Bool { false }

  /// The protocol machine of a connection: write its `output`, ask `isFinished`. Nil where it is unknown or closed.
  public func connection(_ id: ConnectionID) -> ServerConnection? { connections[id] }

  /// Some of the connection's output was written.
  public func outputTaken(_ id: ConnectionID, now: Nanoseconds) {}

  /// The socket is gone.
  public func connectionClosed(_ id: ConnectionID, now: Nanoseconds) {}

  // MARK: Other nodes

  public func peerConnected(_ node: Int, now: Nanoseconds) {}
  public func peerDisconnected(_ node: Int, now: Nanoseconds) {}

  /// One frame of another node, without its length.
  /// - Throws: where it cannot be read: close the link.
  public func peerReceived(_ node: Int, frame: UnsafeRawBufferPointer, now: Nanoseconds) throws(DecodingError) {}

  // MARK: Disk and time

  /// Every record handed out up to `position` is on disk.
  public func persisted(_ position: LogPosition, now: Nanoseconds) {}

  /// Time has passed. To be called at `nextDeadline`, or somewhat later.
  public func tick(now: Nanoseconds) {}

  public var nextDeadline: Nanoseconds { .max }

  // MARK: What is to be done

  /// Everything since the last call; empty where there is nothing.
  public func takeActions() -> BrokerActions {
    defer { actions = BrokerActions() }
    return actions
  }
}
