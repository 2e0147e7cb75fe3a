// What `stormproof check` says of an append-only log.

import Base
import History

extension CheckTable {
  static func fillLog(_ history: RecordedHistory, _ settings: CheckSettings, _ report: inout CheckReport) {
    var options = settings.log
    options.findingLimit = settings.options.findingLimit
    let (result, log) = LogChecker.check(history, options: options)
    report.fill(result, log, start: history.start)
  }
}

extension CheckReport {
  mutating func fill(_ result: LogResult, _ log: LogHistory, start: Nanoseconds) {
    verdict = result.verdict
    counts = [
      "appended": result.appended, "reads": result.reads, "reads-past-end": result.pastEnd,
      "unknown-appends": result.unknownAppends,
    ]
    summary = LogFindingName.allCases.map {
      Line(name: $0.rawValue, count: result.counts[$0, default: 0], isViolation: true, undecided: 0)
    }
    findings = result.findings.map { finding in
      Example(
        name: finding.name.rawValue, id: finding.value == .none ? nil : finding.value.description,
        window: [(finding.begin - start).seconds, (finding.end - start).seconds],
        events: log.events(of: finding.operations), reason: finding.reason)
    }
    if result.unplaced > 0, verdict == .undecided {
      note = "\(result.unplaced) appends succeeded, and nothing says at which offsets."
    }
  }
}
