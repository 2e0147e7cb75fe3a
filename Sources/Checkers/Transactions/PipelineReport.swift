// What `stormproof check` says of sagas and of transformers: models whose histories are of a kind of their own.

import Base
import History

extension CheckCommandCore {
  /// Checks and judges sagas.
  public static func run(_ history: SagaHistory) -> CheckReport {
    var report = CheckReport(model: .saga, events: history.events)
    report.fill(SagaChecker.check(history), history)
    return report
  }

  /// Checks and judges a transformer's work.
  public static func run(_ history: TransformHistory) -> CheckReport {
    var report = CheckReport(model: .transform, events: history.events)
    report.fill(TransformChecker.check(history), history)
    return report
  }
}

extension CheckReport {
  private static let notDrained = "Nothing says that everything was drained in the end: more could have come."

  mutating func fill(_ result: SagaResult, _ history: SagaHistory) {
    verdict = result.verdict
    counts = [
      "services": history.services.count, "orders": history.orders.count, "steps": history.steps.count,
      "unknown": history.orders.count { $0.told.outcome != .ok && $0.told.outcome != .fail },
      "completed": result.completed, "compensated": result.compensated, "partial": result.partial,
    ]
    summary = SagaFindingName.allCases.map {
      Line(
        name: $0.rawValue, count: result.counts[$0, default: 0], isViolation: true,
        undecided: result.undecided[$0, default: 0])
    }
    findings = result.findings.map { finding in
      let order = finding.index.map { history.orders[$0].told.marks } ?? []
      let marks = order + finding.steps.compactMap { history.steps[$0].mark }
      return example(finding.name.rawValue, finding.order, marks, finding.reason, start: history.start)
    }
    if verdict == .undecided { note = history.isDrained ? "There were no orders." : Self.notDrained }
  }

  mutating func fill(_ result: TransformResult, _ history: TransformHistory) {
    verdict = result.verdict
    counts = [
      "inputs": history.inputs.count, "outputs": history.effects.count, "transactions": history.transactions.count,
      "unknown": history.transactions.count { $0.told.outcome != .ok && $0.told.outcome != .fail },
      "processed": result.processed, "pending": result.pending,
    ]
    summary = TransformFindingName.allCases.map {
      Line(
        name: $0.rawValue, count: result.counts[$0, default: 0], isViolation: true,
        undecided: result.undecided[$0, default: 0])
    }
    findings = result.findings.map { finding in
      var marks = finding.effects.compactMap { history.effects[$0].mark }
      if let input = finding.index.map({ history.inputs[$0] }) {
        marks += [input.mark].compactMap { $0 }
        let partition = Int(input.partition)
        // What was committed is what these are about.
        if [.lost, .uncommittedOffset, .unprocessed].contains(finding.name), partition < history.partitions.count {
          marks += [history.partitions[partition].mark].compactMap { $0 }
        }
      }
      if let transaction = finding.transaction { marks += history.transactions[transaction].told.marks }
      return example(finding.name.rawValue, finding.input, marks, finding.reason, start: history.start)
    }
    if verdict == .undecided { note = history.isDrained ? "There were no inputs." : Self.notDrained }
  }

  private func example(
    _ name: String, _ id: MessageID, _ marks: [LineMark], _ reason: String, start: Nanoseconds
  ) -> Example {
    let marks = marks.sorted { $0.line < $1.line }
    let window = [marks.first, marks.last].map { (($0?.time ?? start) - start).seconds }
    return Example(name: name, id: id.description, window: window, events: marks.map(\.line), reason: reason)
  }
}
