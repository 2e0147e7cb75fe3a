// The queues into which a publish goes, and those into which they lead what is rejected there.

import Base
import History

/// By route its own queues, and behind them the queues of its dead letters: theirs, and what those lead on to.
struct RouteTable {
  /// By queue the one into which it leads what is rejected; `Names.none`: one that the history never names.
  let deadLetters: [UInt16: UInt16]
  /// Of route r, without repetition: its own queues in `queues[start[r]..<ownEnd[r]]`, the others up to `start[r + 1]`.
  private let start: [Int32]
  private let ownEnd: [Int32]
  private let queues: [UInt16]
  /// What a slot of that queue begins as.
  private let slots: [DeliveryLedger.Slot]

  init(_ names: Names, deadLetters named: [String: String]) {
    var letters: [UInt16: UInt16] = [:]
    if !named.isEmpty {
      var words: [String: UInt16] = [:]
      for (k, entry) in names.entries.enumerated() {
        if case .word(let word) = entry { words[word] = UInt16(k) }
      }
      for (from, to) in named {
        if let queue = words[from] { letters[queue] = words[to] ?? Names.none }
      }
    }
    var start: [Int32] = [0]
    var ownEnd: [Int32] = []
    var queues: [UInt16] = []
    var slots: [DeliveryLedger.Slot] = []
    for entry in names.entries {
      if case .route(let route) = entry {
        for (k, queue) in route.enumerated() where Int(queue) < names.entries.count && !route[..<k].contains(queue) {
          queues.append(queue)
          slots.append(DeliveryLedger.Slot())
        }
      }
      ownEnd.append(Int32(queues.count))
      if !letters.isEmpty { Self.follow(letters, from: Int(start[start.count - 1]), &queues, &slots) }
      start.append(Int32(queues.count))
    }
    deadLetters = letters
    (self.start, self.ownEnd, self.queues, self.slots) = (start, ownEnd, queues, slots)
  }

  /// Adds the queues into which those from position `first` on lead, step by step.
  private static func follow(
    _ letters: [UInt16: UInt16], from first: Int, _ queues: inout [UInt16], _ slots: inout [DeliveryLedger.Slot]
  ) {
    // How many copies of one attempt may be there: one by the route, and one for each way that leads there.
    var copies = [Int](repeating: 1, count: queues.count - first)
    for own in copies.indices {
      var queue = queues[first + own]
      while let next = letters[queue], next != Names.none {
        var at = queues[first...].firstIndex(of: next).map { $0 - first } ?? -1
        if at < 0 {
          at = copies.count
          queues.append(next)
          slots.append(DeliveryLedger.Slot())
          copies.append(0)
        }
        copies[at] += 1
        slots[first + at].isOfLetters = true
        slots[first + at].isMixed = copies[at] > 1
        // Two have gone on from here, or one is going round.
        if copies[at] > 2 { break }
        queue = next
      }
    }
  }

  /// The queues into which the route leads, those of dead letters not among them.
  func own(_ place: UInt16) -> ArraySlice<UInt16> {
    guard Int(place) < ownEnd.count else { return [] }
    return queues[Int(start[Int(place)])..<Int(ownEnd[Int(place)])]
  }

  /// Its own queues first, then those of dead letters.
  func all(_ place: UInt16) -> ArraySlice<UInt16> {
    guard Int(place) < ownEnd.count else { return [] }
    return queues[Int(start[Int(place)])..<Int(start[Int(place) + 1])]
  }

  /// The queues into which this one leads, step by step; `Names.none` among them where the history never names one.
  func behind(_ queue: UInt16) -> [UInt16] {
    var list: [UInt16] = []
    var at = queue
    while let next = deadLetters[at], next != queue, !list.contains(next) {
      list.append(next)
      at = next
    }
    return list
  }

  /// A slot for each of them.
  func newSlots(_ place: UInt16) -> ArraySlice<DeliveryLedger.Slot> {
    guard Int(place) < ownEnd.count else { return [] }
    return slots[Int(start[Int(place)])..<Int(start[Int(place) + 1])]
  }
}
