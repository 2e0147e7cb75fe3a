// Pictures of findings about transactions: a lane a process, an interval a transaction, with the sends and polls that matter.

import Base
import History

/// Draws findings of one history.
struct TransactionLanes {
  private let ledger: TransactionLedger
  private let start: Nanoseconds
  private var history: TransactionHistory { ledger.history }

  init(_ history: TransactionHistory) {
    ledger = TransactionLedger(history)
    start = history.transactions.first?.begin ?? 0
  }

  func lanes(_ finding: TransactionFinding) -> Lanes {
    let evidence = TransactionEvidence(finding, ledger)
    let matters = Set(evidence.items.map(\.access))
    var intervals: [Int32: [Lanes.Interval]] = [:]
    for t in Self.drawn(finding.transactions) {
      intervals[history.transactions[t].process, default: []].append(interval(t, matters))
    }
    let rows = intervals.sorted { $0.key < $1.key }.map { process, own in
      Lanes.Row(name: "process \(process)", intervals: own.sorted { $0.begin < $1.begin })
    }
    return Lanes(sentence: TransactionWords(ledger).sentence(finding, evidence), rows: rows)
  }

  /// Of a long cycle its begin and its end.
  static func drawn(_ transactions: [Int]) -> [Int] {
    guard transactions.count > Explainer.mostOperations else { return transactions }
    let tail = Explainer.mostOperations / 2
    return Array(transactions.prefix(Explainer.mostOperations - tail) + transactions.suffix(tail))
  }

  private func interval(_ t: Int, _ matters: Set<Int>) -> Lanes.Interval {
    let transaction = history.transactions[t]
    let isOpen = transaction.outcome == .info || transaction.outcome == .invoke
    let remark = isOpen ? " (unknown)" : transaction.outcome == .fail ? " (failed)" : ""
    return Lanes.Interval(
      begin: (transaction.begin - start).seconds, end: isOpen ? nil : (transaction.end - start).seconds,
      label: TransactionWords.name(t) + operations(transaction, matters) + remark, role: .transaction,
      ending: isOpen ? .open : transaction.outcome == .fail ? .failed : .ok)
  }

  /// `send x: 7 at 12; …; poll y: …, 9 at 14`: what does not matter is left out, and seen to be.
  private func operations(_ transaction: TransactionHistory.Transaction, _ matters: Set<Int>) -> String {
    var operations: [Operation] = []
    for at in transaction.accesses {
      let access = history.accesses[at]
      let last = operations.last
      // A poll is one step for all that it returned; sends to one key, a step each, are told as one.
      let isNew =
        last?.isSend != access.isSend || last?.key != access.key || !access.isSend && last?.step != access.step
      if isNew { operations.append(Operation(isSend: access.isSend, key: access.key, step: access.step)) }
      let message = matters.contains(at) ? TransactionWords.place(access.value, ledger.offset(at)) : nil
      operations[operations.count - 1].add(message)
    }
    var words: [String] = []
    for operation in operations {
      let text = operation.hasMessage ? operation.text(ledger.name(operation.key)) : "…"
      if text != "…" || words.last != "…" { words.append(text) }
    }
    return words.isEmpty ? "" : " " + words.joined(separator: "; ")
  }

  /// Sends to one key, or what one poll returned of it.
  private struct Operation {
    var isSend: Bool
    var key: UInt32
    var step: UInt32
    private(set) var hasMessage = false
    private var words: [String] = []

    init(isSend: Bool, key: UInt32, step: UInt32) { (self.isSend, self.key, self.step) = (isSend, key, step) }

    /// - Parameter message: Nil for one that does not matter.
    mutating func add(_ message: String?) {
      if message != nil { hasMessage = true }
      if message != nil || words.last != "…" { words.append(message ?? "…") }
    }

    func text(_ key: String) -> String { "\(isSend ? "send" : "poll") \(key): \(words.joined(separator: ", "))" }
  }
}
