// What is kept of each attempt, delivery, acknowledgement, session and transaction while a history is read.

import Base
import History

/// The books of one history. Moments are indices into its events, whose times are strictly increasing: half the size of
/// a time, and as good for every comparison. `never` is later than all of them, `before` earlier.
struct DeliveryLedger {
  static let never = Int32.max
  static let before: Int32 = -1
  /// An id with more attempts than this has them in `retryTable`, so that no chain is walked far.
  static let chainLimit: Int32 = 8

  /// How a transaction, or an acknowledgement, stands. A failure stays one whatever is said later, and so does success
  /// against "unknown".
  enum Standing: UInt8 {
    case unknown, ok, failed

    mutating func hear(_ outcome: Outcome) {
      switch outcome {
      case .fail: self = .failed
      case .ok: if self == .unknown { self = .ok }
      case .info, .invoke: break
      }
    }
  }

  /// What the application means by a message; its attempts are chained from the newest to the oldest.
  struct Identity {
    var message: MessageID
    var newest: Int32
    var attempts: Int32
  }

  struct Attempt {
    var invoke: Int32
    var number: UInt32
    var identity: Int32
    var older: Int32
    var transaction: Int32
    var nextInTransaction: Int32 = -1
    /// One slot for each queue of its route, in the route's order, and then for those of its dead letters.
    var firstSlot: Int32
    var ok = never
    /// The first reply of the broker, a negative one too.
    var replied = never
    var hasFailed = false
    var isSent = false
  }

  /// The deliveries of one attempt in one queue, chained in the order in which they were read.
  struct Slot {
    var first: Int32 = -1
    var last: Int32 = -1
    var isUnflagged = false
    var isReported = false
    /// Dead letters come here, in the order in which they were rejected.
    var isOfLetters = false
    /// More than one copy of the attempt may come here, by its route or as a dead letter of several queues: deliveries
    /// do not contradict each other then.
    var isMixed = false
  }

  struct Delivery {
    var slot: Int32
    var attempt: Int32
    var session: Int32
    var read: Int32
    /// The floor of its session when it was read: it was sent after that.
    var low: Int32
    var requeued = never
    var next: Int32 = -1
    var firstAck: Int32 = -1
  }

  /// An ack, or a nack without requeue.
  struct Ack {
    var invoke: Int32
    var session: Int32
    /// -1: of a delivery that takes no part, or of none that is known.
    var delivery: Int32
    var transaction: Int32
    var nextOfDelivery: Int32 = -1
    var nextInTransaction: Int32 = -1
    var standing = Standing.unknown
  }

  struct Recover {
    var invoke: Int32
    var reply = never
  }

  /// A subscription on a channel, or a publish channel.
  struct Session {
    /// The latest invocation that must precede something read here: the broker had the session then.
    var floor = before
    var ended = never
    /// The invocation of its subscription.
    var subscribed = before
    var queue = Names.none
    var isAuto = false
    var isOpen = false
    /// Deliveries by tag where tags count from 1; the others stand in `DeliveryLedger.oddTags`.
    var tags: [Int32] = []
    var recovers: [Recover] = []
  }

  struct Transaction {
    var number: UInt64
    /// Failed until a commit is invoked: nothing of it can take effect before.
    var standing = Standing.failed
    var isCommitting = false
    /// The first and the last invocation of a commit or rollback.
    var firstEnd = never
    var lastEnd = before
    var okEvent: Int32 = -1
    var firstAttempt: Int32 = -1
    var firstAck: Int32 = -1
  }

  struct Window {
    var begin: Int32
    /// With the broker's time of suspicion; `Nanoseconds.max` while the fault stands.
    var end: Nanoseconds
  }

  let events: [Event]
  let names: Names
  let options: DeliveryOptions
  let routes: RouteTable

  var identities: [Identity] = []
  var attempts: [Attempt] = []
  var slots: [Slot] = []
  var deliveries: [Delivery] = []
  var acks: [Ack] = []
  var sessions: [Session] = []
  var transactions: [Transaction] = []
  var operations: [(invoke: Int32, thing: Int32)] = []

  var identityTable: PairTable
  /// Attempts of ids that have more of them than a chain should be walked for.
  var retryTable = PairTable()
  var operationTable: NumberTable
  var sessionTable: NumberTable
  var transactionTable: NumberTable
  var oddTags = PairTable()
  var order = OrderBook()

  var windows: [Window] = []
  /// By name: where the fault that stands began, or -1.
  var standing: [Int32]
  var standingCount = 0
  var lastHeal = Nanoseconds.min
  /// By queue: last delivery, start of the drain, whether it was drained, sessions open.
  var moved: [Nanoseconds]
  var draining: [Nanoseconds]
  var isDrained: [Bool]
  var openSessions: [Int32]

  var unexpected: [Int32] = []
  var wronglyFlagged: [Int32] = []
  var stuckQueues: [Int32] = []

  init(_ history: RecordedHistory, options: DeliveryOptions) {
    events = history.events
    names = history.names
    self.options = options
    routes = RouteTable(names, deadLetters: options.deadLetters)
    let places = names.entries.count
    standing = Array(repeating: -1, count: places)
    moved = Array(repeating: .min, count: places)
    draining = moved
    isDrained = Array(repeating: false, count: places)
    openSessions = Array(repeating: 0, count: places)
    let limit = 2 * events.count + 1024
    operationTable = NumberTable(limit: limit)
    sessionTable = NumberTable(limit: limit)
    transactionTable = NumberTable(limit: limit)
    identityTable = PairTable(capacity: events.count / 8)
  }

  // MARK: Looking up

  func time(_ moment: Int32) -> Nanoseconds {
    moment < 0 ? .min : moment >= events.count ? .max : events[Int(moment)].time
  }

  /// The queues into which the attempt was to go; the k-th has slot `firstSlot + k`.
  func queues(of attempt: Attempt) -> ArraySlice<UInt16> { routes.own(events[Int(attempt.invoke)].place) }

  /// The queues from which it may be delivered, those of its dead letters too; the k-th has slot `firstSlot + k`.
  func allQueues(of attempt: Attempt) -> ArraySlice<UInt16> { routes.all(events[Int(attempt.invoke)].place) }

  /// The attempt that carries the payload (message, number), or -1.
  func find(_ message: MessageID, _ number: UInt32) -> Int32 {
    let identity = identityTable.find(message.rawValue)
    guard identity >= 0 else { return -1 }
    if identities[Int(identity)].attempts > Self.chainLimit { return retryTable.find(message.rawValue, number) }
    var at = identities[Int(identity)].newest
    while at >= 0, attempts[Int(at)].number != number { at = attempts[Int(at)].older }
    return at
  }

  /// The slot of the attempt in the queue, or -1 where the queue is neither of its route nor of its dead letters.
  func slot(of attempt: Int32, in queue: UInt16) -> Int32 {
    let attempt = attempts[Int(attempt)]
    var slot = attempt.firstSlot
    for candidate in allQueues(of: attempt) {
      if candidate == queue { return slot }
      slot += 1
    }
    return -1
  }

  /// How the acknowledgement stands: inside a transaction it is what its transaction is, unless it was refused itself.
  func standing(of ack: Ack) -> Standing {
    if ack.standing == .failed || ack.transaction < 0 { return ack.standing }
    return transactions[Int(ack.transaction)].standing
  }

  /// How the publish attempt stands. In a transaction only a failure of its own counts.
  func standing(of attempt: Attempt) -> Standing {
    if attempt.hasFailed { return .failed }
    if attempt.transaction >= 0 { return transactions[Int(attempt.transaction)].standing }
    return attempt.ok < Self.never ? .ok : .unknown
  }
}
