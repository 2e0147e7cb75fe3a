// Is a history of enqueues and dequeues that of a queue? Decided in one pass and at most two sweeps; only one rare mixture
// of unknown results needs a search.

import Base
import History

/// Linearizability of queues whose values are unique, by the five rules of `QueueLedger`. Linear in the events, but for
/// what `QueueResult.isCorner` describes: that is searched, where the rules find nothing, as far as a budget goes.
public enum QueueChecker {
  /// - Parameters:
  ///   - history: `enqueue` and `dequeue` events; anything else is passed over, and a history without any is undecided.
  ///     Equal times count as concurrent.
  ///   - findingLimit: Findings listed of each name; all are counted.
  ///   - budget: For a search. Beyond it the history is undecided.
  public static func check(
    _ history: RecordedHistory, model: QueueModel, findingLimit: Int = 1000, budget: SearchBudget = .standard
  ) -> QueueResult {
    var pass = QueuePass(history, model: model, findingLimit: findingLimit)
    pass.readAll()
    return pass.judge(budget)
  }
}

/// The pass over plain queue histories.
struct QueuePass {
  let events: [Event]
  private let order: EventOrder
  var ledger: QueueLedger
  private var book: QueueBook
  private let isComplete: Bool

  private struct Operation {
    var invoke: Int32
    /// Of an enqueue its value; of a dequeue the front when it began.
    var thing: Int32
    var isOver = false
  }
  private var operations: [Operation] = []
  private var operationTable: NumberTable
  private var valueTable: PairTable
  private var result = QueueResult()

  init(_ history: RecordedHistory, model: QueueModel, findingLimit: Int) {
    events = history.events
    isComplete = history.isComplete
    order = EventOrder(events)
    ledger = QueueLedger(model: model)
    book = QueueBook(events: events, order: order, limit: findingLimit)
    operationTable = NumberTable(limit: 2 * events.count + 1024)
    valueTable = PairTable(capacity: events.count / 4)
  }

  mutating func readAll() {
    for at in 0..<order.count {
      let event = events[order.event(at)]
      switch event.function {
      case .enqueue: enqueue(event, at)
      case .dequeue: dequeue(event, at)
      default: break
      }
    }
    // What was never completed is of unknown result.
    for operation in operations where !operation.isOver && function(operation) == .dequeue {
      ledger.unknown.append(operation.invoke)
    }
  }

  private func function(_ operation: Operation) -> Function {
    events[order.event(operation.invoke)].function
  }

  private mutating func invoked(_ event: Event, _ at: Int32, _ thing: Int32) {
    operationTable.set(event.op, to: Int32(operations.count))
    operations.append(Operation(invoke: at, thing: thing))
  }

  /// The operation that a completion ends; nil where it is unknown or over.
  private mutating func completed(_ event: Event) -> Operation? {
    let known = operationTable.find(event.op)
    guard known >= 0, !operations[Int(known)].isOver, function(operations[Int(known)]) == event.function
    else { return nil }
    // An unknown result can still become known; until then it counts as unknown.
    operations[Int(known)].isOver = event.function == .enqueue || event.outcome != .info || event.message != .none
    return operations[Int(known)]
  }

  private mutating func enqueue(_ event: Event, _ at: Int32) {
    if event.outcome == .invoke {
      let known = valueTable.find(event.message.rawValue, event.attempt)
      if known >= 0 { return invoked(event, at, known) }
      let new = Int32(ledger.values.count)
      ledger.values.append(QueueLedger.Value(message: event.message, attempt: event.attempt, enqueue: at))
      valueTable.set(event.message.rawValue, event.attempt, to: new)
      return invoked(event, at, new)
    }
    guard let operation = completed(event) else { return }
    let k = Int(operation.thing)
    switch event.outcome {
    case .ok:
      if !ledger.values[k].isGone { ledger.values[k].enqueued = min(ledger.values[k].enqueued, at) }
    case .fail:
      if ledger.values[k].isGone || ledger.values[k].sighted < QueueLedger.never { book.aborted(ledger.values[k], at) }
      ledger.values[k].hasFailed = true
    case .info, .invoke: break
    }
  }

  private mutating func dequeue(_ event: Event, _ at: Int32) {
    if event.outcome == .invoke { return invoked(event, at, ledger.front) }
    guard let operation = completed(event) else { return }
    switch event.outcome {
    case .ok where event.message == .none:
      ledger.empties.append(QueueLedger.Empty(begin: operation.invoke, end: at))
    case .ok: took(event, operation, at)
    case .info where event.message != .none: sighted(event, operation, at)
    case .info, .fail, .invoke: break
    }
  }

  private mutating func took(_ event: Event, _ operation: Operation, _ at: Int32) {
    guard let k = value(event, operation, at) else { return }
    if ledger.values[k].isGone { return book.duplicated(ledger.values[k], operation.invoke, at) }
    ledger.values[k].dequeue = operation.invoke
    ledger.values[k].dequeued = at
    if ledger.values[k].enqueued < operation.thing { ledger.values[k].overtaken = operation.thing }
    ledger.front = max(ledger.front, ledger.values[k].enqueue)
  }

  /// Seen in a dequeue of which nobody knows whether it took the value for good.
  private mutating func sighted(_ event: Event, _ operation: Operation, _ at: Int32) {
    guard let k = value(event, operation, at) else { return }
    ledger.values[k].sighted = min(ledger.values[k].sighted, at)
    if !ledger.values[k].isGone { ledger.values[k].enqueued = min(ledger.values[k].enqueued, at) }
  }

  /// The value that came; nil where it could not have come.
  private mutating func value(_ event: Event, _ operation: Operation, _ at: Int32) -> Int? {
    let known = valueTable.find(event.message.rawValue, event.attempt)
    if known < 0 {
      var flawed = QueueLedger.Value(message: event.message, attempt: event.attempt, enqueue: at)
      flawed.isFlawed = true
      valueTable.set(event.message.rawValue, event.attempt, to: Int32(ledger.values.count))
      ledger.values.append(flawed)
      book.unexpected(flawed, operation.invoke, at)
      return nil
    }
    let value = ledger.values[Int(known)]
    if value.isFlawed { return nil }
    if value.hasFailed {
      book.aborted(value, at)
      return nil
    }
    return Int(known)
  }

  mutating func judge(_ budget: SearchBudget = .standard) -> QueueResult {
    let needs = ledger.order(positions: events.count)
    for need in needs.late { book.late(ledger.values[Int(need.value)]) }
    for need in needs.lost { book.lost(ledger.values[Int(need.value)], need.deadline) }
    for (empty, inside) in ledger.falseEmpties(positions: events.count) { book.falseEmpty(empty, inside) }
    let real = ledger.values.filter { !$0.isFlawed && !$0.hasFailed }
    result.enqueued = real.count
    result.dequeued = real.filter(\.isGone).count
    result.empties = ledger.empties.count
    result.unknownDequeues = ledger.unknown.count
    result.isCorner = ledger.isCorner
    if result.isCorner, !book.hasFindings {
      let (outcome, at) = ledger.search(budget)
      result.isSearched = outcome != .outOfBounds
      if case .unexplained = outcome { book.unexplained(at) }
    }
    // A history that does not speak of a queue proves nothing about one.
    book.close(&result, isComplete: isComplete && !operations.isEmpty)
    return result
  }
}
