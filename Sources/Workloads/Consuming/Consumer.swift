// A consumer: one subscription that is served in the order of delivery, one message after the other, and acknowledged as
// its level says. No socket and no clock of its own: what happens is told to it, what it wants it asks of its `LinkPort`.

import AMQP
import Base
import Drivers
import History
import Scenario

/// What a consumer does, for its whole life.
struct ConsumerSettings {
  var process: Int32 = 10_000
  var mode = Axes.Consume.manualAck
  var queue: QueuePlan
  /// The queue's number among the words of the history.
  var place: UInt16 = 0
  var prefetch = 20
  var serviceTime: Nanoseconds = 0
  /// Probability of a negative acknowledgement with requeue.
  var requeue = 0.0
  var transactionSize = 10
  var rollback = 0.0
  /// Acknowledgements are committed after so long, also when the transaction is not full.
  var linger = 50 * Nanoseconds.millisecond
  /// How often the broker is asked for a sign of life on the channel; 0: never.
  var aliveEvery = 500 * Nanoseconds.millisecond
  var answerTimeout = 10 * Nanoseconds.second
  var seed: UInt64 = 0
}

final class Consumer: LinkClient {
  /// A message that waits for its service.
  struct Held {
    var tag: UInt64
    var done: Nanoseconds
  }

  let settings: ConsumerSettings
  let journal: Journal
  let stats: LoadStats
  private let codec: PayloadCodec
  unowned let port: any LinkPort
  /// The queue has vanished with its node: the methods that make it again, to be sent with the next connection.
  private let redeclaration: [Method]
  private var mustRedeclare = false

  var stamp: SessionStamp
  private(set) var isSubscribed = false
  private var isReady = false
  private(set) var held = Fifo<Held>()
  private var lastDone: Nanoseconds = 0
  /// Delivered and not yet acknowledged on this connection.
  private(set) var unacknowledged = 0
  private var unsentAck: UInt64 = 0
  private var unsentAcks = 0
  var transaction: AckTransaction?
  var recoverOp: UInt64?
  private var random: SeededGenerator
  private var subscribeOp: UInt64 = 0
  private var aliveOp: UInt64?
  private var aliveAsked: Nanoseconds = 0
  private var releaseOp: UInt64?
  private var isPaused = false
  /// The load's end: cancelled, then what is held is settled, then closed.
  private(set) var isStopping = false
  private var isCancelled = false

  /// Of all connections.
  private(set) var deliveries = 0
  private(set) var lastDelivery: Nanoseconds = 0
  /// Every message but those that the consumer itself asked for, such as queue.declare-ok.
  var onOther: (Method) -> Void = { _ in }
  var onReady: () -> Void = {}
  /// With `.notFound`, where the queue was not there.
  var onLost: (AMQP.CloseReason) -> Void = { _ in }

  init(
    settings: ConsumerSettings, journal: Journal, stats: LoadStats, codec: PayloadCodec, port: any LinkPort,
    redeclaration: [Method]
  ) {
    self.settings = settings
    self.journal = journal
    self.stats = stats
    self.codec = codec
    self.port = port
    self.redeclaration = redeclaration
    stamp = SessionStamp(process: settings.process)
    random = SeededGenerator(seed: settings.seed, label: "consumer \(settings.process)")
  }

  var isAutoAck: Bool { settings.mode == .autoAck }
  func chance(_ probability: Double) -> Bool { random.chance(probability) }

  // MARK: What the load tells

  /// Serves what is due and says when it wants to be asked again.
  func tick(_ now: Nanoseconds) -> Nanoseconds {
    work(now)
    guard isReady else { return .max }
    var next = Nanoseconds.max
    if transaction?.isEnding != true, recoverOp == nil, let first = held.first { next = first.done }
    if let transaction, !transaction.isEnding { next = min(next, transaction.begun + settings.linger) }
    return next
  }

  /// To be called every 100 ms or so.
  func keepHouse(_ now: Nanoseconds) {
    guard isReady else { return }
    if let transaction, transaction.isEnding, transaction.ended < now - settings.answerTimeout {
      return port.drop("no answer to the end of a transaction")
    }
    if settings.aliveEvery > 0, !isAutoAck, isSubscribed, aliveOp == nil, transaction?.isEnding != true,
      now - aliveAsked >= settings.aliveEvery
    {
      askForLife(now)
    }
  }

  /// Asks for no more messages, settles those that it holds, then closes in order.
  func stop() {
    guard !isStopping else { return }
    isStopping = true
    if isPaused { resume() }
    guard isSubscribed else { return retire() }
    port.send(.basicCancel(BasicCancel(consumerTag: Self.tag)))
  }

  private func retire() {
    if isReady { askForRelease() }
    port.retire()
  }

  private func askForRelease() {
    let op = journal.nextOp()
    var event = stamp.event(.release, .invoke)
    event.op = op
    journal.record(event)
    releaseOp = op
    isReady = false
  }

  // MARK: What the connection tells

  private static let tag = "c"

  func linkSetup() -> [Method] {
    var setup = mustRedeclare ? redeclaration : []
    mustRedeclare = false
    if !isAutoAck { setup.append(.basicQos(BasicQos(prefetchCount: prefetchCount))) }
    if settings.mode == .transaction { setup.append(.txSelect) }
    return setup
  }

  private var prefetchCount: UInt16 { UInt16(clamping: settings.prefetch) }

  func linkReady(node: UInt16) {
    guard !isStopping else { return port.retire() }
    isReady = true
    stamp.node = node
    stamp.session = journal.nextSession()
    aliveAsked = journal.now()
    subscribeOp = journal.nextOp()
    recordSubscribe(.invoke)
    port.send(
      .basicConsume(BasicConsume(queue: settings.queue.name, consumerTag: Self.tag, noAck: isAutoAck)))
  }

  private func recordSubscribe(_ outcome: Outcome) {
    var event = stamp.event(.subscribe, outcome)
    event.op = subscribeOp
    event.place = settings.place
    event.tag = isAutoAck ? 0 : UInt64(settings.prefetch)
    if isAutoAck { event.flags = .autoAck }
    journal.record(event)
  }

  func linkBrought(_ method: Method) {
    switch method {
    case .basicConsumeOk:
      isSubscribed = true
      recordSubscribe(.ok)
      onReady()
    case .basicQosOk: lifeIsShown()
    case .txCommitOk, .txRollbackOk: transactionIsAnswered()
    case .basicRecoverOk: recoverIsAnswered()
    case .basicCancelOk:
      isCancelled = true
      work(journal.now())
    case .basicCancel:
      // The queue is gone, or its node: nothing more comes on this channel.
      askForRelease()
      port.restart("the broker cancelled the consumer")
    default: onOther(method)
    }
  }

  func linkDelivered(_ deliver: BasicDeliver, _ content: Content) {
    let now = journal.now()
    var event = stamp.event(.deliver, .ok)
    event.time = now
    event.place = settings.place
    event.tag = deliver.deliveryTag
    if deliver.redelivered { event.flags.insert(.redelivered) }
    switch codec.decode(content.body) {
    case .message(let payload):
      event.message = payload.id
      event.attempt = payload.attempt
      event.transaction = payload.transaction
      event.intended = payload.intended
      journal.record(event)
      stats.delivered(payload, at: now)
    case .damaged:
      event.flags.insert(.damaged)
      journal.record(event)
    case .foreign:
      event.flags.insert(.foreign)
      journal.record(event)
    }
    deliveries += 1
    lastDelivery = now
    if !isAutoAck {
      unacknowledged += 1
      stats.held(1)
    } else if settings.serviceTime == 0 {
      return
    }
    lastDone = max(now, lastDone) + settings.serviceTime
    held.append(Held(tag: deliver.deliveryTag, done: lastDone))
  }

  func linkRead() {
    work(journal.now())
    // With automatic acknowledgement nothing but the socket can hold the broker back.
    if isAutoAck, !isPaused, !isStopping, held.count >= max(1, settings.prefetch) {
      isPaused = true
      port.pause()
      port.wake()
    }
  }

  func linkLost(_ reason: AMQP.CloseReason, wasReady: Bool) {
    if reason.code == .notFound, !settings.queue.durable { mustRedeclare = true }
    if wasReady {
      stats.disconnected()
      loseTransaction(port.position)
      var event = stamp.event(.release, .info)
      event.op = releaseOp ?? 0
      journal.record(event)
    }
    forgetConnection()
    onLost(reason)
    if isStopping { port.retire() }
  }

  func linkClosed(wasReady: Bool) {
    if wasReady, let op = releaseOp {
      var event = stamp.event(.release, .ok)
      event.op = op
      journal.record(event)
    }
    forgetConnection()
  }

  private func forgetConnection() {
    (isReady, isSubscribed, isPaused) = (false, false, false)
    (releaseOp, aliveOp, recoverOp, transaction) = (nil, nil, nil, nil)
    (unsentAcks, lastDone) = (0, 0)
    stats.held(-unacknowledged)
    unacknowledged = 0
    held.removeAll()
  }

  // MARK: Service

  /// Settles what is served by now.
  private func work(_ now: Nanoseconds) {
    guard isReady else { return }
    while recoverOp == nil, transaction?.isEnding != true, let first = held.first,
      first.done <= now || isAutoAck && isStopping
    {
      _ = held.popFirst()
      if isAutoAck { continue }
      if settings.mode == .transaction, transaction == nil { beginTransaction(now) }
      settle(first.tag)
      if let transaction, transaction.count >= max(1, min(settings.transactionSize, settings.prefetch)) {
        endTransaction()
      }
    }
    sendAcks()
    if let transaction, !transaction.isEnding, transaction.begun + settings.linger <= now || isCancelled && held.isEmpty
    {
      endTransaction()
    }
    if isPaused, held.count <= settings.prefetch / 2 { resume() }
    if isCancelled, held.isEmpty, transaction == nil, recoverOp == nil { retire() }
  }

  private func resume() {
    isPaused = false
    port.resume()
  }

  private func settle(_ tag: UInt64) {
    let isRequeue = settings.requeue > 0 && chance(settings.requeue)
    var event = stamp.event(isRequeue ? .nack : .ack, .invoke)
    event.op = journal.nextOp()
    event.tag = tag
    event.transaction = transaction?.id ?? 0
    if isRequeue { event.flags = .requeue }
    journal.record(event)
    transaction?.count += 1
    if isRequeue {
      sendAcks()
      port.send(.basicNack(BasicNack(deliveryTag: tag, requeue: true)))
    } else {
      unsentAck = tag
      unsentAcks += 1
    }
    if transaction == nil { settled(1) }
  }

  func settled(_ count: Int) {
    unacknowledged -= count
    stats.held(-count)
  }

  /// One method for all that were served since the last: they are the oldest of their channel.
  func sendAcks() {
    guard unsentAcks > 0 else { return }
    port.send(.basicAck(BasicAck(deliveryTag: unsentAck, multiple: unsentAcks > 1)))
    unsentAcks = 0
  }

  /// The broker gives out anew what was delivered and not acknowledged: all that is held here is void.
  func dropHeld() {
    held.removeAll()
    lastDone = 0
    settled(unacknowledged)
  }

  private func askForLife(_ now: Nanoseconds) {
    aliveAsked = now
    let op = journal.nextOp()
    var event = stamp.event(.alive, .invoke)
    event.op = op
    event.time = now
    journal.record(event)
    aliveOp = op
    // Says again what was said before: any request with an answer would do.
    port.send(.basicQos(BasicQos(prefetchCount: prefetchCount)))
  }

  private func lifeIsShown() {
    guard let op = aliveOp else { return }
    var event = stamp.event(.alive, .ok)
    event.op = op
    journal.record(event)
    aliveOp = nil
  }
}
