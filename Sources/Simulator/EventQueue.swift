// What will happen, by virtual time; what is due at one time happens in the order in which it was added.

import Base

/// A binary heap of plain values; what is to be done lies beside it, so that sifting moves no references.
struct EventQueue {
  private struct Entry {
    var time: Nanoseconds
    var order: UInt64
    var slot: Int
  }

  private var heap: [Entry] = []
  private var acts: [(() -> Void)?] = []
  private var free: [Int] = []
  private var order: UInt64 = 0

  var nextTime: Nanoseconds? { heap.first?.time }

  mutating func add(at time: Nanoseconds, _ act: @escaping () -> Void) {
    order += 1
    let slot = free.popLast() ?? acts.count
    if slot == acts.count { acts.append(act) } else { acts[slot] = act }
    let new = Entry(time: time, order: order, slot: slot)
    heap.append(new)
    var hole = heap.count - 1
    while hole > 0 {
      let parent = (hole - 1) / 2
      guard Self.isBefore(new, heap[parent]) else { break }
      heap[hole] = heap[parent]
      hole = parent
    }
    heap[hole] = new
  }

  mutating func take() -> (time: Nanoseconds, act: () -> Void)? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    if !heap.isEmpty {
      var hole = 0
      while true {
        var child = 2 * hole + 1
        guard child < heap.count else { break }
        if child + 1 < heap.count, Self.isBefore(heap[child + 1], heap[child]) { child += 1 }
        guard Self.isBefore(heap[child], last) else { break }
        heap[hole] = heap[child]
        hole = child
      }
      heap[hole] = last
    }
    free.append(first.slot)
    guard let act = acts[first.slot].take() else { return nil }
    return (first.time, act)
  }

  private static func isBefore(_ a: Entry, _ b: Entry) -> Bool {
    a.time < b.time || a.time == b.time && a.order < b.order
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
