// The look at every message after the pass: lost, duplicated, read though it failed, recovered.

import Base
import History

struct DeliveryAudit {
  let ledger: DeliveryLedger
  let releases: Releases
  var book: FindingBook
  var result = DeliveryResult()
  private var losses = LossBook()

  /// What one id came to in one queue.
  private struct Tally {
    var queue: UInt16
    var isOwed = false
    var isConsumed = false
    /// Attempts delivered, without those that are failures.
    var attempts = 0
  }
  private var tallies: [Tally] = []
  /// By queue: its position in `tallies`, where that names the queue.
  private var tallyOf: [Int32]

  init(_ ledger: DeliveryLedger) {
    self.ledger = ledger
    releases = Releases(ledger)
    book = FindingBook(limit: ledger.options.findingLimit, listed: ledger.options.listed)
    tallyOf = Array(repeating: 0, count: ledger.names.entries.count)
    result.hasConfirms = ledger.options.hasConfirms
    result.hasDeadLetters = !ledger.routes.deadLetters.isEmpty
  }

  mutating func judgeMessages() {
    var chain: [Int32] = []
    for identity in ledger.identities {
      chain.removeAll(keepingCapacity: true)
      var at = identity.newest
      while at >= 0 {
        chain.append(at)
        at = ledger.attempts[Int(at)].older
      }
      chain.reverse()
      judge(chain)
    }
  }

  /// - Parameter chain: all attempts of one id, oldest first.
  private mutating func judge(_ chain: [Int32]) {
    tallies.removeAll(keepingCapacity: true)
    var isAcknowledged = false
    var isDelivered = false
    var isRecovered = false
    for at in chain {
      let attempt = ledger.attempts[Int(at)]
      let standing = ledger.standing(of: attempt)
      let isGood = isAcknowledgement(attempt, standing)
      if standing == .unknown { result.unknown += 1 }
      isAcknowledged = isAcknowledged || isGood
      var slot = attempt.firstSlot
      let ownEnd = slot + Int32(ledger.queues(of: attempt).count)
      for queue in ledger.allQueues(of: attempt) {
        let tally = tally(of: queue)
        if isGood, slot < ownEnd { tallies[tally].isOwed = true }
        if ledger.slots[Int(slot)].first >= 0 {
          isDelivered = true
          if standing == .unknown { isRecovered = true }
          if standing == .failed {
            if book.count(.abortedRead) { book.keep(abortedRead(at, slot, queue)) }
          } else {
            tallies[tally].attempts += 1
          }
          if isConsumed(slot) { tallies[tally].isConsumed = true }
          judgeRepeats(at, slot, queue)
        }
        slot += 1
      }
    }
    result.attempted += 1
    if isAcknowledged { result.acknowledged += 1 }
    if isDelivered { result.delivered += 1 }
    if isRecovered, !isAcknowledged, book.count(.recovered) { book.keep(recovered(chain)) }
    for tally in tallies {
      if tally.isOwed, !isTakenAsLetter(from: tally.queue) {
        if !tally.isConsumed {
          judgeLoss(of: chain, in: tally.queue)
        } else if let letters = ledger.routes.deadLetters[tally.queue] {
          judgeDeadLetter(of: chain, from: tally.queue, to: letters)
        }
      }
      if tally.attempts > 1, book.count(.duplicatedByRetry) { book.keep(duplicatedByRetry(chain, tally.queue)) }
    }
  }

  /// Whether the id was taken from a queue into which this one leads its dead letters, rejected or moved unseen.
  private func isTakenAsLetter(from queue: UInt16) -> Bool {
    guard !ledger.routes.deadLetters.isEmpty else { return false }
    let behind = ledger.routes.behind(queue)
    return tallies.contains { $0.isConsumed && behind.contains($0.queue) }
  }

  func isAcknowledgement(_ attempt: DeliveryLedger.Attempt, _ standing: DeliveryLedger.Standing) -> Bool {
    standing == .ok || !ledger.options.hasConfirms && attempt.isSent && standing != .failed
  }

  private mutating func tally(of queue: UInt16) -> Int {
    let known = Int(tallyOf[Int(queue)])
    if known < tallies.count, tallies[known].queue == queue { return known }
    tallyOf[Int(queue)] = Int32(tallies.count)
    tallies.append(Tally(queue: queue))
    return tallies.count - 1
  }

  /// Whether a delivery of the slot was taken: automatically, or by an ack that is not known to have come to nothing.
  /// - Parameters:
  ///   - void: By transaction, those of which nothing took effect; empty: none.
  ///   - rejections: Whether a rejection takes it as well.
  func isConsumed(_ slot: Int32, without void: [Bool] = [], rejections: Bool = true) -> Bool {
    var at = ledger.slots[Int(slot)].first
    while at >= 0 {
      let delivery = ledger.deliveries[Int(at)]
      if ledger.sessions[Int(delivery.session)].isAuto { return true }
      var next = delivery.firstAck
      while next >= 0 {
        let ack = ledger.acks[Int(next)]
        let isVoid = !void.isEmpty && ack.transaction >= 0 && void[Int(ack.transaction)]
        let counts = rejections || ledger.events[Int(ack.invoke)].function != .nack
        if counts, !isVoid, ledger.standing(of: ack) != .failed { return true }
        next = ack.nextOfDelivery
      }
      at = delivery.next
    }
    return false
  }

  private mutating func judgeLoss(of chain: [Int32], in queue: UInt16) {
    if !isDrainedWithLetters(queue) {
      result.undecided[.lost, default: 0] += 1
      return
    }
    if let first = chain.first {
      let attempt = ledger.attempts[Int(first)]
      let message = ledger.identities[Int(attempt.identity)].message
      losses.add(LossBook.Unit(message: message, queue: queue, invoke: attempt.invoke))
    }
    if book.count(.lost) { book.keep(lost(chain, queue)) }
  }

  func isDrained(_ queue: UInt16) -> Bool { Int(queue) < ledger.isDrained.count && ledger.isDrained[Int(queue)] }

  /// With the queues into which it leads: what is nowhere by then is gone.
  func isDrainedWithLetters(_ queue: UInt16) -> Bool {
    isDrained(queue) && ledger.routes.behind(queue).allSatisfy(isDrained)
  }

  /// Several deliveries of one attempt in one queue: duplicated when two of them exclude each other, else redelivered.
  private mutating func judgeRepeats(_ attempt: Int32, _ slot: Int32, _ queue: UInt16) {
    let (first, last) = (ledger.slots[Int(slot)].first, ledger.slots[Int(slot)].last)
    guard first != last, !ledger.slots[Int(slot)].isMixed else { return }
    var order: [Int32] = []
    var spans: [(read: Int32, free: Int32)] = []
    var at = first
    while at >= 0 {
      let delivery = ledger.deliveries[Int(at)]
      order.append(at)
      spans.append((delivery.read, releases.free(delivery, in: ledger)))
      at = delivery.next
    }
    if let (a, b) = Releases.clash(spans) {
      if book.count(.duplicated) { book.keep(duplicated(attempt, queue, order[a], order[b])) }
      return
    }
    for again in order.dropFirst() where book.count(.redelivered) {
      book.keep(redelivered(attempt, queue, first, again))
    }
  }

  /// Every id and queue of which a delivery was taken, in the order of the ids; once for each attempt.
  private func forEachTaken(_ body: (MessageID, UInt16) -> Void) {
    for attempt in ledger.attempts {
      var slot = attempt.firstSlot
      for queue in ledger.queues(of: attempt) {
        if isConsumed(slot) { body(ledger.identities[Int(attempt.identity)].message, queue) }
        slot += 1
      }
    }
  }

  /// Turns what the pass itself noticed into findings, and adds up.
  mutating func report() {
    for event in ledger.unexpected where book.count(.unexpected) { book.keep(unexpected(event)) }
    for delivery in ledger.wronglyFlagged where book.count(.wrongRedeliveredFlag) {
      book.keep(wronglyFlagged(delivery))
    }
    for overtaken in ledger.order.overtaken where book.count(.outOfOrder) { book.keep(outOfOrder(overtaken)) }
    for event in ledger.stuckQueues where book.count(.stuckMessage) { book.keep(stuckMessage(event)) }
    for name in FindingName.allCases { result.counts[name] = book.counts[name.position] }
    result.findings = book.findings
    result.losses = losses.split(of: ledger, taken: forEachTaken)
    result.order = ledger.order.split(ledger.names)
    var isUsed = [Bool](repeating: false, count: ledger.names.entries.count)
    for attempt in ledger.attempts {
      let route = Int(ledger.events[Int(attempt.invoke)].place)
      if route < isUsed.count { isUsed[route] = true }
    }
    result.isDrained = isUsed.indices.allSatisfy { place in
      !isUsed[place] || ledger.routes.own(UInt16(place)).allSatisfy(isDrained)
    }
  }
}
