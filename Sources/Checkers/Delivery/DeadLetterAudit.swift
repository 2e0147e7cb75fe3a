// What was rejected must have gone into the queue of dead letters, and somebody must have taken it from there.

import Base
import History

extension DeliveryAudit {
  /// The id was acknowledged, a delivery of it from the queue was taken, and none from where that leads. Where only
  /// rejections took it, it must have come from the queue of dead letters.
  ///
  /// A rejection of unknown end needs no patience: had it come to nothing, the message would have been in the queue still,
  /// and who drained it would have taken it otherwise.
  mutating func judgeDeadLetter(of chain: [Int32], from queue: UInt16, to letters: UInt16) {
    var isDelivered = false
    for at in chain {
      let slot = ledger.slot(of: at, in: queue)
      if slot >= 0, isConsumed(slot, rejections: false) { return }
      let letter = ledger.slot(of: at, in: letters)
      if letter >= 0, ledger.slots[Int(letter)].first >= 0 { isDelivered = true }
    }
    if !isDrainedWithLetters(queue) {
      result.undecided[.deadLetterLost, default: 0] += 1
    } else if book.count(.deadLetterLost) {
      book.keep(deadLetterLost(chain, queue, letters, isDelivered: isDelivered))
    }
  }

  /// Whether the attempt was delivered from the queue, or from one into which that leads its dead letters.
  func isDelivered(_ attempt: Int32, _ slot: Int32, _ queue: UInt16) -> Bool {
    ledger.slots[Int(slot)].first >= 0
      || slots(of: attempt, behind: queue).contains { ledger.slots[Int($0)].first >= 0 }
  }

  /// The same of deliveries that were taken, but in transactions of which nothing took effect.
  func isConsumed(_ attempt: Int32, _ slot: Int32, _ queue: UInt16, without void: [Bool]) -> Bool {
    isConsumed(slot, without: void)
      || slots(of: attempt, behind: queue).contains { isConsumed($0, without: void) }
  }

  private func slots(of attempt: Int32, behind queue: UInt16) -> [Int32] {
    ledger.routes.deadLetters.isEmpty
      ? [] : ledger.routes.behind(queue).map { ledger.slot(of: attempt, in: $0) }.filter { $0 >= 0 }
  }
}
