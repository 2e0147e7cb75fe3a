// A run directory, complete or cut off, read into what is judged and shown: each level's history goes through the checkers.

import Base
import Checkers
import History
import Scenario

/// Reading of run directories. The only part of this module that reads files.
public enum RunReader {
  /// Findings of one name kept of a level; all are counted.
  static let findingLimit = 200_000

  /// Everything a report shows. A level that left no history is judged as such; `plan.json` must be there.
  /// - Parameter only: One level of the run, as if the others had not been planned; nil: all.
  /// - Throws: `HistoryError` for a file that is there and damaged, with its path and place, or for a level that is none
  ///   of the run's.
  public static func read(_ path: String, only: String? = nil) throws(HistoryError) -> RunView {
    let directory = RunDirectory(path: path)
    var plan = try readPlan(directory)
    if let only {
      let names = plan.levels.map(\.name).joined(separator: ", ")
      plan.levels.removeAll { $0.name != only }
      if plan.levels.isEmpty {
        throw HistoryError(file: directory.plan, "the run has no level \(only), expected one of \(names)")
      }
    }
    // A killed run has no manifest, or a part of one.
    let manifest = try? Manifest.read(directory.manifest)
    var judgements: [LevelJudgement?] = []
    var views: [LevelView] = []
    for level in plan.levels {
      guard let record = try readLevel(level, directory: directory, manifest: manifest) else {
        judgements.append(nil)
        continue
      }
      judgements.append(Judge.level(record, plan: plan))
      views.append(LevelView(record, plan: plan))
    }
    return RunView(
      verdict: Judge.run(plan: plan, levels: judgements), plan: plan, manifest: manifest, levels: views, directory: path
    )
  }

  /// One level with its history checked; nil where it left no history.
  public static func readLevel(
    _ level: LevelPlan, directory: RunDirectory, manifest: Manifest?
  ) throws(HistoryError) -> LevelRecord? {
    let files = directory.level(level.name)
    guard FileBytes.exists(files.history) else { return nil }
    let history = try HistoryReader.read(files.history)
    return LevelRecord(
      plan: level, history: history, result: DeliveryChecker.check(history, options: options(level)),
      events: try optional(files.events, RunEvents.read) ?? [],
      series: try optional(files.series, SeriesFile.read) ?? [],
      latency: try optional(files.latency, HistogramLog.read) ?? [],
      settings: manifest?.levels.first { $0.level == level.name })
  }

  /// What the checkers must know of a level: what acknowledged means, and which findings are wanted one by one.
  public static func options(_ level: LevelPlan) -> DeliveryOptions {
    var options = DeliveryOptions(hasConfirms: level.axes.publish != .fireAndForget)
    options.findingLimit = findingLimit
    for expectation in level.expect {
      if let name = FindingName(rawValue: expectation.name), case .atMost = expectation.rule {
        options.listed.insert(name)
      }
    }
    return options
  }

  private static func readPlan(_ directory: RunDirectory) throws(HistoryError) -> Plan {
    let bytes = try FileBytes.read(directory.plan)
    return try JSONFile.decode(Plan.self, from: bytes, file: directory.plan)
  }

  private static func optional<T>(
    _ path: String, _ read: (String) throws(HistoryError) -> T
  ) throws(HistoryError) -> T? {
    FileBytes.exists(path) ? try read(path) : nil
  }
}
