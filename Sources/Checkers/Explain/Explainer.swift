// From the events that a finding names to the picture of it: which operations are drawn, and how long each lasts.

import Base
import History

/// Pictures for findings of any model.
public enum Explainer {
  /// Cases of one name that are worth a picture.
  public static let perName = 3
  /// More operations than these nobody can compare at a glance.
  static let mostOperations = 9
  static let mostFaults = 3

  /// Draws every case; one pass over the history for all of them.
  /// - Parameter origin: The time that seconds are counted from.
  /// - Returns: As many as there are cases, in their order.
  public static func explain(
    _ cases: [LaneCase], in history: RecordedHistory, origin: Nanoseconds
  ) -> [Lanes] {
    guard !cases.isEmpty else { return [] }
    var search = LaneSearch(history.events)
    let drafts = cases.map { Draft($0, history, &search) }
    search.run()
    return drafts.map { $0.lanes(search, history, origin: origin) }
  }

  /// The first few of each name, as positions in `names`.
  public static func first(_ limit: Int = perName, of names: [String]) -> [Int] {
    var counts: [String: Int] = [:]
    return names.indices.filter { index in
      counts[names[index], default: 0] += 1
      return counts[names[index], default: 0] <= limit
    }
  }
}

/// One case between question and answer.
private struct Draft {
  let item: LaneCase
  /// Positions in the search's operations and held deliveries.
  private var operations: [Int] = []
  private var deliveries: [Int] = []
  private var values: [MessageID] = []
  private var transactions: [UInt64] = []
  private var isAboutDrain = false

  init(_ item: LaneCase, _ history: RecordedHistory, _ search: inout LaneSearch) {
    self.item = item
    let events = history.events
    let chosen = Self.choose(item, events)
    if item.name == QueueFindingName.falseEmpty.rawValue { values = InsideWitness.values(chosen, events) }
    for at in chosen where events[at].function == .deliver { add(search.wantDelivery(at), to: &deliveries) }
    for at in chosen {
      let event = events[at]
      switch event.function {
      case .deliver, .fault: continue
      case .drained:
        isAboutDrain = true
        continue
      case .enqueue, .dequeue: if event.message != .none { values.append(event.message) }
      case .publish, .ack, .nack, .commit, .rollback:
        if event.transaction != 0 { transactions.append(event.transaction) }
      default: break
      }
      let isSettling = event.function == .ack || event.function == .nack
      if isSettling, search.hasDelivery(session: event.session, tag: event.tag) { continue }
      add(search.wantOperation(of: at), to: &operations)
    }
    if item.name == FindingName.lost.rawValue { isAboutDrain = true }
    if item.transaction != 0 { transactions.append(item.transaction) }
    for value in values { search.wantValue(value) }
    for transaction in transactions { search.wantTransaction(transaction) }
  }

  private func add(_ position: Int, to list: inout [Int]) {
    if !list.contains(position) { list.append(position) }
  }

  /// Of many messages the one that it is about and one other: that which was delivered, where there is one.
  private static func choose(_ item: LaneCase, _ events: [Event]) -> [Int] {
    let all = item.events.filter(events.indices.contains)
    guard let id = item.id else { return all }
    let others = all.filter { events[$0].message != .none && events[$0].message.description != id }
    guard let other = others.first(where: { events[$0].function == .deliver }) ?? others.first else { return all }
    return all.filter { at in
      let message = events[at].message
      return message == .none || message == events[other].message || message.description == id
    }
  }

  private struct Drawn {
    var process: Int32
    var function: Function
    var interval: Lanes.Interval
  }

  func lanes(_ search: LaneSearch, _ history: RecordedHistory, origin: Nanoseconds) -> Lanes {
    let events = history.events
    func seconds(_ at: Int) -> Double { (events[at].time - origin).seconds }
    var wanted = operations
    for value in values { for k in search.operations(on: value) { add(k, to: &wanted) } }
    for transaction in transactions { for k in search.ends(of: transaction) { add(k, to: &wanted) } }
    var drawn: [Drawn] = []
    var isConfirmed = false
    for k in wanted {
      let operation = search.operations[k]
      let begin = events[operation.begin]
      let end = operation.end < 0 ? nil : events[operation.end]
      if end?.outcome == .ok { isConfirmed = isConfirmed || begin.function == .publish || begin.function == .commit }
      // Within a transaction a publish has no answer of its own; what has no operation number is a moment.
      let isMoment = end == nil && (begin.op == 0 || begin.function == .publish && begin.transaction != 0)
      let isOpen = !isMoment && (end == nil || end?.outcome == .info)
      drawn.append(
        Drawn(
          process: begin.process, function: begin.function,
          interval: Lanes.Interval(
            begin: seconds(operation.begin),
            end: isOpen ? nil : seconds(operation.end < 0 ? operation.begin : operation.end),
            label: LaneWords.operation(begin, end, history.names), role: LaneWords.role(begin.function),
            ending: isOpen ? .open : end?.outcome == .fail ? .failed : .ok)))
    }
    for k in deliveries {
      let read = events[search.held[k].read]
      let (label, end) = ending(of: search.held[k], search, history)
      drawn.append(
        Drawn(
          process: read.process, function: .deliver,
          interval: Lanes.Interval(
            begin: seconds(search.held[k].read), end: end.map(seconds),
            label: LaneWords.delivery(read, history.names) + label, role: .take, ending: end == nil ? .open : .ok)))
    }
    drawn.sort { ($0.interval.begin, $0.process) < ($1.interval.begin, $1.process) }
    if drawn.count > Explainer.mostOperations {
      let tail = Explainer.mostOperations / 2
      drawn = Array(drawn.prefix(Explainer.mostOperations - tail) + drawn.suffix(tail))
    }
    let faults = faults(drawn, search, history, origin)
    var isDrained = false
    if isAboutDrain, let queue = item.queue, let drain = drain(of: queue, search, history) {
      let (begin, end) = (events[drain.begin], drain.end < 0 ? nil : events[drain.end])
      isDrained = end?.outcome == .ok
      drawn.append(
        Drawn(
          process: begin.process, function: .drained,
          interval: Lanes.Interval(
            begin: seconds(drain.begin), end: end == nil ? nil : seconds(drain.end),
            label: LaneWords.operation(begin, end, history.names), role: .drain, ending: end == nil ? .open : .ok)))
    }
    let sentence = LaneWords.sentence(item, isConfirmed: isConfirmed, isDrained: isDrained)
    return Lanes(
      sentence: sentence, rows: rows(drawn) + (faults.isEmpty ? [] : [Lanes.Row(name: "fault", intervals: faults)]))
  }

  /// A row for every process, those without a number of their own last.
  private func rows(_ drawn: [Drawn]) -> [Lanes.Row] {
    var processes: [Int32] = []
    for one in drawn where !processes.contains(one.process) { processes.append(one.process) }
    processes.sort { ($0 < 0 ? Int32.max : $0, $0) < ($1 < 0 ? Int32.max : $1, $1) }
    return processes.map { process in
      let own = drawn.filter { $0.process == process }.sorted { $0.interval.begin < $1.interval.begin }
      return Lanes.Row(name: LaneWords.client(process, own.map(\.function)), intervals: own.map(\.interval))
    }
  }

  private func drain(of queue: String, _ search: LaneSearch, _ history: RecordedHistory) -> LaneSearch.Operation? {
    guard let place = history.names.entries.firstIndex(of: .word(queue)) else { return nil }
    return search.drains[UInt16(place)].map { search.operations[$0] }
  }

  /// What ended a delivery: nil where nothing did.
  private func ending(
    of held: LaneSearch.Held, _ search: LaneSearch, _ history: RecordedHistory
  ) -> (label: String, end: Int?) {
    let events = history.events
    let session = events[held.read].session
    if search.isAutomatic(session) { return (", needs no ack", held.read) }
    if held.ack >= 0 {
      let ack = events[held.ack]
      if ack.function == .nack { return (ack.flags.contains(.requeue) ? ", given back" : ", rejected", held.ack) }
      if ack.transaction != 0 { return (", acked in tx \(ack.transaction)", held.ack) }
      guard held.answer >= 0 else { return (", acked", held.ack) }
      return (events[held.answer].outcome == .ok ? ", ack answered" : ", ack refused", held.answer)
    }
    guard let end = search.firstReturn(of: session, after: held.read) else { return (", held", nil) }
    if events[end].function == .recover { return (", recovered", end) }
    return (events[end].outcome == .info ? ", connection lost" : ", session closed", end)
  }

  /// Those that stood meanwhile; of what was lost unseen the next that began, where none did.
  private func faults(
    _ drawn: [Drawn], _ search: LaneSearch, _ history: RecordedHistory, _ origin: Nanoseconds
  ) -> [Lanes.Interval] {
    let first = drawn.map(\.interval.begin).min() ?? 0
    let last = drawn.map { $0.interval.end ?? $0.interval.begin }.max() ?? 0
    let windows = search.faults.map { window in
      Lanes.Interval(
        begin: (history.events[window.begin].time - origin).seconds,
        end: window.end.map { (history.events[$0].time - origin).seconds },
        label: history.names.text(history.events[window.begin].place), role: .fault,
        ending: window.end == nil ? .open : .ok)
    }.sorted { $0.begin < $1.begin }
    let meanwhile = windows.filter { $0.begin <= last && ($0.end ?? .infinity) >= first }
    if !meanwhile.isEmpty { return Array(meanwhile.prefix(Explainer.mostFaults)) }
    guard item.name == FindingName.lost.rawValue, deliveries.isEmpty else { return [] }
    return windows.first { $0.begin > last }.map { [$0] } ?? []
  }
}
