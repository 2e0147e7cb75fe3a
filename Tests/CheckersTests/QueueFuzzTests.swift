// Small random queue histories: the rules in one pass say what trying every order says.

import Base
import History
import Testing

@testable import Checkers

@Suite struct QueueFuzzTests {
  @Test(arguments: QueueModel.allCases, QueueMix.all.indices)
  func rulesAgreeWithSearch(model: QueueModel, number: Int) {
    let mix = QueueMix.all[number]
    var verdicts: [HistoryVerdict: Int] = [:]
    var searched = 0
    let rounds = Rounds("\(model) mix \(number)", usual: 1_700, parts: QueueMix.all.count)
    for seed in rounds.seeds {
      let rng = SeededGenerator(seed: seed, label: "\(model) \(number)")
      let history = RandomQueueHistory.make(rng, model, mix, operations: 9)
      let result = QueueChecker.check(history, model: model)
      verdicts[result.verdict, default: 0] += 1
      let isValid = NaiveQueue.isLinearizable(history, model)
      var note: Comment { "seed \(seed) \(model) mix \(number): \(describe(history)) \(result.findings)" }
      #expect(result.verdict == (isValid ? .valid : .violated), note)
      if result.isSearched { searched += 1 }
      // The search by itself, where every value that came can have come.
      if QueueFindingName.ofValues.allSatisfy({ result.counts[$0] == 0 }) {
        let source: any EventSource = SortedHistory(history) ?? history
        let outcome = QueueSearch.run(source, model: model, budget: .standard).outcome
        #expect((outcome == .explained) == isValid, note)
      }
    }
    guard rounds.finish() else { return }
    #expect(verdicts[.valid, default: 0] > 20 && verdicts[.violated, default: 0] > 20)
    #expect((searched > 20) == (mix.hasUnknown && mix.hasEmpties && mix.hasSightings))
  }

  /// A late value is excused by a dequeue of unknown result that took it before and gave it back.
  @Test func returnsAgreeWithSearch() {
    var verdicts: [HistoryVerdict: Int] = [:]
    let rounds = Rounds("fifo with returns", usual: 1_500)
    for seed in rounds.seeds {
      let rng = SeededGenerator(seed: seed, label: "returns")
      let mix = QueueMix(hasUnknown: true, hasEmpties: false, hasSightings: false)
      let history = RandomQueueHistory.make(rng, .fifo, mix, operations: 9)
      let result = QueueChecker.check(history, model: .fifo, findingLimit: 10, mayReturn: true)
      verdicts[result.verdict, default: 0] += 1
      #expect(
        NaiveQueue.isLinearizable(history, .fifo, mayReturn: true) == (result.verdict == .valid),
        "seed \(seed) \(describe(history)) \(result.findings)")
    }
    guard rounds.finish() else { return }
    #expect(verdicts[.violated, default: 0] > 50 && verdicts[.valid, default: 0] > 50)
  }

  /// The simulated broker puts back at the head, so every one of its queues is in order, whatever breaks.
  @Test func soundDeliveriesAreInOrder() {
    var dequeued = 0
    let rounds = Rounds("fifo of deliveries", usual: 300, parts: 10)
    for seed in rounds.seeds {
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
    guard rounds.finish() else { return }
    #expect(dequeued > 1000)
  }
}

extension QueueFindingName {
  /// About what came, whatever its order.
  static let ofValues: [QueueFindingName] = [.duplicated, .unexpected, .abortedRead]
}

/// The events of a small history, for a failure's note.
func describe(_ history: RecordedHistory) -> String {
  history.events.map { event in
    let value = event.message == .none ? "-" : "\(event.message)"
    let from = event.function == .compareAndSet ? "\(event.transaction)→" : ""
    return "\(event.time):\(event.op) \(event.outcome) \(event.function) \(event.tag): \(from)\(value)"
  }
  .joined(separator: ", ")
}
