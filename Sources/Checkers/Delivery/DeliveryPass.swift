// The one pass over the events: each is looked at once, in the order in which it was recorded.

import Base
import History

extension DeliveryLedger {
  mutating func readAll() {
    for at in 0..<Int32(clamping: events.count) {
      let event = events[Int(at)]
      switch event.function {
      case .publish: publish(event, at)
      case .subscribe: subscribe(event, at)
      case .deliver: deliver(event, at)
      case .ack: acknowledge(event, at)
      case .nack: event.flags.contains(.requeue) ? requeue(event, at) : acknowledge(event, at)
      case .recover: recover(event, at)
      case .commit, .rollback: end(event, at)
      case .alive: request(event, at)
      case .release: release(event, at)
      case .fault: fault(event, at)
      case .drained: drained(event, at)
      case .enqueue, .dequeue, .append, .read, .write, .compareAndSet: break
      }
    }
    for begin in standing where begin >= 0 { windows.append(Window(begin: begin, end: .max)) }
  }

  // MARK: Operations, sessions and transactions by their numbers

  private mutating func invoked(_ event: Event, _ at: Int32, thing: Int32 = -1) {
    guard event.op != 0 else { return }
    operationTable.set(event.op, to: Int32(operations.count))
    operations.append((at, thing))
  }

  /// The invocation that a completion belongs to.
  private func invocation(of event: Event) -> (invoke: Int32, thing: Int32)? {
    guard event.op != 0 else { return nil }
    let known = operationTable.find(event.op)
    guard known >= 0 else { return nil }
    let operation = operations[Int(known)]
    return events[Int(operation.invoke)].function == event.function ? operation : nil
  }

  private mutating func session(_ number: UInt32) -> Int32 {
    let known = sessionTable.find(UInt64(number))
    if known >= 0 { return known }
    let new = Int32(sessions.count)
    sessions.append(Session())
    sessionTable.set(UInt64(number), to: new)
    return new
  }

  private mutating func transaction(_ number: UInt64) -> Int32 {
    guard number != 0 else { return -1 }
    let known = transactionTable.find(number)
    if known >= 0 { return known }
    let new = Int32(transactions.count)
    transactions.append(Transaction(number: number))
    transactionTable.set(number, to: new)
    return new
  }

  /// A reply proves that the broker had the session when it was asked.
  private mutating func raiseFloor(of session: Int32, to moment: Int32) {
    if sessions[Int(session)].floor < moment { sessions[Int(session)].floor = moment }
  }

  // MARK: Publishing

  private mutating func publish(_ event: Event, _ at: Int32) {
    if event.outcome == .invoke {
      let new = attempt(event, at)
      return invoked(event, at, thing: new)
    }
    guard let (_, attempt) = invocation(of: event), attempt >= 0 else { return }
    let k = Int(attempt)
    switch event.outcome {
    case .ok: attempts[k].ok = min(attempts[k].ok, at)
    case .fail: attempts[k].hasFailed = true
    case .info, .invoke: break
    }
    if event.flags.contains(.sent) { attempts[k].isSent = true }
    if event.outcome != .info || event.flags.contains(.nack) { attempts[k].replied = min(attempts[k].replied, at) }
  }

  /// A new attempt; the known one, where the same payload is said to be published a second time.
  private mutating func attempt(_ event: Event, _ at: Int32) -> Int32 {
    let known = find(event.message, event.attempt)
    if known >= 0 { return known }
    var identity = identityTable.find(event.message.rawValue)
    if identity < 0 {
      identity = Int32(identities.count)
      identities.append(Identity(message: event.message, newest: -1, attempts: 0))
      identityTable.set(event.message.rawValue, to: identity)
    }
    let new = Int32(attempts.count)
    var attempt = Attempt(
      invoke: at, number: event.attempt, identity: identity, older: identities[Int(identity)].newest,
      transaction: transaction(event.transaction), firstSlot: Int32(slots.count))
    if attempt.transaction >= 0 {
      attempt.nextInTransaction = transactions[Int(attempt.transaction)].firstAttempt
      transactions[Int(attempt.transaction)].firstAttempt = new
    }
    attempts.append(attempt)
    order.use(event.tag)
    for slot in routes.newSlots(event.place) { slots.append(slot) }
    identities[Int(identity)].newest = new
    identities[Int(identity)].attempts += 1
    remember(new, of: identity)
    return new
  }

  private mutating func remember(_ attempt: Int32, of identity: Int32) {
    let identity = identities[Int(identity)]
    if identity.attempts > Self.chainLimit + 1 {
      retryTable.set(identity.message.rawValue, attempts[Int(attempt)].number, to: attempt)
    } else if identity.attempts == Self.chainLimit + 1 {
      var at = attempt
      while at >= 0 {
        retryTable.set(identity.message.rawValue, attempts[Int(at)].number, to: at)
        at = attempts[Int(at)].older
      }
    }
  }

  // MARK: Consuming

  private mutating func subscribe(_ event: Event, _ at: Int32) {
    let s = Int(session(event.session))
    if event.outcome == .invoke {
      sessions[s].isAuto = event.flags.contains(.autoAck)
      sessions[s].queue = event.place
      sessions[s].floor = at
      sessions[s].subscribed = at
      return invoked(event, at)
    }
    if event.outcome == .ok, !sessions[s].isOpen {
      sessions[s].isOpen = true
      count(open: 1, on: sessions[s].queue)
    }
  }

  private mutating func count(open change: Int32, on queue: UInt16) {
    if Int(queue) < openSessions.count { openSessions[Int(queue)] += change }
  }

  private mutating func deliver(_ event: Event, _ at: Int32) {
    let s = session(event.session)
    if Int(event.place) < moved.count { moved[Int(event.place)] = event.time }
    let attempt = event.flags.isDisjoint(with: [.damaged, .foreign]) ? find(event.message, event.attempt) : -1
    let slot = attempt < 0 ? -1 : self.slot(of: attempt, in: event.place)
    guard slot >= 0 else {
      setTag(event.tag, of: s, to: -1)
      return unexpected.append(at)
    }
    raiseFloor(of: s, to: attempts[Int(attempt)].invoke)
    let new = Int32(deliveries.count)
    deliveries.append(
      Delivery(slot: slot, attempt: attempt, session: s, read: at, low: sessions[Int(s)].floor))
    setTag(event.tag, of: s, to: new)
    let isFirst = slots[Int(slot)].first < 0
    if !event.flags.contains(.redelivered) {
      if isFirst {
        if !slots[Int(slot)].isOfLetters { order(attempt, on: s, event, at) }
      } else if slots[Int(slot)].isUnflagged, !slots[Int(slot)].isReported, !slots[Int(slot)].isMixed {
        slots[Int(slot)].isReported = true
        wronglyFlagged.append(new)
      }
      slots[Int(slot)].isUnflagged = true
    }
    if isFirst {
      slots[Int(slot)].first = new
    } else {
      deliveries[Int(slots[Int(slot)].last)].next = new
    }
    slots[Int(slot)].last = new
  }

  /// First deliveries of one publish channel must come in the order in which they were published.
  private mutating func order(_ attempt: Int32, on session: Int32, _ event: Event, _ at: Int32) {
    let invoke = attempts[Int(attempt)].invoke
    let publish = events[Int(invoke)]
    order.take(
      OrderBook.Arrival(
        read: at, attempt: attempt, invoke: invoke, low: sessions[Int(session)].floor, channel: publish.session,
        session: UInt32(session), queue: event.place, key: publish.tag))
  }

  private mutating func setTag(_ tag: UInt64, of session: Int32, to delivery: Int32) {
    let s = Int(session)
    if tag > 0, tag <= UInt64(sessions[s].tags.count) {
      sessions[s].tags[Int(tag) - 1] = delivery
    } else if tag == UInt64(sessions[s].tags.count) + 1 {
      sessions[s].tags.append(delivery)
    } else {
      oddTags.set(tag, UInt32(session), to: delivery + 1)
    }
  }

  private func delivery(tag: UInt64, of session: Int32) -> Int32 {
    let tags = sessions[Int(session)].tags
    if tag > 0, tag <= UInt64(tags.count) { return tags[Int(tag) - 1] }
    return max(-1, oddTags.find(tag, UInt32(session)) - 1)
  }

  private mutating func acknowledge(_ event: Event, _ at: Int32) {
    guard event.outcome == .invoke else {
      guard let (invoke, thing) = invocation(of: event), thing >= 0 else { return }
      acks[Int(thing)].standing.hear(event.outcome)
      if event.outcome != .info { raiseFloor(of: acks[Int(thing)].session, to: invoke) }
      return
    }
    let s = session(event.session)
    let new = Int32(acks.count)
    var ack = Ack(
      invoke: at, session: s, delivery: delivery(tag: event.tag, of: s), transaction: transaction(event.transaction))
    if ack.delivery >= 0 {
      ack.nextOfDelivery = deliveries[Int(ack.delivery)].firstAck
      deliveries[Int(ack.delivery)].firstAck = new
    }
    if ack.transaction >= 0 {
      ack.nextInTransaction = transactions[Int(ack.transaction)].firstAck
      transactions[Int(ack.transaction)].firstAck = new
    }
    acks.append(ack)
    invoked(event, at, thing: new)
  }

  private mutating func requeue(_ event: Event, _ at: Int32) {
    if event.outcome == .invoke {
      // First, since it may be one that nothing was said of so far.
      let s = session(event.session)
      let delivery = delivery(tag: event.tag, of: s)
      if delivery >= 0 { deliveries[Int(delivery)].requeued = min(deliveries[Int(delivery)].requeued, at) }
    }
    request(event, at)
  }

  /// A request on a session whose reply means nothing but that the session was alive.
  private mutating func request(_ event: Event, _ at: Int32) {
    if event.outcome == .invoke { return invoked(event, at) }
    guard event.outcome != .info, let (invoke, _) = invocation(of: event) else { return }
    raiseFloor(of: session(event.session), to: invoke)
  }

  private mutating func recover(_ event: Event, _ at: Int32) {
    let s = session(event.session)
    if event.outcome == .invoke {
      sessions[Int(s)].recovers.append(Recover(invoke: at))
      return invoked(event, at, thing: Int32(sessions[Int(s)].recovers.count - 1))
    }
    guard event.outcome != .info, let (invoke, thing) = invocation(of: event) else { return }
    raiseFloor(of: s, to: invoke)
    if thing >= 0, Int(thing) < sessions[Int(s)].recovers.count {
      sessions[Int(s)].recovers[Int(thing)].reply = min(sessions[Int(s)].recovers[Int(thing)].reply, at)
    }
  }

  private mutating func release(_ event: Event, _ at: Int32) {
    request(event, at)
    guard event.outcome != .invoke else { return }
    let s = Int(session(event.session))
    sessions[s].ended = min(sessions[s].ended, at)
    if sessions[s].isOpen {
      sessions[s].isOpen = false
      count(open: -1, on: sessions[s].queue)
    }
  }

  /// A commit or a rollback. Rolled back, or refused, a transaction gives back what was acknowledged in it.
  private mutating func end(_ event: Event, _ at: Int32) {
    guard event.transaction != 0 else { return }
    let t = Int(transaction(event.transaction))
    if event.outcome == .invoke {
      if event.function == .commit, !transactions[t].isCommitting {
        transactions[t].isCommitting = true
        transactions[t].standing = .unknown
      }
      transactions[t].firstEnd = min(transactions[t].firstEnd, at)
      transactions[t].lastEnd = at
      return
    }
    if event.function == .commit, transactions[t].isCommitting {
      transactions[t].standing.hear(event.outcome)
      if event.outcome == .ok, transactions[t].okEvent < 0 { transactions[t].okEvent = at }
    }
    guard event.outcome != .info else { return }
    var ack = transactions[t].firstAck
    while ack >= 0 {
      raiseFloor(of: acks[Int(ack)].session, to: transactions[t].lastEnd)
      ack = acks[Int(ack)].nextInTransaction
    }
  }

  // MARK: Faults and the drain

  private mutating func fault(_ event: Event, _ at: Int32) {
    let name = Int(event.place)
    guard name < standing.count else { return }
    if event.outcome == .invoke {
      if standing[name] < 0 {
        standing[name] = at
        standingCount += 1
      }
    } else if event.outcome == .ok, standing[name] >= 0 {
      let end = event.time.addingReportingOverflow(options.suspicion)
      windows.append(Window(begin: standing[name], end: end.overflow ? .max : end.partialValue))
      standing[name] = -1
      standingCount -= 1
      lastHeal = event.time
    }
  }

  private mutating func drained(_ event: Event, _ at: Int32) {
    let queue = Int(event.place)
    guard queue < isDrained.count else { return }
    switch event.outcome {
    case .invoke: draining[queue] = event.time
    case .ok: isDrained[queue] = true
    case .info where event.tag > 0 && standingCount == 0 && openSessions[queue] > 0:
      // Nothing to measure from means nothing was seen of this queue, and no claim.
      let since = max(draining[queue], moved[queue], lastHeal)
      if since > .min, event.time - since > options.stuckMessageAfter { stuckQueues.append(at) }
    case .info, .fail: break
    }
  }
}
