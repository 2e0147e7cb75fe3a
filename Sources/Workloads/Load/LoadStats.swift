// The clients' view in figures: one second at a time for the live display, and latencies over the whole load phase.

import Base
import History

/// Counts what all clients do. The loop's thread only.
final class LoadStats {
  private var second = LoadSample()
  private var secondConfirm = Histogram()
  private var secondEndToEnd = Histogram()
  /// Over the messages sent from `loadAt` on.
  private(set) var confirmFromIntended = Histogram()
  private(set) var confirmFromSent = Histogram()
  private(set) var endToEndFromIntended = Histogram()
  private(set) var endToEndFromSent = Histogram()
  /// Messages sent before this belong to the warm-up.
  var loadAt: Nanoseconds = .max

  private(set) var backlog = 0
  private(set) var unacknowledged = 0
  private(set) var totalConfirmed = 0
  private(set) var totalDelivered = 0
  /// A bit for each id of each producer: delivered at least once.
  private var seen: [[UInt64]]

  init(producers: Int) { seen = Array(repeating: [], count: producers) }

  func offered(_ count: Int = 1) { second.offered += count }
  func failed(_ count: Int = 1) { second.failed += count }
  func unknown(_ count: Int = 1) { second.unknown += count }
  func disconnected() { second.disconnects += 1 }
  /// An id is on its way for the first time; or it never will be again.
  func attempted() { backlog += 1 }
  func gaveUp() { backlog -= 1 }
  func held(_ change: Int) { unacknowledged += change }

  func confirmed(intended: Nanoseconds, sent: Nanoseconds, at now: Nanoseconds) {
    second.confirmed += 1
    totalConfirmed += 1
    let whole = now - (intended == 0 ? sent : intended)
    secondConfirm.record(whole)
    if sent >= loadAt {
      confirmFromIntended.record(whole)
      confirmFromSent.record(now - sent)
    }
  }

  func delivered(_ payload: Payload, at now: Nanoseconds) {
    second.delivered += 1
    totalDelivered += 1
    guard isFirst(payload.id) else { return }
    backlog -= 1
    let whole = now - (payload.intended == 0 ? payload.sent : payload.intended)
    secondEndToEnd.record(whole)
    if payload.sent >= loadAt {
      endToEndFromIntended.record(whole)
      endToEndFromSent.record(now - payload.sent)
    }
  }

  private func isFirst(_ id: MessageID) -> Bool {
    let (producer, sequence) = (id.producer, id.sequence)
    guard producer < seen.count else { return false }
    let word = sequence >> 6
    while seen[producer].count <= word { seen[producer].append(0) }
    let bit: UInt64 = 1 << UInt64(sequence & 63)
    if seen[producer][word] & bit != 0 { return false }
    seen[producer][word] |= bit
    return true
  }

  /// The second that ends now; the next one begins.
  func takeSecond(at now: Nanoseconds) -> LoadSample {
    var sample = second
    sample.time = now
    (sample.confirmP50, sample.confirmP99, sample.confirmMax) = Self.quantiles(secondConfirm)
    (sample.endToEndP50, sample.endToEndP99, sample.endToEndMax) = Self.quantiles(secondEndToEnd)
    (secondConfirm, secondEndToEnd) = (Histogram(), Histogram())
    sample.backlog = max(0, backlog)
    sample.unacknowledged = max(0, unacknowledged)
    second = LoadSample()
    return sample
  }

  /// Median, 99 % and greatest, in milliseconds.
  private static func quantiles(_ histogram: Histogram) -> (Double?, Double?, Double?) {
    guard histogram.count > 0 else { return (nil, nil, nil) }
    return (
      histogram.percentile(50).milliseconds, histogram.percentile(99).milliseconds, histogram.max.milliseconds
    )
  }

  /// Writes `latency.hlog`: one entry for each tag of `HistogramLog`, over the load phase.
  /// - Parameters:
  ///   - until: the end of the load phase.
  ///   - realtime: the wall clock at `loadAt`, nanoseconds since 1970.
  /// - Throws: `HistoryError` where the file cannot be written.
  func writeLatencies(to path: String, until: Nanoseconds, realtime: Nanoseconds) throws(HistoryError) {
    let length = max(0, loadAt == .max ? 0 : until - loadAt).seconds
    let histograms = [confirmFromIntended, confirmFromSent, endToEndFromIntended, endToEndFromSent]
    var text = HistogramLog.header(realtime: realtime)
    for (tag, histogram) in zip(HistogramLog.tags, histograms) {
      text += HistogramLog.line(HistogramLog.Entry(tag: tag, start: 0, length: length, histogram: histogram))
    }
    try FileBytes.replace(path, with: Array(text.utf8))
  }
}
