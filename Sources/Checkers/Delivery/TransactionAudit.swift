// Transactions: what one published must come whole, and what it acknowledged must be gone exactly when it took effect.

import Base
import History

extension DeliveryAudit {
  mutating func judgeTransactions() {
    let count = ledger.transactions.count
    guard count > 0 else { return }
    var known = [Bool](repeating: false, count: count)
    var void = known
    for t in 0..<count where ledger.transactions[t].standing != .failed {
      let came = publishes(of: t)
      let isOK = ledger.transactions[t].standing == .ok
      known[t] = isOK || came.delivered > 0
      void[t] = !known[t] && came.total > 0
      if known[t] { result.committed += 1 } else { result.unknownTransactions += 1 }
    }
    for t in 0..<count where ledger.transactions[t].standing != .failed {
      let came = publishes(of: t)
      if came.delivered > 0 {
        judgeCommitted(t, isWhole: came.delivered == came.total, known)
      } else if void[t] {
        judgeVoid(t, void)
      }
    }
  }

  /// What the transaction published and did not itself fail, by (attempt, queue).
  private func publishes(of transaction: Int) -> (total: Int, delivered: Int) {
    var (total, delivered) = (0, 0)
    forEachPublish(of: transaction) { attempt, slot, queue in
      total += 1
      if isDelivered(attempt, slot, queue) { delivered += 1 }
    }
    return (total, delivered)
  }

  func forEachPublish(of transaction: Int, _ body: (_ attempt: Int32, _ slot: Int32, _ queue: UInt16) -> Void) {
    var at = ledger.transactions[transaction].firstAttempt
    while at >= 0 {
      let attempt = ledger.attempts[Int(at)]
      if !attempt.hasFailed {
        var slot = attempt.firstSlot
        for queue in ledger.queues(of: attempt) {
          body(at, slot, queue)
          slot += 1
        }
      }
      at = attempt.nextInTransaction
    }
  }

  /// The deliveries that the transaction acknowledged.
  private func acknowledged(by transaction: Int) -> [Int32] {
    var list: [Int32] = []
    var at = ledger.transactions[transaction].firstAck
    while at >= 0 {
      let ack = ledger.acks[Int(at)]
      if ack.standing != .failed, ack.delivery >= 0 { list.append(ack.delivery) }
      at = ack.nextInTransaction
    }
    return list
  }

  /// Something of it was delivered, so it took effect: all of it must have, and what it took must not come again.
  private mutating func judgeCommitted(_ transaction: Int, isWhole: Bool, _ known: [Bool]) {
    let taken = acknowledged(by: transaction)
    if let again = again(taken, known) {
      if book.count(.tornTransaction) {
        book.keep(torn(transaction, [again.taken, again.other], "what it acknowledged was delivered again"))
      }
      return
    }
    guard !isWhole else { return }
    var isCertain = false
    forEachPublish(of: transaction) { attempt, slot, queue in
      if !isDelivered(attempt, slot, queue), isDrainedWithLetters(queue) { isCertain = true }
    }
    suspect(transaction, isCertain: isCertain, [], "some of what it published was never delivered")
  }

  /// Nobody said whether it was committed, and nothing of it came: so it took nothing either, and what it acknowledged
  /// must have been taken by somebody else.
  private mutating func judgeVoid(_ transaction: Int, _ void: [Bool]) {
    func place(_ delivery: Int32) -> UInt16 { ledger.events[Int(ledger.deliveries[Int(delivery)].read)].place }
    let eaten = acknowledged(by: transaction).filter {
      let delivery = ledger.deliveries[Int($0)]
      return !isConsumed(delivery.attempt, delivery.slot, place($0), without: void)
    }
    guard !eaten.isEmpty else { return }
    var isCertain = eaten.contains { isDrainedWithLetters(place($0)) }
    forEachPublish(of: transaction) { _, _, queue in
      if !isDrainedWithLetters(queue) { isCertain = false }
    }
    suspect(transaction, isCertain: isCertain, eaten, "nothing it published came, and what it acknowledged is gone")
  }

  private mutating func suspect(_ transaction: Int, isCertain: Bool, _ deliveries: [Int32], _ reason: String) {
    if !isCertain {
      result.undecided[.tornTransaction, default: 0] += 1
    } else if book.count(.tornTransaction) {
      book.keep(torn(transaction, deliveries, reason))
    }
  }

  /// One of these, and another delivery of its attempt that cannot have been sent before this one was taken for good.
  private func again(_ taken: [Int32], _ known: [Bool]) -> (taken: Int32, other: Int32)? {
    for delivery in taken {
      let record = ledger.deliveries[Int(delivery)]
      if ledger.slots[Int(record.slot)].isMixed { continue }
      var at = ledger.slots[Int(record.slot)].first
      while at >= 0 {
        let other = ledger.deliveries[Int(at)]
        if at != delivery, releases.free(other, in: ledger, known: known) > record.read { return (delivery, at) }
        at = other.next
      }
    }
    return nil
  }
}
