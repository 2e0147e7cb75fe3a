// A sound broker is never accused, whatever its clients go through.

import Base
import History
import Testing

@testable import Checkers

@Suite struct TransactionFuzzTests {
  @Test(arguments: SimulatedTransactions.Mode.allCases)
  func soundBrokersAreNeverAccused(mode: SimulatedTransactions.Mode) {
    var (polled, sent, allowed) = (0, 0, 0)
    let rounds = Rounds("transactions, sound, \(mode)", usual: 100, parts: 200)
    for seed in rounds.seeds {
      var rng = SeededGenerator(seed: seed, label: "sizes")
      let run = SimulatedTransactions(
        seed: seed, mode: mode, transactions: 10 + rng.below(120), clients: 1 + rng.below(8), keys: 1 + rng.below(4))
      let history = run.history.history()
      let result = TransactionChecker.check(history, options: mode.options)
      let bad = result.findings.filter { !mode.options.allowances.allows($0.name) }
      #expect(result.verdict == .valid && bad.isEmpty, "seed \(seed) \(mode) \(bad.prefix(3))")
      #expect(result.options == mode.options)
      polled += result.polled
      sent += result.sent
      allowed += result.findings.count - bad.count
    }
    guard rounds.finish() else { return }
    // After the drain everything was seen.
    #expect(polled == sent && sent > 1000)
    #expect((allowed == 0) == (mode == .serial), "\(allowed)")
  }

  @Test(arguments: TransactionPlant.allCases)
  func plantedDamageIsFound(plant: TransactionPlant) {
    var planted = 0
    let rounds = Rounds("transactions, planted \(plant)", usual: 15, parts: 2000)
    for seed in rounds.seeds {
      var rng = SeededGenerator(seed: seed, label: "plant \(plant)")
      let mode: SimulatedTransactions.Mode = plant.finding == .g0 || rng.chance(0.3) ? .serial : .assigned
      var history = SimulatedTransactions(
        seed: seed, mode: mode, transactions: 20 + rng.below(100), clients: 1 + rng.below(6), keys: 1 + rng.below(3)
      ).history
      guard plant.plant(into: &history, &rng) else { continue }
      planted += 1
      var options = mode.options
      options.pollsReachEnd = options.pollsReachEnd || plant.finding == .gSingle || plant.finding == .gSingleRealtime
      let result = TransactionChecker.check(history.history(), options: options)
      let note: Comment = "seed \(seed) \(mode) \(plant) \(result.counts.filter { $0.value > 0 })"
      #expect(result.verdict == .violated && result.counts[plant.finding, default: 0] > 0, note)
      #expect(result.findings.contains { $0.name == plant.finding && !$0.transactions.isEmpty }, note)
    }
    #expect(!rounds.finish() || planted > 5)
  }
}
