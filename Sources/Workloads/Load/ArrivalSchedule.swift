// When messages are due in an open loop: instants from the begin of the load phase, the same in every run.

import Base
import Scenario

/// The arrivals of one producer among several. Message number j of the whole workload is due when the integral of the rate
/// reaches j; the producers take the numbers in turn. Before the load phase (negative instants) the rate is that of its
/// first moment outside of bursts.
struct ArrivalSchedule: Sendable {
  private struct Segment {
    var begin: Nanoseconds
    /// `.max`: it never ends.
    var end: Nanoseconds
    /// Messages per second over all producers.
    var rate: Double
  }

  private let rate: WorkloadPlan.Rate
  private let producers: Int
  private let warmupRate: Double
  /// Warm-up arrivals still to come for this producer; arrival k lies k intervals before the load phase.
  private var warmupLeft: Int
  private var segmentNumber = 0
  private var segment: Segment?
  /// The integral of the rate at the begin of the segment.
  private var before = 0.0
  /// Number in the whole workload of this producer's next message.
  private var next: Int

  /// - Parameters:
  ///   - from: the first instant, at most 0, counted from the begin of the load phase.
  ///   - producer: 0 to `producers` − 1.
  /// - Returns: nil for a closed loop, which has no schedule.
  init?(rate: WorkloadPlan.Rate, from: Nanoseconds, producer: Int, of producers: Int) {
    switch rate {
    case .max: return nil
    case .open(let base, _): warmupRate = base
    case .steps(let steps): warmupRate = steps.first?.rate ?? 0
    }
    self.rate = rate
    self.producers = max(1, producers)
    next = producer
    let all = warmupRate > 0 && from < 0 ? Int(Double(-from) / 1e9 * warmupRate) : 0
    warmupLeft = all
    while warmupLeft > 0, (warmupLeft - 1) % self.producers != producer { warmupLeft -= 1 }
    segment = Self.segment(0, of: rate)
  }

  /// The next instant, not before the last; nil when the rate has become 0 for good.
  mutating func nextArrival() -> Nanoseconds? {
    if warmupLeft > 0 {
      defer { warmupLeft -= producers }
      return -Nanoseconds((Double(warmupLeft) / warmupRate * 1e9).rounded())
    }
    while let now = segment {
      if now.rate > 0 {
        let offset = (Double(next) - before) / now.rate * 1e9
        if now.end == .max || offset < Double(now.end - now.begin) {
          next += producers
          return now.begin + Nanoseconds(max(0, offset))
        }
      }
      guard now.end != .max else { return nil }
      before += now.rate * (now.end - now.begin).seconds
      segmentNumber += 1
      segment = Self.segment(segmentNumber, of: rate)
    }
    return nil
  }

  private static func segment(_ number: Int, of rate: WorkloadPlan.Rate) -> Segment? {
    switch rate {
    case .max: return nil
    case .open(let base, nil): return number == 0 ? Segment(begin: 0, end: .max, rate: base) : nil
    case .open(let base, let burst?):
      if number == 0 { return Segment(begin: 0, end: max(0, burst.from), rate: base) }
      let round = Nanoseconds((number - 1) / 2)
      guard burst.every > 0 || round == 0 else { return nil }
      let begin = max(0, burst.from) + round * burst.every
      let peakEnd = begin + (burst.every > 0 ? min(burst.length, burst.every) : burst.length)
      return number % 2 == 1
        ? Segment(begin: begin, end: peakEnd, rate: burst.rate)
        : Segment(begin: peakEnd, end: burst.every > 0 ? begin + burst.every : .max, rate: base)
    case .steps(let steps):
      guard number < steps.count else { return nil }
      let begin = steps[..<number].reduce(0) { $0 + $1.length }
      return Segment(
        begin: begin, end: number == steps.count - 1 ? .max : begin + steps[number].length, rate: steps[number].rate)
    }
  }
}
