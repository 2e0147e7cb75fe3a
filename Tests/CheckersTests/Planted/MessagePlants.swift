// Plants about single messages: lost, unexpected, read though failed, duplicated, wrongly flagged, out of order.

import Base
import History

extension EditableHistory {
  /// Attempts in queues where they were delivered and nowhere behind, once acknowledged and tried only once.
  private var settled: [(p: Line, queue: UInt16)] {
    tries.filter { isSingle($0) && outcome($0) == .ok }.flatMap { p in
      queues(p).filter { !deliveries(p, $0).isEmpty && stayed(p, $0) }.map { (p, $0) }
    }
  }

  /// Of those the ones delivered once, and settled once by an ack outside a transaction.
  private var plain: [(p: Line, d: Line, ack: Line)] {
    settled.compactMap { p, queue in
      let list = deliveries(p, queue)
      guard list.count == 1, isSole(list[0]), acks(list[0]).count == 1, let ack = acks(list[0]).first else {
        return nil
      }
      return ack.event.function == .ack && ack.event.transaction == 0 ? (p, list[0], ack) : nil
    }
  }

  func plantLostNever() -> Bool {
    guard let (p, queue) = pick(settled) else { return false }
    drop(p, queue)
    return true
  }

  func plantLostRequeue() -> Bool {
    guard let (_, _, ack) = pick(plain) else { return false }
    remove(completions(ack))
    ack.event.function = .nack
    ack.event.flags = .requeue
    return true
  }

  func plantLostRollback() -> Bool {
    guard let (_, _, ack) = pick(plain) else { return false }
    remove(completions(ack))
    ack.event.transaction = 1_000_000
    var roll = Event()
    (roll.process, roll.function, roll.outcome) = (ack.event.process, .rollback, .invoke)
    (roll.op, roll.transaction) = (newOperation(), ack.event.transaction)
    var answer = roll
    answer.outcome = .ok
    let isSure = drains.contains { $0.number == ack.event.session }
    insert(after: ack, isSure ? [roll, answer] : [roll])
    return true
  }

  func plantUnexpected(_ message: MessageID, _ flags: Event.Flags = []) -> Bool {
    guard let s = pick(healthy), let line = spot(s, from: 0) else { return false }
    deliver(s, message, 1, after: line, flags: flags)
    return true
  }

  private func pairs(_ condition: (Line, Subscription) -> Bool) -> [(p: Line, s: Subscription)] {
    tries.flatMap { p in healthy.filter { condition(p, $0) }.map { (p, $0) } }
  }

  func plantUnexpectedEarly() -> Bool {
    let early = pairs { p, s in
      queues(p).contains(s.queue) && s.since ?? .max < p.event.time && p.event.time < s.closing ?? .min
    }
    guard let (p, s) = pick(early), let line = spot(s, from: 0, to: p.event.time) else { return false }
    deliver(s, p.event.message, p.event.attempt, after: line)
    return true
  }

  func plantUnexpectedQueue() -> Bool {
    let strangers = pairs { p, s in letters.ways(p.event.place, s.queue) == 0 }
    guard let (p, s) = pick(strangers), let line = spot(s, from: p.event.time) else { return false }
    deliver(s, p.event.message, p.event.attempt, after: line)
    return true
  }

  func plantAbortedRead(inTransaction: Bool) -> Bool {
    let failed = pairs { p, s in
      guard outcome(p) == .fail, queues(p).contains(s.queue), isClear(s, from: 0) else { return false }
      return inTransaction
        ? p.event.transaction != 0 && transaction(p.event.transaction) == .fail : outcomes(p).contains(.fail)
    }
    guard let (p, s) = pick(failed), let line = spot(s, from: p.event.time) else { return false }
    deliver(s, p.event.message, p.event.attempt, after: line)
    return true
  }

  func plantDuplicatedUnreleased() -> Bool {
    var choices: [(d: Line, first: Subscription, second: Subscription)] = []
    for (p, d, ack) in plain where outcomes(ack).isEmpty {
      guard let first = healthy.first(where: { $0.number == d.event.session }), isClear(first, from: p.event.time)
      else { continue }
      for second in healthy
      where second.queue == d.event.place && isClear(second, from: p.event.time)
        && second.closing ?? .min > d.event.time
      {
        choices.append((d, first, second))
      }
    }
    guard let (d, first, second) = pick(choices),
      let line = spot(second, from: d.event.time, to: first.closing ?? .min)
    else { return false }
    deliver(second, d.event.message, d.event.attempt, after: line)
    return true
  }

  /// Deliveries whose ack was answered, and when.
  private var answered: [(d: Line, at: Nanoseconds)] {
    deliveries.filter(isSole).flatMap { d in
      acks(d).compactMap { ack -> (Line, Nanoseconds)? in
        let answers =
          ack.event.transaction == 0
          ? ack.event.function == .ack ? completions(ack) : []
          : transaction(ack.event.transaction) == .ok ? ends[ack.event.transaction] ?? [] : []
        return answers.first { $0.event.outcome == .ok }.map { (d, $0.event.time) }
      }
    }
  }

  func plantDuplicatedAcknowledged() -> Bool {
    var choices: [(d: Line, at: Nanoseconds, s: Subscription)] = []
    for (d, at) in answered {
      guard let p = attempt(d) else { continue }
      for s in healthy
      where s.queue == d.event.place && !s.isAuto && isClear(s, from: p.event.time) && s.closing ?? .min > at {
        choices.append((d, at, s))
      }
    }
    guard let (d, at, s) = pick(choices), let line = spot(s, from: at) else { return false }
    deliver(s, d.event.message, d.event.attempt, after: line)
    return true
  }

  func plantDuplicatedTwoAcks() -> Bool {
    let choices = answered.flatMap { d, _ in
      healthy.filter { $0.queue == d.event.place && !$0.isAuto && isClear($0, from: 0) }.map { (d, $0) }
    }
    guard let (d, s) = pick(choices), let p = attempt(d), let line = spot(s, from: p.event.time) else { return false }
    deliver(s, d.event.message, d.event.attempt, after: line, isAnswered: true)
    return true
  }

  func plantDuplicatedByRetry() -> Bool {
    let choices = tries.filter { p in
      outcome(p) == .ok && isSingle(p) && !queues(p).isEmpty
        && queues(p).allSatisfy { !deliveries(p, $0).isEmpty }
    }
    guard let p = pick(choices), let ready = drains.compactMap(\.since).max(),
      let line = lines.first(where: { $0.event.time == ready })
    else { return false }
    for s in drains where queues(p).contains(s.queue) { deliver(s, p.event.message, 2, after: line) }
    var again = p.event
    (again.op, again.attempt, again.session, again.transaction) = (newOperation(), 2, 1_000_000, 0)
    var answer = again
    answer.outcome = .ok
    insert(after: line, [again, answer])
    return true
  }

  func plantWrongFlag() -> Bool {
    let choices = deliveries.filter { d in
      let list = siblings(d)
      return d.event.flags.contains(.redelivered) && list.first !== d && isSole(d)
        && list.contains { !$0.event.flags.contains(.redelivered) }
    }
    guard let d = pick(choices) else { return false }
    d.event.flags.remove(.redelivered)
    return true
  }

  func plantOutOfOrder() -> Bool {
    let once = deliveries.filter { d in
      siblings(d).count == 1 && !d.event.flags.contains(.redelivered)
        && attempt(d).map { !letters.isLed($0.event.place, d.event.place) } ?? false
        // Of what was rejected, or came as a dead letter, another message would be missing there.
        && acks(d).allSatisfy { $0.event.function == .ack }
        && letters.behind(d.event.place).allSatisfy { queue in
          attempt(d).map { deliveries($0, queue).isEmpty } ?? false
        }
    }
    var choices: [(Line, Line)] = []
    for x in once {
      for y in once where x.event.session == y.event.session && x.event.time < y.event.time {
        guard let a = attempt(x)?.event, let b = attempt(y)?.event else { continue }
        if a.session == b.session, a.time < b.time, b.time < x.event.time { choices.append((x, y)) }
      }
    }
    guard let (x, y) = pick(choices) else { return false }
    swap(&x.event.message, &y.event.message)
    swap(&x.event.attempt, &y.event.attempt)
    return true
  }
}
