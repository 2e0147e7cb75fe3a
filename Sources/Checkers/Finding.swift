// What a checker found: by name, with the ids, the events and the time concerned. No judgement: what a level allows is
// decided by who compares findings with expectations.

import Base
import History

/// The findings of delivery accounting, as CHECKING (b′) names them.
public enum FindingName: String, CaseIterable, Codable, Sendable {
  case lost
  case unexpected
  case abortedRead = "aborted-read"
  case duplicated
  case duplicatedByRetry = "duplicated-by-retry"
  case redelivered
  case wrongRedeliveredFlag = "wrong-redelivered-flag"
  case recovered
  case tornTransaction = "torn-transaction"
  case outOfOrder = "out-of-order"
  case stuckConfirm = "stuck-confirm"
  case stuckMessage = "stuck-message"
}

/// One unit of a finding: a message, an attempt, a delivery, a transaction or a queue, as CHECKING counts it.
public struct Finding: Equatable, Sendable {
  public var name: FindingName
  /// `MessageID.none` where it is about a transaction or a queue.
  public var message: MessageID = .none
  public var attempt: UInt32 = 0
  /// 0: none.
  public var transaction: UInt64 = 0
  /// The queue, an index into the history's names; `Names.none` where it has none.
  public var queue: UInt16 = Names.none
  /// Indices into the history's events: the few that show it, ascending.
  public var events: [Int] = []
  /// From the first invocation to the last completion concerned.
  public var begin: Nanoseconds = 0
  public var end: Nanoseconds = 0
  /// The node (index into names) that confirmed the message, or took it where there are no confirms; `Names.none`: unknown.
  public var acknowledgedBy: UInt16 = Names.none
  /// One clause: `never delivered`, `every delivery was requeued and none followed`.
  public var reason: String = ""

  public init(_ name: FindingName) { self.name = name }
}

/// What one pass over a history of deliveries gave.
public struct DeliveryResult: Equatable, Sendable {
  /// Units of each finding; every name has an entry.
  public var counts: [FindingName: Int] = [:]
  /// At most `DeliveryOptions.findingLimit` of each name, in the order of the history. `redelivered`, `recovered` and
  /// `duplicated-by-retry` only where the options ask for them.
  public var findings: [Finding] = []
  /// Ids with an attempt that was invoked; ids acknowledged (of sent, where there are no confirms); ids delivered.
  public var attempted = 0
  public var acknowledged = 0
  public var delivered = 0
  /// Attempts whose outcome stayed unknown; transactions that are known committed; transactions of unknown outcome.
  public var unknown = 0
  public var committed = 0
  public var unknownTransactions = 0
  /// Whether acknowledged means confirmed; false: sent.
  public var hasConfirms = false
  /// Every queue was drained to an observed empty.
  public var isDrained = false
  /// The recorder closed the history; what is missing of a killed one is unknown.
  public var isComplete = true
  /// What only an unfinished drain excuses: `lost` and `torn-transaction` that would otherwise be met, by count.
  public var undecided: [FindingName: Int] = [:]

  public init() {}
}
