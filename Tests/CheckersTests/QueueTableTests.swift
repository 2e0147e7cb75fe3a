// The tables of the queue checks against plain dictionaries, and the places where they take a short cut.

import Base
import History
import Testing

@testable import Checkers

@Suite struct QueueTableTests {
  /// Numbers in order with gaps, far more under way than the ring holds, some for ever.
  @Test(arguments: [UInt64(1), 2, 3]) func operationsAreFoundUntilTheyEnd(seed: UInt64) {
    var random = SeededGenerator(seed: seed, label: "operations")
    var operations = LiveOperations()
    var open: [UInt64: (at: Int32, isDequeue: Bool)] = [:]
    var order: [UInt64] = []
    var op: UInt64 = 0
    for at in 0..<Int32(60_000) {
      if random.chance(0.6) {
        op += 1 + UInt64(random.below(3))
        open[op] = (at, random.chance(0.5))
        order.append(op)
        operations.begin(op, at: at, isDequeue: open[op]?.isDequeue == true, thing: at &* 3)
        continue
      }
      guard !order.isEmpty else { continue }
      // Mostly one of the latest.
      let k = random.chance(0.8) ? max(0, order.count - 1 - random.below(50)) : random.below(order.count)
      let number = order[k]
      guard let known = open[number] else { continue }
      #expect(operations.end(number, at: at, isDequeue: !known.isDequeue, isOver: true) == nil)
      let isOver = random.chance(0.8)
      let found = operations.end(number, at: at, isDequeue: known.isDequeue, isOver: isOver)
      #expect(found?.begin == known.at && found?.thing == known.at &* 3, "seed \(seed) operation \(number)")
      if isOver {
        open[number] = nil
        order.remove(at: k)
        #expect(operations.end(number, at: at, isDequeue: known.isDequeue, isOver: true) == nil)
      }
    }
    #expect(open.count > 8192)
    #expect(operations.all.map(\.begin).sorted() == open.values.map(\.at).sorted())
  }

  /// What was looked up last is not remembered beyond its end.
  @Test(arguments: [true, false]) func aForgottenPageIsNotFoundWhereItWas(isDequeue: Bool) {
    var index = ValueIndex()
    let first = index.add(0, 0)
    #expect(index.find(7, 0, isDequeue: isDequeue) == first + 7)
    index.forgetPage(of: Int(first) + 7)
    #expect(index.find(8, 0, isDequeue: isDequeue) == ValueIndex.forgotten)
    #expect(index.add(64, 0) == first && index.find(9, 0, isDequeue: !isDequeue) == ValueIndex.forgotten)
  }

  /// Indices go to other values, and what was forgotten is known as such.
  @Test func pagesAreUsedAgain() {
    var random = SeededGenerator(seed: 6, label: "pages")
    var index = ValueIndex()
    var pages: [Int: (index: Int32, isForgotten: Bool)] = [:]
    var singles: [UInt64: Int32] = [:]
    for _ in 0..<20_000 {
      let page = random.below(600)
      let value = UInt64(page * ValueIndex.pageSize + random.below(ValueIndex.pageSize))
      let isDequeue = random.chance(0.5)
      let found = index.find(value, 0, isDequeue: isDequeue)
      if let place = singles[value] {
        #expect(found == place)
      } else if let known = pages[page] {
        let expected = known.isForgotten ? ValueIndex.forgotten : known.index + Int32(value % 64)
        #expect(found == expected)
        if !known.isForgotten, random.chance(0.05) {
          #expect(index.isPaged(Int(known.index)))
          index.forgetPage(of: Int(known.index) + random.below(64))
          pages[page] = (known.index, true)
        }
      } else {
        #expect(found == -1)
        let new = index.add(value, 0)
        #expect(new < index.count)
        // One by itself where a page would be wasted on it.
        if index.isPaged(Int(new)) {
          pages[page] = (new - Int32(value % 64), false)
        } else {
          singles[value] = new
        }
      }
    }
    let firsts = pages.values.filter { !$0.isForgotten }.map(\.index)
    #expect(Set(firsts).count == firsts.count && firsts.allSatisfy { $0 % 64 == 0 })
    #expect(pages.values.contains { $0.isForgotten } && singles.count > 100, "\(singles.count)")
    #expect(Set(singles.values).count == singles.count && !singles.values.contains { index.isPaged(Int($0)) })
  }

  /// One that had to make room hears what is noted of it.
  @Test func notesReachThoseThatMoved() {
    var operations = LiveOperations()
    operations.begin(1, at: 10, isDequeue: true, thing: 5)
    operations.begin(1 + 4096, at: 11, isDequeue: true, thing: 6)
    operations.note(1, thing: 7)
    operations.note(1 + 4096, thing: 8)
    #expect(operations.end(1, at: 10, isDequeue: true, isOver: true) == nil)
    #expect(operations.end(1, at: 12, isDequeue: true, isOver: true)?.thing == 7)
    #expect(operations.end(1 + 4096, at: 12, isDequeue: true, isOver: true)?.thing == 8)
  }

  /// Counted up, scattered, and by attempts; what was added keeps its place, and nobody else has it.
  @Test(arguments: [0.0, 0.1, 1.0]) func valuesKeepTheirPlaces(scattered: Double) {
    var random = SeededGenerator(seed: 5, label: "values")
    var index = ValueIndex()
    var known: [MessageAttempt: Int32] = [:]
    var taken: Set<Int32> = []
    var next: UInt64 = 0
    for _ in 0..<30_000 {
      next += 1
      let value = MessageAttempt(
        message: random.chance(scattered) ? random.next() >> 8 : next, attempt: UInt32(random.below(2)))
      let isDequeue = random.chance(0.5)
      var place = index.find(value.message, value.attempt, isDequeue: isDequeue)
      if let before = known[value] {
        #expect(place == before)
        continue
      }
      if place < 0 { place = index.add(value.message, value.attempt) } else { index.noteUse() }
      #expect(taken.insert(place).inserted, "\(value) got the place of another")
      known[value] = place
      #expect(place < index.count)
    }
    for (value, place) in known {
      #expect(index.find(value.message, value.attempt, isDequeue: false) == place)
      #expect(index.find(value.message, value.attempt, isDequeue: true) == place)
    }
    #expect(index.count <= 4 * known.count + 1 << 15, "the table is wasted on pages that hold little")
  }

  private struct MessageAttempt: Hashable {
    var message: UInt64
    var attempt: UInt32
  }

  /// Positions without any change are passed over 64 at a time: what was inside before is inside behind them.
  @Test func longStretchesCount() {
    var events: [Event] = []
    func add(_ function: Function, _ outcome: Outcome, op: Int, _ value: Int?) {
      var event = Event()
      (event.function, event.outcome, event.op) = (function, outcome, UInt64(op))
      event.time = Nanoseconds(events.count) + 1
      if let value { event.message = MessageID(producer: 0, sequence: value) }
      events.append(event)
    }
    // Enqueues that fail change nothing.
    func fill(to position: Int) {
      while events.count < position {
        let number = 1000 + events.count
        add(.enqueue, .invoke, op: number, number)
        add(.enqueue, .fail, op: number, number)
      }
    }
    add(.enqueue, .invoke, op: 1, 7)
    add(.enqueue, .ok, op: 1, 7)
    fill(to: 200)
    add(.dequeue, .invoke, op: 2, nil)
    fill(to: 700)
    add(.dequeue, .ok, op: 2, nil)
    add(.dequeue, .invoke, op: 3, nil)
    add(.dequeue, .ok, op: 3, 7)
    fill(to: 1000)
    add(.dequeue, .invoke, op: 4, nil)
    fill(to: 1500)
    add(.dequeue, .ok, op: 4, nil)
    let history = RecordedHistory(names: Names(), events: events, isComplete: true)
    for model in QueueModel.allCases {
      let result = QueueChecker.check(history, model: model)
      #expect(result.counts[.falseEmpty] == 1, "\(result.findings)")
      #expect(result.findings.first?.events == [200, 701])
    }
  }

  /// Of several sightings the first says from when on a value may be gone.
  @Test func theFirstSightingCounts() {
    var builder = HistoryBuilder()
    builder.enqueue(1)
    builder.dequeue(1, .info)
    builder.enqueue(2)
    builder.dequeue(2)
    builder.dequeue(1, .info)
    let result = QueueChecker.check(builder.history, model: .fifo)
    #expect(result.verdict == .valid, "\(result.findings)")
    #expect(NaiveQueue.isLinearizable(builder.history, .fifo))
  }
}
