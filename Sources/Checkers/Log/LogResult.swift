// What the check of an append-only log gave.

import Base
import History

public enum LogFindingName: String, CaseIterable, Codable, Sendable {
  /// Another value was seen at this offset too.
  case inconsistentOffsets = "inconsistent-offsets"
  /// A value was seen at another offset too.
  case duplicated
  /// Read and never appended, or before.
  case unexpected
  /// Read though its append failed for certain.
  case abortedRead = "aborted-read"
  /// A read found the end of the log at or before an offset that was certainly filled, and nothing at or after that
  /// offset was read later.
  case lost
  /// The same, and what was missed is there again later.
  case staleRead = "stale-read"
  /// An append that began when a later offset was already filled got an earlier one.
  case outOfOrder = "out-of-order"
  /// Offsets below one that was filled, into which nothing can have been appended.
  case gap
}

/// One operation that contradicts others, or a range of offsets that nothing explains.
public struct LogFinding: Equatable, Sendable {
  public var name: LogFindingName
  /// `MessageID.none` where it is about the end of the log or a gap.
  public var value: MessageID = .none
  public var offset: Int64 = LogOperation.unknown
  /// Indices into the operations: the few that show it, ascending.
  public var operations: [Int] = []
  /// From the first invocation to the last return concerned.
  public var begin: Nanoseconds = 0
  public var end: Nanoseconds = 0
  /// One clause.
  public var reason: String = ""

  public init(_ name: LogFindingName) { self.name = name }
}

public struct LogResult: Equatable, Sendable {
  /// By operation that contradicts; of `gap` by offset. Every name has an entry.
  public var counts: [LogFindingName: Int] = [:]
  /// Of each name as many as were asked for, by name; of `gap` one for a range.
  public var findings: [LogFinding] = []
  /// Values whose append did not fail; reads that found a value; reads past the end; appends of unknown outcome.
  public var appended = 0
  public var reads = 0
  public var pastEnd = 0
  public var unknownAppends = 0
  /// Appends that succeeded without telling the offset, and whose value was never read: nothing is known of their place,
  /// so that a violation can be missed, though none is seen that is not there.
  public var unplaced = 0
  public var verdict = HistoryVerdict.valid

  public init() {}
}
