// The pass behind `Availability`: publishes and deliveries one by one, and what was seen in each tenth of a second.

import Base
import History

struct AvailabilityPass {
  /// A publish under way, or a message that has not come yet.
  private struct Sent {
    /// When it was invoked, and when the schedule wanted it to be.
    var invoked: Nanoseconds
    var meant: Nanoseconds
  }

  /// A moment after which the first confirm and the first delivery are looked for.
  private struct Mark {
    var at: Nanoseconds
    var fault: Int
    var isHeal: Bool
    var confirm: Nanoseconds?
    var delivery: Nanoseconds?
  }

  /// What was published in a slice of time, and how much of that was answered as fast as before the first fault; and by how
  /// much the messages on their way became more in it.
  private struct Slice {
    var published = 0
    var timely = 0
    var change = 0
  }

  /// A tenth of a second; more in a history of more than three hours.
  private let width: Nanoseconds
  private static let perWindow = 10
  private static let mostSlices: UInt64 = 100_000

  private let faults: [FaultWindow]
  private let begin: Nanoseconds
  private let end: Nanoseconds
  /// Of what was recorded.
  private let last: Nanoseconds
  private let hasConfirms: Bool
  private let firstFault: Nanoseconds?
  private var marks: [Mark]
  /// Positions in `marks`: not yet reached, latest first; reached, and not yet over.
  private var ahead: [Int]
  private var awaited: [Int] = []

  private var open = LiveTable()
  private var publishes = Pool<Sent>()
  private var transactions: [UInt64: [Sent]] = [:]
  private var waiting = LiveTable()
  private var messages = Pool<Sent>()

  private var usual = Histogram()
  /// Twice its 99th percentile, once the first fault has begun.
  private var bound: Nanoseconds?
  private var slices: [Slice]
  private var confirms = Availability.Outage()
  private var deliveries = Availability.Outage()
  private var lastConfirm: Nanoseconds
  private var lastDelivery: Nanoseconds

  init(_ faults: [FaultWindow], begin: Nanoseconds, end: Nanoseconds, last: Nanoseconds, hasConfirms: Bool) {
    (self.faults, self.begin, self.end, self.last, self.hasConfirms) = (faults, begin, end, last, hasConfirms)
    (lastConfirm, lastDelivery) = (begin, begin)
    firstFault = faults.compactMap(\.began).min()
    marks = faults.enumerated().flatMap { fault, window in
      [(window.began, false), (window.healed, true)].compactMap { at, isHeal in
        at.map { Mark(at: $0, fault: fault, isHeal: isHeal) }
      }
    }
    ahead = marks.indices.sorted { [marks] in marks[$0].at > marks[$1].at }
    let range = UInt64(bitPattern: max(begin, last) &- begin)
    width = Nanoseconds(max(UInt64(Nanoseconds.second) / UInt64(Self.perWindow), range / Self.mostSlices + 1))
    // Without a fault there is nothing to come back from.
    slices = firstFault == nil ? [] : Array(repeating: Slice(), count: Int(range / UInt64(width)) + 1)
  }

  // MARK: Events

  mutating func take(_ event: Event, _ names: Names) {
    while let next = ahead.last, marks[next].at <= event.time {
      ahead.removeLast()
      awaited.append(next)
      if bound == nil, usual.count > 0 { bound = 2 * usual.percentile(99) }
    }
    switch (event.function, event.outcome) {
    case (.publish, .invoke): publish(event, names)
    case (.publish, .ok) where event.transaction == 0: answer(event)
    case (.publish, .info) where !hasConfirms && event.flags.contains(.sent): answer(event)
    case (.publish, .fail):
      let known = open.find(event.op)
      guard known >= 0 else { return }
      withdraw(publishes[known])
      forget(publish: known, event.op)
    case (.commit, .ok):
      guard let sent = transactions.removeValue(forKey: event.transaction), let last = sent.last else { return }
      for one in sent where hasConfirms { judge(one, at: event.time) }
      confirm(last, at: event.time)
    case (.rollback, .ok), (.commit, .fail):
      for one in transactions.removeValue(forKey: event.transaction) ?? [] { withdraw(one) }
    case (.deliver, .ok) where event.flags.isDisjoint(with: [.damaged, .foreign]): deliver(event)
    default: break
    }
  }

  private mutating func publish(_ event: Event, _ names: Names) {
    let sent = Sent(invoked: event.time, meant: event.intended == 0 ? event.time : event.intended)
    if event.transaction != 0 {
      transactions[event.transaction, default: []].append(sent)
    } else if event.op != 0 {
      let known = open.find(event.op)
      if known >= 0 { forget(publish: known, event.op) }
      open.set(event.op, to: publishes.add(sent))
    }
    if hasConfirms, let at = slice(of: sent.meant) { slices[at].published += 1 }
    for queue in names.queues(event.place) where waiting.find(event.message.rawValue, UInt32(queue)) < 0 {
      waiting.set(event.message.rawValue, UInt32(queue), to: messages.add(sent))
      if !hasConfirms, let at = slice(of: sent.meant) { slices[at].published += 1 }
    }
  }

  /// It is known not to have happened: nothing was to be answered.
  private mutating func withdraw(_ sent: Sent) {
    if let at = slice(of: sent.meant) { slices[at].published -= 1 }
  }

  private mutating func forget(publish: Int32, _ op: UInt64) {
    publishes.remove(publish)
    open.remove(op)
  }

  private mutating func answer(_ event: Event) {
    let known = open.find(event.op)
    guard known >= 0 else { return }
    let sent = publishes[known]
    forget(publish: known, event.op)
    if hasConfirms { judge(sent, at: event.time) }
    confirm(sent, at: event.time)
  }

  private mutating func confirm(_ sent: Sent, at time: Nanoseconds) {
    if time >= begin, time < end { end(&confirms, since: &lastConfirm, at: time) }
    for mark in awaited where marks[mark].confirm == nil && sent.invoked > marks[mark].at {
      marks[mark].confirm = time
    }
    settle()
  }

  private mutating func deliver(_ event: Event) {
    if event.time >= begin, event.time < end { end(&deliveries, since: &lastDelivery, at: event.time) }
    let known = waiting.find(event.message.rawValue, UInt32(event.place))
    let sent = known < 0 ? nil : messages[known]
    for mark in awaited where marks[mark].delivery == nil {
      if marks[mark].isHeal || sent.map({ $0.invoked > marks[mark].at }) ?? false { marks[mark].delivery = event.time }
    }
    settle()
    guard let sent else { return }
    messages.remove(known)
    waiting.remove(event.message.rawValue, UInt32(event.place))
    if !hasConfirms { judge(sent, at: event.time) }
    if !slices.isEmpty {
      // What was on its way before the load began was so from its begin.
      slices[slice(of: sent.invoked) ?? 0].change += 1
      slices[slice(of: event.time) ?? 0].change -= 1
    }
  }

  /// Leaves off waiting for what has come.
  private mutating func settle() {
    if !awaited.isEmpty { awaited.removeAll { marks[$0].confirm != nil && marks[$0].delivery != nil } }
  }

  /// Its latency is one of those before the first fault, or is compared with them.
  private mutating func judge(_ sent: Sent, at time: Nanoseconds) {
    guard let firstFault else { return }
    let latency = time &- sent.meant
    if time < firstFault {
      if sent.meant >= begin { usual.record(latency) }
    } else if let bound, latency <= bound, let at = slice(of: sent.meant) {
      slices[at].timely += 1
    }
  }

  private func slice(of time: Nanoseconds) -> Int? {
    guard time >= begin, !slices.isEmpty else { return nil }
    return min(Int(UInt64(bitPattern: time &- begin) / UInt64(width)), slices.count - 1)
  }

  private func end(_ outage: inout Availability.Outage, since last: inout Nanoseconds, at time: Nanoseconds) {
    if time &- last > outage.length { (outage.length, outage.began) = (time &- last, last) }
    last = time
  }

  // MARK: The end

  mutating func finish(_ availability: inout Availability) {
    end(&confirms, since: &lastConfirm, at: max(end, lastConfirm))
    end(&deliveries, since: &lastDelivery, at: max(end, lastDelivery))
    (availability.confirms, availability.deliveries) = (confirms, deliveries)
    for mark in marks {
      let (confirm, delivery) = (mark.confirm.map { $0 &- mark.at }, mark.delivery.map { $0 &- mark.at })
      if mark.isHeal {
        availability.recoveries[mark.fault].confirmAfterHeal = confirm
        availability.recoveries[mark.fault].deliveryAfterHeal = delivery
      } else {
        availability.recoveries[mark.fault].confirmAfterBegin = confirm
        availability.recoveries[mark.fault].deliveryAfterBegin = delivery
      }
    }
    let levels = levels()
    for (k, fault) in faults.enumerated() {
      guard let healed = fault.healed, healed >= begin, healed <= last else { continue }
      availability.recoveries[k].latencyBack = latencyBack(healed)
      availability.recoveries[k].backlogDrained = backlogDrained(healed, levels)
    }
  }

  /// By slice the messages on their way at its end.
  private func levels() -> [Int] {
    var level = 0
    return slices.map { slice in
      level += slice.change
      return level
    }
  }

  private func backlogDrained(_ healed: Nanoseconds, _ levels: [Int]) -> Nanoseconds? {
    guard let firstFault, let first = slice(of: firstFault), first > 0, let from = slice(of: healed) else { return nil }
    let most = levels[..<first].max() ?? 0
    guard let drained = levels[from...].firstIndex(where: { $0 <= most }) else { return nil }
    return begin &+ Nanoseconds(drained + 1) &* width &- healed
  }

  private func latencyBack(_ healed: Nanoseconds) -> Nanoseconds? {
    guard bound != nil, let from = slice(of: healed) else { return nil }
    // The slice in which it was healed is not wholly after it.
    for first in slices.indices.dropFirst(from + 1) {
      let last = first + Self.perWindow
      // A whole second of load; the last slice may end with it.
      guard last <= slices.count, begin &+ Nanoseconds(last - 1) &* width < end else { return nil }
      let window = slices[first..<last]
      let published = window.reduce(0) { $0 + $1.published }
      let timely = window.reduce(0) { $0 + $1.timely }
      if published > 0, 100 * timely >= 99 * published { return begin &+ Nanoseconds(first) &* width &- healed }
    }
    return nil
  }
}
