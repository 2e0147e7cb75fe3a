// Small random histories of registers: zones, search and trying every order say the same.

import Base
import History
import Testing

@testable import Checkers

@Suite struct RegisterFuzzTests {
  @Test(arguments: RegisterMix.all.indices)
  func zonesAgreeWithSearch(number: Int) {
    let mix = RegisterMix.all[number]
    // One register, and a store of several: two models.
    let isStore = mix.keys > 1
    let parts = RegisterMix.all.count { ($0.keys > 1) == isStore }
    let rounds = Rounds("\(isStore ? "kv" : "register") mix \(number)", usual: 4_000, parts: parts)
    var verdicts: [HistoryVerdict: Int] = [:]
    var searched = 0
    var found: [RegisterFindingName: Int] = [:]
    for seed in rounds.seeds {
      let rng = SeededGenerator(seed: seed, label: "register \(number)")
      let history = RandomRegisterHistory.make(rng, mix, operations: 9)
      let result = RegisterChecker.check(history)
      let isValid = NaiveRegister.isLinearizable(history)
      var note: Comment { "seed \(seed) mix \(number): \(describe(history)) \(result.findings)" }
      #expect(result.verdict == (isValid ? .valid : .violated), note)
      verdicts[result.verdict, default: 0] += 1
      if result.searchedKeys > 0 { searched += 1 }
      for name in RegisterFindingName.allCases { found[name, default: 0] += result.counts[name, default: 0] }
      // The search by itself, where every read can have read what it did.
      var audit = RegisterAudit(history, findingLimit: 1)
      audit.collect()
      for key in audit.keys.indices { audit.keys[key].isOutside = true }
      audit.placeReads()
      audit.search(.standard)
      #expect(audit.close(isComplete: true).verdict == result.verdict, note)
    }
    guard rounds.finish() else { return }
    #expect(verdicts[.valid, default: 0] > 100 && verdicts[.violated, default: 0] > 100)
    #expect((searched > 100) == (mix.hasRepeats || mix.hasSwaps))
    for name in [RegisterFindingName.unexpected, .abortedRead, .staleRead] {
      #expect(found[name, default: 0] > 10, "\(name)")
    }
    #expect((found[.unexplained, default: 0] > 5) == (searched > 0))
  }
}
