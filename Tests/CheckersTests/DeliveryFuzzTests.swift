// Many small simulated histories: none is accused, every planted violation is found by its name, and the account in one
// pass is the same as the naive one.

import Base
import History
import Testing

@testable import Checkers

@Suite struct DeliveryFuzzTests {
  private struct Sample {
    let seed: UInt64
    let level: ReliabilityLevel
    let history: RecordedHistory
    let deadLetters: [String: String]
    var rng: SeededGenerator

    init(seed: UInt64) {
      self.seed = seed
      rng = SeededGenerator(seed: seed, label: "sample")
      level = rng.pick(ReliabilityLevel.allCases)
      var letters = SeededGenerator(seed: seed, label: "dead letters")
      let run = SimulatedRun(
        seed: seed, level: level, messages: 1 + rng.below(9), producers: 1 + rng.below(2),
        consumers: 1 + rng.below(4), queues: 1 + rng.below(3), isRough: rng.chance(0.5),
        hasDeadLetters: letters.chance(0.5))
      (history, deadLetters) = (run.history, run.deadLetters)
    }

    var options: DeliveryOptions {
      var options = DeliveryOptions(level: level)
      options.deadLetters = deadLetters
      return options
    }

    /// Deliveries from queues to which nobody had published what came.
    var letterCount: Int {
      let routes = Dictionary(
        history.events.filter { $0.function == .publish && $0.outcome == .invoke }.map { ($0.message, $0.place) }
      ) { first, _ in first }
      return history.events.count { event in
        event.function == .deliver && !history.names.queues(routes[event.message] ?? 0).contains(event.place)
      }
    }
  }

  @Test func soundHistoriesAreNotAccused() {
    var seen: [FindingName: Int] = [:]
    var (letters, keys) = (0, 0)
    let rounds = Rounds("delivery, sound", usual: 600, parts: 4)
    for seed in rounds.seeds {
      let sample = Sample(seed: seed)
      let result = DeliveryChecker.check(sample.history, options: sample.options)
      #expect(
        Violations.verdict(of: result, judgedAs: sample.level) != .violated,
        "seed \(seed) \(sample.level) \(result.findings)")
      #expect(result.isDrained)
      #expect(result.order.queues.isEmpty && result.order.keysOutOfOrder == 0, "seed \(seed) \(result.order)")
      keys += result.order.keysUsed
      for name in FindingName.allCases { seen[name, default: 0] += result.counts[name, default: 0] }
      letters += sample.letterCount
      let differences = sample.history.differences(sample.options)
      #expect(differences.isEmpty, "seed \(seed) \(sample.level) \(differences)")
    }
    guard rounds.finish() else { return }
    // What a sound broker may do is done, so that the silence about it means something.
    for name in [FindingName.lost, .duplicatedByRetry, .redelivered, .recovered] {
      #expect(seen[name, default: 0] > 10, "\(name)")
    }
    #expect(letters > 100 && keys > 100)
  }

  @Test func plantedViolationsAreFoundByName() {
    var planted: [Plant: Int] = [:]
    let rounds = Rounds("delivery, planted", usual: 600, parts: 4)
    for seed in rounds.seeds {
      var sample = Sample(seed: seed)
      let kinds = Plant.allCases.filter { $0.levels.contains(sample.level) }.shuffled(using: &sample.rng)
      // The rarest first, as far as this history has a place for it.
      for kind in kinds.sorted(by: { planted[$0, default: 0] < planted[$1, default: 0] }).prefix(8) {
        guard let sick = kind.planted(in: sample.history, sample.rng, deadLetters: sample.deadLetters) else { continue }
        planted[kind, default: 0] += 1
        let note: Comment = "seed \(seed) \(sample.level) \(kind.rawValue)"
        let result = DeliveryChecker.check(sick, options: sample.options)
        let violations = Violations.defaults(judgedAs: sample.level)
        let broken = Set(FindingName.allCases.filter { violations.contains($0) && result.counts[$0, default: 0] > 0 })
        if let finding = kind.finding {
          #expect(broken.contains(finding), note)
          #expect(finding != .outOfOrder || !result.order.queues.isEmpty, note)
          #expect(broken.subtracting([finding]).isSubset(of: kind.also), note)
          #expect(Violations.verdict(of: result, judgedAs: sample.level) == .violated, note)
        } else {
          #expect(broken.isEmpty, note)
          #expect(!result.isDrained, note)
        }
        let differences = sick.differences(sample.options)
        #expect(differences.isEmpty, "\(note) \(differences)")
        break
      }
    }
    guard rounds.finish() else { return }
    for kind in Plant.allCases { #expect(planted[kind, default: 0] > 5, "\(kind.rawValue) was hardly planted") }
  }

  @Test func damagedHistoriesAreJudgedAlike() {
    let rounds = Rounds("delivery, damaged", usual: 500, parts: 4)
    for seed in rounds.seeds {
      let sample = Sample(seed: seed)
      let damaged = EditableHistory(sample.history, sample.rng).damaged()
      let differences = damaged.differences(sample.options)
      #expect(differences.isEmpty, "seed \(seed) \(sample.level) \(differences)")
    }
    rounds.finish()
  }

  /// A recorder that was killed leaves a prefix: what it proves stays proved, and nothing is held against what is missing.
  @Test func historiesCutShortAreNotAccused() {
    let rounds = Rounds("delivery, cut short", usual: 300, parts: 4)
    for seed in rounds.seeds {
      var sample = Sample(seed: seed)
      let count = sample.rng.below(sample.history.events.count)
      let cut = RecordedHistory(
        names: sample.history.names, events: Array(sample.history.events.prefix(count)), isComplete: false)
      let result = DeliveryChecker.check(cut, options: sample.options)
      #expect(
        Violations.verdict(of: result, judgedAs: sample.level) == .undecided,
        "seed \(seed) cut at \(count) \(result.findings)")
      let differences = cut.differences(sample.options)
      #expect(differences.isEmpty, "seed \(seed) cut at \(count) \(differences)")
    }
    rounds.finish()
  }
}
