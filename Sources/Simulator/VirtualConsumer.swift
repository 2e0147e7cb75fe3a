// A simulated consumer: one subscription, served in order, acknowledged as its level says; and the drain at the end.

import AMQP
import Base
import Checkers
import History

final class VirtualConsumer: VirtualClient {
  enum Mode { case auto, manual, transaction }

  private struct Transaction {
    var id: UInt64
    var count = 0
    var willRollBack: Bool
    var op: UInt64 = 0
    var isEnding = false
  }

  private let queue: Int
  private let mode: Mode
  private let isDrain: Bool
  private let prefetch: UInt16
  private let requeue: Double
  private var held: [UInt64] = []
  private var transaction: Transaction?
  private var recoverOp: UInt64?
  private var subscribeOp: UInt64 = 0
  private var aliveOp: UInt64?
  private var isCancelled = false
  private var isWorking = false
  private(set) var isSubscribed = false
  private(set) var lastDelivery: Nanoseconds = 0
  /// Ready messages, when the drain asked.
  private(set) var lastCount: (time: Nanoseconds, ready: Int)?

  init(world: World, process: Int32, queue: Int, mode: Mode, isDrain: Bool) {
    self.queue = queue
    self.mode = mode
    self.isDrain = isDrain
    prefetch = isDrain ? 50 : UInt16(1 + world.clock.random.below(20))
    requeue = isDrain ? 0 : 0.03
    super.init(world: world, process: process)
  }

  override func preparation() -> [Method] {
    // A queue whose node died may be gone: said again, this changes nothing where it is not.
    var methods = world.topology
    if mode != .auto { methods.append(.basicQos(BasicQos(prefetchCount: prefetch))) }
    if mode == .transaction { methods.append(.txSelect) }
    return methods
  }

  override func ready() {
    (held, transaction, recoverOp, aliveOp) = ([], nil, nil, nil)
    (isCancelled, isWorking, isSubscribed) = (false, false, false)
    subscribeOp = recorder.nextOp()
    recordSubscribe(.invoke)
    send(.basicConsume(BasicConsume(queue: World.queues[queue], consumerTag: "c", noAck: mode == .auto)))
    ask(attempt)
  }

  private func recordSubscribe(_ outcome: Outcome) {
    var event = stamp(.subscribe, outcome)
    event.op = subscribeOp
    event.place = world.queuePlaces[queue]
    event.tag = mode == .auto ? 0 : UInt64(prefetch)
    if mode == .auto { event.flags = .autoAck }
    recorder.record(event)
  }

  /// How it stands, for people.
  var description: String {
    let waits = [
      isReady ? nil : "not ready", isSubscribed ? nil : "not subscribed", isRetired ? "close sent" : nil,
      isCancelled ? "cancel sent" : nil, transaction.map { $0.isEnding ? "commit sent" : "transaction open" },
      recoverOp == nil ? nil : "recover sent", held.isEmpty ? nil : "\(held.count) held",
    ].compactMap { $0 }
    return "\(process) on \(recorder.names.text(node)) (\(waits.joined(separator: ", ")))"
  }

  /// No more messages; what is held is settled, then the connection closed.
  func stop() {
    guard isReady, isSubscribed, !isCancelled else { return retire() }
    isCancelled = true
    send(.basicCancel(BasicCancel(consumerTag: "c")))
    flush()
  }

  override func brought(_ method: Method) {
    switch method {
    case .basicConsumeOk:
      isSubscribed = true
      recordSubscribe(.ok)
    case .basicQosOk: aliveAnswered()
    case .txCommitOk, .txRollbackOk: transactionAnswered()
    case .basicRecoverOk: recoverAnswered()
    case .queueDeclareOk(let ok): lastCount = (clock.now, Int(ok.messageCount))
    case .basicCancelOk: finishIfDone()
    case .basicCancel: drop()
    default: world.breaks("consumer \(process) was told \(method.id)")
    }
  }

  override func delivered(_ deliver: BasicDeliver, _ content: Content) {
    var event = stamp(.deliver, .ok)
    event.place = world.queuePlaces[queue]
    event.tag = deliver.deliveryTag
    if deliver.redelivered { event.flags.insert(.redelivered) }
    if let payload = VirtualPayload(content.body) {
      event.message = payload.id
      event.attempt = payload.attempt
      event.transaction = payload.transaction
    } else {
      event.flags.insert(.damaged)
    }
    recorder.record(event)
    lastDelivery = clock.now
    guard mode != .auto else { return }
    held.append(deliver.deliveryTag)
    work(attempt)
  }

  // MARK: Service

  private func work(_ attempt: Int) {
    guard !isWorking else { return }
    isWorking = true
    let pause = isDrain ? 50 * Nanoseconds.microsecond : clock.draw(0...4 * .millisecond)
    clock.after(pause) { [self] in
      guard self.attempt == attempt, isReady else { return }
      isWorking = false
      serve()
      flush()
      if !held.isEmpty, transaction?.isEnding != true, recoverOp == nil { work(attempt) }
    }
  }

  private func serve() {
    guard transaction?.isEnding != true, recoverOp == nil, !held.isEmpty else { return }
    if mode == .transaction, transaction == nil {
      transaction = Transaction(id: recorder.nextTransaction(), willRollBack: clock.random.chance(0.1))
    }
    if clock.random.chance(requeue) {
      let tag = held.removeFirst()
      settle(.nack, tag)
      send(.basicNack(BasicNack(deliveryTag: tag, requeue: true)))
    } else {
      // Several at a time, or one: not always the oldest.
      let isMultiple = clock.random.chance(0.2)
      let count = isMultiple ? 1 + clock.random.below(held.count) : 1
      let at = isMultiple || clock.random.chance(0.8) ? 0 : clock.random.below(held.count)
      let tags = held[at..<at + count]
      for tag in tags { settle(.ack, tag) }
      if let last = tags.last { send(.basicAck(BasicAck(deliveryTag: last, multiple: isMultiple))) }
      held.removeSubrange(at..<at + count)
    }
    if let open = transaction, open.count >= Int(min(prefetch, 5)) || held.isEmpty { endTransaction() }
    finishIfDone()
  }

  private func settle(_ function: Function, _ tag: UInt64) {
    var event = stamp(function, .invoke)
    event.op = recorder.nextOp()
    event.tag = tag
    event.transaction = transaction?.id ?? 0
    if function == .nack { event.flags = .requeue }
    recorder.record(event)
    transaction?.count += 1
  }

  private func finishIfDone() {
    if isCancelled, held.isEmpty, transaction == nil, recoverOp == nil { retire() }
  }

  private func endTransaction() {
    guard var ending = transaction else { return }
    ending.isEnding = true
    ending.op = recorder.nextOp()
    transaction = ending
    recorder.record(endEvent(.invoke))
    send(ending.willRollBack ? .txRollback : .txCommit)
  }

  private func endEvent(_ outcome: Outcome) -> Event {
    var event = stamp(transaction?.willRollBack == true ? .rollback : .commit, outcome)
    event.op = transaction?.op ?? 0
    event.transaction = transaction?.id ?? 0
    return event
  }

  /// After a rollback the deliveries stay with the channel: the broker is asked to give them out again.
  private func transactionAnswered() {
    guard let ended = transaction, ended.isEnding else { return }
    recorder.record(endEvent(.ok))
    transaction = nil
    if ended.willRollBack {
      let op = recorder.nextOp()
      recoverOp = op
      var event = stamp(.recover, .invoke)
      event.op = op
      recorder.record(event)
      send(.basicRecover(BasicRecover(requeue: true)))
    } else {
      if !held.isEmpty { work(attempt) }
      finishIfDone()
    }
  }

  private func recoverAnswered() {
    guard let op = recoverOp else { return }
    var event = stamp(.recover, .ok)
    event.op = op
    recorder.record(event)
    recoverOp = nil
    // What was read before this answer was sent before the broker took everything back.
    held = []
    finishIfDone()
  }

  override func lost() {
    if transaction?.isEnding == true { recorder.record(endEvent(.info)) }
    (held, transaction, recoverOp, isSubscribed) = ([], nil, nil, false)
    if isCancelled { retire() }
  }

  // MARK: Questions

  /// A sign of life of the channel, or the drain's question for what is left.
  private func ask(_ attempt: Int) {
    clock.after(500 * .millisecond) { [self] in
      guard self.attempt == attempt, isReady, !isRetired else { return }
      if isDrain {
        send(.queueDeclare(QueueDeclare(queue: World.queues[queue], passive: true)))
      } else if mode != .auto, aliveOp == nil {
        let op = recorder.nextOp()
        aliveOp = op
        var event = stamp(.alive, .invoke)
        event.op = op
        recorder.record(event)
        send(.basicQos(BasicQos(prefetchCount: prefetch)))
      }
      flush()
      ask(attempt)
    }
  }

  private func aliveAnswered() {
    guard let op = aliveOp else { return }
    var event = stamp(.alive, .ok)
    event.op = op
    recorder.record(event)
    aliveOp = nil
  }
}
