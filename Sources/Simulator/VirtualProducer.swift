// A simulated producer: publishes at its pace under its level's rules, and records what became of each attempt.

import AMQP
import Base
import Checkers
import History

final class VirtualProducer: VirtualClient {
  private struct Item {
    var id: MessageID
    var attempt: UInt32
    var isFanout: Bool
  }

  private struct Publishing {
    var op: UInt64
    var item: Item
    var isReturned = false
  }

  private struct Transaction {
    var id: UInt64
    var items: [Item] = []
    var size: Int
    var willRollBack: Bool
    var op: UInt64 = 0
    var isEnding = false
  }

  private let index: Int
  private let level: ReliabilityLevel
  private var nextSequence = 0
  private var retries: [Item] = []
  private var outstanding = ConfirmTracker<Publishing>()
  private var settled: [ConfirmTracker<Publishing>.Settled] = []
  private var transaction: Transaction?
  private(set) var isStopping = false
  private static let window = 20
  private let properties: [UInt8]

  init(world: World, index: Int) {
    self.index = index
    level = world.options.level
    properties = (try? BasicProperties(deliveryMode: level == .low ? 1 : 2).encoded()) ?? []
    super.init(world: world, process: Int32(index))
  }

  override func preparation() -> [Method] {
    switch level {
    case .low: []
    case .medium: [.confirmSelect(noWait: false)]
    case .high: [.txSelect]
    }
  }

  /// No new ids from here on.
  func stop() { isStopping = true }

  var isResolved: Bool { isStopping && outstanding.outstanding == 0 && retries.isEmpty && transaction == nil }

  override func ready() {
    outstanding = ConfirmTracker()
    pace(attempt)
  }

  private func pace(_ attempt: Int) {
    let mean = Double(world.options.interval)
    // Bursts and lulls: mostly much shorter than the mean, sometimes much longer.
    let pause = mean * (clock.random.chance(0.8) ? 0.4 : 3.4) * clock.random.unit() * 2
    clock.after(Nanoseconds(pause) + 1) { [self] in
      guard self.attempt == attempt, isReady, !isRetired else { return }
      publishNext()
      flush()
      if !(isStopping && isResolved) { pace(attempt) }
    }
  }

  private func publishNext() {
    if transaction?.isEnding == true || outstanding.outstanding >= Self.window { return }
    guard let item = nextItem() else {
      if transaction != nil { endTransaction() }
      return
    }
    if level == .high, transaction == nil {
      transaction = Transaction(
        id: recorder.nextTransaction(), size: 1 + clock.random.below(6), willRollBack: clock.random.chance(0.1))
    }
    publish(item)
    if let open = transaction, open.items.count >= open.size { endTransaction() }
  }

  private func nextItem() -> Item? {
    if !retries.isEmpty { return retries.removeFirst() }
    if isStopping { return nil }
    defer { nextSequence += 1 }
    return Item(
      id: MessageID(producer: index, sequence: nextSequence), attempt: 1, isFanout: clock.random.chance(0.3))
  }

  private func publish(_ item: Item) {
    let op = recorder.nextOp()
    recorder.record(event(.publish, .invoke, item, op))
    let payload = VirtualPayload(id: item.id, attempt: item.attempt, transaction: transaction?.id ?? 0)
    // Sizes vary, so that bodies and records meet all boundaries.
    let bytes = payload.encoded(
      padding: clock.random.chance(0.1) ? 1000 + clock.random.below(3000) : clock.random.below(120))
    do {
      try bytes.withUnsafeBytes { body in
        try properties.withUnsafeBytes { properties in
          try connection.publish(
            channel: Self.channel, exchange: item.isFanout ? World.exchange : "",
            routingKey: item.isFanout ? "" : World.queues[index % World.queues.count], mandatory: level != .low,
            rawProperties: properties, body: body)
        }
      }
    } catch {
      return world.breaks("producer \(index): \(error)")
    }
    switch level {
    case .low:
      var event = event(.publish, .info, item, op)
      event.flags = .sent
      recorder.record(event)
    case .medium: outstanding.append(Publishing(op: op, item: item))
    case .high: transaction?.items.append(item)
    }
  }

  private func event(_ function: Function, _ outcome: Outcome, _ item: Item, _ op: UInt64) -> Event {
    var event = stamp(function, outcome)
    event.op = op
    event.message = item.id
    event.attempt = item.attempt
    event.transaction = transaction?.id ?? 0
    event.place = item.isFanout ? world.bothRoute : world.routes[index % World.queues.count]
    return event
  }

  // MARK: Confirms

  override func brought(_ method: Method) {
    switch method {
    case .basicAck(let ack): settle(ack.deliveryTag, ack.multiple, isAck: true)
    case .basicNack(let nack): settle(nack.deliveryTag, nack.multiple, isAck: false)
    case .txCommitOk, .txRollbackOk: transactionAnswered()
    default: world.breaks("producer \(index) was told \(method.id)")
    }
  }

  private func settle(_ tag: UInt64, _ isMultiple: Bool, isAck: Bool) {
    settled.removeAll(keepingCapacity: true)
    do {
      try outstanding.settle(tag: tag, multiple: isMultiple, into: &settled)
    } catch {
      return world.breaks("producer \(index): \(error)")
    }
    for one in settled where !one.element.isReturned {
      if isAck {
        var event = event(.publish, .ok, one.element.item, one.element.op)
        event.flags = .sent
        recorder.record(event)
      } else {
        unknown(one.element, [.sent, .nack])
      }
    }
  }

  private func unknown(_ publishing: Publishing, _ flags: Event.Flags) {
    var event = event(.publish, .info, publishing.item, publishing.op)
    event.flags = flags
    recorder.record(event)
    var item = publishing.item
    item.attempt += 1
    retries.append(item)
  }

  override func returned(_ content: Content) {
    guard let payload = VirtualPayload(content.body) else { return world.breaks("a damaged message was returned") }
    world.returns += 1
    outstanding.visit { publishing in
      guard publishing.item.id == payload.id, publishing.item.attempt == payload.attempt else { return true }
      publishing.isReturned = true
      recorder.record(event(.publish, .fail, publishing.item, publishing.op))
      return false
    }
  }

  // MARK: Transactions

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

  private func transactionAnswered() {
    guard let ended = transaction, ended.isEnding else { return }
    recorder.record(endEvent(.ok))
    transaction = nil
    if ended.willRollBack { again(ended.items) }
  }

  /// What certainly did not take effect goes out again, half of it.
  private func again(_ items: [Item]) {
    for var item in items where clock.random.chance(0.5) {
      item.attempt += 1
      retries.append(item)
    }
  }

  override func lost() {
    settled.removeAll(keepingCapacity: true)
    outstanding.abandon(into: &settled)
    for one in settled where !one.element.isReturned { unknown(one.element, .sent) }
    guard let open = transaction else { return }
    if open.isEnding { recorder.record(endEvent(.info)) }
    transaction = nil
    if !open.isEnding || open.willRollBack { again(open.items) }
  }
}
