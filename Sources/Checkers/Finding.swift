// What a checker found: by name, with the ids, the events and the time concerned. No judgement: what a level allows is
// decided by who compares findings with expectations.

import Base
import History

/// The findings of delivery accounting, and exactly when each is made. An id is what the application means by a message,
/// an attempt one sending of it.
public enum FindingName: String, CaseIterable, Codable, Sendable {
  /// By (id, queue): acknowledged, the queue drained, and no delivery of any attempt was taken, by auto-ack or by an ack
  /// that is not known to have come to nothing; nor one from where the queue leads its dead letters.
  case lost
  /// A delivery of what was never attempted, or not before, or neither into this queue nor into one that leads its dead
  /// letters here; damaged, or of another run. It takes no part in other findings.
  case unexpected
  /// By (attempt, queue): delivered though the publish, or its transaction, failed for certain.
  case abortedRead = "aborted-read"
  /// By (attempt, queue): two deliveries, each read before the other can have been given back.
  case duplicated
  /// By (id, queue): several attempts delivered, none of them failed.
  case duplicatedByRetry = "duplicated-by-retry"
  /// A further delivery of an attempt in a queue, where those before may have been given back.
  case redelivered
  /// By (attempt, queue): two deliveries not marked as redelivered. A mark too many is never wrong.
  case wrongRedeliveredFlag = "wrong-redelivered-flag"
  /// By id: never acknowledged, of unknown outcome, and delivered.
  case recovered
  /// A transaction, committed for certain or by what came of it: some of it did not come, or what it acknowledged came
  /// again; or, of unknown outcome with nothing come of it, what it acknowledged was never seen again.
  case tornTransaction = "torn-transaction"
  /// A first, unmarked delivery to a session after one that was published later on the same channel; dead letters aside.
  case outOfOrder = "out-of-order"
  /// An attempt without any reply for too long after the last heal, on a connection that stayed open, while a later
  /// publish to its queue was confirmed.
  case stuckConfirm = "stuck-confirm"
  /// A queue whose drain stood still for longer than any redelivery takes, with consumers attached and no fault.
  case stuckMessage = "stuck-message"
  /// By (id, queue), where the queue has a queue of dead letters: acknowledged, both drained, delivered from the former and
  /// taken there by nothing but rejections (nacks without requeue, some of them not known to have come to nothing), and no
  /// delivery of any attempt from the latter, or from where that leads, was taken, as in `lost`.
  case deadLetterLost = "dead-letter-lost"
}

/// One unit of a finding: a message, an attempt, a delivery, a transaction or a queue, as `FindingName` counts it.
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
  /// Where the units of `lost` lie.
  public var losses = LossSplit()
  /// What came out of order, by queue and by key.
  public var order = OrderSplit()
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
  /// The options name queues of dead letters of the history; else nothing can be said of `dead-letter-lost`.
  public var hasDeadLetters = false
  /// Every queue of a route was drained to an observed empty.
  public var isDrained = false
  /// The recorder closed the history; what is missing of a killed one is unknown.
  public var isComplete = true
  /// What only an unfinished drain excuses: `lost`, `dead-letter-lost` and `torn-transaction` that would otherwise be met,
  /// by count.
  public var undecided: [FindingName: Int] = [:]

  public init() {}
}
