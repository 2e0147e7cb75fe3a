// What the check of a register or a key-value store gave.

import Base
import History

public enum RegisterFindingName: String, CaseIterable, Codable, Sendable {
  /// Read and never written, or before.
  case unexpected
  /// Read though its write failed for certain.
  case abortedRead = "aborted-read"
  /// By value: read again after another had taken its place.
  case staleRead = "stale-read"
  /// No order of all operations on the key is that of a register, found by a search.
  case unexplained
}

/// One read, or one key, that contradicts the model.
public struct RegisterFinding: Equatable, Sendable {
  public var name: RegisterFindingName
  /// 0 of a register.
  public var key: UInt64 = 0
  /// The value read; `MessageID.none` where it is about a key.
  public var value: MessageID = .none
  /// Of a stale read the value that had taken its place.
  public var other: MessageID = .none
  /// Indices into the history's events: invocations and returns of the few operations that show it, ascending.
  public var events: [Int] = []
  public var begin: Nanoseconds = 0
  public var end: Nanoseconds = 0
  /// One clause.
  public var reason: String = ""

  public init(_ name: RegisterFindingName) { self.name = name }
}

public struct RegisterResult: Equatable, Sendable {
  /// Units of each finding; every name has an entry.
  public var counts: [RegisterFindingName: Int] = [:]
  /// Of each name as many as were asked for, by name.
  public var findings: [RegisterFinding] = []
  /// Keys with an operation; writes (and compare-and-sets) that did not fail; reads answered.
  public var keys = 0
  public var writes = 0
  public var reads = 0
  /// Keys with a compare-and-set, or with a value written twice: those are searched; and those of them whose search came
  /// to no end.
  public var searchedKeys = 0
  public var undecidedKeys = 0
  public var verdict = HistoryVerdict.valid

  public init() {}
}
