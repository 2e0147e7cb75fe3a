// The tracker of confirms against a plain model: a sorted list of tags.
import Base
import Testing

@testable import AMQP

@Suite struct ConfirmTrackerTests {
  typealias Settled = ConfirmTracker<Int>.Settled

  @Test func agreesWithAModel() throws {
    for seed in 0..<UInt64(200) {
      var generator = SeededGenerator(seed: seed, label: "confirms")
      var tracker = ConfirmTracker<Int>(minimumCapacity: 1)
      var model: [UInt64] = []  // outstanding tags; the element of a tag is ten times the tag
      var next: UInt64 = 1
      for _ in 0..<300 {
        if generator.chance(0.55) {
          #expect(tracker.append(Int(next) * 10) == next)
          model.append(next)
          next += 1
          continue
        }
        let tag = generator.chance(0.05) ? 0 : UInt64(generator.below(Int(next) + 2))
        let multiple = generator.chance(0.3)
        let last = multiple && tag == 0 ? next - 1 : tag
        let isKnown = multiple ? last < next : model.contains(tag)
        let expected = !isKnown ? [] : model.filter { multiple ? $0 <= last : $0 == tag }
        var settled: [Settled] = []
        var isRefused = false
        do { try tracker.settle(tag: tag, multiple: multiple, into: &settled) } catch { isRefused = true }
        model.removeAll { expected.contains($0) }
        if isRefused == isKnown || settled.map(\.tag) != expected
          || settled.contains(where: { $0.element != Int($0.tag) * 10 })
          || tracker.outstanding != model.count
        {
          Issue.record("seed \(seed): tag \(tag) multiple \(multiple): \(settled), expected \(expected)")
          break
        }
      }
      var rest: [Settled] = []
      tracker.abandon(into: &rest)
      #expect(rest.map(\.tag) == model && tracker.outstanding == 0)
      #expect(tracker.append(1) == 1)
    }
  }

  @Test func visitsTheOldestFirstAndKeepsWhatItChanges() throws {
    var tracker = ConfirmTracker<Int>()
    for number in 1...5 { tracker.append(number) }
    var settled: [Settled] = []
    try tracker.settle(tag: 2, multiple: false, into: &settled)
    var seen: [Int] = []
    tracker.visit { element in
      seen.append(element)
      element += 100
      return element < 104
    }
    #expect(seen == [1, 3, 4])
    settled = []
    try tracker.settle(tag: 5, multiple: true, into: &settled)
    #expect(settled.map(\.element) == [101, 103, 104, 5])
  }
}
