// The objects that the search knows: a register with compare-and-set, a queue, a bag, a log.

import Base
import History

/// Holds one value, 0 at first.
struct SequentialRegister: SequentialModel {
  enum Action: Hashable {
    case write(UInt64)
    case read(UInt64)
    case compareAndSet(old: UInt64, new: UInt64)
  }

  var initial: UInt64 { 0 }

  func step(_ state: UInt64, _ action: Action) -> [UInt64] {
    switch action {
    case .write(let value): [value]
    case .read(let value): value == state ? [state] : []
    case .compareAndSet(let old, let new): old == state ? [new] : []
    }
  }

  func encode(_ state: UInt64, into words: inout [UInt64]) { words.append(state) }
}

/// What is done to a queue or a bag. Values are numbers from 0.
enum QueueAction: Hashable {
  case put(Int32)
  case take(Int32)
  /// Nobody knows what it took.
  case takeAny
  case findNothing
}

/// First in, first out.
struct SequentialQueue: SequentialModel {
  /// By value, whether a dequeue of known result took it: then no other can have.
  var isTaken: [Bool]

  var initial: [Int32] { [] }

  func step(_ state: [Int32], _ action: QueueAction) -> [[Int32]] {
    switch action {
    case .put(let value): return [state + [value]]
    case .take(let value): return state.first == value ? [Array(state.dropFirst())] : []
    case .takeAny: return state.first.map { isTaken[Int($0)] } == false ? [Array(state.dropFirst())] : []
    case .findNothing: return state.isEmpty ? [state] : []
    }
  }

  func encode(_ state: [Int32], into words: inout [UInt64]) {
    for value in state { words.append(UInt64(truncatingIfNeeded: value)) }
  }
}

/// In any order.
struct SequentialBag: SequentialModel {
  struct State {
    /// Values that an operation names, ascending.
    var named: [Int32] = []
    /// How many there are of the others, which are all alike.
    var others = 0
  }

  enum Kind {
    /// A dequeue of known result took it: no other can have.
    case taken
    /// Seen in a dequeue of which nobody knows whether it took it.
    case sighted
    case unnamed
  }
  var kinds: [Kind]

  var initial: State { State() }

  func step(_ state: State, _ action: QueueAction) -> [State] {
    var new = state
    switch action {
    case .put(let value):
      if kinds[Int(value)] == .unnamed {
        new.others += 1
      } else {
        new.named.insert(value, at: state.named.firstIndex { $0 > value } ?? state.named.endIndex)
      }
      return [new]
    case .take(let value):
      guard let at = state.named.firstIndex(of: value) else { return [] }
      new.named.remove(at: at)
      return [new]
    case .takeAny:
      var states: [State] = []
      if state.others > 0 {
        new.others -= 1
        states.append(new)
      }
      for (at, value) in state.named.enumerated() where kinds[Int(value)] == .sighted {
        var new = state
        new.named.remove(at: at)
        states.append(new)
      }
      return states
    case .findNothing: return state.others == 0 && state.named.isEmpty ? [state] : []
    }
  }

  /// How many others there are follows from these and from what was done.
  func encode(_ state: State, into words: inout [UInt64]) {
    for value in state.named { words.append(UInt64(truncatingIfNeeded: value)) }
  }
}

/// Values one behind the other, by offsets from 0.
struct SequentialLog: SequentialModel {
  enum Action: Hashable {
    /// The offset is nil where nobody was told it.
    case append(UInt64, at: UInt64?)
    case read(UInt64, at: UInt64)
    case findEnd(at: UInt64)
  }

  var initial: [UInt64] { [] }

  func step(_ state: [UInt64], _ action: Action) -> [[UInt64]] {
    switch action {
    case .append(let value, let offset): return offset ?? UInt64(state.count) == state.count ? [state + [value]] : []
    case .read(let value, let offset):
      return offset < state.count && state[Int(offset)] == value ? [state] : []
    case .findEnd(let offset): return offset >= state.count ? [state] : []
    }
  }

  func encode(_ state: [UInt64], into words: inout [UInt64]) { words += state }
}
