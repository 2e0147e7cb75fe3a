// `check FILE --explain`: pictures for the findings of a report, whatever the model.

import Base
import History

extension CheckReport {
  /// Gives the first findings of each name that breaks the promise their pictures.
  /// - Parameter history: The one that the report is about.
  public mutating func explain(_ history: RecordedHistory) {
    let chosen = worthPictures
    let cases = chosen.map { k in
      let finding = findings[k]
      return LaneCase(
        name: finding.name, reason: finding.reason, events: finding.events, id: finding.id, queue: finding.queue,
        transaction: finding.transaction ?? 0, acknowledgedBy: finding.acknowledgedBy)
    }
    let pictures = Explainer.explain(cases, in: history, origin: history.events.first?.time ?? 0)
    for (k, lanes) in zip(chosen, pictures) { findings[k].lanes = lanes }
  }

  /// The same for transactions.
  /// - Parameter result: What the report was filled with.
  mutating func explain(_ result: TransactionResult, _ history: TransactionHistory) {
    let chosen = worthPictures
    guard !chosen.isEmpty else { return }
    let pictures = TransactionLanes(history)
    for k in chosen { findings[k].lanes = pictures.lanes(result.findings[k]) }
  }

  /// Positions of the first findings of each name that breaks the promise.
  private var worthPictures: [Int] {
    let broken = Set(summary.filter { $0.isViolation && $0.count > 0 }.map(\.name))
    let positions = findings.indices.filter { broken.contains(findings[$0].name) }
    return Explainer.first(of: positions.map { findings[$0].name }).map { positions[$0] }
  }
}
