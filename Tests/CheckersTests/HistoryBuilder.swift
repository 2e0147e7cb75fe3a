// Short histories written by hand, a line an event, one time step each.

import Base
import History

@testable import Checkers

struct HistoryBuilder {
  var names = Names()
  private(set) var events: [Event] = []
  private var operations: UInt64 = 0
  private var open: [String: UInt64] = [:]
  /// Added before every event.
  var step: Nanoseconds = .millisecond

  var history: RecordedHistory { RecordedHistory(names: names, events: events, isComplete: true) }

  @discardableResult
  mutating func add(_ function: Function, _ outcome: Outcome, op: UInt64 = 0, _ fill: (inout Event) -> Void = { _ in })
    -> UInt64
  {
    var event = Event()
    (event.function, event.outcome, event.op) = (function, outcome, op)
    if outcome == .invoke {
      operations += 1
      event.op = operations
    }
    fill(&event)
    event.time = (events.last?.time ?? 0) + step
    events.append(event)
    return event.op
  }

  mutating func wait(_ time: Nanoseconds) {
    step = time
    add(.alive, .invoke) { $0.session = 999 }
    step = .millisecond
  }

  static func id(_ sequence: Int) -> MessageID { MessageID(producer: 1, sequence: sequence) }

  @discardableResult
  mutating func publish(
    _ id: Int, attempt: UInt32 = 1, to queues: [String] = ["q"], channel: UInt32 = 50, tx: UInt64 = 0,
    node: String? = nil, key: UInt64 = 0
  ) -> UInt64 {
    let place = names.route(to: queues)
    let node = node.map { names.word($0) } ?? Names.none
    return add(.publish, .invoke) {
      ($0.message, $0.attempt, $0.place) = (Self.id(id), attempt, place)
      ($0.session, $0.transaction, $0.node, $0.tag) = (channel, tx, node, key)
    }
  }

  /// Published and confirmed.
  mutating func send(_ id: Int, attempt: UInt32 = 1, to queues: [String] = ["q"], channel: UInt32 = 50) {
    let op = publish(id, attempt: attempt, to: queues, channel: channel)
    add(.publish, .ok, op: op)
  }

  mutating func subscribe(_ session: UInt32, _ queue: String = "q", isAuto: Bool = false, prefetch: UInt64 = 1) {
    let place = names.word(queue)
    let op = add(.subscribe, .invoke) {
      ($0.session, $0.place, $0.tag, $0.flags) = (session, place, prefetch, isAuto ? .autoAck : [])
    }
    add(.subscribe, .ok, op: op) { ($0.session, $0.place) = (session, place) }
  }

  mutating func deliver(
    _ id: Int, attempt: UInt32 = 1, _ queue: String = "q", session: UInt32, tag: UInt64, flags: Event.Flags = []
  ) {
    let place = names.word(queue)
    add(.deliver, .ok) {
      ($0.message, $0.attempt, $0.place) = (Self.id(id), attempt, place)
      ($0.session, $0.tag, $0.flags) = (session, tag, flags)
    }
  }

  @discardableResult
  mutating func ack(session: UInt32, tag: UInt64, tx: UInt64 = 0) -> UInt64 {
    add(.ack, .invoke) { ($0.session, $0.tag, $0.transaction) = (session, tag, tx) }
  }

  mutating func ackAnswered(session: UInt32, tag: UInt64) {
    let op = ack(session: session, tag: tag)
    add(.ack, .ok, op: op) { ($0.session, $0.tag) = (session, tag) }
  }

  mutating func nack(session: UInt32, tag: UInt64) {
    add(.nack, .invoke) { ($0.session, $0.tag, $0.flags) = (session, tag, .requeue) }
  }

  /// Without requeue.
  mutating func reject(session: UInt32, tag: UInt64, tx: UInt64 = 0) {
    add(.nack, .invoke) { ($0.session, $0.tag, $0.transaction) = (session, tag, tx) }
  }

  mutating func alive(_ session: UInt32) {
    let op = add(.alive, .invoke) { $0.session = session }
    add(.alive, .ok, op: op) { $0.session = session }
  }

  mutating func end(_ function: Function, tx: UInt64, _ outcome: Outcome?) {
    let op = add(function, .invoke) { $0.transaction = tx }
    if let outcome { add(function, outcome, op: op) { $0.transaction = tx } }
  }

  mutating func fault(_ name: String, _ outcome: Outcome) {
    let place = names.word(name)
    add(.fault, outcome) { $0.place = place }
  }

  mutating func drained(_ queue: String = "q", left: UInt64 = 0) {
    let place = names.word(queue)
    let op = add(.drained, .invoke) { $0.place = place }
    add(.drained, left == 0 ? .ok : .info, op: op) { ($0.place, $0.tag) = (place, left) }
  }

  mutating func enqueue(_ id: Int, _ outcome: Outcome = .ok) {
    let op = add(.enqueue, .invoke) { $0.message = Self.id(id) }
    add(.enqueue, outcome, op: op) { $0.message = Self.id(id) }
  }

  mutating func dequeue(_ id: Int?, _ outcome: Outcome = .ok) {
    let op = add(.dequeue, .invoke)
    add(.dequeue, outcome, op: op) { $0.message = id.map(Self.id) ?? .none }
  }
}

/// The account of a history written by hand, everything listed.
func check(
  _ level: ReliabilityLevel = .medium, _ change: (inout DeliveryOptions) -> Void = { _ in },
  _ build: (inout HistoryBuilder) -> Void
) -> DeliveryResult {
  var builder = HistoryBuilder()
  build(&builder)
  var options = DeliveryOptions(level: level)
  options.listed = Set(FindingName.allCases)
  change(&options)
  return DeliveryChecker.check(builder.history, options: options)
}

/// How many of each finding there are, without those that are not there.
func found(_ result: DeliveryResult) -> [FindingName: Int] { result.counts.filter { $0.value > 0 } }
