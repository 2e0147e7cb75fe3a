// What was rejected must have gone into the queue of dead letters, and somebody must have taken it from there.

import Base
import History

extension DeliveryAudit {
  /// The id was acknowledged, and a delivery of it from the queue was taken. Where only rejections took it, it must have
  /// come from the queue of dead letters.
  ///
  /// A rejection of unknown end needs no patience: had it come to nothing, the message would have been in the queue still,
  /// and who drained it would have taken it otherwise.
  mutating func judgeDeadLetter(of chain: [Int32], from queue: UInt16, to letters: UInt16) {
    var isDelivered = false
    for at in chain {
      let slot = ledger.slot(of: at, in: queue)
      if slot >= 0, isTakenUnrejected(slot) { return }
      let letter = ledger.slot(of: at, in: letters)
      if letter >= 0 {
        if isConsumed(letter) { return }
        if ledger.slots[Int(letter)].first >= 0 { isDelivered = true }
      }
    }
    if !isDrained(queue) || !isDrained(letters) {
      result.undecided[.deadLetterLost, default: 0] += 1
    } else if book.count(.deadLetterLost) {
      book.keep(deadLetterLost(chain, queue, letters, isDelivered: isDelivered))
    }
  }

  /// Whether a delivery of the slot was taken by anything but a rejection.
  private func isTakenUnrejected(_ slot: Int32) -> Bool {
    var at = ledger.slots[Int(slot)].first
    while at >= 0 {
      let delivery = ledger.deliveries[Int(at)]
      if ledger.sessions[Int(delivery.session)].isAuto { return true }
      var next = delivery.firstAck
      while next >= 0 {
        let ack = ledger.acks[Int(next)]
        let isRejection = ledger.events[Int(ack.invoke)].function == .nack
        if !isRejection, ledger.standing(of: ack) != .failed { return true }
        next = ack.nextOfDelivery
      }
      at = delivery.next
    }
    return false
  }
}
