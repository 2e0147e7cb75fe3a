// What the checks of a queue as a whole gave: first in first out, or a bag.

import Base
import History

/// How a queue is meant to hand out what was put in.
public enum QueueModel: String, CaseIterable, Codable, Sendable {
  case fifo
  /// In any order.
  case bag
}

public enum QueueFindingName: String, CaseIterable, Codable, Sendable {
  /// Dequeued twice.
  case duplicated
  /// Dequeued and never enqueued, or before.
  case unexpected
  /// Dequeued though its enqueue failed for certain.
  case abortedRead = "aborted-read"
  case outOfOrder = "out-of-order"
  /// Certainly enqueued, passed over by later ones, and no dequeue of unknown result can have taken it.
  case lost
  /// A dequeue found nothing while something was certainly inside.
  case falseEmpty = "false-empty"
  /// No order of all operations is one of the model, though no two of them say so: found by a search.
  case unexplained
}

/// One value, or one empty answer, that contradicts the model.
public struct QueueFinding: Equatable, Sendable {
  public var name: QueueFindingName
  /// `MessageID.none` for an empty answer.
  public var message: MessageID = .none
  public var attempt: UInt32 = 0
  /// Indices into the history's events: the few that show it, ascending.
  public var events: [Int] = []
  public var begin: Nanoseconds = 0
  public var end: Nanoseconds = 0
  /// One clause.
  public var reason: String = ""

  public init(_ name: QueueFindingName) { self.name = name }
}

public struct QueueResult: Equatable, Sendable {
  /// Units of each finding; every name has an entry.
  public var counts: [QueueFindingName: Int] = [:]
  /// Of each name as many as were asked for, by name.
  public var findings: [QueueFinding] = []
  /// Values whose enqueue was invoked and did not fail; values dequeued; empty answers; dequeues of unknown result.
  public var enqueued = 0
  public var dequeued = 0
  public var empties = 0
  public var unknownDequeues = 0
  /// Values seen in a dequeue whose end is unknown, unknown results and empty answers at once: the rules can then miss a
  /// violation, though they never see one that is not there.
  public var isCorner = false
  /// The corner was searched to its end.
  public var isSearched = false
  public var verdict = HistoryVerdict.valid

  public init() {}
}
