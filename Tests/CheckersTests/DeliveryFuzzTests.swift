// Many small simulated histories: none is accused, every planted violation is found by its name.

import Base
import History
import Testing

@testable import Checkers

@Suite struct DeliveryFuzzTests {
  @Test func soundHistoriesAreNotAccused() {
    for seed in 0..<300 {
      var rng = SeededGenerator(seed: UInt64(seed), label: "size")
      let level = rng.pick(ReliabilityLevel.allCases)
      let run = SimulatedRun(
        seed: UInt64(seed), level: level, messages: 1 + rng.below(9), producers: 1 + rng.below(2),
        consumers: 1 + rng.below(4), queues: 1 + rng.below(3), isRough: rng.chance(0.5))
      let result = DeliveryChecker.check(run.history, options: DeliveryOptions(level: level))
      let verdict = Violations.verdict(of: result, judgedAs: level)
      #expect(verdict != .violated, "seed \(seed) \(level) \(result.findings)")
      #expect(result.isDrained)
    }
  }
}
