// Latency before the first fault, while one stood, and after: one pass over the history.

import Base
import History

/// The latencies of one part of the load phase.
public struct LatencyPart: Sendable, Equatable {
  public var name: String
  /// Nanoseconds.
  public var histogram = Histogram()

  /// Of messages by when they were to be sent: to their confirm or commit, or to their delivery where nothing is
  /// confirmed. Empty where no fault began.
  static func split(_ history: RecordedHistory, timeline: LevelTimeline, hasConfirms: Bool) -> [LatencyPart] {
    guard let first = timeline.faults.compactMap(\.began).min() else { return [] }
    var parts = ["before the first fault", "while a fault stood", "between and after faults"].map {
      LatencyPart(name: $0)
    }
    func count(_ begin: Nanoseconds, _ end: Nanoseconds) {
      guard begin >= timeline.loadBegin, begin < timeline.loadEnd else { return }
      let index = begin < first ? 0 : timeline.faults.contains { $0.overlaps(begin, begin) } ? 1 : 2
      parts[index].histogram.record(end - begin)
    }
    // What is under way: the begin of each publish, and the publishes of each transaction.
    var begun: [UInt64: Nanoseconds] = [:]
    var transactions: [UInt64: [Nanoseconds]] = [:]
    for event in history.events {
      switch (event.function, event.outcome) {
      case (.publish, .invoke) where hasConfirms:
        let begin = event.intended > 0 ? event.intended : event.time
        if event.transaction != 0 {
          transactions[event.transaction, default: []].append(begin)
        } else {
          begun[event.op] = begin
        }
      case (.publish, .ok): if let begin = begun.removeValue(forKey: event.op) { count(begin, event.time) }
      case (.publish, .fail): begun[event.op] = nil
      case (.commit, .ok):
        for begin in transactions.removeValue(forKey: event.transaction) ?? [] { count(begin, event.time) }
      case (.commit, .fail), (.rollback, .ok): transactions[event.transaction] = nil
      case (.deliver, .ok) where !hasConfirms && event.intended > 0 && !event.flags.contains(.redelivered):
        count(event.intended, event.time)
      default: break
      }
    }
    return parts
  }
}
