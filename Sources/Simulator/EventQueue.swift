// What will happen, by virtual time; what is due at one time happens in the order in which it was added.

import Base

struct EventQueue {
  private var heap: [(time: Nanoseconds, order: UInt64, act: () -> Void)] = []
  private var order: UInt64 = 0

  var nextTime: Nanoseconds? { heap.first?.time }

  mutating func add(at time: Nanoseconds, _ act: @escaping () -> Void) {
    order += 1
    heap.append((time, order, act))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard isBefore(child, parent) else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  mutating func take() -> (time: Nanoseconds, act: () -> Void)? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      var parent = 0
      while true {
        var least = parent
        let left = 2 * parent + 1
        if left < heap.count, isBefore(left, least) { least = left }
        if left + 1 < heap.count, isBefore(left + 1, least) { least = left + 1 }
        guard least != parent else { break }
        heap.swapAt(parent, least)
        parent = least
      }
    }
    return (first.time, first.act)
  }

  private func isBefore(_ a: Int, _ b: Int) -> Bool {
    heap[a].time < heap[b].time || heap[a].time == heap[b].time && heap[a].order < heap[b].order
  }
}

/// Virtual time of one run, and its chance.
final class VirtualClock {
  private(set) var now: Nanoseconds = .second
  private var queue = EventQueue()
  var random: SeededGenerator

  init(seed: UInt64) { random = SeededGenerator(seed: seed, label: "simulator") }

  func at(_ time: Nanoseconds, _ act: @escaping () -> Void) { queue.add(at: max(time, now), act) }
  func after(_ delay: Nanoseconds, _ act: @escaping () -> Void) { queue.add(at: now + max(0, delay), act) }

  /// Lets the next thing happen. False when there is none up to `end`.
  func step(until end: Nanoseconds) -> Bool {
    guard let next = queue.nextTime, next <= end, let (time, act) = queue.take() else { return false }
    now = time
    act()
    return true
  }

  /// Uniform within the range.
  func draw(_ range: ClosedRange<Nanoseconds>) -> Nanoseconds {
    range.lowerBound + Nanoseconds(random.below(Int(range.upperBound - range.lowerBound) + 1))
  }
}
