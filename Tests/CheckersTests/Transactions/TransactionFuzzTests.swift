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
}
