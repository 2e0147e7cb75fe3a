// `check`: judge again what a run recorded, whole or cut off, or a history of somebody else's.

import Arguments
import Checkers
import FoundationEssentials
import Glibc
import History
import Reports

enum CheckCommand {
  static func run(_ invocation: Invocation) throws(UsageError) -> Int32 {
    let options = CheckOptions(invocation)
    let path = RunCommands.absolute(options.path)
    var info = stat()
    guard stat(path, &info) == 0 else {
      Terminal.note("\(options.path): \(String(cString: strerror(errno))), expected a run directory or a history")
      return 2
    }
    do {
      return info.st_mode & S_IFMT == S_IFDIR ? try run(path, options) : try file(path, options)
    } catch {
      Terminal.note("\(error)")
      return 2
    }
  }

  private static func run(_ path: String, _ options: CheckOptions) throws(HistoryError) -> Int32 {
    let view = try RunReader.read(path)
    if options.json {
      Terminal.write(Report.json(view.verdict) + "\n")
    } else {
      Terminal.write(Report.terminalTable(view.verdict, colour: Terminal.hasColorOut))
    }
    return view.verdict.exitCode
  }

  private static func file(_ path: String, _ options: CheckOptions) throws(HistoryError) -> Int32 {
    let history = try JSONLines.parse(CompressedFile.read(path), file: options.path)
    switch options.model ?? "at-least-once" {
    case "bag": return queue(history, .bag, options)
    case "fifo", "queue": return queue(history, .fifo, options)
    default: return deliveries(history, options)
    }
  }

  private static func deliveries(_ history: RecordedHistory, _ options: CheckOptions) -> Int32 {
    let level = ReliabilityLevel(rawValue: options.level ?? "medium") ?? .medium
    let result = DeliveryChecker.check(history, options: DeliveryOptions(level: level))
    let verdict = Violations.verdict(of: result, judgedAs: level)
    var counts: [String: Int] = [
      "attempted": result.attempted, "acknowledged": result.acknowledged, "delivered": result.delivered,
    ]
    for (name, count) in result.counts { counts[name.rawValue] = count }
    let findings = result.findings.map { "\($0.name.rawValue) \($0.message): \($0.reason)" }
    return show(verdict, counts, findings, options)
  }

  private static func queue(_ history: RecordedHistory, _ model: QueueModel, _ options: CheckOptions) -> Int32 {
    let result = QueueChecker.check(history, model: model)
    var counts: [String: Int] = [:]
    for (name, count) in result.counts { counts[name.rawValue] = count }
    let findings = result.findings.map { "\($0.name.rawValue) \($0.message): \($0.reason)" }
    return show(result.verdict, counts, findings, options)
  }

  private struct Result: Encodable {
    var verdict: HistoryVerdict
    var counts: [String: Int]
    var findings: [String]
  }

  private static func show(
    _ verdict: HistoryVerdict, _ counts: [String: Int], _ findings: [String], _ options: CheckOptions
  ) -> Int32 {
    if options.json {
      let result = Result(verdict: verdict, counts: counts, findings: findings)
      Terminal.write(String(decoding: JSONFile.encode(result), as: UTF8.self) + "\n")
    } else {
      var lines = ["\(options.path): \(verdict.rawValue)"]
      for (name, count) in counts.sorted(by: { $0.key < $1.key }) where count > 0 { lines.append("  \(name) \(count)") }
      for finding in findings.prefix(20) { lines.append("  \(finding)") }
      if findings.count > 20 { lines.append("  … and \(findings.count - 20) more (--json prints all)") }
      Terminal.write(lines.joined(separator: "\n") + "\n")
    }
    return verdict.exitCode
  }
}
