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
      guard let name = letters.next[names.text(queue)] else { continue }
      let there = tries.flatMap { deliveries($0, queue) }
      let takings = there.flatMap(acks).filter { outcome(ofAck: $0) != .fail }
      guard !there.contains(where: isAuto), !takings.isEmpty, takings.allSatisfy({ $0.function == .nack }) else {
        continue
      }
      let target = names.entries.firstIndex(of: .word(name)).map(UInt16.init)
      let came = target.map { target in tries.flatMap { deliveries($0, target) } } ?? []
      if came.contains(where: { d in isAuto(d) || acks(d).contains { outcome(ofAck: $0) != .fail } }) { continue }
      report(.deadLetterLost, "\(message) \(queue)", isCertain: isDrained(queue) && target.map(isDrained) == true)
    }
  }
}
