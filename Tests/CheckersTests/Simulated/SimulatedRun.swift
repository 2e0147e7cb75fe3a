// A seeded simulation of a sound at-least-once broker and its clients: what it records is valid by construction.

import Base
import Foundation
import History

@testable import Checkers

/// How much of what goes wrong goes wrong.
struct Trouble {
  var superfluousFlags = 0.0
  var partialWrites = 0.0
  var acksAreAnswered = false
  var slowReads = 0.0
  var unroutable = 0.0
  var nacks = 0.0
  var lateReplies = 0.0
  var requeuesMuch = false
  var rollbackReturns = false
  var losses = 0
  var faults = 0
  var lostReplies = 0.0

  /// - Parameter isRough: more trouble than usual.
  init(_ rng: inout SeededGenerator, isRough: Bool) {
    superfluousFlags = rng.pick([0, 0, 0.05, 0.3])
    partialWrites = rng.pick([0, 0.02])
    acksAreAnswered = rng.chance(0.5)
    slowReads = rng.pick([0, 0.05, 0.3])
    unroutable = rng.pick([0, 0.03, 0.1])
    nacks = rng.pick([0, 0.03])
    lateReplies = rng.pick([0, 0.05, 0.2])
    requeuesMuch = rng.chance(0.33)
    rollbackReturns = rng.chance(0.5)
    losses = rng.pick([0, 1, 3, 8])
    faults = rng.pick([0, 0, 1, 2])
    lostReplies = rng.pick([0, 0.1, 0.3])
    guard isRough else { return }
    losses = rng.pick([5, 12])
    faults = rng.pick([1, 2, 3])
    slowReads = rng.pick([0.1, 0.5])
    lateReplies = rng.pick([0.1, 0.4])
    superfluousFlags = rng.pick([0, 0.1, 0.5])
    lostReplies = rng.pick([0.1, 0.5])
    partialWrites = 0.05
  }
}

/// The events are recorded as clients see them; the broker acts at moments of its own. A connection is FIFO in both
/// directions, and each side learns of its end at its own time.
final class SimulatedRun {
  static let timer: Nanoseconds = 10 * .second

  let level: ReliabilityLevel
  private let hasKeys: Bool
  var rng: SeededGenerator
  let trouble: Trouble
  var now: Nanoseconds = 0
  /// Publishes that consumers may still make inside their transactions.
  var budget: Int
  private(set) var events: [Event] = []
  private(set) var names = Names()
  private(set) var queues: [SimulatedQueue] = []
  /// By queue the one into which it leads what is rejected.
  private(set) var deadLetters: [String: String] = [:]
  /// Queues to which messages are published: the first ones.
  private let routable: Int
  private var consumers: [SimulatedConsumer] = []
  private var producers: [SimulatedProducer] = []
  var connections: [SimulatedConnection] = []
  private var agenda = Agenda()
  private var operations: UInt64 = 0
  private var numbers: UInt32 = 0
  private var sequence = 0

  init(
    seed: UInt64, level: ReliabilityLevel, messages: Int, producers producerCount: Int, consumers consumerCount: Int,
    queues queueCount: Int, isRough: Bool = false, hasDeadLetters: Bool = false
  ) {
    self.level = level
    hasKeys = seed % 3 > 0
    routable = queueCount
    rng = SeededGenerator(seed: seed, label: level.rawValue)
    trouble = Trouble(&rng, isRough: isRough)
    budget = messages / 2
    for k in 0..<queueCount { queues.append(SimulatedQueue(self, name: names.word("q\(k)"))) }
    if hasDeadLetters { leadDeadLetters() }
    for k in 0..<consumerCount {
      consumers.append(SimulatedConsumer(self, process: Int32(10_000 + k), queue: queues[k % queues.count]))
    }
    for k in 0..<producerCount {
      let share = messages / producerCount + (k < messages % producerCount ? 1 : 0)
      producers.append(SimulatedProducer(self, process: Int32(k), messages: share))
    }
    let load = 2 * .millisecond * Int64(messages / producerCount) + 20 * .millisecond
    for _ in 0..<trouble.losses * (1 + messages / 300) {
      at(rng.below(load)) { [unowned self] in loseOne() }
    }
    for k in 0..<trouble.faults {
      at(rng.below(load)) { [unowned self] in
        fault("f\(k)", length: rng.below(load) / 2 + 5 * .millisecond)
      }
    }
    for consumer in consumers where rng.chance(0.6) {
      at(load / 5 + Int64(Double(load) * rng.unit())) { consumer.stop() }
    }
    run()
    for consumer in consumers { consumer.stop() }
    run()
    drain()
    // Clients and connections hold each other by closures.
    for connection in connections { (connection.onLost, connection.onBrokerEnd) = ({}, {}) }
    (connections, consumers, producers, queues) = ([], [], [], [])
  }

  var history: RecordedHistory { RecordedHistory(names: names, events: events, isComplete: true) }

  // MARK: Time and numbers

  func at(_ time: Nanoseconds, _ action: @escaping () -> Void) { agenda.add(time, action) }

  func after(_ delay: Nanoseconds, _ action: @escaping () -> Void) { at(now + delay, action) }

  private func run() {
    while let (time, action) = agenda.next() {
      now = max(now, time)
      action()
    }
  }

  func delay(isRead: Bool = false) -> Nanoseconds {
    let delay = 1000 + Int64(-log(1 - rng.unit()) * 1e6)
    return isRead && rng.chance(trouble.slowReads) ? delay + Int64(rng.unit() * 60e6) : delay
  }

  func newOperation() -> UInt64 {
    operations += 1
    return operations
  }

  /// Of sessions, channels and transactions.
  func newNumber() -> UInt32 {
    numbers += 1
    return numbers
  }

  /// 0: none. Some of the messages have none where others do.
  func key(of message: MessageID) -> UInt64 { hasKeys ? UInt64(message.sequence % 3) * 7 : 0 }

  func newMessage() -> MessageID {
    sequence += 1
    return MessageID(producer: sequence % 3, sequence: sequence)
  }

  /// Mostly one queue, seldom none.
  func newRoute() -> [Int] {
    let count = rng.chance(0.02) ? 0 : min(routable, rng.pick([1, 1, 1, 1, 2, 3]))
    return Array((0..<routable).shuffled(using: &rng).prefix(count)).sorted()
  }

  /// One queue more, and some lead there, or to each other, or in a circle.
  private func leadDeadLetters() {
    queues.append(SimulatedQueue(self, name: names.word("q\(routable)")))
    for (k, queue) in queues.enumerated() where rng.chance(k < routable ? 0.7 : 0.2) {
      let target = k < routable && rng.chance(0.7) ? routable : rng.below(queues.count)
      queue.deadLetters = queues[target]
      deadLetters["q\(k)"] = "q\(target)"
    }
  }

  func place(_ route: [Int]) -> UInt16 { names.route(to: route.map { "q\($0)" }) }

  func record(_ process: Int32, _ function: Function, _ outcome: Outcome, _ fill: (inout Event) -> Void) {
    var event = Event()
    (event.process, event.function, event.outcome) = (process, function, outcome)
    fill(&event)
    event.time = max(now, (events.last?.time ?? 0) + 1)
    events.append(event)
  }

  // MARK: What happens to the broker

  private func loseOne() {
    let live = connections.filter(\.isUp)
    if !live.isEmpty { rng.pick(live).lose() }
  }

  private func fault(_ name: String, length: Nanoseconds) {
    let place = names.word(name)
    record(-1, .fault, .invoke) { $0.place = place }
    for _ in 0..<rng.below(5) { after(rng.below(length)) { [unowned self] in giveBack() } }
    after(length) { [unowned self] in record(-1, .fault, .ok) { $0.place = place } }
  }

  /// A suspected node: what one of its sessions holds goes back to its queue, and the session stays open.
  private func giveBack() {
    let live = queues.flatMap(\.consumers).filter { !$0.held.isEmpty }
    guard !live.isEmpty else { return }
    let consumer = rng.pick(live)
    consumer.queue.putBack(consumer.releaseAll())
  }

  /// Returns false where the message was returned as unroutable.
  func enqueue(_ payload: Payload, inTransaction: Bool = false) -> Bool {
    if !inTransaction, rng.chance(trouble.unroutable) { return false }
    for k in payload.route { queues[k].add(SimulatedMessage(payload)) }
    return !payload.route.isEmpty
  }

  /// A publish outside a transaction arrives at the broker.
  func arrived(_ payload: Payload, on connection: SimulatedConnection, _ producer: SimulatedProducer) {
    if level == .low {
      if !enqueue(payload), trouble.acksAreAnswered { connection.toClient { producer.reply(payload, .fail) } }
      return
    }
    if rng.chance(trouble.nacks) {
      if rng.chance(0.5) { _ = enqueue(payload) }
      return connection.toClient { producer.reply(payload, .info) }
    }
    if !enqueue(payload) { connection.toClient { producer.reply(payload, .fail) } }
    after(lateness()) { connection.toClient { producer.reply(payload, .ok) } }
  }

  func lateness() -> Nanoseconds { rng.chance(trouble.lateReplies) ? rng.below(3 * .second) : 0 }

  private func drain() {
    for queue in queues {
      record(-2, .drained, .invoke) {
        $0.op = newOperation()
        $0.place = queue.name
      }
    }
    let fresh = queues.enumerated().map { k, queue in
      SimulatedConsumer(self, process: Int32(20_000 + k), queue: queue, isDrain: true)
    }
    run()
    now += Self.timer + .millisecond
    for (queue, consumer) in zip(queues, fresh) {
      precondition(queue.ready.isEmpty && consumer.held.isEmpty, "the simulated broker keeps what it has")
      record(-2, .drained, .ok) { $0.place = queue.name }
      consumer.stop()
    }
    run()
  }
}

extension SeededGenerator {
  mutating func pick<T>(_ list: [T]) -> T { list[below(list.count)] }
  mutating func below(_ bound: Int64) -> Int64 { Int64(below(Int(bound))) }
}

/// What is to happen, by time and then in the order in which it was said.
struct Agenda {
  private var heap: [(time: Nanoseconds, number: Int, action: () -> Void)] = []
  private var count = 0

  mutating func add(_ time: Nanoseconds, _ action: @escaping () -> Void) {
    count += 1
    heap.append((time, count, action))
    var at = heap.count - 1
    while at > 0, isBefore(at, (at - 1) / 2) {
      heap.swapAt(at, (at - 1) / 2)
      at = (at - 1) / 2
    }
  }

  mutating func next() -> (Nanoseconds, () -> Void)? {
    guard !heap.isEmpty else { return nil }
    heap.swapAt(0, heap.count - 1)
    let (time, _, action) = heap.removeLast()
    var at = 0
    while true {
      var least = at
      for child in [2 * at + 1, 2 * at + 2] where child < heap.count && isBefore(child, least) { least = child }
      if least == at { return (time, action) }
      heap.swapAt(at, least)
      at = least
    }
  }

  private func isBefore(_ a: Int, _ b: Int) -> Bool {
    heap[a].time != heap[b].time ? heap[a].time < heap[b].time : heap[a].number < heap[b].number
  }
}
