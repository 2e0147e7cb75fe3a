// The events of a run one by one, as `DeliveryPass` takes them, and what they decide.

import Base
import History

extension DeliveryWatch {
  // MARK: Operations, sessions and transactions by their numbers

  mutating func invoked(_ event: Event, thing: Int32 = -1) {
    guard event.op != 0 else { return }
    forgetOperation(event.op)
    let operation = Operation(function: event.function, invoke: event.time, thing: thing)
    operationTable.set(event.op, to: operations.add(operation))
  }

  /// The invocation that a completion belongs to.
  private func invocation(of event: Event) -> Operation? {
    let known = event.op == 0 ? -1 : operationTable.find(event.op)
    guard known >= 0, operations[known].function == event.function else { return nil }
    return operations[known]
  }

  private mutating func session(_ number: UInt32) -> Int32 {
    let known = sessionTable.find(UInt64(number))
    if known >= 0 { return known }
    sessions.append(Session())
    sessionTable.set(UInt64(number), to: Int32(sessions.count - 1))
    return Int32(sessions.count - 1)
  }

  private mutating func transaction(_ number: UInt64) -> Int32 {
    guard number != 0 else { return -1 }
    let known = transactionTable.find(number)
    if known >= 0 { return known }
    let new = transactions.add(Transaction(number: number))
    transactionTable.set(number, to: new)
    return new
  }

  /// A reply proves that the broker had the session when it was asked.
  private mutating func raiseFloor(of session: Int32, to moment: Nanoseconds) {
    let s = Int(session)
    guard sessions[s].floor < moment else { return }
    sessions[s].floor = moment
    guard !sessions[s].pending.isEmpty else { return }
    let pending = sessions[s].pending
    sessions[s].pending = []
    for (slot, serial) in pending where slots[slot].serial == serial { judge(slot) }
  }

  // MARK: Publishing

  mutating func publish(_ event: Event, _ index: Int) {
    if event.outcome == .invoke {
      let known = attemptTable.find(event.message.rawValue, event.attempt)
      if known >= 0 { return invoked(event, thing: known) }
      let queues = names.queues(event.place)
      let distinct = queues.indices.filter { !queues[..<$0].contains(queues[$0]) }.count
      let new = attempts.add(
        Attempt(
          message: event.message, number: event.attempt, time: event.time, index: index, place: event.place,
          channel: event.session, op: event.op, transaction: transaction(event.transaction),
          undelivered: Int32(distinct), serial: newSerial()))
      attemptTable.set(event.message.rawValue, event.attempt, to: new)
      if attempts[new].transaction >= 0 { transactions[attempts[new].transaction].attempts.append(new) }
      return invoked(event, thing: new)
    }
    guard event.outcome == .fail, let attempt = invocation(of: event)?.thing, attempt >= 0 else { return }
    guard !attempts[attempt].hasFailed else { return }
    attempts[attempt].hasFailed = true
    settle(failed: attempt)
  }

  /// A publish is known to have failed: what was seen of it must not have been.
  private mutating func settle(failed attempt: Int32) {
    var slot = attempts[attempt].firstSlot
    while slot >= 0 {
      judgeFailure(slot)
      slot = slots[slot].next
    }
    settled.append(Settled(thing: attempt, serial: attempts[attempt].serial, isAttempt: true))
  }

  // MARK: Consuming

  mutating func subscribe(_ event: Event) {
    guard event.outcome == .invoke else { return }
    let s = session(event.session)
    sessions[Int(s)].isAuto = event.flags.contains(.autoAck)
    raiseFloor(of: s, to: event.time)
  }

  mutating func deliver(_ event: Event, _ index: Int) {
    let s = session(event.session)
    tagTable.remove(event.tag, event.session)
    guard event.flags.isDisjoint(with: [.damaged, .foreign]) else {
      let reason = event.flags.contains(.damaged) ? "its payload was damaged" : "its payload belongs to another run"
      return accuse(.unexpected, .none, 0, event.place, [index], reason)
    }
    let attempt = attemptTable.find(event.message.rawValue, event.attempt)
    if attempt < 0, isForgotten(event.message) { return }
    guard attempt >= 0, names.queues(attempts[attempt].place).contains(event.place) else {
      let reason = attempt < 0 ? "never published until then" : "not routed to this queue"
      let events = attempt < 0 ? [index] : [attempts[attempt].index, index]
      return accuse(.unexpected, event.message, event.attempt, event.place, events, reason)
    }
    raiseFloor(of: s, to: attempts[attempt].time)
    let (slot, isFirst) = slot(of: attempt, in: event.place, index)
    let new = deliveries.add(
      Delivery(
        slot: slot, session: s, number: event.session, tag: event.tag, read: event.time, index: index,
        low: sessions[Int(s)].floor, serial: newSerial()))
    tagTable.set(event.tag, event.session, to: new)
    if slots[slot].first < 0 { slots[slot].first = new } else { deliveries[slots[slot].last].next = new }
    slots[slot].last = new
    attempts[attempt].kept += 1
    settled.append(Settled(thing: new, serial: deliveries[new].serial, isAttempt: false))
    if !event.flags.contains(.redelivered) {
      if isFirst {
        order(attempt, on: event, index)
      } else if slots[slot].isUnflagged {
        accuse(
          .wrongRedeliveredFlag, slot, [slots[slot].firstIndex, index],
          "delivered again without the mark of a redelivery")
      }
      slots[slot].isUnflagged = true
    }
    judgeFailure(slot)
    if isFirst { judgeRetry(slot, index) } else { judge(slot) }
  }

  private mutating func slot(of attempt: Int32, in queue: UInt16, _ index: Int) -> (slot: Int32, isFirst: Bool) {
    let known = slotTable.find(UInt64(attempt), UInt32(queue))
    if known >= 0 { return (known, false) }
    let new = slots.add(
      Slot(attempt: attempt, queue: queue, next: attempts[attempt].firstSlot, firstIndex: index, serial: newSerial()))
    slotTable.set(UInt64(attempt), UInt32(queue), to: new)
    attempts[attempt].firstSlot = new
    attempts[attempt].undelivered -= 1
    return (new, true)
  }

  private mutating func order(_ attempt: Int32, on event: Event, _ index: Int) {
    let one = attempts[attempt]
    guard one.channel != 0 else { return }
    let known = orderTable.find(UInt64(one.channel), event.session)
    guard known >= 0 else {
      orderTable.set(UInt64(one.channel), event.session, to: Int32(orders.count))
      return orders.append((one.time, one.index, one.message))
    }
    let ahead = orders[Int(known)]
    if one.time < ahead.time {
      accuse(
        .outOfOrder, one.message, one.number, event.place, [one.index, ahead.index, index],
        "delivered after \(ahead.message), which was published later on the same channel")
    } else {
      orders[Int(known)] = (one.time, one.index, one.message)
    }
  }

  mutating func acknowledge(_ event: Event) {
    guard event.outcome == .invoke else {
      guard let operation = invocation(of: event) else { return }
      let delivery = operation.thing
      if delivery >= 0 {
        if event.outcome == .fail {
          (deliveries[delivery].isDoubtful, deliveries[delivery].isTaken) = (true, false)
        } else if event.outcome == .ok, deliveries[delivery].transaction < 0 {
          take(delivery)
        }
        if event.outcome != .info { raiseFloor(of: deliveries[delivery].session, to: operation.invoke) }
      }
      return
    }
    let delivery = tagTable.find(event.tag, event.session)
    let transaction = transaction(event.transaction)
    if transaction >= 0 {
      let s = session(event.session)
      if !transactions[transaction].sessions.contains(s) { transactions[transaction].sessions.append(s) }
    }
    guard delivery >= 0 else { return }
    // A second ack leaves the first one's end unknown here.
    if deliveries[delivery].op != 0 {
      deliveries[delivery].isDoubtful = true
      forgetOperation(deliveries[delivery].op)
    }
    if transaction >= 0, deliveries[delivery].transaction < 0 {
      deliveries[delivery].transaction = transaction
      transactions[transaction].deliveries.append(delivery)
    }
    deliveries[delivery].op = event.op
    invoked(event, thing: delivery)
  }

  /// The broker said that it is gone for good.
  private mutating func take(_ delivery: Int32) {
    guard !deliveries[delivery].isDoubtful, !deliveries[delivery].isTaken else { return }
    deliveries[delivery].isTaken = true
    let slot = deliveries[delivery].slot
    if slots[slot].first != slots[slot].last { judge(slot) }
  }

  mutating func requeue(_ event: Event) {
    if event.outcome == .invoke {
      let delivery = tagTable.find(event.tag, event.session)
      guard delivery >= 0 else { return }
      deliveries[delivery].requeued = min(deliveries[delivery].requeued, event.time)
      if deliveries[delivery].op != 0 { forgetOperation(deliveries[delivery].op) }
      deliveries[delivery].op = event.op
      return invoked(event, thing: delivery)
    }
    request(event)
  }

  /// A request on a session whose reply means nothing but that the session was alive.
  mutating func request(_ event: Event) {
    if event.outcome == .invoke { return invoked(event) }
    guard event.outcome != .info, let operation = invocation(of: event) else { return }
    if event.function == .alive || event.function == .release { forgetOperation(event.op) }
    raiseFloor(of: session(event.session), to: operation.invoke)
  }

  mutating func recover(_ event: Event) {
    let s = session(event.session)
    if event.outcome == .invoke {
      sessions[Int(s)].recovers.append(Recover(invoke: event.time))
      return invoked(event, thing: Int32(sessions[Int(s)].recovers.count - 1))
    }
    guard event.outcome != .info, let operation = invocation(of: event) else { return }
    if operation.thing >= 0, Int(operation.thing) < sessions[Int(s)].recovers.count {
      let reply = sessions[Int(s)].recovers[Int(operation.thing)].reply
      sessions[Int(s)].recovers[Int(operation.thing)].reply = min(reply, event.time)
    }
    raiseFloor(of: s, to: operation.invoke)
  }

  mutating func end(_ event: Event) {
    guard event.transaction != 0 else { return }
    if event.outcome == .invoke {
      let t = transaction(event.transaction)
      if event.function == .commit, !transactions[t].isCommitting {
        transactions[t].isCommitting = true
        transactions[t].standing = .unknown
      }
      transactions[t].firstEnd = min(transactions[t].firstEnd, event.time)
      transactions[t].lastEnd = event.time
      return
    }
    let t = transactionTable.find(event.transaction)
    guard t >= 0 else { return }
    if event.function == .commit, transactions[t].isCommitting {
      transactions[t].standing.hear(event.outcome)
      if transactions[t].standing == .ok { for delivery in transactions[t].deliveries { take(delivery) } }
      if event.outcome == .fail { for attempt in transactions[t].attempts { settle(failed: attempt) } }
    }
    if event.outcome != .info {
      for session in transactions[t].sessions { raiseFloor(of: session, to: transactions[t].lastEnd) }
    }
    transactions[t].isEnded = true
    if event.function == .rollback, event.outcome == .ok, !transactions[t].isCommitting {
      // Nothing of it is to be seen; what is seen all the same is the final check's.
      for attempt in transactions[t].attempts where attempts[attempt].kept == 0 {
        settled.append(Settled(thing: attempt, serial: attempts[attempt].serial, isAttempt: true))
      }
    }
    forgetTransactionIfOver(t)
  }

  mutating func fault(_ event: Event) {
    let known = standing.find(UInt64(event.place))
    if event.outcome == .invoke {
      guard known < 0 else { return }
      standing.set(UInt64(event.place), to: Int32(windows.count))
      windows.append(Window(begin: event.time, end: Self.never))
    } else if event.outcome == .ok, known >= 0 {
      let end = event.time.addingReportingOverflow(suspicion)
      windows[Int(known)].end = end.overflow ? Self.never : end.partialValue
      standing.remove(UInt64(event.place))
    }
  }
}
