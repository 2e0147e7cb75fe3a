// What `stormproof check --model kafka` says of transactions on keyed logs.

import Base
import History

extension CheckCommandCore {
  /// Checks and judges transactions on keyed logs.
  /// - Parameter explains: Whether the first findings of each name that breaks the promise get their pictures.
  public static func run(
    _ history: TransactionHistory, options: TransactionOptions = TransactionOptions(), explains: Bool = false
  ) -> CheckReport {
    var report = CheckReport(model: .kafka, events: history.transactions.count { $0.invocation >= 0 })
    report.events += history.transactions.count { $0.completion >= 0 }
    let result = TransactionChecker.check(history, options: options)
    report.fill(result, history)
    if explains { report.explain(result, history) }
    return report
  }
}

extension CheckReport {
  mutating func fill(_ result: TransactionResult, _ history: TransactionHistory) {
    verdict = result.verdict
    transactions = result.options
    counts = [
      "transactions": result.transactions, "committed": result.committed, "unknown": result.unknown,
      "sent": result.sent, "polled": result.polled,
    ]
    summary = TransactionFindingName.allCases.map {
      Line(
        name: $0.rawValue, count: result.counts[$0, default: 0], isViolation: !result.options.allowances.allows($0),
        undecided: 0)
    }
    let start = history.transactions.first?.begin ?? 0
    findings = result.findings.map { finding in
      let concerned = finding.transactions.map { history.transactions[$0] }
      return Example(
        name: finding.name.rawValue, id: finding.value == .none ? nil : finding.value.description,
        queue: finding.key.map { history.keys[$0] },
        window: [(finding.begin - start).seconds, (finding.end - start).seconds],
        events: concerned.flatMap { [Int($0.invocation), Int($0.completion)] }.filter { $0 >= 0 }.sorted(),
        reason: finding.reason)
    }
    if verdict == .undecided {
      note = result.committed == 0 ? "Nothing was committed." : "The history was cut short."
    } else if result.longCycles > 0 {
      note = "The search for the shortest cycle was given up \(result.longCycles) times: there may be shorter ones."
    }
  }
}
