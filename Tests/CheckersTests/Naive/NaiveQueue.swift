// Is there an order of all operations that a queue allows? Asked by trying them all.

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

  private typealias Operation = NaiveOperation<Action>

  private struct State: Hashable {
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
    hasOrder(operations, from: State(inside: [], ever: [])) { state, action in
      next(state, action).map { new in
        var new = new
        // In a bag the order inside is no part of the state.
        if model == .bag { new.inside.sort() }
        return new
      }
    }
  }
}
