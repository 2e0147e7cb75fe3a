// Plants about transactions, confirms and queues.

import Base
import History

extension EditableHistory {
  private func published(_ transaction: UInt64) -> [(p: Line, queue: UInt16)] {
    tries.filter { $0.event.transaction == transaction && !outcomes($0).contains(.fail) }.flatMap { p in
      queues(p).map { (p, $0) }
    }
  }

  private func acknowledged(_ transaction: UInt64) -> [Line] {
    deliveries.filter { d in acks(d).contains { $0.event.transaction == transaction } }
  }

  private var transactions: [UInt64] { ends.keys.sorted().filter { transaction($0) != .fail } }

  func plantTornMissing() -> Bool {
    let whole = transactions.map(published).filter { list in
      list.count > 1 && list.allSatisfy { !deliveries($0.p, $0.queue).isEmpty && stayed($0.p, $0.queue) }
    }
    guard let list = pick(whole), let (p, queue) = pick(list) else { return false }
    drop(p, queue)
    return true
  }

  func plantTornAgain() -> Bool {
    let committed = transactions.filter { published($0).contains { !deliveries($0.p, $0.queue).isEmpty } }
    let choices = committed.flatMap(acknowledged).filter(isSole).flatMap { d in
      drains.filter { $0.queue == d.event.place }.map { (d, $0) }
    }
    guard let (d, s) = pick(choices), let line = spot(s, from: d.event.time) else { return false }
    deliver(s, d.event.message, d.event.attempt, after: line)
    return true
  }

  func plantTornEaten() -> Bool {
    let choices = transactions.filter { number in
      let list = published(number)
      return transaction(number) == .info && !list.isEmpty
        && list.allSatisfy { !deliveries($0.p, $0.queue).isEmpty && stayed($0.p, $0.queue) }
        && acknowledged(number).contains { d in
          siblings(d).count == 1 && attempt(d).map { stayed($0, d.event.place) } == true
        }
    }
    guard let number = pick(choices) else { return false }
    for (p, queue) in published(number) { drop(p, queue) }
    return true
  }

  func plantStuckConfirm() -> Bool {
    let closed = Set(lines.filter { $0.event.function == .release && $0.event.outcome == .ok }.map(\.event.session))
    let sure = tries.filter { $0.event.transaction == 0 && outcomes($0) == [.ok] }
    let choices = sure.filter { p in
      closed.contains(p.event.session)
        && sure.contains { $0.event.time > p.event.time && !Set(queues($0)).isDisjoint(with: queues(p)) }
    }
    guard let p = pick(choices) else { return false }
    let gone = lines.filter { $0.event.function == .release && $0.event.session == p.event.session }
    remove(completions(p) + gone)
    let end = lines.last?.event.time ?? 0
    append(
      gone.enumerated().map { k, line in
        var event = line.event
        event.time = end + Int64(k) + 1
        return event
      })
    return true
  }

  func plantStuckMessage() -> Bool {
    guard let end = pick(lines.filter { $0.event.function == .drained && $0.event.outcome == .ok }) else {
      return false
    }
    let there = tries.filter {
      isSingle($0) && $0.event.transaction == 0 && outcome($0) == .ok && queues($0).contains(end.event.place)
    }
    if let p = pick(there) { drop(p, end.event.place) }
    end.event.outcome = .info
    end.event.tag = 1
    return true
  }

  /// Acknowledged and taken from a queue by rejections alone; and what was delivered of it from where that leads.
  private var rejected: [(p: Line, letters: [Line])] {
    tries.filter { isSingle($0) && outcome($0) == .ok }.flatMap { p in
      queues(p).compactMap { queue -> (Line, [Line])? in
        let list = deliveries(p, queue)
        let acks = list.flatMap(acks).filter { !$0.event.flags.contains(.requeue) }
        guard let name = letters.next[names.text(queue)], let target = names.entries.firstIndex(of: .word(name)),
          target != Int(queue), !list.contains(where: isAuto), acks.allSatisfy({ $0.event.function == .nack }),
          acks.contains(where: { $0.event.transaction == 0 })
        else { return nil }
        return (p, letters.behind(queue).flatMap { deliveries(p, $0) })
      }
    }
  }

  private func isAuto(_ d: Line) -> Bool { subscriptions.contains { $0.number == d.event.session && $0.isAuto } }

  func plantDeadLetterNever() -> Bool {
    guard let (_, list) = pick(rejected) else { return false }
    drop(list)
    return true
  }

  /// Whoever got it gave it back, and it did not come again.
  func plantDeadLetterUntaken() -> Bool {
    let choices = rejected.filter { !$0.letters.isEmpty && !$0.letters.contains(where: isAuto) }
    guard let (_, list) = pick(choices) else { return false }
    for ack in list.flatMap(acks) {
      remove(completions(ack))
      (ack.event.function, ack.event.flags, ack.event.transaction) = (.nack, .requeue, 0)
    }
    return true
  }

  func plantSlowDrain() -> Bool {
    let owing = Set(tries.flatMap(queues))
    guard let d = pick(deliveries.filter { $0.event.process >= 20_000 && owing.contains($0.event.place) }),
      let end = lines.first(where: {
        $0.event.function == .drained && $0.event.outcome == .ok && $0.event.place == d.event.place
      })
    else { return false }
    let late = deliveries.filter { $0.event.place == d.event.place && $0.event.time >= d.event.time }
    guard let k = lines.firstIndex(where: { $0 === d }), k > 0 else { return false }
    let before = lines[k - 1]
    remove([end] + late + late.flatMap(acks) + late.flatMap(acks).flatMap(completions))
    var gaveUp = end.event
    (gaveUp.outcome, gaveUp.tag, gaveUp.time) = (.info, UInt64(late.count), before.event.time)
    insert(after: before, [gaveUp])
    return true
  }
}
