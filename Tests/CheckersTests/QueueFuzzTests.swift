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
      for seed in Rounds.firstSeed..<Rounds.firstSeed + UInt64(Rounds.count(300)) {
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

  /// A late value is excused by a dequeue of unknown result that took it before and gave it back.
  @Test func returnsAgreeWithSearch() {
    var verdicts: [HistoryVerdict: Int] = [:]
    for seed in Rounds.firstSeed..<Rounds.firstSeed + UInt64(Rounds.count(800)) {
      let rng = SeededGenerator(seed: seed, label: "returns")
      let mix = QueueMix(hasUnknown: true, hasEmpties: false, hasSightings: false)
      let history = RandomQueueHistory.make(rng, .fifo, mix, operations: 9)
      let result = QueueChecker.check(history, model: .fifo, findingLimit: 10, mayReturn: true)
      verdicts[result.verdict, default: 0] += 1
      #expect(
        NaiveQueue.isLinearizable(history, .fifo, mayReturn: true) == (result.verdict == .valid),
        "seed \(seed) \(describe(history)) \(result.findings)")
    }
    #expect(verdicts[.violated, default: 0] > 50 && verdicts[.valid, default: 0] > 50)
  }

  /// The simulated broker puts back at the head, so every one of its queues is in order, whatever breaks.
  @Test func soundDeliveriesAreInOrder() {
    var dequeued = 0
    for seed in Rounds.firstSeed..<Rounds.firstSeed + UInt64(Rounds.count(300)) {
      var rng = SeededGenerator(seed: seed, label: "order")
      let level = rng.pick(ReliabilityLevel.allCases)
      let history =
        SimulatedRun(
          seed: seed, level: level, messages: 1 + rng.below(20), producers: 1 + rng.below(2),
          consumers: 1 + rng.below(3), queues: 1 + rng.below(2), isRough: rng.chance(0.5)
        ).history
      for name in ["q0", "q1"] {
        guard let queue = history.names.entries.firstIndex(of: .word(name)) else { continue }
        let result = QueueChecker.checkDeliveries(
          history, queue: UInt16(queue), options: DeliveryOptions(level: level))
        dequeued += result.dequeued
        #expect(result.verdict == .valid, "seed \(seed) \(level) \(name) \(result.findings)")
      }
    }
    #expect(dequeued > 1000)
  }

  private func describe(_ history: RecordedHistory) -> String {
    history.events.map {
      "\($0.time):\($0.op) \($0.outcome) \($0.function) \($0.message == .none ? "-" : "\($0.message)")"
    }
    .joined(separator: ", ")
  }
}
