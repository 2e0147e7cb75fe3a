// Messages that are to be sent again, each after its back-off.

import Base

/// One lane for each length of back-off, so that every lane is in the order of its times by itself.
struct RetryLanes {
  /// After the first attempt, the second, the third; all later ones as the last.
  static let backOffs = [100 * Nanoseconds.millisecond, 200 * .millisecond, 400 * .millisecond, 500 * .millisecond]

  private struct Entry {
    var time: Nanoseconds
    var item: Item
  }
  private var lanes = Array(repeating: Fifo<Entry>(), count: backOffs.count)
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  /// - Parameter item: with the number of the attempt that is to come, at least 2.
  mutating func append(_ item: Item, at now: Nanoseconds) {
    let lane = min(max(Int(item.attempt) - 2, 0), lanes.count - 1)
    lanes[lane].append(Entry(time: now + Self.backOffs[lane], item: item))
    count += 1
  }

  /// The earliest time at which one may go.
  var next: Nanoseconds? { count == 0 ? nil : lanes.compactMap { $0.first?.time }.min() }

  /// The one that has waited longest beyond its time.
  mutating func take(_ now: Nanoseconds) -> Item? {
    guard count > 0 else { return nil }
    var best: Int?
    for (lane, fifo) in lanes.enumerated() {
      guard let entry = fifo.first, entry.time <= now else { continue }
      if let chosen = best, let other = lanes[chosen].first, other.time <= entry.time { continue }
      best = lane
    }
    guard let best, let entry = lanes[best].popFirst() else { return nil }
    count -= 1
    return entry.item
  }

  mutating func removeAll() -> [Item] {
    var items: [Item] = []
    for lane in lanes.indices { while let entry = lanes[lane].popFirst() { items.append(entry.item) } }
    count = 0
    return items
  }
}
