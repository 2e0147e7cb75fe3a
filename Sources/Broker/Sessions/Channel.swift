// One channel as the front end knows it: its mode, its consumers, what it was delivered and has not settled.
import AMQP
import Base

/// A message that a client has and has not settled.
struct Delivery {
  let queue: QueueState
  let position: UInt64
  let attachment: UInt64
  /// Nil for an answer to basic.get.
  let consumer: Consumer?
  /// The open transaction acknowledges (or refuses) it.
  var isInTransaction = false
}

final class Consumer {
  let channel: Channel
  let tag: String
  let queue: QueueState
  let noAck: Bool
  let isExclusive: Bool
  /// Messages it may have unsettled; 0: no limit.
  let prefetch: Int
  /// Its hold on the queue; 0 while it has none.
  var attachment: UInt64 = 0
  /// What its master may still send.
  var credit = 0
  /// Deliveries that the client has not settled, void ones included.
  var outstanding = 0
  /// The question that basic.consume or basic.cancel waits for.
  var wait: UInt64 = 0
  var isCancelling = false
  /// It stands in the list of those that may be granted credit.
  var isOwed = false

  /// For a consumer without limit, how many messages may be on their way.
  static let window = 1024

  init(channel: Channel, tag: String, queue: QueueState, noAck: Bool, isExclusive: Bool, prefetch: Int) {
    self.channel = channel
    self.tag = tag
    self.queue = queue
    self.noAck = noAck
    self.isExclusive = isExclusive
    self.prefetch = prefetch
  }

  /// How much credit it lacks; small amounts wait where there is no limit.
  var lacking: Int {
    if noAck || prefetch == 0 {
      let lacking = Self.window - credit
      return lacking >= Self.window / 2 ? lacking : 0
    }
    return max(0, prefetch - outstanding - credit)
  }
}

/// Where the last publish went; the next one often goes there too.
struct Route {
  var version: UInt64
  var exchange: String
  var key: String
  var quorum: [UInt32] = []
  /// Classic queues by the node that holds them.
  var homes: [(node: Int, queues: [UInt32])] = []

  var isEmpty: Bool { quorum.isEmpty && homes.isEmpty }

  init(version: UInt64, exchange: String, key: String, queues: [QueueState]) {
    self.version = version
    self.exchange = exchange
    self.key = key
    for queue in queues {
      if queue.isQuorum {
        quorum.append(queue.id)
      } else if let index = homes.firstIndex(where: { $0.node == queue.definition.home }) {
        homes[index].queues.append(queue.id)
      } else {
        homes.append((queue.definition.home, [queue.id]))
      }
    }
  }
}

/// Something that a client sent while its channel could not take it.
enum Deferred {
  case method(Method)
  case publish(BasicPublish, Message)
}

final class Channel {
  enum Mode { case plain, confirm, transaction }

  let session: Session
  let number: UInt16
  var mode = Mode.plain
  /// The number is closed or used anew: nothing more may be sent.
  var isGone = false
  /// Everything is given back; nothing may be done any more.
  var isEnded = false
  /// The question that must be answered before the channel takes anything else.
  var wait: UInt64 = 0
  private var deferred: [Deferred] = []
  private var deferredHead = 0

  var lastTag: UInt64 = 0
  var unacked = Window<Delivery>(start: 1)
  var consumers: [Consumer] = []
  var prefetch = 0
  /// The hold on each queue that gets go through.
  var getters: [(queue: QueueState, attachment: UInt64)] = []
  /// All holds, those of cancelled consumers included.
  var attachments: [UInt64] = []
  var confirms = ConfirmLedger()
  var transaction = Transaction()
  var route: Route?
  /// It stands in the list of those with confirms to send.
  var hasAnswers = false

  init(session: Session, number: UInt16) {
    self.session = session
    self.number = number
  }

  var isBlocked: Bool { wait != 0 || !session.isReady }
  var hasDeferred: Bool { deferredHead < deferred.count }

  func put(off item: Deferred) {
    deferred.append(item)
    if case .publish(_, let message) = item {
      session.deferredBytes += message.size + 64
    } else {
      session.deferredBytes += 64
    }
  }

  func nextDeferred() -> Deferred? {
    guard hasDeferred else { return nil }
    let item = deferred[deferredHead]
    deferredHead += 1
    if case .publish(_, let message) = item {
      session.deferredBytes -= message.size + 64
    } else {
      session.deferredBytes -= 64
    }
    if deferredHead == deferred.count {
      deferred.removeAll(keepingCapacity: true)
      deferredHead = 0
    }
    return item
  }

  func dropDeferred() { while nextDeferred() != nil {} }

  func send(_ method: Method) {
    if !isGone { session.connection.send(method, channel: number) }
  }

  func consumer(_ tag: String) -> Consumer? { consumers.first { $0.tag == tag } }
}

/// One client's connection.
final class Session {
  let id: ConnectionID
  let connection: ServerConnection
  var channels: [UInt16: Channel] = [:]
  /// The node's state is as new as the connection: operations may begin.
  var isReady = false
  /// The client is gone, or was told to go.
  var isEnded = false
  var openedAt: Nanoseconds
  var heartbeat: HeartbeatMonitor?
  /// When a client that was told to go is dropped.
  var closeDeadline: Nanoseconds?
  var exclusiveQueues: [UInt32] = []
  var deferredBytes = 0
  /// Its input was refused.
  var isPaused = false
  var isClosingTold = false
  var nextConsumer = 1

  init(id: ConnectionID, connection: ServerConnection, now: Nanoseconds) {
    self.id = id
    self.connection = connection
    openedAt = now
  }

  var channelsInOrder: [Channel] { channels.values.sorted { $0.number < $1.number } }
}
