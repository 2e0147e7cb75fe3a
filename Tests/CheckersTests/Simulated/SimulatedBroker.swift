// Connections and queues of the simulated broker.

import Base
import History

struct Payload {
  var operation: UInt64
  var message: MessageID
  var attempt: UInt32
  var route: [Int]
}

final class SimulatedMessage {
  let payload: Payload
  var pushes = 0
  init(_ payload: Payload) { self.payload = payload }
}

/// Who published inside a transaction hears of what could not be routed.
protocol TransactionOwner: AnyObject {
  func returned(_ payload: Payload)
}

final class SimulatedConnection {
  unowned let run: SimulatedRun
  var clientEnd = Nanoseconds.max
  var brokerEnd = Nanoseconds.max
  private var up: Nanoseconds = 0
  private var down: Nanoseconds = 0
  /// Published in the open transaction.
  var batch: [(payload: Payload, owner: any TransactionOwner)] = []
  /// Called once, on the client's and on the broker's side.
  var onLost = {}
  var onBrokerEnd = {}

  init(_ run: SimulatedRun) {
    self.run = run
    run.connections.append(self)
  }

  var isUp: Bool { clientEnd == .max && brokerEnd == .max }

  func toBroker(_ action: @escaping () -> Void) {
    up = max(up + 1, run.now + run.delay())
    run.at(up) { [unowned self] in if run.now < brokerEnd { action() } }
  }

  func toClient(_ action: @escaping () -> Void) {
    guard run.now < brokerEnd else { return }
    down = max(down + 1, run.now + run.delay(isRead: true))
    run.at(down) { [unowned self] in if run.now < clientEnd { action() } }
  }

  enum Side { case broker, client, both }

  /// The connection breaks; one side may learn of it up to 60 ms after the other.
  func lose(_ first: Side? = nil) {
    guard isUp else { return }
    let lag = Int64(run.rng.unit() * 60e6)
    let first = first ?? run.rng.pick([.broker, .broker, .client, .both])
    brokerEnd = run.now + (first == .client ? lag : 0)
    clientEnd = run.now + (first == .broker ? lag : 0)
    run.at(brokerEnd) { [unowned self] in onBrokerEnd() }
    run.at(clientEnd) { [unowned self] in onLost() }
  }

  /// An orderly close of `session`.
  func close(process: Int32, session: UInt32, _ answered: @escaping () -> Void) {
    let op = run.newOperation()
    run.record(process, .release, .invoke) {
      $0.op = op
      $0.session = session
    }
    toBroker { [unowned self] in
      toClient { [unowned self] in
        clientEnd = run.now
        answered()
        run.record(process, .release, .ok) {
          $0.op = op
          $0.session = session
        }
      }
      onBrokerEnd()
      brokerEnd = run.now
    }
  }
}

final class SimulatedQueue {
  unowned let run: SimulatedRun
  let name: UInt16
  private(set) var ready: [SimulatedMessage] = []
  var consumers: [SimulatedConsumer] = []
  weak var deadLetters: SimulatedQueue?

  init(_ run: SimulatedRun, name: UInt16) {
    self.run = run
    self.name = name
  }

  func add(_ message: SimulatedMessage) {
    ready.append(message)
    push()
  }

  /// Rejected by a consumer: a new message elsewhere, or gone.
  func reject(_ messages: [SimulatedMessage]) {
    for message in messages { deadLetters?.add(SimulatedMessage(message.payload)) }
  }

  /// To the head, in the order they were in.
  func putBack(_ messages: [SimulatedMessage]) {
    ready.insert(contentsOf: messages, at: 0)
    push()
  }

  func push() {
    // It expires, and nobody here has seen it.
    if let deadLetters, !ready.isEmpty, run.rng.chance(0.1) {
      deadLetters.add(SimulatedMessage(ready.removeFirst().payload))
    }
    while !ready.isEmpty {
      let free = consumers.filter(\.hasRoom)
      if free.isEmpty { return }
      let consumer = run.rng.pick(free)
      let message = ready.removeFirst()
      let isFlagged = message.pushes > 0 || run.rng.chance(run.trouble.superfluousFlags)
      message.pushes += 1
      let tag = consumer.take(message)
      consumer.connection.toClient { consumer.read(message.payload, tag: tag, isFlagged: isFlagged) }
    }
  }
}

/// Ends a transaction on the broker's side: both producers and consumers have them.
struct SimulatedTransaction {
  let number: UInt32
  let operation: UInt64
  let isCommit: Bool
  /// Deliveries acknowledged in it; nil for a producer's.
  let tags: [UInt64]?

  /// - Parameters:
  ///   - consumer: Whose deliveries `tags` are.
  ///   - heard: Recorded the completion, `info` after 300 ms of patience; the reply may come later still.
  func send(
    _ run: SimulatedRun, _ process: Int32, _ connection: SimulatedConnection, consumer: SimulatedConsumer?,
    isWaiting: @escaping () -> Bool, heard: @escaping (Outcome) -> Void
  ) {
    record(run, process, .invoke)
    let arrive: () -> Void = {
      let batch = connection.batch
      connection.batch = []
      var isRefused = isCommit && run.rng.chance(0.03)
      if let consumer, let tags, isCommit, !tags.allSatisfy(consumer.holds) { isRefused = true }
      var back: [SimulatedMessage] = []
      if let consumer, let tags, isRefused || !isCommit && run.trouble.rollbackReturns {
        back = consumer.release(tags)
      }
      if isCommit, !isRefused {
        if let consumer, let tags { consumer.settleCommitted(tags) }
        if run.rng.chance(run.trouble.lostReplies) { connection.lose(.broker) }
        for (payload, owner) in batch where !run.enqueue(payload, inTransaction: true) {
          connection.toClient { owner.returned(payload) }
        }
      }
      run.after(run.lateness()) {
        connection.toClient {
          record(run, process, isRefused ? .fail : .ok)
          heard(isRefused ? .fail : .ok)
        }
      }
      consumer?.queue.putBack(back)
    }
    run.after(300 * .millisecond) {
      if isWaiting(), connection.clientEnd == .max {
        record(run, process, .info)
        heard(.info)
      }
    }
    connection.toBroker(arrive)
  }

  func record(_ run: SimulatedRun, _ process: Int32, _ outcome: Outcome) {
    run.record(process, isCommit ? .commit : .rollback, outcome) {
      $0.op = operation
      $0.transaction = UInt64(number)
    }
  }
}
