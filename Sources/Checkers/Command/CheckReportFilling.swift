// From the results of registers, logs and transactions to what `stormproof check` prints.

import Base
import History

extension CheckReport {
  mutating func fill(_ result: RegisterResult, start: Nanoseconds) {
    verdict = result.verdict
    counts = [
      "keys": result.keys, "writes": result.writes, "reads": result.reads, "searched-keys": result.searchedKeys,
      "undecided-keys": result.undecidedKeys,
    ]
    summary = RegisterFindingName.allCases.map {
      Line(name: $0.rawValue, count: result.counts[$0, default: 0], isViolation: true, undecided: 0)
    }
    findings = result.findings.map { finding in
      Example(
        name: finding.name.rawValue, id: finding.value == .none ? nil : finding.value.description,
        key: model == .keyValue ? "\(finding.key)" : nil,
        window: [(finding.begin - start).seconds, (finding.end - start).seconds], events: finding.events,
        reason: finding.reason)
    }
    if result.undecidedKeys > 0, verdict == .undecided {
      note = "A search for an order of the operations ran out of time, steps or memory."
    }
  }

  mutating func fill(_ result: LogResult, _ log: LogHistory, start: Nanoseconds) {
    verdict = result.verdict
    counts = [
      "appended": result.appended, "reads": result.reads, "reads-past-end": result.pastEnd,
      "unknown-appends": result.unknownAppends, "unplaced": result.unplaced,
    ]
    summary = LogFindingName.allCases.map {
      Line(name: $0.rawValue, count: result.counts[$0, default: 0], isViolation: true, undecided: 0)
    }
    findings = result.findings.map { finding in
      Example(
        name: finding.name.rawValue, id: finding.value == .none ? nil : finding.value.description,
        offset: finding.offset < 0 ? nil : finding.offset,
        window: [(finding.begin - start).seconds, (finding.end - start).seconds],
        events: log.events(of: finding.operations), reason: finding.reason)
    }
    if result.unplaced > 0, verdict == .undecided {
      note = "Of appends that succeeded nobody was told the offset, and nobody read their values."
    }
  }

  /// Events are the operations of the file: invocations and completions.
  mutating func fill(_ result: TransactionResult, _ history: TransactionHistory) {
    verdict = result.verdict
    counts = [
      "transactions": result.transactions, "committed": result.committed, "unknown-transactions": result.unknown,
      "sent": result.sent, "polled": result.polled,
    ]
    let start = history.transactions.map(\.begin).min() ?? 0
    summary = TransactionFindingName.allCases.map {
      Line(
        name: $0.rawValue, count: result.counts[$0, default: 0], isViolation: !result.options.allowances.allows($0),
        undecided: 0)
    }
    findings = result.findings.map { finding in
      let shown = finding.transactions.map { history.transactions[$0] }
      return Example(
        name: finding.name.rawValue, id: finding.value == .none ? nil : finding.value.description,
        key: finding.key.map { history.keys[$0] }, offset: finding.offset < 0 ? nil : finding.offset,
        window: [(finding.begin - start).seconds, (finding.end - start).seconds],
        events: shown.flatMap { [$0.invocation, $0.completion] }.filter { $0 >= 0 }.map(Int.init).sorted(),
        reason: finding.reason)
    }
  }
}
