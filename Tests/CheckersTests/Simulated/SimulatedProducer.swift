// A producer of the simulation: fire and forget, confirms with retries, or transactions, by level.

import Base
import History

final class SimulatedProducer: TransactionOwner {
  private typealias Item = (message: MessageID, route: [Int])

  unowned let run: SimulatedRun
  let process: Int32
  private var left: Int
  private var retries: [Item] = []
  private var pending: [(operation: UInt64, item: Item)] = []
  private var attempts: [MessageID: UInt32] = [:]
  private let window: Int
  private var connection: SimulatedConnection
  private var channel: UInt32 = 0
  private var isUp = false
  /// The open transaction: what it publishes, how much is still to come, and its end once that is under way.
  private var transaction: UInt32?
  private var items: [Item] = []
  private var itemsLeft = 0
  private var end: SimulatedTransaction?
  private var hasHeard = false

  init(_ run: SimulatedRun, process: Int32, messages: Int) {
    self.run = run
    self.process = process
    left = messages
    window = run.rng.pick([1, 2, 5, 20])
    connection = SimulatedConnection(run)
    connect(connection)
    step()
  }

  private func connect(_ fresh: SimulatedConnection) {
    connection = fresh
    channel = run.newNumber()
    isUp = true
    (transaction, end) = (nil, nil)
    connection.onLost = { [unowned self] in lost() }
  }

  private func lost() {
    isUp = false
    let open = pending
    pending = []
    for (operation, item) in open {
      run.record(process, .publish, .info) {
        $0.op = operation
        $0.flags = .sent
      }
      retry(item, .info)
    }
    if transaction != nil {
      if let end {
        if !hasHeard { end.record(run, process, .info) }
      } else {
        // The commit was never invoked: nothing of it can take effect.
        for item in items { retry(item, .fail) }
      }
    }
    (transaction, end) = (nil, nil)
    run.record(process, .release, .info) { $0.session = channel }
    run.after(run.delay() * 4) { [self] in connect(SimulatedConnection(run)) }
  }

  private func retry(_ item: Item, _ why: Outcome) {
    guard attempts[item.message, default: 0] < 4 else { return }
    if run.level == .medium || run.level == .high && why == .fail, run.rng.chance(0.8) { retries.append(item) }
  }

  private var hasMore: Bool { left > 0 || !retries.isEmpty }

  private func next() -> Item {
    if !retries.isEmpty { return retries.removeFirst() }
    left -= 1
    return (run.newMessage(), run.newRoute())
  }

  private func step() {
    if !hasMore, pending.isEmpty, transaction == nil {
      return run.after(run.rng.pick([0, 5 * .second, 5 * .second])) { [self] in
        if isUp, connection.clientEnd == .max {
          connection.close(process: process, session: channel) { [self] in isUp = false }
        }
      }
    }
    if !isUp {
      // Tried on a dead connection: never written.
      if hasMore, run.rng.chance(0.2) { send(next(), isWritten: false) }
    } else if run.level == .high {
      stepTransaction()
    } else if hasMore, pending.count < window {
      send(next())
    }
    run.after(run.delay() + 1000) { [self] in step() }
  }

  private func send(_ item: Item, isWritten: Bool = true) {
    let attempt = attempts[item.message, default: 0] + 1
    attempts[item.message] = attempt
    let payload = Payload(operation: run.newOperation(), message: item.message, attempt: attempt, route: item.route)
    let inTransaction = isWritten ? transaction : nil
    run.record(process, .publish, .invoke) {
      $0.op = payload.operation
      ($0.message, $0.attempt, $0.place) = (item.message, attempt, run.place(item.route))
      ($0.session, $0.tag) = (channel, run.key(of: item.message))
      $0.transaction = UInt64(inTransaction ?? 0)
    }
    if !isWritten {
      run.record(process, .publish, .fail) { $0.op = payload.operation }
      return retry(item, .fail)
    }
    let connection = connection
    if inTransaction != nil { return connection.toBroker { connection.batch.append((payload, self)) } }
    if run.rng.chance(run.trouble.partialWrites) {
      // Cut off in the middle of the write.
      run.record(process, .publish, .info) { $0.op = payload.operation }
      retry(item, .info)
      return connection.lose(.client)
    }
    if run.level == .low {
      run.record(process, .publish, .info) {
        $0.op = payload.operation
        $0.flags = .sent
      }
      return connection.toBroker { [self] in run.arrived(payload, on: connection, self) }
    }
    pending.append((payload.operation, item))
    connection.toBroker { [self] in run.arrived(payload, on: connection, self) }
    run.after(300 * .millisecond) { [self] in
      guard let k = pending.firstIndex(where: { $0.operation == payload.operation }) else { return }
      pending.remove(at: k)
      run.record(process, .publish, .info) {
        $0.op = payload.operation
        $0.flags = .sent
      }
      retry(item, .info)
    }
  }

  /// A confirm (`ok`), a return (`fail`) or a negative acknowledgement (`info`).
  func reply(_ payload: Payload, _ outcome: Outcome) {
    run.record(process, .publish, outcome) {
      $0.op = payload.operation
      if outcome == .info { $0.flags = [.sent, .nack] }
    }
    let known = pending.firstIndex { $0.operation == payload.operation }
    if let known { pending.remove(at: known) }
    if known != nil || run.level == .high, outcome != .ok { retry((payload.message, payload.route), outcome) }
  }

  func returned(_ payload: Payload) { reply(payload, .fail) }

  private func stepTransaction() {
    if transaction == nil {
      guard hasMore else { return }
      transaction = run.newNumber()
      (items, itemsLeft, end, hasHeard) = ([], 1 + run.rng.below(5), nil, false)
    }
    guard let number = transaction, end == nil else { return }
    if itemsLeft > 0, hasMore {
      itemsLeft -= 1
      let item = next()
      items.append(item)
      return send(item)
    }
    let end = SimulatedTransaction(
      number: number, operation: run.newOperation(), isCommit: run.rng.chance(0.85), tags: nil)
    self.end = end
    end.send(
      run, process, connection, consumer: nil,
      isWaiting: { [self] in transaction == number && !hasHeard },
      heard: { [self] outcome in
        hasHeard = true
        guard outcome != .info else { return }
        for item in items where !end.isCommit || outcome == .fail { retry(item, .fail) }
        (transaction, self.end) = (nil, nil)
      })
  }
}
