// Of the transactions that a finding names, the few sends and polls that show it.

import Base
import History

/// What was looked up for one finding, from its transactions alone.
struct TransactionEvidence {
  /// One message sent or polled, and the transaction that did it.
  struct Item: Equatable {
    var transaction: Int
    /// Index into the history's accesses.
    var access: Int
  }

  /// One step of a cycle: what its first transaction did, and what its second; nil for orders of processes and of time.
  struct Pair: Equatable {
    var from: Item?
    var to: Item?
  }

  /// What the finding is about; of two the later.
  private(set) var own: Item?
  /// What that contradicts.
  private(set) var other: Item?
  /// Who sent it.
  private(set) var send: Item?
  /// Of a torn transaction, the send of what was seen of it.
  private(set) var part: Item?
  /// Of a torn transaction, the poll of something behind what is missing.
  private(set) var beyond: Item?
  /// Of a cycle, as many as it has steps.
  private(set) var pairs: [Pair] = []

  private let ledger: TransactionLedger
  private var accesses: [TransactionHistory.Access] { ledger.history.accesses }

  init(_ finding: TransactionFinding, _ ledger: TransactionLedger) {
    self.ledger = ledger
    pairs = finding.steps.map(pair)
    guard let key = finding.key else { return }
    func isOwn(_ at: Int) -> Bool { accesses[at].key == UInt32(key) && accesses[at].value == finding.value }
    func first(_ condition: (Int) -> Bool) -> Item? { item(in: finding.transactions, condition) }
    send = first { isOwn($0) && accesses[$0].isSend }
    switch finding.name {
    case .inconsistentOffsets:
      own = first { isOwn($0) && accesses[$0].offset == finding.offset }
      other = first { accesses[$0].key == UInt32(key) && accesses[$0].offset == finding.offset && !isOwn($0) }
    case .duplicated:
      own = first { isOwn($0) && accesses[$0].offset == finding.offset }
      other = first { isOwn($0) && accesses[$0].offset >= 0 && accesses[$0].offset < finding.offset }
    case .unexpected, .abortedRead, .precommittedRead:
      own = first { isOwn($0) && !accesses[$0].isSend }
      other = send
    case .intermediateRead:
      own = first { isOwn($0) && !accesses[$0].isSend }
      other = send.flatMap { send in
        last(in: [send.transaction]) { accesses[$0].isSend && accesses[$0].key == UInt32(key) }
      }
    case .lostWrite:
      own = send
      other = farthestPoll(of: key, in: finding.transactions)
    case .unseen: own = send
    case .tornTransaction:
      own = send
      other = polled(of: send?.transaction, in: finding.transactions)
      part = other.flatMap { seen in
        item(in: [send?.transaction].compactMap(\.self)) {
          accesses[$0].isSend && ledger.valueOf[$0] == ledger.valueOf[seen.access]
        }
      }
      let far = farthestPoll(of: key, in: finding.transactions)
      // Of unknown place, nobody is known to have polled beyond it.
      if let far, finding.offset >= 0, ledger.offset(far.access) > finding.offset { beyond = far }
    case .internalPollSkip, .pollSkip, .internalNonmonotonicPoll, .nonmonotonicPoll:
      (other, own) = neighbours(finding, key, isSend: false)
    case .internalNonmonotonicSend, .nonmonotonicSend:
      (other, own) = neighbours(finding, key, isSend: true)
    default: break
    }
  }

  /// Everything that was found.
  var items: [Item] {
    [own, other, send, part, beyond].compactMap(\.self) + pairs.flatMap { [$0.from, $0.to].compactMap(\.self) }
  }

  private func item(in transactions: [Int], _ condition: (Int) -> Bool) -> Item? {
    for t in transactions {
      if let at = ledger.accesses(t).first(where: condition) { return Item(transaction: t, access: at) }
    }
    return nil
  }

  private func last(in transactions: [Int], _ condition: (Int) -> Bool) -> Item? {
    for t in transactions.reversed() {
      if let at = ledger.accesses(t).last(where: condition) { return Item(transaction: t, access: at) }
    }
    return nil
  }

  private func farthestPoll(of key: Int, in transactions: [Int]) -> Item? {
    let polls = transactions.flatMap { t in
      ledger.accesses(t).filter { !accesses[$0].isSend && accesses[$0].key == UInt32(key) }
        .map { Item(transaction: t, access: $0) }
    }
    return polls.max { ledger.offset($0.access) < ledger.offset($1.access) }
  }

  /// A poll by another of anything that the transaction sent.
  private func polled(of writer: Int?, in transactions: [Int]) -> Item? {
    guard let writer else { return nil }
    let sent = ledger.accesses(writer).filter { accesses[$0].isSend }.map { ledger.valueOf[$0] }
    return item(in: transactions.filter { $0 != writer }) { !accesses[$0].isSend && sent.contains(ledger.valueOf[$0]) }
  }

  /// Of one process two that follow each other in a key, against the order of the log or with a gap between them.
  private func neighbours(_ finding: TransactionFinding, _ key: Int, isSend: Bool) -> (Item?, Item?) {
    let isGap = finding.name == .pollSkip || finding.name == .internalPollSkip
    let isInternal =
      finding.name == .internalPollSkip || finding.name == .internalNonmonotonicPoll
      || finding.name == .internalNonmonotonicSend
    var last: [Int32: Item] = [:]
    var found: (Item?, Item?)
    for t in finding.transactions {
      let process = ledger.history.transactions[t].process
      for at in ledger.accesses(t) {
        let offset = ledger.offset(at)
        guard accesses[at].isSend == isSend, accesses[at].key == UInt32(key), offset >= 0 else { continue }
        let new = Item(transaction: t, access: at)
        if let before = last[process], (before.transaction == t) == isInternal {
          let place = ledger.offset(before.access)
          let isMeant =
            isGap
            ? place < finding.offset && finding.offset < offset
            : offset == finding.offset && offset <= place && accesses[at].value == finding.value
          if isMeant { found = (before, new) }
        }
        last[process] = new
      }
    }
    return found
  }

  private func pair(_ step: TransactionFinding.Step) -> Pair {
    guard let key = step.key else { return Pair() }
    func isMessage(_ at: Int, _ value: MessageID, isSend: Bool) -> Bool {
      accesses[at].isSend == isSend && accesses[at].key == UInt32(key) && accesses[at].value == value
    }
    switch step.kind {
    case .writeWrite:
      let to = item(in: [step.to]) { isMessage($0, step.value, isSend: true) }
      guard let to else { return Pair() }
      let place = ledger.position(UInt32(key), ledger.values[Int(ledger.valueOf[to.access])].least) - 1
      guard place >= 0 else { return Pair(to: to) }
      let before = ledger.values[Int(ledger.logs[key][place].value)].message
      return Pair(from: item(in: [step.from]) { isMessage($0, before, isSend: true) }, to: to)
    case .writeRead:
      return Pair(
        from: item(in: [step.from]) { isMessage($0, step.value, isSend: true) },
        to: item(in: [step.to]) { isMessage($0, step.value, isSend: false) })
    case .readWrite:
      return Pair(
        from: farthestPoll(of: key, in: [step.from]),
        to: item(in: [step.to]) { isMessage($0, step.value, isSend: true) })
    case .process, .realtime: return Pair()
    }
  }
}
