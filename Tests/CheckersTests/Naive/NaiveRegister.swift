// Is there an order of all operations that a key-value store allows? Asked by trying them all, all keys together.

import Base
import History

/// Shares nothing with `RegisterChecker` but the meaning of the events.
enum NaiveRegister {
  private enum Action {
    case write(UInt64, MessageID)
    case read(UInt64, MessageID)
    case swap(UInt64, MessageID, MessageID)
  }

  static func isLinearizable(_ history: RecordedHistory) -> Bool {
    var operations: [NaiveOperation<Action>] = []
    let first = MessageID(rawValue: 0)
    for invoke in history.events where invoke.outcome == .invoke {
      let completion = history.events.last { $0.op == invoke.op && $0.outcome != .invoke }
      let outcome = completion?.outcome ?? .info
      let isSure = outcome == .ok
      if outcome == .fail || !isSure && invoke.function == .read { continue }
      let action: Action =
        switch invoke.function {
        case .write: .write(invoke.tag, invoke.message)
        case .read: .read(invoke.tag, completion?.message == MessageID.none ? first : completion?.message ?? first)
        default: .swap(invoke.tag, MessageID(rawValue: invoke.transaction), invoke.message)
        }
      operations.append(
        NaiveOperation(
          action: action, begin: invoke.time, end: isSure ? completion?.time ?? .max : .max, isSure: isSure))
    }
    return hasOrder(operations, from: [UInt64: MessageID]()) { store, action in
      var new = store
      switch action {
      case .write(let key, let value): new[key] = value
      case .read(let key, let value): return store[key, default: first] == value ? [store] : []
      case .swap(let key, let old, let value):
        guard store[key, default: first] == old else { return [] }
        new[key] = value
      }
      return [new]
    }
  }
}
