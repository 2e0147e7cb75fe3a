// What became of each message: where it stands, who polled it, and whether that could be.

import Base
import History

struct MessageAudit {
  let ledger: TransactionLedger
  let allowances: KafkaAllowances
  private var transactions: [TransactionHistory.Transaction] { ledger.history.transactions }

  init(_ ledger: TransactionLedger, _ allowances: KafkaAllowances) {
    (self.ledger, self.allowances) = (ledger, allowances)
  }

  func run(_ book: inout TransactionBook) {
    offsets(&book)
    polls(&book)
    for t in transactions.indices { intermediateReads(t, &book) }
    for k in ledger.values.indices { losses(ledger.values[k], &book) }
    for t in transactions.indices where transactions[t].accesses.count > 1 { tornTransaction(t, &book) }
  }

  private func offsets(_ book: inout TransactionBook) {
    var known = PairTable()
    for conflict in ledger.conflicts {
      // Once for each value and place, however many saw it there.
      let k = ledger.valueOf[conflict.access]
      let offset = conflict.entry.offset
      if known.find(UInt64(offset), UInt32(bitPattern: k)) >= 0 { continue }
      known.set(UInt64(offset), UInt32(bitPattern: k), to: 0)
      let (value, other) = (ledger.values[Int(k)], ledger.values[Int(conflict.entry.value)])
      book.add(
        .inconsistentOffsets, key: value.key, value: value.message, offset: offset,
        [Int32(conflict.transaction), conflict.entry.shown],
        "\(value.message) at offset \(offset) of \(ledger.name(value.key)), where \(other.message) stands too")
    }
    for value in ledger.values where value.hasOffset && value.least < value.greatest {
      book.add(
        .duplicated, key: value.key, value: value.message, offset: value.greatest,
        [value.writer, value.leastShown, value.greatestShown],
        "at offset \(value.least) of \(ledger.name(value.key)) and at \(value.greatest)")
    }
  }

  private func polls(_ book: inout TransactionBook) {
    for t in transactions.indices {
      for at in transactions[t].accesses where !ledger.history.accesses[at].isSend {
        let access = ledger.history.accesses[at]
        let value = ledger.values[Int(ledger.valueOf[at])]
        if value.writer < 0 {
          if value.hasSeveralWriters { continue }
          book.add(
            .unexpected, key: value.key, value: value.message, offset: access.offset, [Int32(t)],
            "polled from \(ledger.name(value.key)), and never sent to it")
        } else if value.writer == Int32(t) {
          book.add(
            .precommittedRead, key: value.key, value: value.message, offset: access.offset, [Int32(t)],
            "polled from \(ledger.name(value.key)) by the transaction that sent it")
        } else if transactions[t].completion >= 0, transactions[t].end < transactions[Int(value.writer)].begin {
          book.add(
            .unexpected, key: value.key, value: value.message, offset: access.offset, [Int32(t), value.writer],
            "polled from \(ledger.name(value.key)) before its transaction began")
        } else if transactions[Int(value.writer)].outcome == .fail {
          book.add(
            .abortedRead, key: value.key, value: value.message, offset: access.offset, [Int32(t), value.writer],
            "polled from \(ledger.name(value.key)) though its transaction failed for certain")
        }
      }
    }
  }

  /// The last polled of a key, and the last that its writer sent to that key.
  private func intermediateReads(_ reader: Int, _ book: inout TransactionBook) {
    let accesses = ledger.history.accesses
    for at in transactions[reader].accesses where !accesses[at].isSend {
      let value = ledger.values[Int(ledger.valueOf[at])]
      guard value.writer >= 0, value.writer != Int32(reader) else { continue }
      let rest = transactions[reader].accesses.suffix(from: at + 1)
      if rest.contains(where: { !accesses[$0].isSend && accesses[$0].key == value.key }) { continue }
      let last = transactions[Int(value.writer)].accesses.last { accesses[$0].isSend && accesses[$0].key == value.key }
      guard let last, accesses[last].value != value.message else { continue }
      book.add(
        .intermediateRead, key: value.key, value: value.message, offset: ledger.offset(at),
        [Int32(reader), value.writer],
        "the last polled of \(ledger.name(value.key)), where its transaction then sent \(accesses[last].value)")
    }
  }

  /// It should have been polled: something behind it was. What is not committed stands nowhere.
  private func isPassedOver(_ value: TransactionLedger.Value) -> Bool {
    value.reader < 0 && value.hasOffset && value.greatest < ledger.highest[Int(value.key)].offset
  }

  private func losses(_ value: TransactionLedger.Value, _ book: inout TransactionBook) {
    guard value.reader < 0, value.writer >= 0 else { return }
    if isPassedOver(value) {
      let highest = ledger.highest[Int(value.key)]
      book.add(
        .lostWrite, key: value.key, value: value.message, offset: value.greatest, [value.writer, highest.transaction],
        "never polled from \(ledger.name(value.key)), while offset \(highest.offset) was")
    } else if transactions[Int(value.writer)].outcome == .ok {
      book.add(
        .unseen, key: value.key, value: value.message, offset: value.greatest, [value.writer],
        "acknowledged, and never polled from \(ledger.name(value.key))")
    }
  }

  private func tornTransaction(_ t: Int, _ book: inout TransactionBook) {
    guard ledger.isCommitted[t] else { return }
    let sent = transactions[t].accesses.filter { ledger.history.accesses[$0].isSend }
    let sentValues = sent.map { ledger.values[Int(ledger.valueOf[$0])] }.filter { $0.writer == Int32(t) }
    guard let seen = sentValues.first(where: { $0.reader >= 0 }),
      let missing = sentValues.first(where: { $0.reader < 0 && (isPassedOver($0) || !allowances.endsUnread) })
    else { return }
    let beyond = isPassedOver(missing) ? ledger.highest[Int(missing.key)].transaction : -1
    book.add(
      .tornTransaction, key: missing.key, value: missing.message, offset: missing.greatest,
      [Int32(t), seen.reader, beyond],
      "\(seen.message) of it was polled from \(ledger.name(seen.key)), and \(missing.message) never from "
        + ledger.name(missing.key))
  }
}
