// A history of transactions that can be changed and put together again.

import Base
import History

struct EditableTransactions {
  typealias Access = TransactionHistory.Access

  struct Item {
    var transaction: TransactionHistory.Transaction
    var accesses: [Access] = []
    var keys: [UInt32] = []

    var isOK: Bool { transaction.outcome == .ok && transaction.kind == .transaction }
    var sends: [Access] { accesses.filter(\.isSend) }
    var polls: [Access] { accesses.filter { !$0.isSend } }
  }

  var items: [Item] = []
  var keys: [String]

  init(keys: Int) { self.keys = (0..<keys).map { "k\($0)" } }

  /// Begins one and says where it is.
  mutating func begin(
    _ process: Int32, at time: Nanoseconds, _ kind: TransactionHistory.Kind = .transaction
  ) -> Int {
    items.append(Item(transaction: TransactionHistory.Transaction(kind, process: process, begin: time)))
    items[items.count - 1].transaction.invocation = Int32(items.count - 1)
    return items.count - 1
  }

  mutating func end(_ item: Int, _ outcome: Outcome, at time: Nanoseconds) {
    items[item].transaction.outcome = outcome
    items[item].transaction.end = time
    items[item].transaction.completion = Int32(item)
  }

  /// A whole one by a process of its own, behind all others.
  mutating func append(_ accesses: [Access], process: Int32? = nil) {
    let time = items.map { max($0.transaction.begin, $0.transaction.end) }.max() ?? 0
    let new = begin(process ?? (items.map(\.transaction.process).max() ?? 0) + 1, at: time + 1)
    items[new].accesses = accesses
    items[new].transaction.hasPoll = accesses.contains { !$0.isSend }
    end(new, .ok, at: time + 2)
  }

  /// The greatest offset of a key.
  func last(_ key: UInt32) -> Int64 { items.flatMap(\.accesses).filter { $0.key == key }.map(\.offset).max() ?? -1 }

  func history() -> TransactionHistory {
    var history = TransactionHistory()
    history.keys = keys
    for item in items {
      var transaction = item.transaction
      transaction.accesses = history.accesses.count..<history.accesses.count + item.accesses.count
      transaction.keyList = history.keyLists.count..<history.keyLists.count + item.keys.count
      history.accesses += item.accesses
      history.keyLists += item.keys
      history.transactions.append(transaction)
    }
    return history
  }
}
