// What is shown with a finding: the few events that contradict each other, the time they span, who confirmed, and why.

import Base
import History

extension DeliveryAudit {
  private static let eventLimit = 16

  // MARK: Of messages

  func lost(_ chain: [Int32], _ queue: UInt16) -> Finding {
    var events: [Int32] = []
    var last: DeliveryLedger.Delivery?
    var count = 0
    for at in chain {
      events += publishEvents(at)
      forEachDelivery(at, queue) { delivery in
        events += deliveryEvents(delivery)
        if delivery.read > last?.read ?? -1 { last = delivery }
        count += 1
      }
    }
    var finding = finding(.lost, of: chain, in: queue, events)
    finding.reason =
      switch (last, count) {
      case (nil, _): "never delivered"
      case (let last?, 1): "delivered once, \(ending(last)), and never again"
      case (let last?, _): "delivered \(count) times, at last \(ending(last)), and never again"
      }
    return finding
  }

  func deadLetterLost(_ chain: [Int32], _ queue: UInt16, _ letters: UInt16, isDelivered: Bool) -> Finding {
    var events: [Int32] = []
    for at in chain {
      events += publishEvents(at)
      for place in [queue, letters] { forEachDelivery(at, place) { events += deliveryEvents($0) } }
    }
    var finding = finding(.deadLetterLost, of: chain, in: queue, events)
    let name = ledger.names.text(letters)
    finding.reason =
      isDelivered
      ? "rejected, and delivered from \(name) and taken by nobody" : "rejected, and never delivered from \(name)"
    return finding
  }

  /// How a delivery that nobody took came to its end.
  private func ending(_ delivery: DeliveryLedger.Delivery) -> String {
    if delivery.requeued < DeliveryLedger.never { return "requeued" }
    if delivery.firstAck >= 0 {
      let ack = ledger.acks[Int(delivery.firstAck)]
      if ack.standing == .failed { return "its acknowledgement was refused" }
      if ack.transaction >= 0, ledger.transactions[Int(ack.transaction)].isCommitting {
        return "its commit was refused"
      }
      return "acknowledged in a transaction that never committed"
    }
    return ledger.sessions[Int(delivery.session)].ended < DeliveryLedger.never
      ? "its session ended unacknowledged" : "never acknowledged"
  }

  func abortedRead(_ attempt: Int32, _ slot: Int32, _ queue: UInt16) -> Finding {
    var events = publishEvents(attempt)
    forEachDelivery(attempt, queue) { events.append($0.read) }
    var finding = finding(.abortedRead, of: [attempt], in: queue, events)
    let record = ledger.attempts[Int(attempt)]
    if record.hasFailed || record.transaction < 0 {
      finding.reason = "delivered though its publish failed for certain"
    } else {
      let transaction = ledger.transactions[Int(record.transaction)]
      finding.transaction = transaction.number
      finding.reason =
        transaction.isCommitting
        ? "delivered though its commit failed"
        : transaction.firstEnd < DeliveryLedger.never
          ? "delivered though its transaction was rolled back" : "delivered though its transaction was never committed"
    }
    return finding
  }

  func duplicated(_ attempt: Int32, _ queue: UInt16, _ first: Int32, _ second: Int32) -> Finding {
    let (x, y) = (ledger.deliveries[Int(first)], ledger.deliveries[Int(second)])
    var finding = finding(
      .duplicated, of: [attempt], in: queue, publishEvents(attempt) + deliveryEvents(x) + deliveryEvents(y))
    let free = releases.free(x, in: ledger)
    finding.reason =
      ledger.sessions[Int(x.session)].isAuto
      ? "delivered again though the first delivery needed no acknowledgement"
      : free == DeliveryLedger.never
        ? "delivered again though the first delivery's acknowledgement was answered"
        : "delivered again while the first delivery was still held"
    return finding
  }

  func redelivered(_ attempt: Int32, _ queue: UInt16, _ first: Int32, _ again: Int32) -> Finding {
    let (x, y) = (ledger.deliveries[Int(first)], ledger.deliveries[Int(again)])
    var finding = finding(
      .redelivered, of: [attempt], in: queue, [ledger.attempts[Int(attempt)].invoke, x.read, y.read])
    finding.reason = "delivered again, and the first may have been given back"
    return finding
  }

  func duplicatedByRetry(_ chain: [Int32], _ queue: UInt16) -> Finding {
    var events: [Int32] = []
    var count = 0
    for at in chain where ledger.standing(of: ledger.attempts[Int(at)]) != .failed {
      let before = events.count
      forEachDelivery(at, queue) { events.append($0.read) }
      if events.count > before {
        events += publishEvents(at)
        count += 1
      }
    }
    var finding = finding(.duplicatedByRetry, of: chain, in: queue, events)
    finding.reason = "\(count) attempts were delivered"
    return finding
  }

  func recovered(_ chain: [Int32]) -> Finding {
    var events: [Int32] = []
    for at in chain {
      events += publishEvents(at)
      for queue in ledger.allQueues(of: ledger.attempts[Int(at)]) {
        forEachDelivery(at, queue) { events.append($0.read) }
      }
    }
    var finding = finding(.recovered, of: chain, in: Names.none, events)
    finding.reason = "never acknowledged, and delivered"
    return finding
  }

  func wronglyFlagged(_ delivery: Int32) -> Finding {
    let record = ledger.deliveries[Int(delivery)]
    let queue = ledger.events[Int(record.read)].place
    var events = [ledger.attempts[Int(record.attempt)].invoke, record.read]
    forEachDelivery(record.attempt, queue) { other in
      if other.read < record.read, !ledger.events[Int(other.read)].flags.contains(.redelivered) {
        events.append(other.read)
      }
    }
    var finding = finding(.wrongRedeliveredFlag, of: [record.attempt], in: queue, events)
    finding.reason = "delivered again without the mark of a redelivery"
    return finding
  }

  func outOfOrder(_ overtaken: OrderBook.Overtaken) -> Finding {
    let event = ledger.events[Int(overtaken.event)]
    let ahead = ledger.events[Int(overtaken.by)]
    var events = [ledger.attempts[Int(overtaken.attempt)].invoke, overtaken.by, overtaken.event]
    let other = ledger.find(ahead.message, ahead.attempt)
    if other >= 0 {
      forEachDelivery(other, event.place) {
        if ledger.events[Int($0.read)].session == event.session { events.append($0.read) }
      }
    }
    var finding = finding(.outOfOrder, of: [overtaken.attempt], in: event.place, events)
    finding.reason = "delivered after \(ahead.message), which was published later on the same channel"
    return finding
  }

  func unexpected(_ at: Int32) -> Finding {
    let event = ledger.events[Int(at)]
    var finding = Finding(.unexpected)
    finding.queue = event.place
    var events = [at]
    if event.flags.contains(.damaged) {
      finding.reason = "its payload was damaged"
    } else if event.flags.contains(.foreign) {
      finding.reason = "its payload belongs to another run"
    } else {
      finding.message = event.message
      finding.attempt = event.attempt
      let attempt = ledger.find(event.message, event.attempt)
      if attempt < 0 {
        finding.reason = "never published"
      } else {
        events.append(ledger.attempts[Int(attempt)].invoke)
        finding.reason =
          ledger.attempts[Int(attempt)].invoke > at ? "delivered before it was published" : "not routed to this queue"
      }
    }
    show(events, in: &finding)
    return finding
  }

  // MARK: Of transactions, confirms and queues

  func torn(_ transaction: Int, _ deliveries: [Int32], _ reason: String) -> Finding {
    let record = ledger.transactions[transaction]
    var finding = Finding(.tornTransaction)
    finding.transaction = record.number
    finding.reason = reason
    var events: [Int32] = []
    // Of large transactions some that are missing and some that came.
    var few: [Int32] = []
    var shown = (missing: 0, came: 0)
    forEachPublish(of: transaction) { attempt, slot, queue in
      let first = ledger.slots[Int(slot)].first
      let isMissing = first < 0
      if isMissing || finding.message == .none, deliveries.isEmpty {
        // The one that is missing stands for the transaction.
        if isMissing || finding.queue == Names.none {
          finding.message = ledger.identities[Int(ledger.attempts[Int(attempt)].identity)].message
          finding.attempt = ledger.attempts[Int(attempt)].number
          finding.queue = queue
        }
      }
      var own = [ledger.attempts[Int(attempt)].invoke]
      if !isMissing { own.append(ledger.deliveries[Int(first)].read) }
      events += own
      if isMissing ? shown.missing < 3 : shown.came < 2 { few += own }
      if isMissing { shown.missing += 1 } else { shown.came += 1 }
    }
    for (k, delivery) in deliveries.enumerated() {
      events += deliveryEvents(ledger.deliveries[Int(delivery)])
      if k < 2 { few += deliveryEvents(ledger.deliveries[Int(delivery)]) }
    }
    if let delivery = deliveries.first {
      let event = ledger.events[Int(ledger.deliveries[Int(delivery)].read)]
      (finding.message, finding.attempt, finding.queue) = (event.message, event.attempt, event.place)
    }
    var ends: [Int32] = []
    if record.firstEnd < DeliveryLedger.never { ends.append(record.firstEnd) }
    if record.okEvent >= 0 {
      ends.append(record.okEvent)
      finding.acknowledgedBy = ledger.events[Int(record.okEvent)].node
    }
    show(events + ends, in: &finding)
    if events.count + ends.count > Self.eventLimit {
      let (begin, end) = (finding.begin, finding.end)
      show(few + ends, in: &finding)
      (finding.begin, finding.end) = (begin, end)
    }
    return finding
  }

  func stuckConfirm(_ attempt: Int32, _ until: Int32, _ overtaking: Int32) -> Finding {
    var finding = finding(
      .stuckConfirm, of: [attempt], in: Names.none, [ledger.attempts[Int(attempt)].invoke, overtaking, until])
    finding.reason = "not answered while a later publish to its queue was confirmed"
    return finding
  }

  func stuckMessage(_ at: Int32) -> Finding {
    let event = ledger.events[Int(at)]
    var finding = Finding(.stuckMessage)
    finding.queue = event.place
    finding.reason = "\(event.tag) left in the queue with consumers attached, and none was delivered"
    show([at], in: &finding)
    let since = [ledger.draining, ledger.moved].map { $0[Int(event.place)] }.max() ?? .min
    if since > .min { finding.begin = max(since, ledger.lastHeal) }
    return finding
  }

  // MARK: Events

  /// The invocation of the attempt and what acknowledged it, or its failure.
  private func publishEvents(_ attempt: Int32) -> [Int32] {
    let record = ledger.attempts[Int(attempt)]
    var events = [record.invoke]
    if record.ok < DeliveryLedger.never { events.append(record.ok) }
    if record.replied < DeliveryLedger.never { events.append(record.replied) }
    if record.transaction >= 0 {
      let transaction = ledger.transactions[Int(record.transaction)]
      if transaction.firstEnd < DeliveryLedger.never { events.append(transaction.firstEnd) }
      if transaction.okEvent >= 0 { events.append(transaction.okEvent) }
    }
    return events
  }

  /// The delivery, its acknowledgements and what gave it back.
  private func deliveryEvents(_ delivery: DeliveryLedger.Delivery) -> [Int32] {
    var events = [delivery.read]
    if delivery.requeued < DeliveryLedger.never { events.append(delivery.requeued) }
    var at = delivery.firstAck
    while at >= 0 {
      events.append(ledger.acks[Int(at)].invoke)
      at = ledger.acks[Int(at)].nextOfDelivery
    }
    return events
  }

  private func forEachDelivery(_ attempt: Int32, _ queue: UInt16, _ body: (DeliveryLedger.Delivery) -> Void) {
    let slot = ledger.slot(of: attempt, in: queue)
    var at = slot < 0 ? -1 : ledger.slots[Int(slot)].first
    while at >= 0 {
      body(ledger.deliveries[Int(at)])
      at = ledger.deliveries[Int(at)].next
    }
  }

  private func finding(_ name: FindingName, of chain: [Int32], in queue: UInt16, _ events: [Int32]) -> Finding {
    var finding = Finding(name)
    // The attempt that was acknowledged speaks for the id; else the first.
    let speaker =
      chain.first { isAcknowledgement(ledger.attempts[Int($0)], ledger.standing(of: ledger.attempts[Int($0)])) }
      ?? chain.first
    if let speaker {
      let attempt = ledger.attempts[Int(speaker)]
      finding.message = ledger.identities[Int(attempt.identity)].message
      finding.attempt = attempt.number
      finding.acknowledgedBy = acknowledger(of: attempt)
      if attempt.transaction >= 0 { finding.transaction = ledger.transactions[Int(attempt.transaction)].number }
    }
    finding.queue = queue
    show(events, in: &finding)
    return finding
  }

  /// The node that confirmed the publish, or its commit; without confirms the one it was sent to.
  private func acknowledger(of attempt: DeliveryLedger.Attempt) -> UInt16 {
    let own = ledger.events[Int(attempt.invoke)].node
    guard isAcknowledgement(attempt, ledger.standing(of: attempt)) else { return Names.none }
    var node = Names.none
    if attempt.transaction >= 0 {
      let ok = ledger.transactions[Int(attempt.transaction)].okEvent
      if ok >= 0 { node = ledger.events[Int(ok)].node }
    } else if attempt.ok < DeliveryLedger.never {
      node = ledger.events[Int(attempt.ok)].node
    }
    return node == Names.none ? own : node
  }

  /// Ascending, none twice, of very many the first and the last; the window is over all of them.
  private func show(_ events: [Int32], in finding: inout Finding) {
    var list: [Int] = []
    for event in events.sorted() where list.last != Int(event) { list.append(Int(event)) }
    guard let first = list.first, let last = list.last else { return }
    finding.begin = ledger.events[first].time
    finding.end = ledger.events[last].time
    let half = Self.eventLimit / 2
    finding.events = list.count > Self.eventLimit ? Array(list.prefix(half) + list.suffix(half)) : list
  }
}
