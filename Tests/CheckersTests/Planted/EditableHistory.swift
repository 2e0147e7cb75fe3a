// A simulated history, indexed and open to edits.

import Base
import History

/// One event by reference, so that it can be found again after lines were put before it.
final class Line {
  var event: Event
  init(_ event: Event) { self.event = event }
}

final class EditableHistory {
  struct Subscription {
    var number: UInt32
    var queue: UInt16
    var isAuto = false
    var process: Int32 = 0
    var asked: Nanoseconds = 0
    var since: Nanoseconds?
    var closing: Nanoseconds?
    var isClosed = false
    var hasRecovered = false
    var tags: UInt64 = 0
    var isDrain: Bool { process >= 20_000 }
  }

  struct Slot: Hashable {
    var message: MessageID
    var attempt: UInt32
    var queue: UInt16
  }

  struct Delivery: Hashable {
    var session: UInt32
    var tag: UInt64
  }

  let names: Names
  let letters: NaiveLetters
  var rng: SeededGenerator
  private(set) var lines: [Line]
  let tries: [Line]
  let deliveries: [Line]
  private var completions: [UInt64: [Line]] = [:]
  private var acks: [Delivery: [Line]] = [:]
  private(set) var ends: [UInt64: [Line]] = [:]
  private(set) var slots: [Slot: [Line]] = [:]
  private(set) var subscriptions: [Subscription] = []
  private var faultEnds: [Nanoseconds] = []
  private var operations: UInt64

  init(_ history: RecordedHistory, _ rng: SeededGenerator, deadLetters: [String: String] = [:]) {
    names = history.names
    letters = NaiveLetters(names: history.names, next: deadLetters)
    self.rng = rng
    lines = history.events.map(Line.init)
    tries = lines.filter { $0.event.function == .publish && $0.event.outcome == .invoke }
    deliveries = lines.filter { $0.event.function == .deliver }
    operations = lines.map(\.event.op).max() ?? 0
    for line in lines { index(line) }
  }

  private func index(_ line: Line) {
    let event = line.event
    if event.outcome != .invoke, event.op != 0 { completions[event.op, default: []].append(line) }
    func subscription(_ change: (inout Subscription) -> Void) {
      if let k = subscriptions.firstIndex(where: { $0.number == event.session }) { change(&subscriptions[k]) }
    }
    switch (event.function, event.outcome) {
    case (.subscribe, .invoke):
      subscriptions.append(
        Subscription(
          number: event.session, queue: event.place, isAuto: event.flags.contains(.autoAck), process: event.process,
          asked: event.time))
    case (.subscribe, .ok): subscription { $0.since = event.time }
    case (.release, .invoke): subscription { $0.closing = event.time }
    case (.release, .ok): subscription { $0.isClosed = true }
    case (.recover, _): subscription { $0.hasRecovered = true }
    case (.deliver, _):
      subscription { $0.tags = event.tag }
      slots[Slot(message: event.message, attempt: event.attempt, queue: event.place), default: []].append(line)
    case (.ack, .invoke), (.nack, .invoke):
      acks[Delivery(session: event.session, tag: event.tag), default: []].append(line)
    case (.commit, _), (.rollback, _): ends[event.transaction, default: []].append(line)
    case (.fault, .ok): faultEnds.append(event.time)
    default: break
    }
  }

  // MARK: Questions

  func pick<T>(_ things: [T]) -> T? { things.isEmpty ? nil : rng.pick(things) }

  func queues(_ p: Line) -> [UInt16] { names.queues(p.event.place) }
  func completions(_ line: Line) -> [Line] { completions[line.event.op] ?? [] }
  func outcomes(_ line: Line) -> [Outcome] { completions(line).map(\.event.outcome) }
  func deliveries(_ p: Line, _ queue: UInt16) -> [Line] {
    slots[Slot(message: p.event.message, attempt: p.event.attempt, queue: queue)] ?? []
  }
  func siblings(_ d: Line) -> [Line] {
    slots[Slot(message: d.event.message, attempt: d.event.attempt, queue: d.event.place)] ?? []
  }
  func acks(_ d: Line) -> [Line] { acks[Delivery(session: d.event.session, tag: d.event.tag)] ?? [] }
  func attempt(_ d: Line) -> Line? {
    tries.first { $0.event.message == d.event.message && $0.event.attempt == d.event.attempt }
  }
  func isSingle(_ p: Line) -> Bool { tries.filter { $0.event.message == p.event.message }.count == 1 }

  /// There is one copy of the attempt in the queue at most, so that its deliveries can contradict each other.
  func isSole(_ d: Line) -> Bool { attempt(d).map { letters.ways($0.event.place, d.event.place) == 1 } ?? false }

  /// None of it went on to where the queue leads.
  func stayed(_ p: Line, _ queue: UInt16) -> Bool {
    letters.behind(queue).allSatisfy { deliveries(p, $0).isEmpty }
  }

  func transaction(_ number: UInt64) -> Outcome {
    let commits = (ends[number] ?? []).filter { $0.event.function == .commit }.map(\.event.outcome)
    if commits.isEmpty || commits.contains(.fail) { return .fail }
    return commits.contains(.ok) ? .ok : .info
  }

  func outcome(_ p: Line) -> Outcome {
    if outcomes(p).contains(.fail) { return .fail }
    if p.event.transaction != 0 { return transaction(p.event.transaction) }
    return outcomes(p).contains(.ok) ? .ok : .info
  }

  /// Subscriptions that we closed and that were answered: alive until the close, by the broker's own words.
  var healthy: [Subscription] { subscriptions.filter { $0.isClosed && $0.since != nil && !$0.hasRecovered } }
  var drains: [Subscription] { healthy.filter(\.isDrain) }

  /// No fault can have returned anything that the subscription was given from `moment` on.
  func isClear(_ s: Subscription, from moment: Nanoseconds) -> Bool {
    faultEnds.allSatisfy { $0 < max(moment, s.asked) }
  }

  /// A line in `[low, high)` after which the subscription is open.
  func spot(_ s: Subscription, from low: Nanoseconds, to high: Nanoseconds = .max) -> Line? {
    let low = max(low, s.since ?? .max)
    let high = min(high, s.closing ?? .min)
    return pick(lines.filter { $0.event.time >= low && $0.event.time < high })
  }

  // MARK: Edits

  func newOperation() -> UInt64 {
    operations += 1
    return operations
  }

  func insert(after line: Line, _ events: [Event]) {
    let at = (lines.firstIndex { $0 === line } ?? lines.count - 1) + 1
    lines.insert(contentsOf: events.map(Line.init), at: at)
  }

  func append(_ events: [Event]) { lines += events.map(Line.init) }

  func remove(_ gone: [Line]) {
    let set = Set(gone.map(ObjectIdentifier.init))
    lines.removeAll { set.contains(ObjectIdentifier($0)) }
  }

  /// One more delivery on the subscription, half of the time acknowledged.
  func deliver(
    _ s: Subscription, _ message: MessageID, _ attempt: UInt32, after line: Line, flags: Event.Flags = [],
    isAnswered: Bool = false
  ) {
    guard let k = subscriptions.firstIndex(where: { $0.number == s.number }) else { return }
    subscriptions[k].tags += 1
    var event = Event()
    (event.process, event.function, event.outcome) = (s.process, .deliver, .ok)
    (event.message, event.attempt, event.place) = (message, attempt, s.queue)
    (event.session, event.tag, event.flags) = (s.number, subscriptions[k].tags + 1000, flags.union(.redelivered))
    var ack = Event()
    (ack.process, ack.function, ack.outcome) = (s.process, .ack, .invoke)
    (ack.op, ack.session, ack.tag) = (newOperation(), s.number, event.tag)
    var answer = ack
    answer.outcome = .ok
    let isAcknowledged = isAnswered || !s.isAuto && rng.chance(0.5)
    insert(after: line, [event] + (isAcknowledged ? [ack] : []) + (isAnswered ? [answer] : []))
  }

  /// Removes every delivery of the attempt in the queue, and what settled them.
  func drop(_ p: Line, _ queue: UInt16) { drop(deliveries(p, queue)) }

  func drop(_ deliveries: [Line]) {
    for d in deliveries { remove([d] + acks(d) + acks(d).flatMap(completions)) }
  }

  /// With times strictly increasing again.
  var result: RecordedHistory {
    var last: Nanoseconds = 0
    let events = lines.map { line in
      var event = line.event
      last = max(event.time, last + 1)
      event.time = last
      return event
    }
    return RecordedHistory(names: names, events: events, isComplete: true)
  }
}
