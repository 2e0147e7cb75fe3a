// What the check of transactions on keyed logs gave.

import Base
import History

/// The names are those of Jepsen's Kafka workload and of Elle (Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies
/// from Experimental Observations", VLDB 2020), the cycles those of Adya ("Weak Consistency", MIT 1999). A transaction is
/// committed when it is ok, or when it is not failed and another one polled something of it. The order of a key is that of
/// the offsets of what is committed.
public enum TransactionFindingName: String, CaseIterable, Codable, Sendable {
  /// Two values at one offset of a key.
  case inconsistentOffsets = "inconsistent-offsets"
  /// A value at two offsets of its key.
  case duplicated
  /// Polled and never sent, or before that began.
  case unexpected
  /// Polled though its transaction failed for certain (G1a).
  case abortedRead = "aborted-read"
  /// Polled by the very transaction that sent it: nothing is visible before it is committed.
  case precommittedRead = "precommitted-read"
  /// The last that a transaction polled of a key is not the last that another sent to it (G1b).
  case intermediateRead = "intermediate-read"
  /// Committed, at an offset below the highest that was polled of its key, and never polled.
  case lostWrite = "lost-write"
  /// Acknowledged, never polled, and nothing behind it was.
  case unseen
  /// Of a transaction some was polled, and some that should have been was not.
  case tornTransaction = "torn-transaction"
  /// Within a transaction, a poll left something out that stands between what it returned.
  case internalPollSkip = "int-poll-skip"
  /// Within a transaction, polls went backwards or stood still.
  case internalNonmonotonicPoll = "int-nonmonotonic-poll"
  /// Within a transaction, what was sent later stands before what was sent earlier.
  case internalNonmonotonicSend = "int-nonmonotonic-send"
  /// The same from one transaction of a process to its next.
  case pollSkip = "poll-skip"
  case nonmonotonicPoll = "nonmonotonic-poll"
  case nonmonotonicSend = "nonmonotonic-send"
  /// A cycle of writes. The variants need the order of processes, or that of time.
  case g0 = "G0"
  case g0Process = "G0-process"
  case g0Realtime = "G0-realtime"
  /// A cycle of writes and reads.
  case g1c = "G1c"
  case g1cProcess = "G1c-process"
  case g1cRealtime = "G1c-realtime"
  /// A cycle with one anti-dependency: one transaction did not see what another wrote.
  case gSingle = "G-single"
  case gSingleProcess = "G-single-process"
  case gSingleRealtime = "G-single-realtime"
  /// A cycle with more of them.
  case g2 = "G2"
  case g2Process = "G2-process"
  case g2Realtime = "G2-realtime"
}

/// Why one transaction comes before another.
public enum DependencyKind: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// It wrote what stands directly before what the other wrote.
  case writeWrite
  /// The other polled what it wrote.
  case writeRead
  /// It did not yet see what the other wrote.
  case readWrite
  /// The same process did it before.
  case process
  /// It had returned before the other was invoked.
  case realtime
}

/// One unit of a finding: a value, a pair of accesses, a transaction or a cycle, as the name says.
public struct TransactionFinding: Equatable, Sendable {
  public struct Step: Equatable, Sendable {
    public var from: Int
    public var to: Int
    public var kind: DependencyKind
    /// What shows it: a message that `to` sent, or polled from `from`, and its key. None for orders of processes and of time.
    public var key: Int?
    public var value: MessageID = .none
  }

  public var name: TransactionFindingName
  /// Index into the history's keys; nil for cycles.
  public var key: Int?
  /// `MessageID.none` for transactions and cycles.
  public var value: MessageID = .none
  /// −1: unknown, or none.
  public var offset: Int64 = -1
  /// Indices into the history's transactions: the few that show it. Of a cycle in its order, else ascending.
  public var transactions: [Int] = []
  /// Of a cycle, from each transaction to the next and from the last to the first.
  public var steps: [Step] = []
  public var begin: Nanoseconds = 0
  public var end: Nanoseconds = 0
  /// One clause.
  public var reason: String = ""

  public init(_ name: TransactionFindingName) { self.name = name }
}

public struct TransactionResult: Equatable, Sendable {
  /// Units of each finding; every name has an entry. Of cycles one for each strongly connected component.
  public var counts: [TransactionFindingName: Int] = [:]
  /// Of each name as many as were asked for, by name.
  public var findings: [TransactionFinding] = []
  /// What the check was told.
  public var options = TransactionOptions()
  /// Transactions; those committed; those of unknown outcome of which nothing was seen. Messages of committed transactions;
  /// those of them that were polled by others.
  public var transactions = 0
  public var committed = 0
  public var unknown = 0
  public var sent = 0
  public var polled = 0
  /// Components in which the search for the shortest cycle was given up: the cycle told is a true one, but there may be
  /// shorter ones.
  public var longCycles = 0
  public var verdict = HistoryVerdict.valid

  public init() {}
}
