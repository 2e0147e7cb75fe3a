// Whole clusters in trouble: the sound broker keeps its promises, the same seed is the same run, planted defects are found.

import Base
import Broker
import Checkers
import Foundation
import Simulator
import Testing

struct Setting: CustomTestStringConvertible {
  var nodes: Int
  var level: ReliabilityLevel
  var isQuorum: Bool

  var testDescription: String { "\(level.rawValue), \(nodes) nodes, \(isQuorum ? "quorum" : "classic")" }

  func options(_ seed: UInt64, defects: Set<Defect> = []) -> SimulationOptions {
    SimulationOptions(seed: seed, nodes: nodes, level: level, isQuorum: isQuorum, defects: defects)
  }

  static let all = [
    Setting(nodes: 3, level: .medium, isQuorum: true), Setting(nodes: 3, level: .high, isQuorum: true),
    Setting(nodes: 5, level: .high, isQuorum: true), Setting(nodes: 3, level: .low, isQuorum: true),
    Setting(nodes: 1, level: .medium, isQuorum: false), Setting(nodes: 1, level: .high, isQuorum: false),
    Setting(nodes: 3, level: .medium, isQuorum: false), Setting(nodes: 3, level: .high, isQuorum: false),
    Setting(nodes: 3, level: .low, isQuorum: false),
  ]
}

struct SimulationTests {
  static let environment = ProcessInfo.processInfo.environment
  /// `SIMULATOR_SEEDS=100` runs more; `SIMULATOR_SEED=17` runs one again, and tells what it found; `SIMULATOR_ONLY` is a
  /// part of a setting's description.
  static let seeds: [UInt64] = {
    if let one = environment["SIMULATOR_SEED"].flatMap(UInt64.init) { return [one] }
    return Array(1...(environment["SIMULATOR_SEEDS"].flatMap(UInt64.init) ?? 1))
  }()

  @Test(arguments: Setting.all) func aSoundBrokerKeepsItsPromises(_ setting: Setting) {
    if let only = Self.environment["SIMULATOR_ONLY"], !setting.testDescription.contains(only) { return }
    var (acknowledged, faults, torn) = (0, 0, 0)
    // The same in every process: two runs of the tests can be compared.
    var digest: UInt32 = 0
    for seed in Self.seeds {
      let result = Simulation.run(setting.options(seed))
      let isGood = result.verdict == .valid && result.broken.isEmpty
      #expect(isGood, "SIMULATOR_SEED=\(seed) SIMULATOR_ONLY=\"\(setting.testDescription)\": \(result.summary)")
      acknowledged += result.delivery.acknowledged
      faults += result.faults
      torn += result.tornTails
      for index in result.history.events.indices {
        digest = CRC32C.checksum(Array("\(result.history.events[index].time) \(result.line(index))".utf8), seed: digest)
      }
      if Self.seeds.count == 1, !isGood { tell(result) }
    }
    // The subject was there.
    #expect(acknowledged > 100 * Self.seeds.count)
    #expect(faults > Self.seeds.count)
    print(
      "\(setting.testDescription): \(Self.seeds.count) seeds, \(acknowledged) acknowledged, \(faults) faults, \(torn) torn tails, digest \(digest)"
    )
  }

  private func tell(_ result: SimulationResult) {
    for finding in result.violations.prefix(3) { print(result.story(of: finding).joined(separator: "\n")) }
    print("closes: \(result.closes)")
  }

  @Test func theSameSeedIsTheSameRun() {
    let setting = Setting(nodes: 3, level: .high, isQuorum: true)
    let runs = [7, 7, 8].map { Simulation.run(setting.options($0)) }
    let stories = runs.map { run in run.history.events.indices.map { run.line($0) } }
    let times = runs.map { $0.history.events.map(\.time) }
    #expect(stories[0].count > 1000)
    // Not compared inside the expectation: it would print them.
    let (isSame, isOther) = (stories[0] == stories[1] && times[0] == times[1], times[0] != times[2])
    #expect(isSame)
    #expect(isOther)
  }

  @Test func withoutFaultsAllIsDeliveredOnce() {
    var options = Setting(nodes: 3, level: .medium, isQuorum: true).options(3)
    options.faults = []
    options.load = 3 * .second
    let result = Simulation.run(options)
    #expect(result.verdict == .valid && result.broken.isEmpty && result.closes.isEmpty)
    #expect(result.delivery.unknown == 0)
    #expect(result.delivery.attempted == result.delivery.delivered && result.delivery.attempted > 300)
  }

  /// Runs that once came out badly.
  static let oldTrouble: [(seed: UInt64, setting: Setting)] = [
    // Consumers were attached anew at a change of leader, and their cancel was never answered.
    (108, Setting(nodes: 5, level: .high, isQuorum: true)), (136, Setting(nodes: 5, level: .high, isQuorum: true)),
    // Half of a transaction was delivered before it was on disk, and the other half was lost.
    (9, Setting(nodes: 1, level: .high, isQuorum: false)), (34, Setting(nodes: 3, level: .high, isQuorum: false)),
  ]

  @Test(arguments: oldTrouble.indices) func oldTroubleDoesNotComeBack(_ index: Int) {
    let (seed, setting) = Self.oldTrouble[index]
    let result = Simulation.run(setting.options(seed))
    #expect(result.verdict == .valid && result.broken.isEmpty, "\(setting.testDescription): \(result.summary)")
  }

  /// What a planted defect must be found by.
  static let defects: [(defect: Defect, setting: Setting, expected: FindingName)] = [
    (.confirmBeforeFsyncAndQuorum, Setting(nodes: 3, level: .medium, isQuorum: true), FindingName.lost),
    (.confirmBeforeFsyncAndQuorum, Setting(nodes: 1, level: .medium, isQuorum: false), .lost),
    (.dropOnRequeue, Setting(nodes: 3, level: .medium, isQuorum: true), .lost),
    (.dropOnRequeue, Setting(nodes: 1, level: .medium, isQuorum: false), .lost),
    (.tornCommit, Setting(nodes: 3, level: .high, isQuorum: true), .tornTransaction),
    (.tornCommit, Setting(nodes: 1, level: .high, isQuorum: false), .tornTransaction),
  ]

  @Test(arguments: defects.indices) func aPlantedDefectIsFound(_ index: Int) {
    let (defect, setting, expected) = Self.defects[index]
    let limit: UInt64 = Self.environment["SIMULATOR_SEEDS"].flatMap(UInt64.init) ?? 40
    var found: [UInt64] = []
    for seed in 1...limit {
      let result = Simulation.run(setting.options(seed, defects: [defect]))
      if result.delivery.counts[expected, default: 0] > 0 { found.append(seed) }
      if !found.isEmpty, Self.environment["SIMULATOR_SEEDS"] == nil { break }
    }
    #expect(!found.isEmpty)
    let share =
      Self.environment["SIMULATOR_SEEDS"] == nil ? "first by seed \(found.first ?? 0)" : "in \(found.count) of \(limit)"
    print("\(defect.rawValue), \(setting.testDescription): \(expected.rawValue) \(share)")
  }
}
