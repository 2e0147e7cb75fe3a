// Availability evaluated from its words: every question looks through the whole history again.

import Base
import History

@testable import Checkers

/// Shares no step with `AvailabilityPass`: no tables, no marks, and slices counted anew for every question.
struct NaiveAvailability {
  struct Unit {
    var invoked: Nanoseconds
    var meant: Nanoseconds
    /// When it was confirmed, or delivered; nil: never.
    var answered: Nanoseconds?
  }

  let history: RecordedHistory
  let faults: [FaultWindow]
  let begin: Nanoseconds
  let end: Nanoseconds
  let hasConfirms: Bool
  let confirms: [Unit]
  let messages: [Unit]
  let deliveries: [Nanoseconds]

  init(_ history: RecordedHistory, faults: [FaultWindow], begin: Nanoseconds, end: Nanoseconds, hasConfirms: Bool) {
    (self.history, self.faults, self.begin, self.end, self.hasConfirms) = (history, faults, begin, end, hasConfirms)
    let events = history.events
    let publishes = events.filter { $0.function == .publish && $0.outcome == .invoke }
    func meant(_ event: Event) -> Nanoseconds { event.intended == 0 ? event.time : event.intended }
    confirms = publishes.compactMap { p in
      let later = events.filter { $0.time > p.time }
      let answers =
        p.transaction == 0
        ? later.filter { $0.function == .publish && $0.op == p.op && $0.outcome != .invoke }
        : later.filter {
          [.commit, .rollback].contains($0.function) && $0.transaction == p.transaction && $0.outcome != .invoke
            && !($0.function == .rollback && $0.outcome != .ok)
        }
      let decided = answers.first {
        $0.outcome == .ok || $0.outcome == .fail || p.transaction == 0 && !hasConfirms && $0.flags.contains(.sent)
      }
      if decided?.outcome == .fail || decided?.function == .rollback { return nil }
      return Unit(invoked: p.time, meant: meant(p), answered: decided?.time)
    }
    let good = events.filter { $0.function == .deliver && $0.flags.isDisjoint(with: [.damaged, .foreign]) }
    deliveries = good.map(\.time)
    // A message is on its way from its publish to its first delivery; published again later, it is so again.
    messages = publishes.flatMap { p in
      history.names.queues(p.place).compactMap { queue in
        func isSame(_ event: Event) -> Bool { event.message == p.message }
        let came = good.filter { isSame($0) && $0.place == queue }
        let earlier = publishes.filter {
          isSame($0) && $0.time < p.time && history.names.queues($0.place).contains(queue)
        }
        let isUnderWay = earlier.contains { before in !came.contains { $0.time > before.time && $0.time < p.time } }
        if isUnderWay { return nil }
        return Unit(invoked: p.time, meant: meant(p), answered: came.first { $0.time > p.time }?.time)
      }
    }
  }

  private var units: [Unit] { hasConfirms ? confirms : messages }
  private var firstFault: Nanoseconds? { faults.compactMap(\.began).min() }
  private let width: Nanoseconds = 100 * .millisecond

  private func longest(_ times: [Nanoseconds]) -> Nanoseconds {
    let inside = [begin] + times.filter { $0 >= begin && $0 < end }.sorted()
    return zip(inside, inside.dropFirst() + [max(end, inside.last ?? end)]).map { $1 - $0 }.max() ?? 0
  }

  var longestOutage: Nanoseconds { longest(confirms.compactMap(\.answered)) }
  var longestDeliveryOutage: Nanoseconds { longest(deliveries) }

  func recovery(_ window: FaultWindow) -> Availability.Recovery {
    var recovery = Availability.Recovery(window)
    func confirm(_ at: Nanoseconds) -> Nanoseconds? {
      confirms.filter { $0.invoked > at }.compactMap(\.answered).min().map { $0 - at }
    }
    if let began = window.began {
      recovery.confirmAfterBegin = confirm(began)
      recovery.deliveryAfterBegin = messages.filter { $0.invoked > began }.compactMap(\.answered).min().map {
        $0 - began
      }
    }
    guard let healed = window.healed else { return recovery }
    recovery.confirmAfterHeal = confirm(healed)
    recovery.deliveryAfterHeal = deliveries.filter { $0 >= healed }.min().map { $0 - healed }
    guard let firstFault, let last = history.events.last?.time else { return recovery }
    guard healed >= begin, healed <= max(last, end) else { return recovery }
    let count = Int((max(last, end, begin) - begin) / width) + 1
    func slice(_ time: Nanoseconds) -> Int { time < begin ? 0 : Int((time - begin) / width) }
    func level(_ k: Int) -> Int {
      messages.count { unit in unit.answered.map { slice(unit.invoked) <= k && slice($0) > k } ?? false }
    }
    let first = slice(firstFault)
    if firstFault >= begin, first > 0 {
      let most = (0..<first).map(level).max() ?? 0
      recovery.backlogDrained = (slice(healed)..<count).first { level($0) <= most }
        .map { begin + Nanoseconds($0 + 1) * width - healed }
    }
    var usual = Histogram()
    for unit in units where unit.meant >= begin {
      if let answered = unit.answered, answered < firstFault { usual.record(answered - unit.meant) }
    }
    guard usual.count > 0 else { return recovery }
    let bound = 2 * usual.percentile(99)
    recovery.latencyBack = (slice(healed) + 1..<max(count, slice(healed) + 1)).first { k in
      let own = units.filter { $0.meant >= begin && (k..<k + 10).contains(slice($0.meant)) }
      let timely = own.count { unit in unit.answered.map { $0 - unit.meant <= bound } ?? false }
      return k + 10 <= count && begin + Nanoseconds(k + 9) * width < end && !own.isEmpty
        && 100 * timely >= 99 * own.count
    }.map { begin + Nanoseconds($0) * width - healed }
    return recovery
  }
}
