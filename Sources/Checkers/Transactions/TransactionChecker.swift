// Transactions on keyed logs, such as Kafka's: what was lost, seen too early or torn, and which cycles there are.

import Base
import History

/// After Jepsen's Kafka workload and Elle. Offsets give the order of each key's writes for free, so that every dependency
/// is known and cycles are found in the graph, without a search for an order.
public enum TransactionChecker {
  /// Near-linear in the messages, but for the search for the shortest cycle in components that have one.
  public static func check(
    _ history: TransactionHistory, options: TransactionOptions = TransactionOptions()
  ) -> TransactionResult {
    let ledger = TransactionLedger(history)
    var book = TransactionBook(history, limit: options.findingLimit)
    var result = TransactionResult()
    MessageAudit(ledger, options.allowances).run(&book)
    var order = OrderAudit(ledger)
    order.run(&book)
    Dependencies(ledger, options).run(&book, &result)

    result.options = options
    let real = history.transactions.indices.filter { history.transactions[$0].kind == .transaction }
    result.transactions = real.count
    result.committed = real.count { ledger.isCommitted[$0] }
    result.unknown = real.count { !ledger.isCommitted[$0] && history.transactions[$0].outcome != .fail }
    let sent = ledger.values.filter { $0.writer >= 0 && ledger.isCommitted[Int($0.writer)] }
    result.sent = sent.count
    result.polled = sent.count { $0.reader >= 0 }
    for name in TransactionFindingName.allCases {
      result.counts[name] = book.counts[name, default: 0]
      result.findings += book.findings.filter { $0.name == name }
    }
    let isViolated = book.counts.contains { $0.value > 0 && !options.allowances.allows($0.key) }
    // A history in which nothing was committed proves nothing.
    result.verdict = isViolated ? .violated : result.committed == 0 || !history.isComplete ? .undecided : .valid
    return result
  }
}
