// Delivery accounting: what became of every message, by the table of findings of an at-least-once broker.

import Base
import History

/// One pass over the events, then one look at every message; time linear in the events, memory some hundred bytes a
/// message, which is less than its events take.
///
/// What each finding means stands with `FindingName`. Of two deliveries of one attempt in one queue the argument is about
/// when the first can have been taken back (`Releases`); the other findings follow from what was acknowledged and what
/// came.
public enum DeliveryChecker {
  /// - Parameters:
  ///   - history: Events with strictly increasing times. A history cut short is judged as far as it goes: what was not
  ///     drained is undecided, not lost.
  /// - Returns: Findings without judgement; `Violations` says which of them a level forbids.
  public static func check(_ history: RecordedHistory, options: DeliveryOptions) -> DeliveryResult {
    var ledger = DeliveryLedger(history, options: options)
    ledger.readAll()
    var audit = DeliveryAudit(ledger)
    audit.judgeMessages()
    audit.judgeTransactions()
    audit.judgeConfirms()
    audit.report()
    audit.result.isComplete = history.isComplete
    return audit.result
  }
}
