// Events whose times do not increase, put in order: logs of clients one behind the other, or several events at one time.

import Base
import History

/// A history in the order of time, without a copy of its events. At one time invocations come before completions:
/// operations that touch are concurrent. What is seen and may be gone from then on stands between, for it both ends and
/// begins something.
struct SortedHistory: EventSource {
  private struct Key {
    var time: Nanoseconds
    /// Rank at one time in the high half, number of the event in the low one.
    var place: UInt64
  }

  private let history: RecordedHistory
  private let order: [Key]

  /// Nil where the events are in order as they stand, no two at one time.
  init?(_ history: RecordedHistory) {
    let isSorted = history.events.withUnsafeBufferPointer { events in
      events.indices.dropFirst().allSatisfy { events[$0 - 1].time < events[$0].time }
    }
    if isSorted { return nil }
    self.history = history
    var keys = history.events.enumerated().map { number, event in
      let rank: UInt64 =
        event.outcome == .invoke ? 0 : event.outcome == .info && event.message != .none ? 1 : 2
      return Key(time: event.time, place: rank << 32 | UInt64(number))
    }
    // Logs that are sorted by themselves are merged: the library's sort goes by the runs that it finds.
    keys.sort { $0.time < $1.time || $0.time == $1.time && $0.place < $1.place }
    order = keys
  }

  /// The number of an event as it stands in the history.
  func number(at position: Int) -> Int { Int(order[position].place & 0xffff_ffff) }

  var count: Int { order.count }
  var isComplete: Bool { history.isComplete }
  func event(_ position: Int) -> Event { history.events[number(at: position)] }

  func forEachBlock(_ body: (EventBlock) -> Void) {
    history.forEachBlock(inOrder: { number(at: $0) }, body)
  }
}
