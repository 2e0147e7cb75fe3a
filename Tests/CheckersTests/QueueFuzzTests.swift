// Small random queue histories: the rules in one pass say what trying every order says.

import Base
import History
import Testing

@testable import Checkers

@Suite struct QueueFuzzTests {
  @Test(arguments: QueueModel.allCases)
  func rulesAgreeWithSearch(model: QueueModel) {
    for (number, mix) in QueueMix.all.enumerated() {
      var verdicts: [HistoryVerdict: Int] = [:]
      for seed in Rounds.firstSeed..<Rounds.firstSeed + UInt64(Rounds.count(400)) {
        let rng = SeededGenerator(seed: seed, label: "\(model) \(number)")
        let history = RandomQueueHistory.make(rng, model, mix, operations: 9)
        let result = QueueChecker.check(history, model: model)
        verdicts[result.verdict, default: 0] += 1
        let isValid = NaiveQueue.isLinearizable(history, model)
        let note: Comment = "seed \(seed) \(model) mix \(number): \(describe(history)) \(result.findings)"
        switch result.verdict {
        case .valid: #expect(isValid, note)
        case .violated: #expect(!isValid, note)
        case .undecided: #expect(result.isCorner, note)
        }
      }
      #expect(verdicts[.valid, default: 0] > 20 || verdicts[.undecided, default: 0] > 20)
      #expect(verdicts[.violated, default: 0] > 20)
      if !(mix.hasUnknown && mix.hasEmpties && mix.hasSightings) { #expect(verdicts[.undecided] == nil) }
    }
  }

  private func describe(_ history: RecordedHistory) -> String {
    history.events.map {
      "\($0.time):\($0.op) \($0.outcome) \($0.function) \($0.message == .none ? "-" : "\($0.message)")"
    }
    .joined(separator: ", ")
  }
}
