// The open loop's schedule: as many messages as the rate says, when it says, shared fairly, always the same.

import Base
import Scenario
import Testing

@testable import Workloads

@Suite struct ArrivalScheduleTests {
  private func arrivals(
    _ rate: WorkloadPlan.Rate, from: Nanoseconds = 0, until: Nanoseconds, producers: Int
  ) -> [[Nanoseconds]] {
    (0..<producers).map { producer in
      guard var schedule = ArrivalSchedule(rate: rate, from: from, producer: producer, of: producers) else { return [] }
      var times: [Nanoseconds] = []
      while let time = schedule.nextArrival(), time < until { times.append(time) }
      return times
    }
  }

  private func count(_ all: [[Nanoseconds]], _ from: Double, _ until: Double) -> Int {
    all.joined().count { Double($0) >= from * 1e9 && Double($0) < until * 1e9 }
  }

  static let burst = WorkloadPlan.Rate.open(
    base: 1000, burst: .init(rate: 4000, from: 2 * .second, length: .second, every: 4 * .second))

  @Test func flatOutHasNone() {
    #expect(ArrivalSchedule(rate: .max, from: 0, producer: 0, of: 1) == nil)
  }

  @Test func constantRate() {
    let all = arrivals(.open(base: 1000, burst: nil), until: .second, producers: 1)
    #expect(all[0].count == 1000)
    #expect(all[0].prefix(3) == [0, 1_000_000, 2_000_000])
  }

  @Test(arguments: [1, 3, 4]) func bursts(producers: Int) {
    let all = arrivals(Self.burst, from: -.second, until: 12 * .second, producers: producers)
    #expect(count(all, -1, 0) == 1000)
    let stretches = [(0.0, 2.0, 2000), (2, 3, 4000), (3, 6, 3000), (6, 7, 4000), (7, 10, 3000), (10, 11, 4000)]
    for (from, until, expected) in stretches {
      #expect(abs(count(all, from, until) - expected) <= 1, "from \(from) s")
    }
    let each = all.map(\.count)
    #expect((each.max() ?? 0) - (each.min() ?? 0) <= 2)
    for times in all { #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 }) }
  }

  @Test func steps() {
    let rate = WorkloadPlan.Rate.steps([
      .init(rate: 100, length: .second), .init(rate: 0, length: .second), .init(rate: 500, length: .second),
    ])
    let all = arrivals(rate, until: 4 * .second, producers: 2)
    #expect(count(all, 0, 1) == 100)
    #expect(count(all, 1, 2) == 0)
    #expect(count(all, 2, 3) == 500)
    #expect(count(all, 3, 4) == 500, "the last step goes on")
  }

  @Test func aRateOfZeroEnds() {
    var schedule = ArrivalSchedule(rate: .open(base: 0, burst: nil), from: -.second, producer: 0, of: 1)
    #expect(schedule != nil)
    #expect(schedule?.nextArrival() == nil)
  }

  @Test func producersShareOneSchedule() {
    let alone = arrivals(Self.burst, from: -.second, until: 8 * .second, producers: 1)[0]
    let shared = arrivals(Self.burst, from: -.second, until: 8 * .second, producers: 7).joined().sorted()
    #expect(alone == Array(shared))
  }

  /// The load phase does not depend on when the warm-up began.
  @Test func theLoadIsTheSameWhateverTheWarmup() {
    let expected = arrivals(Self.burst, until: 5 * .second, producers: 3)
    for from in [0, -1, -300 * Nanoseconds.millisecond, -5 * .second] as [Nanoseconds] {
      let all = arrivals(Self.burst, from: from, until: 5 * .second, producers: 3)
      #expect(all.map { $0.filter { $0 >= 0 } } == expected)
    }
  }
}
