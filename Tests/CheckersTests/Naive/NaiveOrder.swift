// Is there an order of all operations that an object allows? Asked by trying them all: exponential, for a dozen operations.

import Base

/// An operation that nobody may have seen the end of.
struct NaiveOperation<Action> {
  var action: Action
  var begin: Nanoseconds
  var end = Nanoseconds.max
  /// It happened for certain.
  var isSure = true
}

private struct NaiveConfiguration<State: Hashable>: Hashable {
  var done: UInt64
  var state: State
}

/// Shares nothing with the search of the checkers.
/// - Parameter next: The states after an action; none where it cannot have gone that way.
func hasOrder<Action, State: Hashable>(
  _ operations: [NaiveOperation<Action>], from initial: State, next: (State, Action) -> [State]
) -> Bool {
  let sure = operations.indices.reduce(UInt64(0)) { operations[$1].isSure ? $0 | 1 << UInt64($1) : $0 }
  let before = operations.map { a in
    operations.indices.reduce(UInt64(0)) {
      operations[$1].isSure && operations[$1].end < a.begin ? $0 | 1 << UInt64($1) : $0
    }
  }
  var seen: Set<NaiveConfiguration<State>> = []
  var stack = [NaiveConfiguration(done: 0, state: initial)]
  while let now = stack.popLast() {
    if now.done & sure == sure { return true }
    guard seen.insert(now).inserted else { continue }
    for k in operations.indices where now.done & 1 << UInt64(k) == 0 && before[k] & ~now.done == 0 {
      for state in next(now.state, operations[k].action) {
        stack.append(NaiveConfiguration(done: now.done | 1 << UInt64(k), state: state))
      }
    }
  }
  return false
}
