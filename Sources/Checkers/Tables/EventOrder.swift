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
    sorted = QueueChecker.order(events)
  }

  /// The index of the event at a position.
  func event(_ position: Int32) -> Int { sorted.isEmpty ? Int(position) : Int(sorted[Int(position)]) }

  /// The events in the order of the file of some positions, those outside the history left out.
  func events(_ positions: [Int32]) -> [Int] { Set(positions.filter { $0 >= 0 && $0 < count }.map(event)).sorted() }
}
