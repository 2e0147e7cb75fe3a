// Random logs: the rules say what trying every order says; large sound ones are never accused, planted damage is found.

import Base
import History
import Testing

@testable import Checkers

@Suite struct LogFuzzTests {
  @Test(arguments: [true, false])
  func rulesAgreeWithSearch(isDense: Bool) {
    var verdicts: [HistoryVerdict: Int] = [:]
    var found: [LogFindingName: Int] = [:]
    var options = LogOptions()
    options.isDense = isDense
    let rounds = Rounds("log, dense \(isDense)", usual: isDense ? 14_000 : 6_000, parts: 2)
    for seed in rounds.seeds {
      let rng = SeededGenerator(seed: seed, label: "log dense \(isDense)")
      let operations = RandomLogHistory.make(rng, isDense: isDense, operations: 8)
      let result = LogChecker.check(operations, options: options)
      verdicts[result.verdict, default: 0] += 1
      for (name, count) in result.counts where count > 0 { found[name, default: 0] += 1 }
      let isValid = NaiveLog.isLinearizable(operations, isDense: isDense)
      guard isValid != (result.verdict != .violated) else { continue }
      Issue.record("seed \(seed) dense \(isDense), valid \(isValid): \(operations) \(result.findings)")
      return
    }
    guard rounds.finish() else { return }
    #expect(verdicts[.valid, default: 0] > 1000 && verdicts[.violated, default: 0] > 700, "\(verdicts)")
    for name in LogFindingName.allCases where isDense || name != .gap {
      #expect(found[name, default: 0] > 10, "\(name) \(found)")
    }
  }

  @Test func soundLogsAreNeverAccused() {
    let rounds = Rounds("log, sound", usual: 40, parts: 500)
    for seed in rounds.seeds {
      var rng = SeededGenerator(seed: seed, label: "sizes")
      let log = SimulatedLog(
        seed: seed, operations: 200 + rng.below(3000), clients: 1 + rng.below(40), unknown: rng.pick([0, 0.02, 0.1]))
      let result = LogChecker.check(log.operations)
      #expect(result.verdict == .valid, "seed \(seed) \(result.findings)")
      #expect(result.reads > 50 && result.pastEnd > 10 && result.appended > 50)
    }
    rounds.finish()
  }

  @Test(arguments: LogPlant.allCases)
  func plantedDamageIsFound(plant: LogPlant) {
    var planted = 0
    let rounds = Rounds("log, planted \(plant)", usual: 25, parts: 1000)
    for seed in rounds.seeds {
      var rng = SeededGenerator(seed: seed, label: "\(plant)")
      let log = SimulatedLog(seed: seed, operations: 300 + rng.below(2000), clients: 1 + rng.below(20), unknown: 0.02)
      guard let damaged = plant.plant(into: log.operations, &rng) else { continue }
      planted += 1
      let result = LogChecker.check(damaged)
      let note: Comment = "seed \(seed) \(plant) \(result.counts) \(result.findings.prefix(3))"
      #expect(result.verdict == .violated && result.counts[plant.finding, default: 0] > 0, note)
      #expect(result.findings.contains { $0.name == plant.finding && !$0.operations.isEmpty }, note)
    }
    #expect(!rounds.finish() || planted > 10)
  }
}
