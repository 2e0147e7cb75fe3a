// Is there an order of all operations that the model allows? A search with memory of where it has been, and with bounds.

import Base

/// The search of Wing and Gong ("Testing and verifying concurrent objects", 1993) with the memory of configurations of Lowe
/// ("Testing for linearizability", 2017): depth first, an operation may come next when none that still waits had returned
/// before it began. A configuration is the set of operations done and the state; one that was left without success is not
/// entered again. Exponential in how many operations overlap, so it is bounded.
///
/// Operations of unknown result are what they are: done at any time from their begin, or never. They are tried after those
/// that must be done, and of several with the same action only the first that is not done yet: whoever needs one is served
/// as well by that.
struct LinearizabilitySearch<Model: SequentialModel> {
  private let model: Model
  private let budget: SearchBudget
  /// Operations by begin: those that must be done, then those that need not.
  private let operations: [SearchOperation<Model.Action>]
  /// Indices of the caller.
  private let origin: [Int]
  private let sure: Int

  /// Begins and ends of what must be done, in order, as a list from which an operation is taken when it is done. Entry 0
  /// is the head.
  private var entryOperation: [Int32] = [-1]
  private var entryIsBegin: [Bool] = [false]
  private var next: [Int32] = []
  private var previous: [Int32] = []
  private var beginEntry: [Int32]
  private var endEntry: [Int32]
  /// The same of what need not be done, by operation less `sure`, plus 1.
  private var doubtNext: [Int32]
  private var doubtPrevious: [Int32]
  /// Of what need not be done, the one before with the same action; -1: none.
  private var twin: [Int32]

  private var done: [UInt64]
  private var doubtDone: [UInt64]
  /// What must be done and is below `base` is done, above `top` nothing is.
  private var base = 0
  private var top = 0
  private var waiting: Int
  private var known = ConfigurationSet()
  private var words: [UInt64] = []
  private(set) var steps = 0
  /// The largest number of bytes held at once, as counted.
  private(set) var peakBytes = 0

  private struct Frame {
    var operation: Int
    var at: Int32
    var isDoubt: Bool
    var barrier: Int32
    var base: Int
    var top: Int
    var state: Model.State
    var others: ArraySlice<Model.State>
    var bytes: Int
  }
  private var stack: [Frame] = []
  private var stateBytes = 0
  private let fixedBytes: Int

  /// - Parameter operations: In any order; their positions distinct.
  init(_ model: Model, _ operations: [SearchOperation<Model.Action>], budget: SearchBudget) {
    self.model = model
    self.budget = budget
    let never = SearchOperation<Model.Action>.never
    let byBegin = operations.indices.sorted { operations[$0].begin < operations[$1].begin }
    origin = byBegin.filter { operations[$0].end < never } + byBegin.filter { operations[$0].end == never }
    let ordered = origin.map { operations[$0] }
    self.operations = ordered
    let sure = ordered.count { $0.end < never }
    self.sure = sure
    waiting = sure
    done = Array(repeating: 0, count: sure / 64 + 1)
    let doubts = ordered.count - sure
    doubtDone = Array(repeating: 0, count: doubts / 64 + 1)
    doubtNext = (0...Int32(doubts)).map { $0 < doubts ? $0 + 1 : 0 }
    doubtPrevious = (0...Int32(doubts)).map { $0 > 0 ? $0 - 1 : Int32(doubts) }
    var last: [Model.Action: Int32] = [:]
    twin = ordered[sure...].enumerated().map { index, operation in
      let before = last[operation.action] ?? -1
      last[operation.action] = Int32(index)
      return before
    }
    beginEntry = Array(repeating: 0, count: sure)
    endEntry = beginEntry
    fixedBytes = ordered.count * (MemoryLayout<SearchOperation<Model.Action>>.stride + 64)
    var entries: [(position: Int32, operation: Int32, isBegin: Bool)] = []
    for index in 0..<sure {
      entries.append((ordered[index].begin, Int32(index), true))
      entries.append((ordered[index].end, Int32(index), false))
    }
    entries.sort { $0.position < $1.position }
    for entry in entries {
      if entry.isBegin {
        beginEntry[Int(entry.operation)] = Int32(entryOperation.count)
      } else {
        endEntry[Int(entry.operation)] = Int32(entryOperation.count)
      }
      entryOperation.append(entry.operation)
      entryIsBegin.append(entry.isBegin)
    }
    let count = Int32(entryOperation.count)
    next = (0..<count).map { $0 + 1 < count ? $0 + 1 : 0 }
    previous = (0..<count).map { $0 > 0 ? $0 - 1 : count - 1 }
  }

  mutating func run() -> SearchOutcome {
    var state = model.initial
    var at = next[0]
    var isDoubt = false
    // The first return of an operation that waits: what begins later cannot come next.
    var barrier: Int32 = 0
    var furthest: Int32 = 0
    while waiting > 0 {
      var operation = -1
      if !isDoubt {
        if entryIsBegin[Int(at)] {
          operation = Int(entryOperation[Int(at)])
        } else {
          barrier = at
          furthest = max(furthest, at)
          (isDoubt, at) = (true, doubtNext[0])
          continue
        }
      } else if at != 0, operations[sure + Int(at) - 1].begin < operations[Int(entryOperation[Int(barrier)])].end {
        let before = twin[Int(at) - 1]
        if before < 0 || doubtDone[Int(before) / 64] & 1 << UInt64(before % 64) != 0 {
          operation = sure + Int(at) - 1
        } else {
          at = doubtNext[Int(at)]
          continue
        }
      }
      var states: ArraySlice<Model.State> = []
      if operation >= 0 {
        steps += 1
        if steps > budget.steps || steps & 255 == 0 && budget.isTimeOver() { return .outOfBounds }
        states = model.step(state, operations[operation].action)[...]
      } else {
        guard let frame = stack.popLast() else {
          return .unexplained(at: origin[Int(entryOperation[Int(furthest)])])
        }
        undo(frame)
        (state, at, isDoubt, barrier) = (frame.state, frame.at, frame.isDoubt, frame.barrier)
        (operation, states) = (frame.operation, frame.others)
      }
      // The first state that is new is entered; the others wait in the frame.
      var frame = Frame(
        operation: operation, at: at, isDoubt: isDoubt, barrier: barrier, base: base, top: top, state: state,
        others: states, bytes: 0)
      var hasEntered = false
      if !states.isEmpty { mark(operation) }
      while let new = frame.others.popFirst() {
        switch remember(new, others: frame.others.count, &frame.bytes) {
        case .full: return .outOfBounds
        case .known: continue
        case .new:
          hasEntered = true
          state = new
        }
        break
      }
      if hasEntered {
        stack.append(frame)
        stateBytes += frame.bytes
        take(operation)
        (at, isDoubt) = (next[0], false)
      } else {
        if !states.isEmpty { unmark(operation, base: frame.base, top: frame.top) }
        at = isDoubt ? doubtNext[Int(at)] : next[Int(at)]
      }
    }
    return .explained
  }

  // MARK: Configurations

  private mutating func mark(_ operation: Int) {
    if operation >= sure {
      doubtDone[(operation - sure) / 64] |= 1 << UInt64((operation - sure) % 64)
      return
    }
    done[operation / 64] |= 1 << UInt64(operation % 64)
    top = max(top, operation + 1)
    while base < sure, done[base / 64] & 1 << UInt64(base % 64) != 0 { base += 1 }
  }

  private mutating func unmark(_ operation: Int, base: Int, top: Int) {
    if operation >= sure {
      doubtDone[(operation - sure) / 64] &= ~(1 << UInt64((operation - sure) % 64))
    } else {
      done[operation / 64] &= ~(1 << UInt64(operation % 64))
    }
    (self.base, self.top) = (base, top)
  }

  /// Notes what is done together with the state. `bytes`: what the frame to come holds beside itself.
  private mutating func remember(_ state: Model.State, others: Int, _ bytes: inout Int) -> ConfigurationSet.Insertion {
    words.removeAll(keepingCapacity: true)
    var doubts = doubtDone.count
    while doubts > 0, doubtDone[doubts - 1] == 0 { doubts -= 1 }
    // From the word in which the first that waits stands; where nothing waits, no word is needed.
    let window = base / 64..<max(base / 64, (top + 63) / 64)
    words.append(UInt64(base) << 32 | UInt64(window.count))
    words.append(UInt64(doubts))
    words.append(contentsOf: done[window])
    words.append(contentsOf: doubtDone[..<doubts])
    let before = words.count
    model.encode(state, into: &words)
    bytes = (words.count - before + 4) * 8 * (1 + others)
    let other = fixedBytes + stack.capacity * MemoryLayout<Frame>.stride + stateBytes + bytes
    let insertion = known.insert(words, limit: budget.bytes - other)
    peakBytes = max(peakBytes, known.bytes + other)
    return insertion
  }

  // MARK: The lists

  private mutating func take(_ operation: Int) {
    guard operation < sure else {
      let at = operation - sure + 1
      doubtNext[Int(doubtPrevious[at])] = doubtNext[at]
      doubtPrevious[Int(doubtNext[at])] = doubtPrevious[at]
      return
    }
    waiting -= 1
    for entry in [beginEntry[operation], endEntry[operation]] {
      next[Int(previous[Int(entry)])] = next[Int(entry)]
      previous[Int(next[Int(entry)])] = previous[Int(entry)]
    }
  }

  private mutating func undo(_ frame: Frame) {
    stateBytes -= frame.bytes
    unmark(frame.operation, base: frame.base, top: frame.top)
    guard frame.operation < sure else {
      let at = frame.operation - sure + 1
      doubtNext[Int(doubtPrevious[at])] = Int32(at)
      doubtPrevious[Int(doubtNext[at])] = Int32(at)
      return
    }
    waiting += 1
    for entry in [endEntry[frame.operation], beginEntry[frame.operation]] {
      next[Int(previous[Int(entry)])] = entry
      previous[Int(next[Int(entry)])] = entry
    }
  }
}
