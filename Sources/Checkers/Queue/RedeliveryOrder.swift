// First in, first out where messages are pushed, acknowledged and delivered again: a history of deliveries as a queue's.

import Base
import History

extension QueueChecker {
  /// Whether one queue of a delivery history handed out first deliveries in the order in which they went in.
  ///
  /// The rules are those of FIFO, with two differences. A delivery lasts from the moment when its consumer could first
  /// have received it (its subscription, or the freeing of the slot in its prefetch) until it was read. And a message
  /// that comes late was perhaps sent before to a consumer that never read it: each slot that was free is one such
  /// chance; without a prefetch there is no end of them. So what this says is strict only with a prefetch of 1.
  /// - Parameters:
  ///   - queue: An index into the history's names.
  ///   - options: As for `DeliveryChecker`; what counts are the limit and the time of suspicion.
  public static func checkDeliveries(
    _ history: RecordedHistory, queue: UInt16, options: DeliveryOptions
  ) -> QueueResult {
    var ledger = DeliveryLedger(history, options: options)
    ledger.readAll()
    var order = RedeliveryOrder(ledger, queue: queue)
    return order.judge(isComplete: history.isComplete)
  }
}

struct RedeliveryOrder {
  /// Beyond this many slots a delivery may have been on its way since the subscription.
  private static let prefetchLimit = 64

  private let ledger: DeliveryLedger
  private let queue: UInt16
  private var values = QueueLedger(model: .fifo)
  /// By value what it is, and when the broker can have sent it first.
  private var identities: [QueueBook.Identity] = []
  private var dequeues: [Int32] = []
  private var result = QueueResult()

  init(_ ledger: DeliveryLedger, queue: UInt16) {
    self.ledger = ledger
    self.queue = queue
    values.mayReturn = true
  }

  mutating func judge(isComplete: Bool) -> QueueResult {
    let sent = earliestSending()
    collect(sent)
    markOvertaken()
    let order = values.order()
    let history = RecordedHistory(names: Names(), events: ledger.events, isComplete: isComplete)
    var book = QueueBook(source: history, limit: ledger.options.findingLimit)
    for late in order.late { book.late(identities[Int(late.value)], values.values[Int(late.value)], late) }
    for need in order.lost {
      book.lost(identities[Int(need.value)], values.values[Int(need.value)], need.deadline)
    }
    result.enqueued = values.values.count
    result.dequeued = values.values.elements.filter(\.isGone).count
    result.unknownDequeues = values.unknown.count
    book.close(&result, isComplete: isComplete)
    return result
  }

  /// By delivery the earliest moment at which the broker can have sent it; notes the chances for unseen ones.
  private mutating func earliestSending() -> [Int32] {
    let releases = Releases(ledger)
    var sent = [Int32](repeating: DeliveryLedger.before, count: ledger.deliveries.count)
    // By session, of its slots the latest moments at which they became free, ascending; as many as it has slots.
    var slots = [[Int32]](repeating: [], count: ledger.sessions.count)
    for (k, delivery) in ledger.deliveries.enumerated() where ledger.events[Int(delivery.read)].place == queue {
      let s = Int(delivery.session)
      let count = prefetch(s)
      let since = count > 0 && slots[s].count == count ? slots[s][0] : DeliveryLedger.never
      // Freed too late, or never, and read all the same: its slots are not what we think, so no claim.
      sent[k] = max(delivery.low, since < delivery.read ? since : ledger.sessions[s].subscribed)
      guard count > 0 else { continue }
      let free = releases.slotFree(delivery, in: ledger)
      slots[s].insert(free, at: firstIndex(in: slots[s]) { $0 >= free })
      if slots[s].count > count { slots[s].removeFirst() }
    }
    for (s, session) in ledger.sessions.enumerated() where session.queue == queue {
      values.unlimited = min(values.unlimited, releases.firstFault(of: session, in: ledger))
      guard prefetch(s) > 0 else {
        values.unlimited = min(values.unlimited, max(0, session.subscribed))
        continue
      }
      values.unknown += slots[s].filter { $0 < DeliveryLedger.never }
      values.unknown += Array(repeating: max(0, session.subscribed), count: prefetch(s) - slots[s].count)
    }
    return sent
  }

  /// The slots of a session; 0: no limit, or too many to follow.
  private func prefetch(_ session: Int) -> Int {
    let record = ledger.sessions[session]
    guard !record.isAuto, record.subscribed >= 0 else { return 0 }
    let prefetch = ledger.events[Int(record.subscribed)].tag
    return prefetch <= UInt64(Self.prefetchLimit) ? Int(prefetch) : 0
  }

  private mutating func collect(_ sent: [Int32]) {
    for attempt in ledger.attempts where ledger.standing(of: attempt) != .failed {
      let queues = ledger.queues(of: attempt)
      guard let k = queues.firstIndex(of: queue) else { continue }
      let slot = ledger.slots[Int(attempt.firstSlot) + k - queues.startIndex]
      var value = QueueLedger.Value(enqueue: attempt.invoke, enqueued: attempt.ok)
      var dequeue: Int32 = -1
      if slot.first >= 0 {
        value.dequeued = ledger.deliveries[Int(slot.first)].read
        // Whichever of its deliveries was sent first took it out first.
        dequeue = DeliveryLedger.never
        var at = slot.first
        while at >= 0 {
          dequeue = min(dequeue, sent[Int(at)])
          at = ledger.deliveries[Int(at)].next
        }
        dequeue = max(0, dequeue)
      }
      if attempt.transaction >= 0 {
        // It went in with the commit.
        let transaction = ledger.transactions[Int(attempt.transaction)]
        if transaction.firstEnd < value.dequeued, transaction.firstEnd < DeliveryLedger.never {
          value.enqueue = transaction.firstEnd
        }
        value.enqueued = transaction.okEvent >= 0 ? transaction.okEvent : DeliveryLedger.never
      }
      value.enqueued = value.enqueued < value.dequeued ? value.enqueued : QueueLedger.never
      values.values.grow(to: values.values.count + 1, repeating: value)
      dequeues.append(dequeue)
      identities.append(
        QueueBook.Identity(
          message: ledger.identities[Int(attempt.identity)].message, attempt: attempt.number))
    }
  }

  /// Rule 3, for values whose dequeue was known only after the pass.
  private mutating func markOvertaken() {
    var front = [Int32](repeating: -1, count: ledger.events.count)
    for value in values.values.elements where value.isGone {
      front[Int(value.dequeued)] = max(front[Int(value.dequeued)], value.enqueue)
    }
    var latest: Int32 = -1
    for at in front.indices {
      latest = max(latest, front[at])
      front[at] = latest
    }
    values.front = latest
    for (k, value) in values.values.elements.enumerated() where value.isGone && dequeues[k] > 0 {
      let before = front[Int(dequeues[k]) - 1]
      if value.enqueued < before {
        values.late.append(QueueLedger.Late(value: Int32(k), dequeue: dequeues[k], overtaken: before))
      }
    }
  }
}
