// Who sent and who polled each value of a history of transactions, which of them committed, and in which order the values
// of a key stand.

import Base
import History

struct TransactionLedger {
  typealias Access = TransactionHistory.Access

  struct Value {
    var key: UInt32
    var message: MessageID
    /// The transaction that sent it: one that did not fail, where there is any. −1: nobody, or several.
    var writer: Int32 = -1
    var hasSeveralWriters = false
    /// The first other transaction that polled it.
    var reader: Int32 = -1
    /// The least and the greatest offset at which it is known to stand.
    var least = Int64.max
    var greatest: Int64 = -1
    /// The transactions that first showed it there.
    var leastShown: Int32 = -1
    var greatestShown: Int32 = -1

    var hasOffset: Bool { greatest >= 0 }

    mutating func note(_ offset: Int64, _ transaction: Int32) {
      if offset < least { (least, leastShown) = (offset, transaction) }
      if offset > greatest { (greatest, greatestShown) = (offset, transaction) }
    }
  }

  /// One place of a key's log.
  struct Entry {
    var offset: Int64
    var value: Int32
    /// The transaction that first showed it.
    var shown: Int32
  }

  let history: TransactionHistory
  private(set) var values: [Value] = []
  /// By access its value.
  private(set) var valueOf: [Int32] = []
  /// By transaction whether it is committed.
  private(set) var isCommitted: [Bool] = []
  /// By key the places whose values are committed, by offset.
  private(set) var logs: [[Entry]] = []
  /// By key the highest offset that was polled, and by whom.
  private(set) var highest: [(offset: Int64, transaction: Int32)] = []
  /// Accesses that contradict an entry.
  private(set) var conflicts: [(access: Int, transaction: Int, entry: Entry)] = []

  init(_ history: TransactionHistory) {
    self.history = history
    valueOf = [Int32](repeating: -1, count: history.accesses.count)
    registerSends()
    registerPolls()
    commit()
    place()
  }

  /// The accesses of a transaction, with their indices.
  func accesses(_ transaction: Int) -> Range<Int> { history.transactions[transaction].accesses }

  func name(_ key: UInt32) -> String { history.keys[Int(key)] }

  private var table = PairTable()

  private mutating func value(_ access: Access) -> Int32 {
    let known = table.find(access.value.rawValue, access.key)
    if known >= 0 { return known }
    let new = Int32(truncatingIfNeeded: values.count)
    table.set(access.value.rawValue, access.key, to: new)
    values.append(Value(key: access.key, message: access.value))
    return new
  }

  private mutating func registerSends() {
    for (t, transaction) in history.transactions.enumerated() {
      for at in transaction.accesses where history.accesses[at].isSend {
        let k = value(history.accesses[at])
        valueOf[at] = k
        let writer = values[Int(k)].writer
        if writer < 0 {
          if !values[Int(k)].hasSeveralWriters { values[Int(k)].writer = Int32(t) }
        } else if history.transactions[Int(writer)].outcome == .fail {
          // It failed, and was sent again.
          values[Int(k)].writer = Int32(t)
        } else if transaction.outcome != .fail, writer != Int32(t) {
          values[Int(k)].writer = -1
          values[Int(k)].hasSeveralWriters = true
        }
      }
    }
  }

  private mutating func registerPolls() {
    for (t, transaction) in history.transactions.enumerated() {
      for at in transaction.accesses where !history.accesses[at].isSend {
        let k = value(history.accesses[at])
        valueOf[at] = k
        if values[Int(k)].writer != Int32(t), values[Int(k)].reader < 0 { values[Int(k)].reader = Int32(t) }
      }
    }
  }

  private mutating func commit() {
    isCommitted = history.transactions.map { $0.kind == .transaction && $0.outcome == .ok }
    for value in values where value.reader >= 0 && value.writer >= 0 {
      if history.transactions[Int(value.writer)].outcome != .fail { isCommitted[Int(value.writer)] = true }
    }
  }

  /// Whether the value belongs into the log: it was sent, and not by one that failed or of which nothing came.
  private func isReal(_ value: Value) -> Bool {
    value.hasSeveralWriters || value.writer >= 0 && isCommitted[Int(value.writer)]
  }

  private mutating func place() {
    logs = Array(repeating: [], count: history.keys.count)
    highest = Array(repeating: (-1, -1), count: history.keys.count)
    var places = PairTable()
    var entries: [Entry] = []
    for (t, transaction) in history.transactions.enumerated() {
      for at in transaction.accesses {
        let access = history.accesses[at]
        let k = valueOf[at]
        guard access.offset >= 0, isReal(values[Int(k)]) else { continue }
        // Of a transaction that failed, where its messages stood means nothing.
        if access.isSend, !isCommitted[t] { continue }
        let known = places.find(UInt64(access.offset), access.key)
        if known < 0 {
          places.set(UInt64(access.offset), access.key, to: Int32(truncatingIfNeeded: entries.count))
          entries.append(Entry(offset: access.offset, value: k, shown: Int32(t)))
        } else if entries[Int(known)].value != k {
          conflicts.append((at, t, entries[Int(known)]))
        }
        values[Int(k)].note(access.offset, Int32(t))
      }
    }
    for entry in entries { logs[Int(values[Int(entry.value)].key)].append(entry) }
    for key in logs.indices { logs[key].sort { $0.offset < $1.offset } }
    for (t, transaction) in history.transactions.enumerated() {
      for at in transaction.accesses where !history.accesses[at].isSend {
        let access = history.accesses[at]
        let offset = access.offset >= 0 ? access.offset : values[Int(valueOf[at])].least
        guard offset < .max, isReal(values[Int(valueOf[at])]) else { continue }
        if offset > highest[Int(access.key)].offset { highest[Int(access.key)] = (offset, Int32(t)) }
      }
    }
  }

  /// The offset at which this access stands; −1 where nobody knows.
  func offset(_ at: Int) -> Int64 {
    let access = history.accesses[at]
    if access.offset >= 0 { return access.offset }
    let value = values[Int(valueOf[at])]
    return value.hasOffset ? value.least : -1
  }

  /// The first place of the key's log at this offset or behind it.
  func position(_ key: UInt32, _ offset: Int64) -> Int {
    let log = logs[Int(key)]
    var (low, high) = (0, log.count)
    while low < high {
      let middle = (low + high) / 2
      if log[middle].offset < offset { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The entry that stands between two offsets of a key, the first of them, and how many there are.
  func between(_ key: UInt32, _ a: Int64, _ b: Int64) -> (first: Entry, count: Int)? {
    guard a < b - 1 else { return nil }
    let (from, to) = (position(key, a + 1), position(key, b))
    return from < to ? (logs[Int(key)][from], to - from) : nil
  }
}
