// Throughput of one level, and whether its clients met the faults: one pass over its history.

import Base
import Checkers
import History

/// Figures that need every event, but nothing of what the checkers keep.
struct LevelMeasures: Equatable {
  /// Messages of the load phase.
  var offered = 0
  var confirmed = 0
  var delivered = 0
  /// Something was invoked by a client while a fault stood.
  var wasExposed = false
  var availability: Availability
}

extension LevelMeasures {
  init(_ history: RecordedHistory, timeline: LevelTimeline, hasConfirms: Bool) {
    let faults = timeline.faults.map { FaultWindow($0.plan.id, began: $0.began, healed: $0.healed) }
    availability = Availability(
      history, faults: faults, begin: timeline.loadBegin, end: timeline.loadEnd, hasConfirms: hasConfirms)
    var pass = Pass(timeline: timeline, hasConfirms: hasConfirms)
    for event in history.events { pass.take(event, &self) }
  }

  private struct Pass {
    let timeline: LevelTimeline
    let hasConfirms: Bool
    /// Of transactions under way: their publishes.
    private var transactions: [UInt64: Int] = [:]

    init(timeline: LevelTimeline, hasConfirms: Bool) {
      self.timeline = timeline
      self.hasConfirms = hasConfirms
    }

    mutating func take(_ event: Event, _ measures: inout LevelMeasures) {
      let isInLoad = event.time >= timeline.loadBegin && event.time < timeline.loadEnd
      if event.outcome == .invoke, event.process >= 0, !measures.wasExposed {
        measures.wasExposed = timeline.faults.contains { $0.overlaps(event.time, event.time) }
      }
      switch (event.function, event.outcome) {
      case (.publish, .invoke):
        if isInLoad, event.attempt <= 1 { measures.offered += 1 }
        if event.transaction != 0 { transactions[event.transaction, default: 0] += 1 }
      case (.publish, .ok) where event.transaction == 0: if isInLoad { measures.confirmed += 1 }
      case (.publish, .info) where !hasConfirms && event.flags.contains(.sent): if isInLoad { measures.confirmed += 1 }
      case (.commit, .ok):
        let count = transactions.removeValue(forKey: event.transaction) ?? 0
        if isInLoad { measures.confirmed += count }
      case (.rollback, .ok), (.commit, .fail): transactions.removeValue(forKey: event.transaction)
      case (.deliver, .ok) where event.flags.isDisjoint(with: [.damaged, .foreign]):
        if isInLoad, !event.flags.contains(.redelivered) { measures.delivered += 1 }
      default: break
      }
    }
  }
}
