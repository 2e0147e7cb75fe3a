// The corner of the rules of a queue, searched: is there an order of all operations after all?

import History

/// Reads the history once more, for what the rules do not keep of it: the rare case need not make the usual one dearer.
struct QueueSearch {
  private struct Value {
    var put: Int32
    var isPut = SearchOperation<QueueAction>.never
    var hasFailed = false
    var take: Int32 = -1
    var isTaken = SearchOperation<QueueAction>.never
    /// First seen in a dequeue whose end is unknown.
    var sighted = SearchOperation<QueueAction>.never
  }

  private struct Dequeue {
    var begin: Int32
    var isOver = false
  }

  private static let never = SearchOperation<QueueAction>.never
  private var values: [Value] = []
  private var dequeues: [Dequeue] = []
  private var operations: [SearchOperation<QueueAction>] = []

  /// Exponential in how much overlaps, so within the budget.
  /// - Parameter source: In an order in which at one time invocations come first; every value in it was enqueued, by what
  ///   did not fail, before it came, and came once.
  /// - Returns: What the search says, and where it says that there is no order, the position of a return up to which the
  ///   history already has none.
  static func run(
    _ source: any EventSource, model: QueueModel, budget: SearchBudget
  ) -> (outcome: SearchOutcome, at: Int32) {
    var queue = QueueSearch()
    queue.read(source)
    queue.conclude()
    let outcome: SearchOutcome
    switch model {
    case .fifo:
      let object = SequentialQueue(isTaken: queue.values.map { $0.isTaken < never })
      var search = LinearizabilitySearch(object, queue.operations, budget: budget)
      outcome = search.run()
    case .bag:
      let kinds = queue.values.map { value -> SequentialBag.Kind in
        value.isTaken < never ? .taken : value.sighted < never ? .sighted : .unnamed
      }
      var search = LinearizabilitySearch(SequentialBag(kinds: kinds), queue.operations, budget: budget)
      outcome = search.run()
    }
    guard case .unexplained(let index) = outcome else { return (outcome, -1) }
    return (outcome, queue.operations[index].end)
  }

  private mutating func read(_ source: any EventSource) {
    var operationTable = NumberTable(limit: 2 * source.count + 1024)
    var valueTable = PairTable(capacity: source.count / 4)
    // By operation its value, or its place among dequeues.
    var things: [(isDequeue: Bool, thing: Int32)] = []
    for at in 0..<Int32(clamping: source.count) {
      let event = source.event(Int(at))
      guard event.function == .enqueue || event.function == .dequeue else { continue }
      let isDequeue = event.function == .dequeue
      if event.outcome == .invoke {
        operationTable.set(event.op, to: Int32(things.count))
        if isDequeue {
          things.append((true, Int32(dequeues.count)))
          dequeues.append(Dequeue(begin: at))
          continue
        }
        var k = valueTable.find(event.message.rawValue, event.attempt)
        if k < 0 {
          k = Int32(values.count)
          values.append(Value(put: at))
          valueTable.set(event.message.rawValue, event.attempt, to: k)
        }
        things.append((false, k))
        continue
      }
      let known = operationTable.find(event.op)
      guard known >= 0, things[Int(known)].isDequeue == isDequeue else { continue }
      let thing = Int(things[Int(known)].thing)
      if isDequeue {
        let k = event.message == .none ? -1 : valueTable.find(event.message.rawValue, event.attempt)
        dequeued(thing, event, k, at)
      } else if event.outcome == .ok {
        values[thing].isPut = min(values[thing].isPut, at)
      } else if event.outcome == .fail {
        values[thing].hasFailed = true
      }
    }
  }

  private mutating func dequeued(_ k: Int, _ event: Event, _ value: Int32, _ at: Int32) {
    // An unknown result can still become known; until then it counts as unknown.
    guard !dequeues[k].isOver, event.outcome != .info || event.message != .none else { return }
    dequeues[k].isOver = true
    if event.outcome == .ok, event.message == .none {
      operations.append(SearchOperation(action: .findNothing, begin: dequeues[k].begin, end: at))
    } else if event.outcome == .ok, value >= 0 {
      (values[Int(value)].take, values[Int(value)].isTaken) = (dequeues[k].begin, at)
    } else if event.outcome == .info, value >= 0 {
      values[Int(value)].sighted = min(values[Int(value)].sighted, at)
    }
  }

  /// What is known of the values as operations: a value seen was put in by then, and may be gone from then on.
  private mutating func conclude() {
    for (k, value) in values.enumerated() where !value.hasFailed {
      let isPut = min(value.isPut, value.sighted)
      operations.append(SearchOperation(action: .put(Int32(k)), begin: value.put, end: isPut))
      if value.isTaken < Self.never {
        operations.append(SearchOperation(action: .take(Int32(k)), begin: value.take, end: value.isTaken))
      } else if value.sighted < Self.never {
        operations.append(SearchOperation(action: .take(Int32(k)), begin: value.sighted, end: Self.never))
      }
    }
    for dequeue in dequeues where !dequeue.isOver {
      operations.append(SearchOperation(action: .takeAny, begin: dequeue.begin, end: Self.never))
    }
  }
}
