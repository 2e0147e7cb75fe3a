// Polls and sends of each process against the order of the logs: within a transaction, and from one to the next.

import Base
import History

struct OrderAudit {
  let ledger: TransactionLedger

  /// Where a process last was in a key.
  private struct Position {
    /// The process's; an older one counts for nothing.
    var epoch: Int32
    var offset: Int64
    var transaction: Int32
  }

  private var polls: [Position] = []
  private var pollTable = PairTable()
  private var sends: [Position] = []
  private var sendTable = PairTable()
  /// By process; it ends whenever the process may go on polling from elsewhere.
  private var epochs: [Int32] = []
  private var epochTable = PairTable()

  init(_ ledger: TransactionLedger) { self.ledger = ledger }

  mutating func run(_ book: inout TransactionBook) {
    for t in ledger.history.transactions.indices {
      let transaction = ledger.history.transactions[t]
      let keys = ledger.history.keyLists[transaction.keyList]
      if transaction.kind == .assignment {
        // One that failed changed nothing.
        if transaction.outcome != .fail { keep(keys, transaction.process) }
        continue
      }
      for key in keys { forget(key, transaction.process) }
      for at in transaction.accesses {
        let access = ledger.history.accesses[at]
        let offset = ledger.offset(at)
        if offset < 0 { continue }
        if access.isSend {
          if ledger.isCommitted[t] { sent(t, access, offset, &book) }
        } else if !keys.contains(access.key) {
          polled(t, access, offset, &book)
        }
      }
      // The next poll goes on from what is committed, wherever that is.
      if transaction.hasPoll, transaction.outcome != .ok { keep([], transaction.process) }
    }
  }

  private mutating func epoch(_ process: Int32) -> Int {
    let known = epochTable.find(UInt64(UInt32(bitPattern: process)))
    if known >= 0 { return Int(known) }
    epochTable.set(UInt64(UInt32(bitPattern: process)), to: Int32(truncatingIfNeeded: epochs.count))
    epochs.append(0)
    return epochs.count - 1
  }

  private func place(_ key: UInt32, _ process: Int32, _ table: PairTable) -> Int? {
    let known = table.find(UInt64(UInt32(bitPattern: process)), key)
    return known < 0 ? nil : Int(known)
  }

  /// Positions in other keys than these count for nothing any more.
  private mutating func keep(_ keys: ArraySlice<UInt32>, _ process: Int32) {
    let e = epoch(process)
    epochs[e] += 1
    for key in keys {
      if let at = place(key, process, pollTable), polls[at].epoch == epochs[e] - 1 { polls[at].epoch = epochs[e] }
    }
  }

  private mutating func forget(_ key: UInt32, _ process: Int32) {
    if let at = place(key, process, pollTable) { polls[at].epoch = -1 }
  }

  private mutating func polled(
    _ t: Int, _ access: TransactionHistory.Access, _ offset: Int64, _ book: inout TransactionBook
  ) {
    let process = ledger.history.transactions[t].process
    let current = epochs[epoch(process)]
    let new = Position(epoch: current, offset: offset, transaction: Int32(t))
    guard let at = place(access.key, process, pollTable) else {
      pollTable.set(UInt64(UInt32(bitPattern: process)), access.key, to: Int32(truncatingIfNeeded: polls.count))
      polls.append(new)
      return
    }
    let last = polls[at]
    polls[at] = new
    if last.epoch != current { return }
    let isInternal = last.transaction == Int32(t)
    if offset <= last.offset {
      book.add(
        isInternal ? .internalNonmonotonicPoll : .nonmonotonicPoll, key: access.key, value: access.value,
        offset: offset, [Int32(t), last.transaction],
        "offset \(offset) of \(ledger.name(access.key)) polled after offset \(last.offset)")
    } else if let left = ledger.between(access.key, last.offset, offset) {
      let value = ledger.values[Int(left.first.value)]
      book.add(
        isInternal ? .internalPollSkip : .pollSkip, key: access.key, value: value.message, offset: left.first.offset,
        [Int32(t), last.transaction, value.writer],
        "offset \(offset) of \(ledger.name(access.key)) polled after offset \(last.offset), and \(left.count) "
          + "committed between them left out")
    }
  }

  private mutating func sent(
    _ t: Int, _ access: TransactionHistory.Access, _ offset: Int64, _ book: inout TransactionBook
  ) {
    let transaction = ledger.history.transactions[t]
    let new = Position(epoch: 0, offset: offset, transaction: Int32(t))
    guard let at = place(access.key, transaction.process, sendTable) else {
      sendTable.set(
        UInt64(UInt32(bitPattern: transaction.process)), access.key, to: Int32(truncatingIfNeeded: sends.count))
      sends.append(new)
      return
    }
    let last = sends[at]
    sends[at] = new
    let isInternal = last.transaction == Int32(t)
    // One of unknown outcome may go in at any later time.
    let isOrdered =
      isInternal
      || transaction.outcome == .ok && ledger.history.transactions[Int(last.transaction)].outcome == .ok
    guard isOrdered, offset <= last.offset else { return }
    book.add(
      isInternal ? .internalNonmonotonicSend : .nonmonotonicSend, key: access.key, value: access.value, offset: offset,
      [Int32(t), last.transaction],
      "sent to \(ledger.name(access.key)) after what stands at offset \(last.offset), and stands at \(offset)")
  }
}
