// What became of the messages of a small history of transactions, by the words of each finding.

import Base
import History

@testable import Checkers

/// Shares nothing with `TransactionChecker` but the meaning of the history: every question looks through all of it again.
struct NaiveMessages {
  private struct Item {
    var transaction: Int
    var access: TransactionHistory.Access
  }

  private let history: TransactionHistory
  private let endsUnread: Bool
  private var all: [Item] = []
  /// `NAME KEY VALUE` of each unit, sorted.
  private(set) var found: [String] = []

  init(_ history: TransactionHistory, endsUnread: Bool) {
    (self.history, self.endsUnread) = (history, endsUnread)
    for t in history.transactions.indices {
      all += history.accesses[history.transactions[t].accesses].map { Item(transaction: t, access: $0) }
    }
    for k in all.indices where !all[k].access.isSend { polled(k) }
    judgeValues()
    for t in history.transactions.indices { judgeTorn(t) }
    for k in all.indices { judgeOrder(k) }
    found.sort()
  }

  private mutating func report(_ name: TransactionFindingName, _ access: TransactionHistory.Access) {
    found.append("\(name.rawValue) \(access.key) \(access.value)")
  }

  // MARK: Questions

  private func outcome(_ t: Int) -> Outcome { history.transactions[t].outcome }
  private func isSame(_ a: TransactionHistory.Access, _ b: TransactionHistory.Access) -> Bool {
    a.key == b.key && a.value == b.value
  }
  private func senders(_ access: TransactionHistory.Access) -> [Int] {
    all.filter { $0.access.isSend && isSame($0.access, access) }.map(\.transaction)
  }
  /// Nil: nobody, or nobody knows who of several.
  private func writer(_ access: TransactionHistory.Access) -> Int? {
    let sound = Set(senders(access).filter { outcome($0) != .fail })
    return sound.count > 1 ? nil : sound.first ?? senders(access).last
  }
  private func hasSeveral(_ access: TransactionHistory.Access) -> Bool {
    Set(senders(access).filter { outcome($0) != .fail }).count > 1
  }
  private func isRead(_ access: TransactionHistory.Access) -> Bool {
    all.contains { !$0.access.isSend && isSame($0.access, access) && $0.transaction != writer(access) }
  }
  private func isCommitted(_ t: Int) -> Bool {
    if history.transactions[t].kind != .transaction || outcome(t) == .fail { return false }
    return outcome(t) == .ok
      || all.contains { $0.access.isSend && $0.transaction == t && writer($0.access) == t && isRead($0.access) }
  }
  /// It stands in the log.
  private func isReal(_ access: TransactionHistory.Access) -> Bool {
    hasSeveral(access) || writer(access).map(isCommitted) ?? false
  }
  /// Where something was seen to stand, in the order in which it was.
  private func sightings(_ key: UInt32) -> [TransactionHistory.Access] {
    all.filter { item in
      item.access.key == key && item.access.offset >= 0 && isReal(item.access)
        && (!item.access.isSend || isCommitted(item.transaction))
    }.map(\.access)
  }
  private func offsets(_ access: TransactionHistory.Access) -> [Int64] {
    sightings(access.key).filter { isSame($0, access) }.map(\.offset)
  }
  private func place(_ access: TransactionHistory.Access) -> Int64? {
    access.offset >= 0 ? access.offset : offsets(access).min()
  }
  private func highest(_ key: UInt32) -> Int64 {
    all.filter { !$0.access.isSend && $0.access.key == key && isReal($0.access) }
      .compactMap { place($0.access) }.max() ?? -1
  }
  private func isPassedOver(_ access: TransactionHistory.Access) -> Bool {
    !isRead(access) && (offsets(access).max().map { $0 < highest(access.key) } ?? false)
  }

  // MARK: Findings

  private mutating func polled(_ k: Int) {
    let (t, access) = (all[k].transaction, all[k].access)
    let writer = writer(access)
    if let writer {
      let reader = history.transactions[t]
      if writer == t {
        report(.precommittedRead, access)
      } else if reader.completion >= 0, reader.end < history.transactions[writer].begin {
        report(.unexpected, access)
      } else if outcome(writer) == .fail {
        report(.abortedRead, access)
      }
    } else if !hasSeveral(access) {
      report(.unexpected, access)
    }
    let isLast = !all[(k + 1)...].contains {
      $0.transaction == t && !$0.access.isSend && $0.access.key == access.key
    }
    if isLast, let writer, writer != t {
      let last = all.last { $0.transaction == writer && $0.access.isSend && $0.access.key == access.key }
      if let last, last.access.value != access.value { report(.intermediateRead, access) }
    }
  }

  private mutating func judgeValues() {
    var seen: [TransactionHistory.Access] = []
    for access in all.map(\.access) where !seen.contains(where: { isSame($0, access) }) { seen.append(access) }
    for access in seen {
      if Set(offsets(access)).count > 1 { report(.duplicated, access) }
      // Where something else was seen first.
      for offset in Set(offsets(access)) {
        let first = sightings(access.key).first { $0.offset == offset }
        if let first, !isSame(first, access) { report(.inconsistentOffsets, access) }
      }
      guard !isRead(access), let writer = writer(access) else { continue }
      if isPassedOver(access) {
        report(.lostWrite, access)
      } else if outcome(writer) == .ok {
        report(.unseen, access)
      }
    }
  }

  private mutating func judgeTorn(_ t: Int) {
    guard isCommitted(t) else { return }
    let sent = all.filter { $0.transaction == t && $0.access.isSend && writer($0.access) == t }.map(\.access)
    let missing = sent.first { !isRead($0) && (isPassedOver($0) || !endsUnread) }
    if let missing, sent.contains(where: isRead) { report(.tornTransaction, missing) }
  }

  private mutating func judgeOrder(_ k: Int) {
    let (t, access) = (all[k].transaction, all[k].access)
    guard let place = place(access) else { return }
    let process = history.transactions[t].process
    func isCounted(_ item: Item) -> Bool {
      item.access.isSend == access.isSend && item.access.key == access.key && self.place(item.access) != nil
        && history.transactions[item.transaction].process == process
        && (access.isSend ? isCommitted(item.transaction) : !isRebalanced(item.transaction, access.key))
    }
    guard isCounted(all[k]), let before = all[..<k].last(where: isCounted), let last = self.place(before.access) else {
      return
    }
    let isInternal = before.transaction == t
    if access.isSend {
      let isOrdered = isInternal || outcome(t) == .ok && outcome(before.transaction) == .ok
      if isOrdered, place <= last { report(isInternal ? .internalNonmonotonicSend : .nonmonotonicSend, access) }
      return
    }
    if !isInternal, isBroken(from: before.transaction, to: t, access.key, process) { return }
    if place <= last {
      report(isInternal ? .internalNonmonotonicPoll : .nonmonotonicPoll, access)
    } else if let skipped = firstBetween(last, place, access.key) {
      report(isInternal ? .internalPollSkip : .pollSkip, skipped)
    }
  }

  private func isRebalanced(_ t: Int, _ key: UInt32) -> Bool {
    history.keyLists[history.transactions[t].keyList].contains(key)
  }

  /// The process may have gone on polling the key from elsewhere.
  private func isBroken(from a: Int, to b: Int, _ key: UInt32, _ process: Int32) -> Bool {
    (a...b).contains { t in
      let transaction = history.transactions[t]
      guard transaction.process == process else { return false }
      if transaction.kind == .assignment { return transaction.outcome != .fail && !isRebalanced(t, key) }
      return t > a && isRebalanced(t, key) || t < b && transaction.hasPoll && transaction.outcome != .ok
    }
  }

  private func firstBetween(_ a: Int64, _ b: Int64, _ key: UInt32) -> TransactionHistory.Access? {
    let inside = sightings(key).filter { a < $0.offset && $0.offset < b }
    guard let least = inside.map(\.offset).min() else { return nil }
    return inside.first { $0.offset == least }
  }
}
