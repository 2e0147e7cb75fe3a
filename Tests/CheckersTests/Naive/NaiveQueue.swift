// Is there an order of all operations that a queue allows? Asked by trying them all: exponential, for a dozen operations.

import Base
import History

@testable import Checkers

/// Shares nothing with `QueueChecker` but the meaning of the events.
struct NaiveQueue {
  private enum Action: Equatable {
    case put(MessageID)
    case take(MessageID)
    case takeAny
    case findNothing
    /// It has been put by now.
    case see(MessageID)
  }

  private struct Operation {
    var action: Action
    var begin: Nanoseconds
    var end = Nanoseconds.max
    /// It happened for certain.
    var isSure = true
  }

  private struct State: Hashable {
    var done: UInt64
    var inside: [MessageID]
    /// Taken by nobody knows whom, and able to come back.
    var away: Set<MessageID> = []
    var ever: Set<MessageID>
  }

  private let model: QueueModel
  private let mayReturn: Bool
  private var operations: [Operation] = []

  /// - Parameter mayReturn: What a dequeue of unknown result took may come back to the head, at any later time.
  static func isLinearizable(_ history: RecordedHistory, _ model: QueueModel, mayReturn: Bool = false) -> Bool {
    NaiveQueue(history, model, mayReturn).search()
  }

  private init(_ history: RecordedHistory, _ model: QueueModel, _ mayReturn: Bool) {
    self.model = model
    self.mayReturn = mayReturn
    for invoke in history.events where invoke.outcome == .invoke {
      let completion = history.events.last { $0.op == invoke.op && $0.outcome != .invoke }
      let outcome = completion?.outcome ?? .info
      if outcome == .fail { continue }
      let end = outcome == .ok ? completion?.time ?? .max : .max
      let isSure = outcome == .ok
      if invoke.function == .enqueue {
        operations.append(Operation(action: .put(invoke.message), begin: invoke.time, end: end, isSure: isSure))
        continue
      }
      let came = completion?.message ?? .none
      if came == .none {
        operations.append(
          Operation(action: isSure ? .findNothing : .takeAny, begin: invoke.time, end: end, isSure: isSure))
      } else if isSure {
        operations.append(Operation(action: .take(came), begin: invoke.time, end: end))
      } else {
        let seen = completion?.time ?? .max
        operations.append(Operation(action: .see(came), begin: invoke.time, end: seen))
        operations.append(Operation(action: .take(came), begin: seen, isSure: false))
      }
    }
  }

  private func next(_ state: State, _ action: Action) -> [State] {
    var new = state
    switch action {
    case .put(let value):
      new.inside.append(value)
      new.ever.insert(value)
      return [new]
    case .see(let value): return state.ever.contains(value) ? [state] : []
    case .findNothing: return state.inside.isEmpty ? [state] : []
    case .take(let value):
      if new.away.remove(value) != nil { return [new] }
      guard let at = state.inside.firstIndex(of: value), model == .bag || at == 0 else { return [] }
      new.inside.remove(at: at)
      return [new]
    case .takeAny:
      return (model == .fifo ? state.inside.indices.prefix(1) : state.inside.indices[...]).map { at in
        var new = state
        let value = new.inside.remove(at: at)
        if mayReturn { new.away.insert(value) }
        return new
      }
    }
  }

  private func search() -> Bool {
    let sure = operations.indices.reduce(UInt64(0)) { operations[$1].isSure ? $0 | 1 << UInt64($1) : $0 }
    let before = operations.map { a in
      operations.indices.reduce(UInt64(0)) {
        operations[$1].isSure && operations[$1].end < a.begin ? $0 | 1 << UInt64($1) : $0
      }
    }
    var seen: Set<State> = []
    var stack = [State(done: 0, inside: [], ever: [])]
    while var state = stack.popLast() {
      if state.done & sure == sure { return true }
      // In a bag the order inside is no part of the state.
      if model == .bag { state.inside.sort() }
      guard seen.insert(state).inserted else { continue }
      for k in operations.indices where state.done & 1 << UInt64(k) == 0 && before[k] & ~state.done == 0 {
        for var new in next(state, operations[k].action) {
          new.done |= 1 << UInt64(k)
          stack.append(new)
        }
      }
    }
    return false
  }
}
