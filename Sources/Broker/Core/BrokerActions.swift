// What a broker wants done after it was told something: write, send, close.

/// A place in the write-ahead log: how many records this broker has handed out since it started.
public struct LogPosition: Hashable, Comparable, Sendable {
  public let rawValue: UInt64
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }
  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// What the node is in its cluster; its description is what the service manager is told.
public struct BrokerStatus: Hashable, Sendable, CustomStringConvertible {
  public enum Role: String, Sendable { case leader, follower, candidate }
  public var role: Role
  public var term: UInt64
  /// The leader's number, where one is known.
  public var leader: Int?

  public var description: String { "role=\(role.rawValue) term=\(term)" }
}

/// A message for another node; the process puts its length before it.
public struct PeerFrame: Sendable {
  public let node: Int
  public let payload: [UInt8]
}

/// What is to be done, in this order: append the records and start to sync them, send the frames (they wait for no
/// sync: what must wait is not handed out before `persisted`), write the connections' output, close what is to close.
public struct BrokerActions: Sendable {
  /// To be appended to the write-ahead log, in this order.
  public var records: [LogRecord] = []
  /// The position behind the last of `records`; tell it to `persisted` once they are on disk.
  public var position = LogPosition(0)
  /// In order of sending, for each node.
  public var frames: [PeerFrame] = []
  /// Links that are silent: to be closed and connected anew. The broker counts them as lost already.
  public var lostLinks: [Int] = []
  /// Connections whose `ServerConnection.output` holds bytes to write.
  public var output: [ConnectionID] = []
  /// Connections that are done: write the rest of the output, shut down sending, then close.
  public var closing: [ConnectionID] = []
  /// Connections whose input was refused by `receive` and is welcome again.
  public var resumed: [ConnectionID] = []
  /// Set where it has changed.
  public var status: BrokerStatus?
}
