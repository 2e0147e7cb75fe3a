// Random damage to a simulated history: nobody knows what is wrong with it then, but all who judge must say the same.

import Base
import History

extension EditableHistory {
  /// - Returns: The history after a few edits, each of which leaves it well formed.
  func damaged() -> RecordedHistory {
    for _ in 0..<1 + rng.below(6) {
      switch rng.below(6) {
      case 0, 1, 2: deliverAnything()
      case 3: removeSomething()
      case 4: changeOutcome()
      default: acknowledgeInTransaction()
      }
    }
    return result
  }

  /// A delivery of any attempt, on any subscription, at any time, whatever became of it; sometimes acknowledged.
  private func deliverAnything() {
    // Mostly again what this queue has already given.
    let isRepeat = rng.chance(0.8)
    guard let s = pick(subscriptions), let line = pick(lines),
      let p = isRepeat
        ? pick(deliveries.filter { $0.event.place == s.queue }) : pick(tries.filter { queues($0).contains(s.queue) })
    else { return }
    let flags: Event.Flags = rng.chance(0.1) ? .damaged : []
    deliver(s, p.event.message, p.event.attempt, after: line, flags: flags, isAnswered: rng.chance(0.3))
  }

  private func removeSomething() {
    let removable = lines.filter { line in
      line.event.function != .fault || line.event.outcome == .ok
    }
    if let line = pick(removable) { remove([line]) }
  }

  /// Another answer than the one that came.
  private func changeOutcome() {
    let completions = lines.filter {
      $0.event.outcome != .invoke && ![.fault, .drained, .deliver].contains($0.event.function)
    }
    guard let line = pick(completions) else { return }
    // A close that failed is nothing that anybody records.
    line.event.outcome = rng.pick(line.event.function == .release ? [.ok, .info] : [.ok, .fail, .info])
  }

  /// An ack is now inside some transaction that had not ended by then.
  private func acknowledgeInTransaction() {
    guard let ack = pick(lines.filter { $0.event.function == .ack && $0.event.outcome == .invoke }) else { return }
    // By their places: what was put in has no time yet.
    let place = lines.firstIndex { $0 === ack } ?? 0
    let later = Set(lines[place...].map(ObjectIdentifier.init))
    let open = ends.keys.sorted().filter { number in
      ends[number]?.allSatisfy { later.contains(ObjectIdentifier($0)) } ?? false
    }
    if let number = pick(open) { ack.event.transaction = number }
  }
}
