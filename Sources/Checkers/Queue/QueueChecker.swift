// Is a history of enqueues and dequeues that of a queue? Decided in one pass and a sweep; only one rare mixture of unknown
// results needs a search.

import Base
import History

/// Linearizability of queues whose values are unique, by the five rules of `QueueLedger`. Linear in the events; beside the
/// history it takes a byte of memory an operation, and 12 for a value that nobody has taken. What `QueueResult.isCorner` describes is searched as well, where the
/// rules find nothing, as far as a budget goes.
public enum QueueChecker {
  /// - Parameters:
  ///   - history: `enqueue` and `dequeue` events; anything else is passed over, and a history without any is undecided.
  ///     Equal times count as concurrent.
  ///   - findingLimit: Findings listed of each name; all are counted.
  ///   - budget: For a search. Beyond it the history is undecided.
  public static func check(
    _ history: RecordedHistory, model: QueueModel, findingLimit: Int = 1000, budget: SearchBudget = .standard
  ) -> QueueResult {
    check(history, model: model, findingLimit: findingLimit, mayReturn: false, budget)
  }

  static func check(
    _ history: RecordedHistory, model: QueueModel, findingLimit: Int, mayReturn: Bool,
    _ budget: SearchBudget = .standard
  ) -> QueueResult {
    let source: any EventSource = SortedHistory(history) ?? history
    do {
      return try check(source, model: model, findingLimit: findingLimit, mayReturn: mayReturn, budget)
    } catch {
      // Events in memory are never damaged.
      return QueueResult()
    }
  }

  /// The same of a history that need not fit into memory; its times are taken to increase, as they do in a `HistoryFile`.
  /// - Throws: `HistoryError` where a block is damaged.
  public static func check(
    _ history: any EventSource, model: QueueModel, findingLimit: Int = 1000, budget: SearchBudget = .standard
  ) throws(HistoryError) -> QueueResult {
    try check(history, model: model, findingLimit: findingLimit, mayReturn: false, budget)
  }

  /// - Parameter forgetsAfter: Events without an unknown result, after which what is settled is forgotten.
  static func check(
    _ source: any EventSource, model: QueueModel, findingLimit: Int, mayReturn: Bool, _ budget: SearchBudget,
    forgetsAfter: Int = 1 << 18
  ) throws(HistoryError) -> QueueResult {
    func read(forgetsAfter: Int, failing: Set<Int32> = []) throws(HistoryError) -> QueuePass {
      var pass = QueuePass(
        source, model: model, findingLimit: findingLimit, failing: failing, forgetsAfter: forgetsAfter)
      pass.ledger.mayReturn = mayReturn
      try pass.readAll()
      return pass
    }
    var pass = try read(forgetsAfter: forgetsAfter)
    // What was forgotten matters after all: once more, with everything kept.
    if pass.missesForgotten { pass = try read(forgetsAfter: .max) }
    // That an enqueue failed was told after its value had come: once more, with that known from the beginning.
    if !pass.failedLate.isEmpty { pass = try read(forgetsAfter: .max, failing: pass.failedLate) }
    return pass.judge(budget)
  }
}

/// The pass over plain queue histories.
struct QueuePass {
  /// `EventBlock.kinds` of what is of interest.
  private enum Kind {
    static let enqueue = Function.enqueue.rawValue
    static let dequeue = Function.dequeue.rawValue
  }

  private let source: any EventSource
  var ledger: QueueLedger
  private var book: QueueBook
  private var operations = LiveOperations()
  private var index = ValueIndex()
  private var hasOperations = false
  /// Values whose enqueue failed, as was told after they had come.
  private(set) var failedLate: Set<Int32> = []
  private let failing: Set<Int32>
  private let split = QueueBlockSplit()
  /// `ledger.front` in the block under way: before any dequeue returned, and after each that did.
  private let fronts = Buffer<Int32>(count: QueueBlockSplit.capacity + 1, repeating: -1)
  /// The largest number of an operation so far.
  private var lastOp: UInt64 = 0
  /// False only for tests: that the short way comes to the same.
  private let splitsBlocks: Bool
  /// In a history in which every result is known what went in and came out is forgotten, 64 neighbours at once, so that the
  /// table of values stays small enough for the processor's cache. Where such a value comes again, or something stays inside
  /// that should have come, only a pass that kept everything can judge.
  private var forgetsFrom: Int
  private(set) var missesForgotten = false
  private var forgotten = 0
  private var position = 0
  /// By page of the index how many of its values went in and came out; `pinned` where it must be kept.
  private let settled = Buffer<UInt8>(repeating: 0)
  private static let pinned = UInt8.max

  init(
    _ source: any EventSource, model: QueueModel, findingLimit: Int, failing: Set<Int32> = [],
    splitsBlocks: Bool = true, forgetsAfter: Int = .max
  ) {
    self.source = source
    self.failing = failing
    (self.splitsBlocks, forgetsFrom) = (splitsBlocks, forgetsAfter)
    ledger = QueueLedger(model: model, positions: source.count)
    book = QueueBook(source: source, limit: findingLimit)
  }

  mutating func readAll() throws(HistoryError) {
    try source.forEachBlock { read($0) }
    // What was never completed is of unknown result.
    for operation in operations.all where operation.isDequeue { ledger.unknown.append(operation.begin) }
    ledger.unknown.sort()
    // Which values failed is remembered by places that are not the same where nothing is forgotten.
    if forgotten > 0, ledger.hasOpen || !failedLate.isEmpty { missesForgotten = true }
  }

  private mutating func read(_ block: EventBlock) {
    if missesForgotten { return }
    position = block.first
    if splitsBlocks, failing.isEmpty, split.split(block, after: &lastOp) { readSplit(block) } else { readMixed(block) }
  }

  /// Any block, in the order of its events.
  private mutating func readMixed(_ block: EventBlock) {
    for i in 0..<block.count {
      let at = position(block, i)
      let outcome = block.kinds[i] & 3
      let isInvocation = outcome == Outcome.invoke.rawValue
      // What a dequeue of unknown result took stays inside for all that is known: everything will be needed.
      if outcome == Outcome.info.rawValue { forgetsFrom = .max }
      switch block.kinds[i] >> 2 {
      case Kind.enqueue:
        if isInvocation { enqueue(block, i) } else { enqueued(outcome, block.ops[i], at) }
      case Kind.dequeue:
        if isInvocation {
          hasOperations = true
          operations.begin(block.ops[i], at: at, isDequeue: true, thing: ledger.front)
        } else if let operation = ending(outcome, block, i) {
          dequeued(outcome, block.messages[i], block.attempts[i], operation, at)
        }
      default: continue
      }
      if isInvocation { lastOp = max(lastOp, block.ops[i]) }
    }
  }

  /// A block of nothing but invocations and ok completions, kind by kind. All moments are compared as positions, and no
  /// number stands for two operations, so that it comes to the same as in the order of the events; most of what an event
  /// costs otherwise is not to know of which kind the next one is.
  private mutating func readSplit(_ block: EventBlock) {
    hasOperations = hasOperations || split.count(.dequeues) > 0
    for number in 0..<split.count(.enqueues) { enqueue(block, split.position(.enqueues, number)) }
    for number in 0..<split.count(.enqueued) {
      let i = split.position(.enqueued, number)
      enqueued(Outcome.ok.rawValue, block.ops[i], position(block, i))
    }
    // What a dequeue has to know is the front at its invocation, which is not known yet: how many return before stands
    // for it until the block has been read.
    for number in 0..<split.count(.dequeues) {
      let i = split.position(.dequeues, number)
      operations.begin(
        block.ops[i], at: position(block, i), isDequeue: true,
        thing: Int32(truncatingIfNeeded: split.dequeuedBefore(.dequeues, number)))
    }
    fronts[0] = ledger.front
    let first = position(block, 0)
    for number in 0..<split.count(.dequeued) {
      let i = split.position(.dequeued, number)
      if var operation = ending(Outcome.ok.rawValue, block, i) {
        if operation.begin >= first { operation.thing = fronts[Int(operation.thing)] }
        dequeued(Outcome.ok.rawValue, block.messages[i], block.attempts[i], operation, position(block, i))
      }
      fronts[number &+ 1] = ledger.front
    }
    for number in 0..<split.count(.dequeues) {
      operations.note(
        block.ops[split.position(.dequeues, number)], thing: fronts[split.dequeuedBefore(.dequeues, number)])
    }
  }

  @inline(__always)
  private func position(_ block: EventBlock, _ i: Int) -> Int32 { Int32(truncatingIfNeeded: block.first &+ i) }

  @inline(__always)
  private mutating func enqueue(_ block: EventBlock, _ i: Int) {
    let (at, message, attempt) = (position(block, i), block.messages[i], block.attempts[i])
    hasOperations = true
    var k = index.find(message, attempt, isDequeue: false)
    if k < 0 {
      if k == ValueIndex.forgotten {
        missesForgotten = true
        return
      }
      k = add(message, attempt)
    }
    if !ledger.values[Int(k)].isKnown {
      ledger.values[Int(k)].enqueue = at
      index.noteUse()
      if !failing.isEmpty, failing.contains(k) { ledger.values[Int(k)].enqueued = QueueLedger.Value.failed }
    } else {
      pin(Int(k))
    }
    operations.begin(block.ops[i], at: at, isDequeue: false, thing: k)
  }

  @inline(__always)
  private mutating func enqueued(_ outcome: UInt8, _ op: UInt64, _ at: Int32) {
    let isOver = outcome != Outcome.info.rawValue
    guard let operation = operations.end(op, at: at, isDequeue: false, isOver: true) else { return }
    let k = Int(operation.thing)
    if outcome == Outcome.ok.rawValue {
      if ledger.values[k].isGone {
        if ledger.values[k].enqueued == QueueLedger.never { settle(k) }
      } else if ledger.values[k].enqueued > at {
        ledger.values[k].enqueued = at
      }
    } else if isOver {
      failed(k)
    }
  }

  /// One that went in and came out.
  @inline(__always)
  private mutating func settle(_ k: Int) {
    let page = k / ValueIndex.pageSize
    let count = settled[page]
    guard count < ValueIndex.pageSize else { return }
    settled[page] = count &+ 1
    if count &+ 1 == ValueIndex.pageSize, position >= forgetsFrom { forget(page) }
  }

  private mutating func pin(_ k: Int) { settled[k / ValueIndex.pageSize] = Self.pinned }

  @inline(never)
  private mutating func forget(_ page: Int) {
    let first = page * ValueIndex.pageSize
    guard index.isPaged(first) else { return }
    index.forgetPage(of: first)
    for k in first..<first + ValueIndex.pageSize { ledger.values[k] = QueueLedger.Value() }
    settled[page] = 0
    forgotten += ValueIndex.pageSize
  }

  private mutating func failed(_ k: Int) {
    if ledger.values[k].isOut { return }
    if ledger.values[k].isGone || ledger.sightings[Int32(k)] != nil { failedLate.insert(Int32(k)) }
    ledger.values[k].enqueued = QueueLedger.Value.failed
  }

  private mutating func add(_ message: UInt64, _ attempt: UInt32) -> Int32 {
    let new = index.add(message, attempt)
    ledger.values.grow(to: index.count, repeating: QueueLedger.Value())
    settled.grow(to: index.count / ValueIndex.pageSize + 1, repeating: 0)
    return new
  }

  /// The dequeue that ends. An unknown result can still become known; until then it counts as unknown.
  @inline(__always)
  private mutating func ending(_ outcome: UInt8, _ block: EventBlock, _ i: Int) -> LiveOperations.Operation? {
    let isOver = outcome != Outcome.info.rawValue || block.messages[i] != UInt64.max
    return operations.end(block.ops[i], at: position(block, i), isDequeue: true, isOver: isOver)
  }

  /// `message` is `UInt64.max` for `MessageID.none`; the operation's thing is the front at its invocation.
  @inline(__always)
  private mutating func dequeued(
    _ outcome: UInt8, _ message: UInt64, _ attempt: UInt32, _ operation: LiveOperations.Operation, _ at: Int32
  ) {
    if outcome == Outcome.ok.rawValue {
      if message == UInt64.max {
        ledger.empties.append(QueueLedger.Empty(begin: operation.begin, end: at))
      } else {
        let k = Int(index.find(message, attempt, isDequeue: true))
        if k >= 0, ledger.values[k].takesPart, !ledger.values[k].isGone, ledger.values[k].enqueue < at {
          ledger.took(k, begin: operation.begin, front: operation.thing, at: at)
          if ledger.values[k].enqueued < QueueLedger.never { settle(k) }
        } else if let k = value(message, attempt, operation.begin, at) {
          book.duplicated(identity(message, attempt), ledger.values[k], operation.begin, at)
        }
      }
    } else if outcome == Outcome.info.rawValue, message != UInt64.max {
      sighted(message, attempt, operation.begin, at)
    }
  }

  /// Seen in a dequeue of which nobody knows whether it took the value for good.
  private mutating func sighted(_ message: UInt64, _ attempt: UInt32, _ begin: Int32, _ at: Int32) {
    guard let k = value(message, attempt, begin, at) else { return }
    pin(k)
    ledger.sightings[Int32(k)] = min(ledger.sightings[Int32(k), default: QueueLedger.never], at)
    if !ledger.values[k].isGone { ledger.values[k].enqueued = min(ledger.values[k].enqueued, at) }
  }

  private func identity(_ message: UInt64, _ attempt: UInt32) -> QueueBook.Identity {
    QueueBook.Identity(message: MessageID(rawValue: message), attempt: attempt)
  }

  /// The value that came; nil where it could not have come.
  private mutating func value(_ message: UInt64, _ attempt: UInt32, _ begin: Int32, _ at: Int32) -> Int? {
    var k = index.find(message, attempt, isDequeue: true)
    if k < 0 {
      if k == ValueIndex.forgotten {
        missesForgotten = true
        return nil
      }
      k = add(message, attempt)
    }
    let value = ledger.values[Int(k)]
    if !value.isKnown || value.enqueue > at {
      ledger.values[Int(k)] = QueueLedger.Value(enqueue: at, enqueued: QueueLedger.Value.flawed)
      if !value.isKnown { index.noteUse() }
      book.unexpected(identity(message, attempt), begin, at)
      return nil
    }
    if value.enqueued == QueueLedger.Value.failed { book.aborted(identity(message, attempt), value, begin, at) }
    return value.isOut ? nil : Int(k)
  }

  mutating func judge(_ budget: SearchBudget) -> QueueResult {
    let order = ledger.order()
    for late in order.late { book.late(identity(late.value), ledger.values[Int(late.value)], late) }
    for need in order.lost { book.lost(identity(need.value), ledger.values[Int(need.value)], need.deadline) }
    for (empty, inside) in ledger.falseEmpties() { book.falseEmpty(empty, inside) }
    var result = QueueResult()
    (result.enqueued, result.dequeued) = (forgotten, forgotten)
    for value in ledger.values.elements where value.takesPart {
      result.enqueued += 1
      if value.isGone { result.dequeued += 1 }
    }
    result.empties = ledger.empties.count
    result.unknownDequeues = ledger.unknown.count
    result.isCorner = ledger.isCorner
    if result.isCorner, !book.hasFindings {
      let (outcome, at) = QueueSearch.run(source, model: ledger.model, budget: budget)
      result.isSearched = outcome != .outOfBounds
      if case .unexplained = outcome { book.unexplained(at) }
    }
    // A history that does not speak of a queue proves nothing about one.
    book.close(&result, isComplete: source.isComplete && hasOperations)
    return result
  }

  private func identity(_ value: Int32) -> QueueBook.Identity {
    let event = source.event(Int(ledger.values[Int(value)].enqueue))
    return QueueBook.Identity(message: event.message, attempt: event.attempt)
  }
}
