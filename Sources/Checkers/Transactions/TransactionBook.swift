// Counts the findings about transactions, and keeps the first of each name.

import Base
import History

struct TransactionBook {
  let history: TransactionHistory
  let limit: Int
  private(set) var counts: [TransactionFindingName: Int] = [:]
  private(set) var findings: [TransactionFinding] = []

  init(_ history: TransactionHistory, limit: Int) { (self.history, self.limit) = (history, limit) }

  mutating func add(
    _ name: TransactionFindingName, key: UInt32? = nil, value: MessageID = .none, offset: Int64 = -1,
    _ transactions: [Int32], steps: [TransactionFinding.Step] = [], _ reason: @autoclosure () -> String
  ) {
    counts[name, default: 0] += 1
    guard counts[name, default: 0] <= limit else { return }
    var finding = TransactionFinding(name)
    (finding.key, finding.value, finding.offset) = (key.map(Int.init), value, offset)
    finding.reason = reason()
    let concerned = transactions.filter { $0 >= 0 }.map(Int.init)
    finding.transactions = steps.isEmpty ? Set(concerned).sorted() : concerned
    finding.steps = steps
    finding.begin = concerned.map { history.transactions[$0].begin }.min() ?? 0
    finding.end = concerned.map { max(history.transactions[$0].begin, history.transactions[$0].end) }.max() ?? 0
    findings.append(finding)
  }
}
