// What the main job must conclude: of a sound broker, of a broken one, of a second one.

import Foundation
import Reports
import Testing

@Suite(.serialized, .enabled(if: Built.available, "run by make integration"))
struct ConclusionTests {
  /// The levels mean what they say, whatever the seed.
  @Test(arguments: Built.rounds(10))
  func quickstartShowsWhatTheLevelsMean(seed: UInt64) throws {
    let run = try scratch() + "/run"
    let before = Traces.now(of: run)
    let ended = try stormproof("run", Built.scenario("quickstart"), "--seed", "\(seed)", "--out", run)
    #expect(ended.status == 0, "\(ended.output)\n\(ended.errors)")
    let verdict = try verdict(run)
    #expect(verdict.verdict == .holds)
    let low = try verdict.level("low")
    #expect(low.count("lost") > 0 && low.count("lost") < low.count("attempted"))
    #expect(try verdict.level("medium").count("lost") == 0)
    let high = try verdict.level("high")
    for finding in ["lost", "duplicated", "duplicated-by-retry", "torn-transaction"] {
      #expect(high.count(finding) == 0)
    }
    #expect(high.count("acknowledged") > 1000)
    // Each fault was one, at each level; only a transient queue has no disk to feel the stall of.
    #expect(verdict.faults.count == 9)
    for fault in verdict.faults {
      #expect(fault.inForce, "\(fault)")
      #expect(fault.felt || (fault.kind == "disk-stall" && fault.level == "low"), "\(fault)")
    }
    for file in ["report.html", "junit.xml", "summary.md", "plan.json", "manifest.json", "levels/high/history.bin"] {
      #expect(FileManager.default.fileExists(atPath: "\(run)/\(file)"))
    }
    #expect(Traces.settled(to: before, of: run) == before)
    figures("quickstart, seed \(seed)", verdict)
  }

  /// For those who read what a release was tested with.
  private func figures(_ name: String, _ verdict: RunVerdict) {
    let levels = verdict.levels.map { level in
      "\(level.level) "
        + ["attempted", "acknowledged", "lost", "duplicated", "duplicated-by-retry", "torn-transaction"]
        .map { "\($0) \(level.count($0))" }.joined(separator: ", ")
    }
    print("\(name): \(verdict.verdict); " + levels.joined(separator: "; "))
  }

  struct Plant: CustomStringConvertible, Sendable {
    var defect: String
    var level: String
    var finding: String
    var description: String { defect }
  }

  static let plants = [
    Plant(defect: "confirm-before-fsync-and-quorum", level: "medium", finding: "lost"),
    Plant(defect: "drop-on-requeue", level: "medium", finding: "lost"),
    Plant(defect: "torn-commit", level: "high", finding: "torn-transaction"),
  ]

  /// A broken broker is always caught, and by the right name.
  @Test(arguments: plants, Built.rounds(3))
  func plantedFaultIsNamed(plant: Plant, seed: UInt64) throws {
    let run = try scratch() + "/run"
    let ended = try stormproof(
      "run", Built.scenario("quickstart"), "--seed", "\(seed)", "--levels", plant.level, "--defect", plant.defect,
      "--out", run)
    #expect(ended.status == 1, "\(ended.output)\n\(ended.errors)")
    let verdict = try verdict(run)
    let finding = try #require(verdict.findings.first { $0.name == plant.finding && $0.level == plant.level })
    #expect(finding.count > 0 && !finding.ids.isEmpty)
    if plant.finding == "lost" { #expect(finding.acknowledgedBy.values.reduce(0, +) > 0) }
    #expect(ended.output.contains(plant.finding.split(separator: "-")[0]))
    figures("\(plant.defect), seed \(seed)", verdict)
  }

  @Test func rabbitMQKeepsWhatItConfirmed() throws {
    let run = try scratch() + "/run"
    let ended = try stormproof("run", Built.scenario("rabbitmq"), "--out", run)
    #expect(ended.status == 0, "\(ended.output)\n\(ended.errors)")
    let medium = try verdict(run).level("medium")
    #expect(medium.count("lost") == 0)
    #expect(medium.count("acknowledged") > 1000)
    #expect(try verdict(run).faults.allSatisfy { $0.inForce && $0.felt })
    figures("rabbitmq", try verdict(run))
  }
}
