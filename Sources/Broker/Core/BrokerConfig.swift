// What a broker is told when it starts: who it is, who belongs to its cluster, and the errors planted into it.
import Base

/// A client's connection, numbered by the process (or simulator) that owns the sockets. Never used twice in a run.
public struct ConnectionID: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let rawValue: UInt64
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }
  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
  public var description: String { "c\(rawValue)" }
}

/// The identity of one node and its cluster.
public struct BrokerConfig: Sendable {
  /// Names of all nodes, this one included, in the same order on every node. A node's number is its place here.
  public let members: [String]
  /// This node's number.
  public let id: Int
  /// Seeds election timeouts and the delays of planted defects.
  public var seed: UInt64
  public var defects: Set<Defect>
  /// Who may log in, with which password.
  public var user = "guest"
  public var password = "guest"
  /// Seconds between heartbeats that clients are offered; 0: none.
  public var heartbeat: UInt16 = 10
  /// The largest body of a message, in bytes; a larger one closes its channel with 311.
  public var bodyLimit = 16 << 20
  /// The most bytes that one transaction may publish; one that goes beyond is refused with 406.
  public var transactionLimit = 64 << 20
  /// How long an operation waits for a leader, or for a queue's home, before its connection is closed with 541.
  public var patience: Nanoseconds = 10 * .second
  /// How long what a node's consumers hold stays theirs after its link was lost.
  public var grace: Nanoseconds = 2 * .second
  /// A link on which nothing came for so long counts as lost.
  public var linkTimeout: Nanoseconds = 3 * .second

  /// - Returns: nil where `name` is not among the members, or a name stands there twice.
  public init?(name: String, members: [String], seed: UInt64, defects: Set<Defect> = []) {
    guard let id = members.firstIndex(of: name), Set(members).count == members.count, members.count <= 64 else {
      return nil
    }
    self.members = members
    self.id = id
    self.seed = seed
    self.defects = defects
  }

  public var name: String { members[id] }
}

/// Errors that can be planted, so that the harness can show that it finds them.
public enum Defect: String, CaseIterable, Sendable {
  /// Confirms a publish when it arrives and writes or proposes it up to half a second later.
  case confirmBeforeFsyncAndQuorum = "confirm-before-fsync-and-quorum"
  /// A message that goes back to its queue is gone.
  case dropOnRequeue = "drop-on-requeue"
  /// A transaction goes into the log in two parts, the second up to 50 ms after the first.
  case tornCommit = "torn-commit"
}
