// When the operations of a small random history begin, take effect and end, and how: processes with one at a time.

import Base
import History

struct RandomSchedule {
  struct Slot {
    var begin: Nanoseconds
    var end: Nanoseconds
    var outcome = Outcome.ok
    /// When it takes effect, if it does.
    var point = 0.0
  }

  /// By begin. Sometimes several events stand at one time.
  /// - Parameters:
  ///   - limit: The most operations, at least 3.
  ///   - unknown: How likely an operation is of unknown result.
  static func slots(_ rng: inout SeededGenerator, atMost limit: Int, unknown: Double) -> [Slot] {
    let processes = 2 + rng.below(5)
    let count = 3 + rng.below(limit - 2)
    let hasTies = rng.chance(0.4)
    var slots: [Slot] = []
    var time: Nanoseconds = 1
    var open: [Int?] = Array(repeating: nil, count: processes)
    while slots.count < count || open.contains(where: { $0 != nil }) {
      if !(hasTies && rng.chance(0.3)) { time += 1 }
      let process = rng.below(processes)
      if let k = open[process] {
        slots[k].end = time
        open[process] = nil
      } else if slots.count < count {
        open[process] = slots.count
        slots.append(Slot(begin: time, end: time))
      }
    }
    for k in slots.indices {
      slots[k].outcome = rng.chance(unknown) ? .info : rng.chance(0.03) ? .fail : .ok
      slots[k].point = Double(slots[k].begin) + rng.unit() * Double(slots[k].end - slots[k].begin)
    }
    return slots
  }

  /// Moves a slot a little.
  static func shift(_ slot: inout Slot, _ rng: inout SeededGenerator) {
    slot.begin = max(1, slot.begin + Int64(rng.below(7)) - 3)
    slot.end = max(slot.begin, slot.end + Int64(rng.below(7)) - 3)
  }

  /// Events in some order that their times allow, each invocation before its completion.
  static func sorted(_ events: [Event], _ rng: inout SeededGenerator) -> RecordedHistory {
    let events = events.shuffled(using: &rng)
    let order = events.indices.sorted { a, b in
      let (x, y) = (events[a], events[b])
      if x.time != y.time { return x.time < y.time }
      return x.op == y.op ? x.outcome == .invoke : a < b
    }
    return RecordedHistory(names: Names(), events: order.map { events[$0] }, isComplete: true)
  }
}
