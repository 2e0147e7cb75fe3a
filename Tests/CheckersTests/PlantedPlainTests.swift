// One violation in a large sound history of a queue or of registers: it is found by its name, and without it nothing is.

import Base
import History
import Testing

@testable import Checkers

@Suite struct PlantedPlainTests {
  private static let usual = 40

  @Test(arguments: PlainPlant.allCases.filter(\.isOfQueue), QueueModel.allCases)
  func queues(plant: PlainPlant, model: QueueModel) {
    if plant.isOfOrder, model == .bag { return }
    let names: [PlainPlant: QueueFindingName] = [
      .queueDuplicated: .duplicated, .queueUnexpected: .unexpected, .queueAborted: .abortedRead,
      .queueOutOfOrder: .outOfOrder, .queueLost: .lost, .queueFalseEmpty: .falseEmpty,
    ]
    let rounds = Rounds("planted \(plant) \(model)", usual: Self.usual, parts: 500)
    var planted = 0
    for seed in rounds.seeds {
      var rng = SeededGenerator(seed: seed, label: "\(plant)")
      let unknown = plant == .queueLost || rng.chance(0.5) ? 0 : 0.02
      var operations = SimulatedClients.run(
        model == .fifo ? .fifo : .bag, operations: 600, clients: 2 + rng.below(8), unknown: unknown, seed: seed)
      let sound = QueueChecker.check(SimulatedClients.history(operations), model: model)
      #expect(sound.verdict == .valid, "seed \(seed) \(sound.findings)")
      guard plant.plant(in: &operations, &rng) else { continue }
      planted += 1
      let result = QueueChecker.check(SimulatedClients.history(operations), model: model)
      // A false empty beside dequeues of unknown result may be excused by them.
      if plant == .queueFalseEmpty || plant == .queueOutOfOrder, unknown > 0, result.verdict == .valid { continue }
      #expect(result.verdict == .violated, "seed \(seed) \(plant) \(model)")
      #expect(
        names[plant].map { result.counts[$0, default: 0] > 0 } == true, "seed \(seed) \(plant) \(result.findings)")
    }
    guard rounds.finish() else { return }
    #expect(planted > Self.usual / 2)
  }

  @Test(arguments: PlainPlant.allCases.filter { !$0.isOfQueue }, [1, 7])
  func registers(plant: PlainPlant, keys: Int) {
    let names: [PlainPlant: RegisterFindingName] = [
      .registerUnexpected: .unexpected, .registerAborted: .abortedRead, .registerStale: .staleRead,
    ]
    let rounds = Rounds("planted \(plant) in \(keys) keys", usual: Self.usual, parts: 500)
    var planted = 0
    for seed in rounds.seeds {
      var rng = SeededGenerator(seed: seed, label: "\(plant)")
      var operations = SimulatedClients.run(
        .registers(keys: keys), operations: 600, clients: 2 + rng.below(8), unknown: rng.pick([0, 0.02]), seed: seed)
      let sound = RegisterChecker.check(SimulatedClients.history(operations))
      #expect(sound.verdict == .valid, "seed \(seed) \(sound.findings)")
      guard plant.plant(in: &operations, &rng) else { continue }
      planted += 1
      let result = RegisterChecker.check(SimulatedClients.history(operations))
      #expect(result.verdict == .violated, "seed \(seed) \(plant)")
      #expect(
        names[plant].map { result.counts[$0, default: 0] > 0 } == true, "seed \(seed) \(plant) \(result.findings)")
    }
    guard rounds.finish() else { return }
    #expect(planted > Self.usual / 2)
  }

  /// Many keys, many clients.
  @Test func largeHistoriesAreSound() {
    let operations = SimulatedClients.run(
      .registers(keys: 100), operations: 50_000, clients: 20, unknown: 0.01, seed: 3)
    let result = RegisterChecker.check(SimulatedClients.history(operations))
    #expect(result.verdict == .valid && result.keys == 100 && result.writes > 15_000 && result.reads > 25_000)
  }
}
