// A consumer of the simulation: one subscription on one channel, the broker's half and the client's half.

import Base
import History

final class SimulatedConsumer: TransactionOwner {
  unowned let run: SimulatedRun
  let process: Int32
  let queue: SimulatedQueue
  private let isDrain: Bool
  private let isAuto: Bool
  private let isAnswered: Bool
  private let isTransactional: Bool
  private let prefetch: Int
  private var isStopped = false

  private(set) var connection: SimulatedConnection
  private var session: UInt32 = 0
  private var isUp = false
  /// The broker's half: what it has sent here and not had back, by tag, in the order of the tags.
  private(set) var held: [(tag: UInt64, message: SimulatedMessage)] = []
  private var lastTag: UInt64 = 0
  /// The client's half: read and not yet settled.
  private var todo: [UInt64] = []
  /// Rejected in the open transaction.
  private var rejected: Set<UInt64> = []
  private var transaction: SimulatedTransaction?
  private var hasHeard = false

  init(_ run: SimulatedRun, process: Int32, queue: SimulatedQueue, isDrain: Bool = false) {
    self.run = run
    self.process = process
    self.queue = queue
    self.isDrain = isDrain
    isAuto = !isDrain && run.level == .low && run.rng.chance(0.85)
    isAnswered = !isDrain && run.trouble.acksAreAnswered && run.rng.chance(0.7)
    isTransactional = !isDrain && run.level == .high && run.rng.chance(0.7)
    prefetch = isDrain ? 20 : run.rng.pick([1, 2, 5, 20])
    connection = SimulatedConnection(run)
    connect(connection)
  }

  private func connect(_ fresh: SimulatedConnection) {
    connection = fresh
    session = run.newNumber()
    isUp = true
    (held, lastTag, todo, rejected, transaction) = ([], 0, [], [], nil)
    fresh.onLost = { [unowned self] in lost() }
    fresh.onBrokerEnd = { [unowned self] in
      queue.consumers.removeAll { $0 === self }
      queue.putBack(releaseAll())
    }
    let op = run.newOperation()
    let session = session
    run.record(process, .subscribe, .invoke) {
      ($0.op, $0.session, $0.place, $0.tag) = (op, session, queue.name, UInt64(isAuto ? 0 : prefetch))
      if isAuto { $0.flags = .autoAck }
    }
    fresh.toBroker { [self] in
      queue.consumers.append(self)
      fresh.toClient { [self] in
        run.record(process, .subscribe, .ok) { ($0.op, $0.session, $0.place) = (op, session, queue.name) }
      }
      queue.push()
    }
  }

  // MARK: The broker's half

  var hasRoom: Bool { isAuto || held.count < prefetch }

  func take(_ message: SimulatedMessage) -> UInt64 {
    lastTag += 1
    if !isAuto { held.append((lastTag, message)) }
    return lastTag
  }

  func holds(_ tag: UInt64) -> Bool { held.contains { $0.tag == tag } }

  func release(_ tags: [UInt64]) -> [SimulatedMessage] {
    var list: [SimulatedMessage] = []
    for tag in tags {
      if let k = held.firstIndex(where: { $0.tag == tag }) { list.append(held.remove(at: k).message) }
    }
    return list
  }

  func releaseAll() -> [SimulatedMessage] {
    defer { held = [] }
    return held.map(\.message)
  }

  private func settle(_ tags: [UInt64], isRequeue: Bool = false, isRejection: Bool = false) {
    let messages = release(tags)
    queue.putBack(isRequeue ? messages : [])
    if isRejection { queue.reject(messages) }
  }

  func settleCommitted(_ tags: [UInt64]) {
    for tag in tags {
      let message = release([tag])
      if rejected.contains(tag) { queue.reject(message) }
    }
  }

  // MARK: The client's half

  private func lost() {
    isUp = false
    if let transaction, !hasHeard { transaction.record(run, process, .info) }
    run.record(process, .release, .info) { $0.session = session }
    // One object serves both halves: it connects again when the broker's half has ended too.
    run.at(max(run.now, connection.brokerEnd) + run.delay() * 4) { [self] in
      if !isStopped { connect(SimulatedConnection(run)) }
    }
  }

  func stop() {
    isStopped = true
    if isUp, connection.clientEnd == .max {
      connection.close(process: process, session: session) { [self] in isUp = false }
    }
  }

  func read(_ payload: Payload, tag: UInt64, isFlagged: Bool) {
    run.record(process, .deliver, .ok) {
      ($0.message, $0.attempt, $0.place) = (payload.message, payload.attempt, queue.name)
      ($0.session, $0.tag, $0.flags) = (session, tag, isFlagged ? .redelivered : [])
    }
    guard !isAuto else { return }
    todo.append(tag)
    workSoon()
  }

  private func workSoon() { run.after(run.delay()) { [self] in work() } }

  private func work() {
    guard !todo.isEmpty, isUp, transaction == nil, !isStopped || isDrain else { return }
    let chance = isDrain ? 1 : run.rng.unit()
    let (connection, session) = (connection, session)
    if chance < 0.02 { return recover() }
    if chance < 0.06 {
      let op = run.newOperation()
      run.record(process, .alive, .invoke) {
        $0.op = op
        $0.session = session
      }
      connection.toBroker { [self] in
        connection.toClient { [self] in
          run.record(process, .alive, .ok) {
            $0.op = op
            $0.session = session
          }
        }
      }
    }
    if chance < 0.14 || chance < 0.3 && !isTransactional && run.trouble.requeuesMuch {
      return giveBack(todo.removeFirst(), isRequeue: run.rng.chance(0.8))
    }
    if chance < 0.4, queue.deadLetters != nil { return giveBack(todo.removeFirst(), isRequeue: false) }
    isTransactional ? workTransaction() : acknowledge(todo.removeFirst())
  }

  private func recover() {
    todo = []
    let (connection, session, op) = (connection, session, run.newOperation())
    run.record(process, .recover, .invoke) {
      $0.op = op
      $0.session = session
    }
    connection.toBroker { [self] in
      let back = releaseAll()
      connection.toClient { [self] in
        run.record(process, .recover, .ok) {
          $0.op = op
          $0.session = session
        }
      }
      queue.putBack(back)
    }
  }

  private func giveBack(_ tag: UInt64, isRequeue: Bool) {
    run.record(process, .nack, .invoke) {
      ($0.op, $0.session, $0.tag, $0.flags) = (run.newOperation(), session, tag, isRequeue ? .requeue : [])
    }
    connection.toBroker { [self] in settle([tag], isRequeue: isRequeue, isRejection: !isRequeue) }
  }

  private func acknowledge(_ tag: UInt64) {
    let (connection, session, op) = (connection, session, run.newOperation())
    run.record(process, .ack, .invoke) { ($0.op, $0.session, $0.tag) = (op, session, tag) }
    connection.toBroker { [self] in
      let isHeld = holds(tag)
      if isAnswered {
        connection.toClient { [self] in
          run.record(process, .ack, isHeld ? .ok : .fail) { ($0.op, $0.session, $0.tag) = (op, session, tag) }
        }
      }
      settle([tag])
    }
  }

  private func workTransaction() {
    let count = 1 + run.rng.below(4)
    let tags = Array(todo.prefix(count))
    todo.removeFirst(tags.count)
    let number = run.newNumber()
    hasHeard = false
    let connection = connection
    for tag in tags {
      let isRejection = queue.deadLetters != nil && run.rng.chance(0.3)
      if isRejection { rejected.insert(tag) } else { rejected.remove(tag) }
      run.record(process, isRejection ? .nack : .ack, .invoke) {
        ($0.op, $0.session, $0.tag, $0.transaction) = (run.newOperation(), session, tag, UInt64(number))
      }
      if run.rng.chance(0.5), run.budget > 0 {
        run.budget -= 1
        let payload = Payload(
          operation: run.newOperation(), message: run.newMessage(), attempt: 1, route: run.newRoute())
        run.record(process, .publish, .invoke) {
          $0.op = payload.operation
          ($0.message, $0.attempt, $0.place) = (payload.message, 1, run.place(payload.route))
          ($0.session, $0.transaction, $0.tag) = (session, UInt64(number), run.key(of: payload.message))
        }
        connection.toBroker { [self] in connection.batch.append((payload, self)) }
      }
    }
    // Cut off before the commit.
    if run.rng.chance(0.03) { return connection.lose() }
    let end = SimulatedTransaction(
      number: number, operation: run.newOperation(), isCommit: run.rng.chance(0.8), tags: tags)
    transaction = end
    end.send(
      run, process, connection, consumer: self,
      isWaiting: { [self] in transaction?.number == number && !hasHeard },
      heard: { [self] outcome in
        hasHeard = true
        if outcome != .info { ended(end, tags) }
      })
  }

  private func ended(_ end: SimulatedTransaction, _ tags: [UInt64]) {
    if !end.isCommit, !run.trouble.rollbackReturns {
      // Still held: acknowledged again, or given back.
      if run.rng.chance(0.5) {
        todo = tags + todo
      } else {
        for tag in tags { giveBack(tag, isRequeue: true) }
      }
    }
    transaction = nil
    for _ in todo { workSoon() }
  }

  func returned(_ payload: Payload) {
    run.record(process, .publish, .fail) { $0.op = payload.operation }
  }
}
