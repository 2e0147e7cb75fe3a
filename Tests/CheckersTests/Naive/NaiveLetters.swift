// Where dead letters lead, by the names of queues, one step after the other; and what must have come of a rejection.

import Base
import History

@testable import Checkers

struct NaiveLetters {
  let names: Names
  /// By queue the one into which it leads what is rejected.
  let next: [String: String]

  /// More steps than a test has queues, twice.
  private static let steps = 0..<16

  /// The queue that is so many steps behind; nil: it ends before.
  private func queue(_ steps: Int, behind queue: UInt16) -> String? {
    steps == 0 ? names.text(queue) : self.queue(steps - 1, behind: queue).flatMap { next[$0] }
  }

  /// By how many ways a copy of what is published to the route may come into the queue.
  func ways(_ route: UInt16, _ queue: UInt16) -> Int {
    Set(names.queues(route)).map { own in
      Self.steps.count { self.queue($0, behind: own) == names.text(queue) }
    }.reduce(0, +)
  }

  /// Whether one of them leads over a rejection.
  func isLed(_ route: UInt16, _ queue: UInt16) -> Bool {
    names.queues(route).contains { own in
      Self.steps.contains { $0 > 0 && self.queue($0, behind: own) == names.text(queue) }
    }
  }

  /// The queues further on, as far as the history names them.
  func behind(_ queue: UInt16) -> [UInt16] {
    let named = Set(Self.steps.dropFirst().compactMap { self.queue($0, behind: queue) })
    return names.entries.indices.map(UInt16.init).filter { named.contains(names.text($0)) && $0 != queue }
  }

  /// Some of them it does not name.
  func leadsAway(_ queue: UInt16) -> Bool {
    Self.steps.compactMap { self.queue($0, behind: queue) }.contains { !names.entries.contains(.word($0)) }
  }

  /// All queues into which a copy may come.
  func places(_ route: UInt16) -> [UInt16] {
    names.entries.indices.map(UInt16.init).filter { place in
      if case .word = names.entries[Int(place)] { return ways(route, place) > 0 }
      return false
    }
  }
}

extension NaiveAccounting {
  /// Every queue that owes the message, and that leads somewhere what is rejected.
  func judgeLetters(_ message: MessageID) {
    let tries = publishes.filter { $0.message == message }
    for queue in Set(tries.filter(isAcknowledged).flatMap(queues)).sorted() {
      guard letters.next[names.text(queue)] != nil else { continue }
      let there = tries.flatMap { deliveries($0, queue) }
      let takings = there.flatMap(acks).filter { outcome(ofAck: $0) != .fail }
      guard !there.contains(where: isAuto), !takings.isEmpty, takings.allSatisfy({ $0.function == .nack }) else {
        continue
      }
      if letters.behind(queue).contains(where: { place in tries.contains { isTaken($0, place) } }) { continue }
      report(.deadLetterLost, "\(message) \(queue)", isCertain: isOver(queue))
    }
  }

  /// Whether a delivery of the attempt from the queue was taken.
  func isTaken(_ p: Event, _ queue: UInt16) -> Bool {
    deliveries(p, queue).contains { d in isAuto(d) || acks(d).contains { outcome(ofAck: $0) != .fail } }
  }

  /// Drained, and so is everything behind it.
  func isOver(_ queue: UInt16) -> Bool {
    isDrained(queue) && letters.behind(queue).allSatisfy(isDrained) && !letters.leadsAway(queue)
  }
}
