// The short ways of the queue checks against the long ones: blocks read kind by kind and event by event, values forgotten
// and kept.

import Base
import History
import Testing

@testable import Checkers

/// A history in blocks of a given size.
private struct Pieces: EventSource {
  let history: RecordedHistory
  let size: Int

  var count: Int { history.count }
  var isComplete: Bool { history.isComplete }
  func event(_ number: Int) -> Event { history.event(number) }
  func forEachBlock(_ body: (EventBlock) -> Void) {
    history.forEachBlock { whole in
      for first in stride(from: 0, to: whole.count, by: size) {
        var piece = whole
        (piece.first, piece.count) = (whole.first + first, min(size, whole.count - first))
        (piece.kinds, piece.ops) = (whole.kinds + first, whole.ops + first)
        (piece.messages, piece.attempts) = (whole.messages + first, whole.attempts + first)
        body(piece)
      }
    }
  }
}

@Suite struct QueueSplitTests {
  /// The events in the order of time, operations numbered as they are invoked: only such blocks are split.
  private func numbered(_ history: RecordedHistory) -> RecordedHistory {
    let sorted = SortedHistory(history)
    var numbers: [UInt64: UInt64] = [:]
    let events = history.events.indices.map { position in
      var event = sorted?.event(position) ?? history.events[position]
      event.time = Nanoseconds(position + 1)
      if event.outcome == .invoke { numbers[event.op] = UInt64(position + 1) }
      event.op = numbers[event.op] ?? 0
      return event
    }
    return RecordedHistory(names: history.names, events: events, isComplete: history.isComplete)
  }

  private func result(
    _ source: any EventSource, _ model: QueueModel, splits: Bool, forgets: Bool = false
  ) throws -> QueueResult? {
    var pass = QueuePass(
      source, model: model, findingLimit: 100, splitsBlocks: splits, forgetsAfter: forgets ? 0 : .max)
    try pass.readAll()
    guard pass.failedLate.isEmpty, !pass.missesForgotten else { return nil }
    return sorted(pass.judge(.standard))
  }

  private func sorted(_ result: QueueResult) -> QueueResult {
    var result = result
    result.findings.sort { "\($0)" < "\($1)" }
    return result
  }

  @Test(arguments: QueueModel.allCases) func bothWaysComeToTheSame(model: QueueModel) throws {
    var (split, violated) = (0, 0)
    for seed in UInt64(0)..<3000 {
      var rng = SeededGenerator(seed: seed, label: "split \(model)")
      let mix = QueueMix.all[rng.chance(0.6) ? rng.below(2) : rng.below(QueueMix.all.count)]
      let size = 1 + rng.below(16)
      var history = numbered(RandomQueueHistory.make(rng, model, mix, operations: 14))
      // What no queue does, and no client either: events elsewhere, or twice.
      if rng.chance(0.5) {
        for _ in 0...rng.below(2) {
          let (from, to) = (rng.below(history.count), rng.below(history.count))
          if rng.chance(0.5) { history.events.swapAt(from, to) } else { history.events[to] = history.events[from] }
        }
        for position in history.events.indices { history.events[position].time = Nanoseconds(position + 1) }
      }
      let pieces = Pieces(history: history, size: size)
      let fast = try result(pieces, model, splits: true)
      #expect(try fast == result(pieces, model, splits: false), "seed \(seed) size \(size): \(describe(history))")
      if fast?.verdict == .violated { violated += 1 }
      var last: UInt64 = 0
      pieces.forEachBlock { if $0.count > 4, QueueBlockSplit().split($0, after: &last) { split += 1 } }
    }
    #expect(split > 1000 && violated > 300)
  }

  /// Values come again after their page was forgotten, or never come to rest; long enough for many pages.
  @Test(arguments: QueueModel.allCases) func forgettingComesToTheSame(model: QueueModel) throws {
    var (missed, violated, straight) = (0, 0, 0)
    for seed in UInt64(0)..<100 {
      var rng = SeededGenerator(seed: seed, label: "forget \(model)")
      let operations = SimulatedClients.run(
        model == .fifo ? .fifo : .bag, operations: 1500, clients: 2 + rng.below(8),
        unknown: rng.pick([0, 0, 0.01]), seed: seed)
      var history = numbered(SimulatedClients.history(operations))
      for _ in 0..<rng.below(3) {
        // A value comes again, goes in again, or one comes instead of another.
        let of: [Function] = [.enqueue, .dequeue]
        let function = rng.pick(of)
        let places = history.events.indices.filter {
          let event = history.events[$0]
          return event.function == function && event.message != .none
        }
        let (from, to) = (rng.pick(places), rng.pick(places))
        history.events[to].message = history.events[from].message
      }
      let pieces = Pieces(history: history, size: 1 + rng.below(700))
      let kept = try result(pieces, model, splits: rng.chance(0.5))
      let checked = sorted(
        try QueueChecker.check(pieces, model: model, findingLimit: 100, mayReturn: false, .standard, forgetsAfter: 0))
      if let kept {
        #expect(kept == checked, "seed \(seed)")
        if kept.verdict == .violated { violated += 1 }
      }
      if let forgot = try result(pieces, model, splits: true, forgets: true) {
        #expect(forgot == kept, "seed \(seed)")
        straight += 1
      } else {
        missed += 1
      }
    }
    // A bag is emptied in any order: few pages of one come to rest before the end.
    #expect((missed > 20 || model == .bag) && violated > 20 && straight > 20, "\(missed) \(violated) \(straight)")
  }

  /// Three pages that fill one after the other in the same place, with what is wrong in one of them: a value never comes,
  /// though another is enqueued twice; one comes again; one is enqueued again; or one failed, as is told when it has come.
  @Test(arguments: [6, 134, nil], [(nil, nil), (Function.dequeue, nil), (.enqueue, nil), (nil, 200)])
  func aPageIsWholeWhenAllOfItsValuesCame(lost: Int?, wrong: (again: Function?, failed: Int?)) throws {
    let (again, failed) = wrong
    var events: [Event] = []
    var op: UInt64 = 0
    func add(_ function: Function, _ outcome: Outcome, _ value: Int, _ number: UInt64) {
      var event = Event()
      (event.function, event.outcome, event.op) = (function, outcome, number)
      (event.time, event.message) = (Nanoseconds(events.count + 1), MessageID(producer: 0, sequence: value))
      events.append(event)
    }
    func begin(_ function: Function, _ value: Int) -> UInt64 {
      op += 1
      add(function, .invoke, value, op)
      return op
    }
    for value in 0..<256 {
      // The neighbour of the lost one comes before both of its enqueues return, another before its only one.
      let isTwice = lost.map { value == $0 - 1 } ?? false
      let isEarly = isTwice || value % 64 == 20 || value == failed
      let sends = (0..<(isTwice ? 2 : 1)).map { _ in begin(.enqueue, value) }
      if !isEarly { for send in sends { add(.enqueue, .ok, value, send) } }
      if value != lost { add(.dequeue, .ok, value, begin(.dequeue, value)) }
      if isEarly { for send in sends { add(.enqueue, value == failed ? .fail : .ok, value, send) } }
    }
    if let again { add(again, .ok, 3, begin(again, 3)) }
    let history = RecordedHistory(names: Names(), events: events, isComplete: true)
    for size in [1, 50, 4096] {
      let pieces = Pieces(history: history, size: size)
      func check(forgetsAfter: Int) throws -> QueueResult {
        try QueueChecker.check(
          pieces, model: .fifo, findingLimit: 10, mayReturn: false, .standard, forgetsAfter: forgetsAfter)
      }
      let result = try check(forgetsAfter: 0)
      #expect(try result == check(forgetsAfter: .max))
      let expected: [QueueFindingName] =
        (again == .dequeue ? [.duplicated] : []) + (failed == nil ? [] : [.abortedRead]) + (lost == nil ? [] : [.lost])
      #expect(result.findings.map(\.name) == expected, "\(result.findings)")
      if let lost { #expect(result.findings.last?.message == MessageID(producer: 0, sequence: lost)) }
      // One page after the other in the same place, where a block is no longer than a page.
      guard size == 1 else { continue }
      var pass = QueuePass(pieces, model: .fifo, findingLimit: 10, forgetsAfter: 0)
      try pass.readAll()
      #expect(pass.missesForgotten == (lost != nil || again != nil || failed != nil))
      #expect(pass.ledger.values.count <= (lost == nil ? 64 : 128))
    }
  }
}
