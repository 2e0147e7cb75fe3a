// Is there an order of all operations that an append-only log allows? Asked by trying them all: exponential.

import Base
import History

@testable import Checkers

/// Shares nothing with `LogChecker` but the meaning of the operations.
struct NaiveLog {
  private struct State: Hashable {
    var done: UInt64 = 0
    var log: [Int64: MessageID] = [:]
    /// The next append gets this offset; in a sparse log, it or a greater one.
    var next: Int64 = 0
  }

  /// - Parameter operations: At most 64; every append of a value of its own.
  static func isLinearizable(_ operations: [LogOperation], isDense: Bool) -> Bool {
    let kept = operations.filter { $0.outcome == .ok || $0.kind == .append && $0.outcome != .fail }
    func isSure(_ k: Int) -> Bool { kept[k].outcome == .ok }
    let sure = kept.indices.reduce(UInt64(0)) { isSure($1) ? $0 | 1 << UInt64($1) : $0 }
    let before = kept.map { a in
      kept.indices.reduce(UInt64(0)) { isSure($1) && kept[$1].end < a.begin ? $0 | 1 << UInt64($1) : $0 }
    }
    // Of a sparse log, the offsets that anything speaks of, and one behind them all.
    let spoken = Set(kept.map(\.offset).filter { $0 >= 0 })
    let offsets = spoken.union([(spoken.max() ?? 0) + 1]).sorted()
    var known: Set<State> = []
    var stack = [State()]
    while let state = stack.popLast() {
      if state.done & sure == sure { return true }
      guard known.insert(state).inserted else { continue }
      for k in kept.indices where state.done & 1 << UInt64(k) == 0 && before[k] & ~state.done == 0 {
        for var new in steps(state, kept[k], isDense ? [state.next] : offsets.filter { $0 >= state.next }) {
          new.done |= 1 << UInt64(k)
          stack.append(new)
        }
      }
    }
    return false
  }

  private static func steps(_ state: State, _ operation: LogOperation, _ free: [Int64]) -> [State] {
    if operation.kind == .read {
      let isRight =
        operation.value == .none ? operation.offset >= state.next : state.log[operation.offset] == operation.value
      return isRight ? [state] : []
    }
    // An append of unknown outcome behind everything that is spoken of changes nothing.
    return free.filter { operation.outcome != .ok || $0 == operation.offset }.map { offset in
      var new = state
      new.log[offset] = operation.value
      new.next = offset + 1
      return new
    }
  }
}
