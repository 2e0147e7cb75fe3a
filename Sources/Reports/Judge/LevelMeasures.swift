// Throughput, outages and recoveries of one level: one pass over its history.

import Base
import Checkers
import History

/// Figures that need every event, but nothing of what the checkers keep.
struct LevelMeasures: Equatable {
  var offered = 0
  var confirmed = 0
  var delivered = 0
  /// The longest time in the load phase without a confirm, and when it began.
  var longestOutage: Nanoseconds = 0
  var outageBegan: Nanoseconds = 0
  /// By fault of the timeline: the first confirm of a publish invoked after the heal, the first delivery after it.
  var firstConfirm: [Nanoseconds?]
  var firstDelivery: [Nanoseconds?]
  /// Something was invoked by a client while a fault stood.
  var wasExposed = false
}

extension LevelMeasures {
  init(_ history: RecordedHistory, timeline: LevelTimeline, hasConfirms: Bool) {
    firstConfirm = timeline.faults.map { _ in nil }
    firstDelivery = firstConfirm
    var pass = Pass(timeline: timeline, hasConfirms: hasConfirms)
    for event in history.events { pass.take(event, &self) }
    pass.finish(&self)
  }

  private struct Pass {
    let timeline: LevelTimeline
    let hasConfirms: Bool
    private var lastConfirm: Nanoseconds
    /// Publishes under way of the time after a heal for which no confirm has been seen yet.
    private var invoked: [UInt64: Nanoseconds] = [:]
    /// Of transactions under way: their publishes, and when the last of them was invoked.
    private var transactions: [UInt64: (count: Int, last: Nanoseconds)] = [:]
    /// Of operations that were confirmed: a second completion counts no more.
    private var awaited: [Int] = []
    private var notHealed: [Int]

    init(timeline: LevelTimeline, hasConfirms: Bool) {
      self.timeline = timeline
      self.hasConfirms = hasConfirms
      lastConfirm = timeline.loadBegin
      notHealed = timeline.faults.indices.filter { timeline.faults[$0].healed != nil }
    }

    mutating func take(_ event: Event, _ measures: inout LevelMeasures) {
      if !notHealed.isEmpty {
        let healed = notHealed.filter { (timeline.faults[$0].healed ?? .max) <= event.time }
        if !healed.isEmpty {
          notHealed.removeAll(where: healed.contains)
          awaited += healed
        }
      }
      let isInLoad = event.time >= timeline.loadBegin && event.time < timeline.loadEnd
      if event.outcome == .invoke, event.process >= 0, !measures.wasExposed {
        measures.wasExposed = timeline.faults.contains { $0.overlaps(event.time, event.time) }
      }
      switch (event.function, event.outcome) {
      case (.publish, .invoke):
        if isInLoad, event.attempt <= 1 { measures.offered += 1 }
        if event.transaction != 0 {
          let before = transactions[event.transaction]?.count ?? 0
          transactions[event.transaction] = (before + 1, event.time)
        } else if !awaited.isEmpty {
          invoked[event.op] = event.time
        }
      case (.publish, .ok) where event.transaction == 0:
        confirm(1, at: event.time, invoked: invoked.removeValue(forKey: event.op), &measures)
      case (.publish, .info) where !hasConfirms && event.flags.contains(.sent):
        confirm(1, at: event.time, invoked: invoked.removeValue(forKey: event.op), &measures)
      case (.commit, .ok):
        if let (count, last) = transactions.removeValue(forKey: event.transaction) {
          confirm(count, at: event.time, invoked: last, &measures)
        }
      case (.rollback, .ok), (.commit, .fail): transactions.removeValue(forKey: event.transaction)
      case (.deliver, .ok) where event.flags.isDisjoint(with: [.damaged, .foreign]):
        if isInLoad, !event.flags.contains(.redelivered) { measures.delivered += 1 }
        for fault in awaited where measures.firstDelivery[fault] == nil { measures.firstDelivery[fault] = event.time }
        settle(measures)
      default: break
      }
    }

    private mutating func confirm(
      _ count: Int, at time: Nanoseconds, invoked: Nanoseconds?, _ measures: inout LevelMeasures
    ) {
      if time >= timeline.loadBegin, time < timeline.loadEnd {
        measures.confirmed += count
        outage(until: time, &measures)
        lastConfirm = time
      }
      guard let invoked, !awaited.isEmpty else { return }
      for fault in awaited where measures.firstConfirm[fault] == nil {
        if let healed = timeline.faults[fault].healed, invoked > healed { measures.firstConfirm[fault] = time }
      }
      settle(measures)
    }

    /// Leaves off waiting for what has come.
    private mutating func settle(_ measures: LevelMeasures) {
      awaited.removeAll { measures.firstConfirm[$0] != nil && measures.firstDelivery[$0] != nil }
      if awaited.isEmpty { invoked.removeAll() }
    }

    private func outage(until time: Nanoseconds, _ measures: inout LevelMeasures) {
      if time - lastConfirm > measures.longestOutage {
        measures.longestOutage = time - lastConfirm
        measures.outageBegan = lastConfirm
      }
    }

    func finish(_ measures: inout LevelMeasures) { outage(until: max(timeline.loadEnd, lastConfirm), &measures) }
  }
}
