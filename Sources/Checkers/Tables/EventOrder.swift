// Moments as positions: the order in which the checks of plain histories read events, equal times included.

import History

/// Positions in the order of `SortedHistory`, and the events to which they belong.
struct EventOrder {
  /// Nil where events are in order as they stand.
  private let sorted: SortedHistory?
  let count: Int32

  init(_ history: RecordedHistory) {
    count = Int32(clamping: history.events.count)
    sorted = SortedHistory(history)
  }

  /// The index of the event at a position.
  func event(_ position: Int32) -> Int { sorted?.number(at: Int(position)) ?? Int(position) }

  /// The events of some positions in the order of the file, those outside the history left out.
  func events(_ positions: [Int32]) -> [Int] { Set(positions.filter { $0 >= 0 && $0 < count }.map(event)).sorted() }
}
