// The clients' view in figures: one second at a time for the live display, and latencies over the whole load phase.

import Base
import History

/// Counts what all clients do. The loop's thread only.
final class LoadStats {
  private var second = LoadSample()
  private var secondConfirm = LatencyScale()
  private var secondEndToEnd = LatencyScale()
  /// Over the messages sent from `loadAt` on.
  private(set) var confirmFromIntended = LatencyScale()
  private(set) var confirmFromSent = LatencyScale()
  private(set) var endToEndFromIntended = LatencyScale()
  private(set) var endToEndFromSent = LatencyScale()
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
    (sample.confirmP50, sample.confirmP99, sample.confirmMax) = secondConfirm.takeQuantiles()
    (sample.endToEndP50, sample.endToEndP99, sample.endToEndMax) = secondEndToEnd.takeQuantiles()
    sample.backlog = max(0, backlog)
    sample.unacknowledged = max(0, unacknowledged)
    second = LoadSample()
    return sample
  }
}
