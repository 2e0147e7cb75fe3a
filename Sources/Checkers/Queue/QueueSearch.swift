// The corner of the rules of a queue, searched: is there an order of all operations after all?

extension QueueLedger {
  /// Exponential in how much overlaps, so within the budget.
  /// - Returns: What the search says, and where it says that there is no order, the position of a return up to which the
  ///   history already has none.
  func search(_ budget: SearchBudget) -> (outcome: SearchOutcome, at: Int32) {
    let operations = searchOperations()
    let real = values.map { !$0.hasFailed && !$0.isFlawed }
    let outcome: SearchOutcome
    switch model {
    case .fifo:
      let queue = SequentialQueue(isTaken: values.map(\.isGone))
      var search = LinearizabilitySearch(queue, operations, budget: budget)
      outcome = search.run()
    case .bag:
      let kinds = values.indices.map { k -> SequentialBag.Kind in
        guard real[k] else { return .unnamed }
        return values[k].isGone ? .taken : values[k].sighted < Self.never ? .sighted : .unnamed
      }
      var search = LinearizabilitySearch(SequentialBag(kinds: kinds), operations, budget: budget)
      outcome = search.run()
    }
    guard case .unexplained(let index) = outcome else { return (outcome, -1) }
    return (outcome, operations[index].end)
  }

  /// What is known of the values as operations: a value seen was put in by then, and may be gone from then on.
  private func searchOperations() -> [SearchOperation<QueueAction>] {
    var operations: [SearchOperation<QueueAction>] = []
    for (k, value) in values.enumerated() where !value.hasFailed && !value.isFlawed {
      operations.append(SearchOperation(action: .put(Int32(k)), begin: value.enqueue, end: value.enqueued))
      if value.isGone {
        operations.append(SearchOperation(action: .take(Int32(k)), begin: value.dequeue, end: value.dequeued))
      } else if value.sighted < Self.never {
        operations.append(SearchOperation(action: .take(Int32(k)), begin: value.sighted, end: Self.never))
      }
    }
    for empty in empties {
      operations.append(SearchOperation(action: .findNothing, begin: empty.begin, end: empty.end))
    }
    for begin in unknown { operations.append(SearchOperation(action: .takeAny, begin: begin, end: Self.never)) }
    return operations
  }
}
