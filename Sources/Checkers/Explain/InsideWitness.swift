// For an answer "empty" that is false: a few values of which at every moment of it one was certainly inside.

import Base
import History

enum InsideWitness {
  static let most = 3

  /// - Parameter empty: Indices of the invocation and the answer.
  /// - Returns: Values whose stays in the queue, one after the other, cover the answer; fewer where nothing covers it.
  static func values(_ empty: [Int], _ events: [Event]) -> [MessageID] {
    guard let first = empty.first, let last = empty.last else { return [] }
    let (begin, end) = (events[first].time, events[last].time)
    var table = PairTable()
    var stays: [(value: MessageID, from: Nanoseconds, to: Nanoseconds)] = []
    for event in events where event.function == .enqueue && event.outcome == .ok && event.time <= end {
      if table.find(event.message.rawValue) < 0 {
        table.set(event.message.rawValue, to: Int32(clamping: stays.count))
        stays.append((event.message, event.time, .max))
      }
    }
    var invocations = PairTable()
    for (at, event) in events.enumerated() where event.function == .dequeue {
      if event.outcome == .invoke {
        invocations.set(event.op, to: Int32(clamping: at))
      } else if event.message != .none {
        let (stay, invocation) = (table.find(event.message.rawValue), invocations.find(event.op))
        // Seen in a dequeue, known or not: from its invocation on it may be gone.
        if stay >= 0, invocation >= 0 {
          stays[Int(stay)].to = min(stays[Int(stay)].to, events[Int(invocation)].time)
        }
      }
    }
    var chosen: [MessageID] = []
    var covered = begin
    while chosen.count < most, covered <= end {
      guard let next = stays.filter({ $0.from <= covered && $0.to > covered }).max(by: { $0.to < $1.to }) else { break }
      chosen.append(next.value)
      covered = next.to
    }
    return chosen
  }
}
