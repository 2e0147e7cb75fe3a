// Moments as positions: the order in which the checks of plain histories read events, equal times included.

import History

/// The order of events by which linearizability is judged: by time, and at one time invocations before completions, so that
/// operations that touch are concurrent.
struct EventOrder {
  /// Positions to events; empty: they are the same.
  private let sorted: [Int32]
  let count: Int32

  init(_ events: [Event]) {
    count = Int32(clamping: events.count)
    sorted = Self.order(events)
  }

  /// As the events stand.
  init(asRecorded count: Int) {
    self.count = Int32(clamping: count)
    sorted = []
  }

  /// The index of the event at a position.
  func event(_ position: Int32) -> Int { sorted.isEmpty ? Int(position) : Int(sorted[Int(position)]) }

  /// The events in the order of the file of some positions, those outside the history left out.
  func events(_ positions: [Int32]) -> [Int] { Set(positions.filter { $0 >= 0 && $0 < count }.map(event)).sorted() }

  private static func order(_ events: [Event]) -> [Int32] {
    guard zip(events, events.dropFirst()).contains(where: { $0.time >= $1.time }) else { return [] }
    // What is seen and may be gone from then on stands between, for it both ends and begins something.
    func rank(_ event: Event) -> Int {
      event.outcome == .invoke ? 0 : event.outcome == .info && event.message != .none ? 1 : 2
    }
    return (0..<Int32(clamping: events.count)).sorted { a, b in
      let (x, y) = (events[Int(a)], events[Int(b)])
      return (x.time, rank(x), a) < (y.time, rank(y), b)
    }
  }
}
