// What holds of every report, whatever the history is.

import Base
import Foundation
import History

@testable import Checkers

enum DamagedReports {
  private static let budget = SearchBudget(steps: 2000, bytes: 1 << 20)

  /// Checks the history against a model or two.
  static func complaints(
    about history: RecordedHistory, _ random: inout SeededGenerator
  ) throws(ModelMismatch) -> [String] {
    var history = history
    history.isComplete = history.isComplete && random.below(8) > 0
    let model = random.below(4) > 0 ? nil : random.pick(CheckModel.allCases)
    let level = random.pick(ReliabilityLevel.allCases)
    let options = options(level, history, &random)
    var log = LogOptions()
    (log.isDense, log.firstOffset) = (random.chance(0.7), random.pick([0, 0, 1, Int64.max]))
    var report: CheckReport
    do {
      report = try CheckCommandCore.run(
        history, model: model, level: level, options: options, log: log, budget: budget)
    } catch {
      // A line of another kind: the watch, which looks at what it knows, sees it all the same.
      let found = watch(history, &random)
      if found.isEmpty { throw error }
      return found
    }
    if random.below(4) == 0 { report.explain(history) }
    var found = complaints(about: report, events: history.events.count, &random)
    if report.model == .atLeastOnce, random.chance(0.5) { found += watch(history, &random) }
    return found
  }

  private static func options(
    _ level: ReliabilityLevel, _ history: RecordedHistory, _ random: inout SeededGenerator
  ) -> DeliveryOptions? {
    if random.chance(0.3) { return nil }
    var options = DeliveryOptions(level: level)
    options.findingLimit = random.pick([1000, 1000, 1, 0])
    options.suspicion = random.pick([0, .second, 10 * .second])
    if random.chance(0.3) { options.listed = Set(FindingName.allCases) }
    guard random.chance(0.4) else { return options }
    // A queue that is none is refused; one that leads to itself is not.
    let words = history.names.entries.indices.map { history.names.text(UInt16(truncatingIfNeeded: $0)) }
    let queues = words.filter { $0.hasPrefix("q") }
    guard !queues.isEmpty else { return options }
    for _ in 0...random.below(2) { options.deadLetters[random.pick(queues)] = random.pick(queues) }
    return options
  }

  private static func watch(_ history: RecordedHistory, _ random: inout SeededGenerator) -> [String] {
    var watch = DeliveryWatch(
      suspicion: random.pick([0, .second]), memory: random.pick([1 << 18, 1 + random.below(20)]))
    watch.names = history.names
    for event in history.events { watch.take(event) }
    let areInside = watch.accusations.allSatisfy { $0.events.allSatisfy(history.events.indices.contains) }
    var found = areInside ? [] : ["the watch names events that are not there"]
    if watch.accusations.count != min(watch.accusationCount, DeliveryWatch.limit) {
      found.append("accusations miscounted")
    }
    return found
  }

  static func complaints(
    about history: TransactionHistory, _ bytes: [UInt8], _ random: inout SeededGenerator
  ) -> [String] {
    var history = history
    history.isComplete = random.below(8) > 0
    var options = TransactionOptions()
    if random.chance(0.5) {
      options.allowances =
        KafkaAllowances(allowing: KafkaAllowances.words.filter { _ in random.chance(0.5) }) ?? options.allowances
    }
    options.usesProcessOrder = random.chance(0.7)
    options.usesRealTime = random.chance(0.7)
    options.pollsReachEnd = random.chance(0.5)
    options.findingLimit = random.pick([1000, 1, 0])
    options.searchLimit = random.pick([20_000_000, 20])
    let report = CheckCommandCore.run(history, options: options)
    return complaints(about: report, events: bytes.count { $0 == 0x0a } + 1, &random)
  }

  /// Read block by block where that can be, and whole: the reports are the same.
  static func complaints(aboutFile bytes: [UInt8], _ random: inout SeededGenerator) throws -> [String] {
    let file = try HistoryFile(bytes: bytes, file: "x")
    let model: CheckModel? = random.pick([nil, .fifo, .bag])
    let mapped: Result<CheckReport?, any Error> = Result {
      try CheckCommandCore.run(file, model: model, budget: budget)
    }
    let history: RecordedHistory
    do { history = try file.recorded() } catch {
      if case .success(.some) = mapped { return ["a report of a file that cannot be read"] }
      throw error
    }
    guard case .success(.some(let report)) = mapped else {
      if case .failure(let error as HistoryError) = mapped { return ["\(error), though it can be read"] }
      return try complaints(about: history, &random)
    }
    var found = complaints(about: report, events: file.count, &random)
    let whole = try CheckCommandCore.run(history, model: model ?? .fifo, budget: budget)
    if whole != report { found.append("another report than of the whole: \(whole.text()) \(report.text())") }
    return found
  }

  /// - Parameter events: Those, or the lines, of the history.
  static func complaints(
    about report: CheckReport, events: Int, _ random: inout SeededGenerator
  ) -> [String] {
    var found: [String] = []
    let violations = report.summary.filter { $0.isViolation && $0.count > 0 }
    if (report.verdict == .violated) != !violations.isEmpty { found.append("\(report.verdict) with \(violations)") }
    if report.counts.values.contains(where: { $0 < 0 }) { found.append("a negative count: \(report.counts)") }
    if report.summary.contains(where: { $0.count < 0 || $0.undecided < 0 }) { found.append("\(report.summary)") }
    var listed: [String: Int] = [:]
    for finding in report.findings {
      listed[finding.name, default: 0] += 1
      if !finding.events.allSatisfy({ 0..<events ~= $0 }) { found.append("events that are none: \(finding)") }
      if finding.window.count != 2 || !finding.window.allSatisfy(\.isFinite) { found.append("\(finding.window)") }
      if finding.reason.isEmpty { found.append("\(finding.name) without a reason") }
    }
    for line in report.summary where listed[line.name, default: 0] > line.count {
      found.append("\(listed[line.name, default: 0]) of \(line)")
    }
    if !Set(listed.keys).isSubset(of: report.summary.map(\.name)) { found.append("findings that are not counted") }
    if random.chance(0.25), !report.text(width: 20 + random.below(100)).hasPrefix(report.verdict.rawValue) {
      found.append(report.text())
    }
    // Slow, and hardly dependent on the history.
    if random.chance(0.02), (try? JSONSerialization.jsonObject(with: Data(report.json))) == nil {
      found.append("JSON that is none: \(String(decoding: report.json, as: UTF8.self))")
    }
    return found
  }
}
