// What a watch keeps of attempts, deliveries, sessions and transactions while a run goes on. Moments are times.

import Base
import History

extension DeliveryWatch {
  static let never = Nanoseconds.max
  static let before = Nanoseconds.min

  struct Attempt {
    var message: MessageID
    var number: UInt32
    var time: Nanoseconds
    var index: Int
    var place: UInt16
    var channel: UInt32
    var op: UInt64
    var transaction: Int32
    /// Queues of its route in which nobody has seen it.
    var undelivered: Int32
    /// Deliveries that are still remembered.
    var kept: Int32 = 0
    var firstSlot: Int32 = -1
    var hasFailed = false
    var serial: UInt32
  }

  /// An attempt in one queue, from its first delivery on.
  struct Slot {
    var attempt: Int32
    var queue: UInt16
    /// Deliveries that are still remembered, in the order in which they were read.
    var first: Int32 = -1
    var last: Int32 = -1
    var next: Int32 = -1
    var firstIndex: Int
    var isUnflagged = false
    /// What was said of it already.
    var said: Set<FindingName> = []
    var serial: UInt32
  }

  struct Delivery {
    var slot: Int32
    var session: Int32
    var number: UInt32
    var tag: UInt64
    var read: Nanoseconds
    var index: Int
    /// The floor of its session when it was read: it was sent after that.
    var low: Nanoseconds
    /// Given back by a nack.
    var requeued = never
    /// Taken for good: its ack was answered, or the transaction around it committed.
    var isTaken = false
    /// Acknowledged in ways that contradict each other: no argument is built on it.
    var isDoubtful = false
    var op: UInt64 = 0
    var transaction: Int32 = -1
    var next: Int32 = -1
    var serial: UInt32
  }

  struct Recover {
    var invoke: Nanoseconds
    var reply = never
  }

  struct Session {
    /// The latest invocation that must precede something read here: the broker had the session then.
    var floor = before
    var isAuto = false
    var recovers: [Recover] = []
    /// Slots whose deliveries contradict each other once the floor has risen further.
    var pending: [(slot: Int32, serial: UInt32)] = []
  }

  struct Transaction {
    var number: UInt64
    var standing = DeliveryLedger.Standing.failed
    var isCommitting = false
    var isEnded = false
    var firstEnd = never
    var lastEnd = before
    var attempts: [Int32] = []
    var deliveries: [Int32] = []
    /// Of what it acknowledged.
    var sessions: [Int32] = []
  }

  struct Operation {
    var function: Function
    var invoke: Nanoseconds
    /// An attempt, a delivery, or the recover of its session.
    var thing: Int32
  }

  struct Window {
    var begin: Nanoseconds
    var end: Nanoseconds
  }

  /// What is forgotten in its turn.
  struct Settled {
    var thing: Int32
    var serial: UInt32
    var isAttempt: Bool
  }
}
