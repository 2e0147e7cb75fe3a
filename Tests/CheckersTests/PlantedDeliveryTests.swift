// One violation of every kind at a random place of a large sound history of deliveries: it is found by its name, and
// without it nothing is.

import Base
import Foundation
import History
import Testing

@testable import Checkers

@Suite struct PlantedDeliveryTests {
  @Test(arguments: ReliabilityLevel.allCases) func everyPlantIsFound(level: ReliabilityLevel) {
    let kinds = Plant.allCases.filter { $0.levels.contains(level) }
    var planted: [Plant: Int] = [:]
    let rounds = Rounds("planted in large deliveries, \(level)", usual: 3, parts: 5000)
    for seed in rounds.seeds {
      let run = SimulatedRun(
        seed: seed, level: level, messages: 250, producers: 4, consumers: 6, queues: 3, isRough: seed % 3 == 2,
        hasDeadLetters: seed % 2 == 0)
      var options = DeliveryOptions(level: level)
      options.deadLetters = run.deadLetters
      let violations = Violations.defaults(judgedAs: level)
      func broken(_ history: RecordedHistory) -> Set<FindingName> {
        let result = DeliveryChecker.check(history, options: options)
        return violations.filter { result.counts[$0, default: 0] > 0 }
      }
      #expect(broken(run.history).isEmpty, "seed \(seed) \(level)")
      for kind in kinds {
        let rng = SeededGenerator(seed: seed, label: kind.rawValue)
        guard let sick = kind.planted(in: run.history, rng, deadLetters: run.deadLetters) else { continue }
        planted[kind, default: 0] += 1
        let found = broken(sick)
        let expected = Set([kind.finding].compactMap(\.self))
        #expect(found.isSuperset(of: expected), "seed \(seed) \(level) \(kind.rawValue)")
        #expect(found.subtracting(expected).isSubset(of: kind.also), "seed \(seed) \(level) \(kind.rawValue) \(found)")
      }
    }
    guard rounds.finish() else { return }
    let ofTransactions: [Plant] = [.abortedReadTransaction, .tornMissing, .tornAgain, .tornEaten]
    for kind in kinds where level == .high || !ofTransactions.contains(kind) {
      // Acknowledged automatically, nearly nothing is in anybody's hands for long.
      if level == .low, kind == .duplicatedUnreleased { continue }
      #expect(planted[kind, default: 0] > 0, "\(kind.rawValue) at \(level)")
    }
  }
}
