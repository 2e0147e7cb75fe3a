// Whole clusters in trouble: the sound broker keeps its promises, planted defects are found.

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
  /// `SIMULATOR_SEEDS=100` runs more; `SIMULATOR_SEED=17` runs one again.
  static let seeds: [UInt64] = {
    if let one = environment["SIMULATOR_SEED"].flatMap(UInt64.init) { return [one] }
    return Array(1...(environment["SIMULATOR_SEEDS"].flatMap(UInt64.init) ?? 2))
  }()

  @Test(arguments: Setting.all) func aSoundBrokerKeepsItsPromises(_ setting: Setting) {
    if let only = Self.environment["SIMULATOR_ONLY"], !setting.testDescription.contains(only) { return }
    var (acknowledged, faults, good) = (0, 0, 0)
    for seed in Self.seeds {
      let result = Simulation.run(setting.options(seed))
      acknowledged += result.delivery.acknowledged
      faults += result.faults
      if result.verdict == .valid, result.broken.isEmpty {
        good += 1
      } else {
        print("\(setting.testDescription) SIMULATOR_SEED=\(seed): \(result.summary)")
        if Self.seeds.count == 1 {
          for finding in result.violations.prefix(3) { print(result.story(of: finding).joined(separator: "\n")) }
          print("  \(result.closes)")
        }
      }
    }
    print(
      "\(setting.testDescription): \(good) of \(Self.seeds.count) good, \(acknowledged) acknowledged, \(faults) faults")
    #expect(good == Self.seeds.count)
  }
}
