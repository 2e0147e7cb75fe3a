// What can be planted into a sound history of transactions so that it is none any more, for certain.

import Base
import History

@testable import Checkers

enum TransactionPlant: CaseIterable {
  case abortedRead, precommittedRead, phantom, lostWrite, tornTransaction, duplicate, divergentOffset
  case skipWithin, backWithin, skipBetween, backBetween, sendBackWithin, sendBackBetween, lossAtTheEnd
  case crossedWrites, mutualReads, readSkew, staleRead

  private typealias Access = TransactionHistory.Access

  var finding: TransactionFindingName {
    switch self {
    case .abortedRead: .abortedRead
    case .precommittedRead: .precommittedRead
    case .phantom: .unexpected
    case .lostWrite: .lostWrite
    case .tornTransaction: .tornTransaction
    case .duplicate: .duplicated
    case .divergentOffset: .inconsistentOffsets
    case .skipWithin: .internalPollSkip
    case .backWithin: .internalNonmonotonicPoll
    case .skipBetween: .pollSkip
    case .backBetween: .nonmonotonicPoll
    case .sendBackWithin: .internalNonmonotonicSend
    case .sendBackBetween: .nonmonotonicSend
    case .lossAtTheEnd: .unseen
    case .crossedWrites: .g0
    case .mutualReads: .g1c
    case .readSkew: .gSingle
    case .staleRead: .gSingleRealtime
    }
  }

  /// Changes the history; false where it has no room for it.
  func plant(into history: inout EditableTransactions, _ rng: inout SeededGenerator) -> Bool {
    let items = history.items
    /// Committed messages with known places, and the item that sent them.
    let sent = items.indices.filter { items[$0].isOK }.flatMap { k in
      items[k].sends.filter { $0.offset >= 0 }.map { (item: k, access: $0) }
    }
    func poll(_ access: Access, offset: Int64? = nil) -> Access {
      Access(isSend: false, step: 0, key: access.key, offset: offset ?? access.offset, value: access.value)
    }
    /// Behind the message something of its key is polled.
    func isPassed(_ access: Access) -> Bool {
      items.contains { $0.polls.contains { $0.key == access.key && $0.offset > access.offset } }
    }
    func removePolls(_ access: Access) {
      for k in items.indices {
        history.items[k].accesses.removeAll { !$0.isSend && $0.key == access.key && $0.value == access.value }
      }
    }
    guard !sent.isEmpty else { return false }
    let one = rng.pick(sent)
    switch self {
    case .abortedRead:
      guard let failed = items.first(where: { $0.transaction.outcome == .fail && !$0.sends.isEmpty })?.sends.first
      else { return false }
      history.append([poll(failed, offset: history.last(failed.key) + 1)])
    case .precommittedRead:
      history.items[one.item].accesses.append(poll(one.access))
      history.items[one.item].transaction.hasPoll = true
    case .phantom:
      history.append([Access(isSend: false, step: 0, key: one.access.key, offset: 999, value: .init(rawValue: 1 << 50))]
      )
    case .lostWrite:
      guard let lost = sent.first(where: { isPassed($0.access) }) else { return false }
      removePolls(lost.access)
    case .tornTransaction:
      let parts = sent.filter { part in isPassed(part.access) && items[part.item].sends.count > 1 }
      guard let part = parts.first else { return false }
      removePolls(part.access)
    case .duplicate: history.append([poll(one.access, offset: history.last(one.access.key) + 3)])
    case .divergentOffset:
      guard let other = sent.first(where: { $0.access.key == one.access.key && $0.access.value != one.access.value })
      else { return false }
      history.append([poll(other.access, offset: one.access.offset)])
    case .skipWithin, .backWithin:
      // The drain reads everything, in order.
      let key = one.access.key
      let whole = sent.map(\.access).filter { $0.key == key }.sorted { $0.offset < $1.offset }
      guard whole.count > 2 else { return false }
      let order = self == .skipWithin ? [whole[0], whole[2]] : [whole[1], whole[0]]
      history.append(order.map { poll($0) })
    case .skipBetween, .backBetween:
      let whole = sent.map(\.access).filter { $0.key == one.access.key }.sorted { $0.offset < $1.offset }
      guard whole.count > 2 else { return false }
      let process = (items.map(\.transaction.process).max() ?? 0) + 1
      history.append([poll(whole[self == .skipBetween ? 0 : 2])], process: process)
      history.append([poll(whole[self == .skipBetween ? 2 : 0])], process: process)
    case .sendBackWithin, .sendBackBetween:
      // The first two free places behind everything, filled the wrong way round.
      let key = one.access.key
      let next = history.last(key) + 1
      func send(_ value: UInt64, _ offset: Int64) -> Access {
        Access(isSend: true, step: 0, key: key, offset: offset, value: .init(rawValue: 1 << 40 + value))
      }
      if self == .sendBackWithin {
        history.append([send(1, next + 1), send(2, next)])
      } else {
        history.append([send(1, next + 1)], process: 5000)
        history.append([send(2, next)], process: 5000)
      }
    case .lossAtTheEnd:
      guard let last = sent.filter({ $0.access.key == one.access.key }).max(by: { $0.access.offset < $1.access.offset })
      else { return false }
      for k in items.indices {
        history.items[k].accesses.removeAll {
          !$0.isSend && $0.key == last.access.key && $0.offset >= last.access.offset
        }
      }
    case .crossedWrites, .mutualReads, .readSkew, .staleRead: return plantCycle(into: &history, sent.map(\.access))
    }
    return true
  }

  /// Two transactions at one time behind everything, in keys of their own.
  private func plantCycle(into history: inout EditableTransactions, _ sent: [Access]) -> Bool {
    let (x, y) = (UInt32(history.keys.count), UInt32(history.keys.count + 1))
    history.keys += ["x", "y"]
    func send(_ key: UInt32, _ offset: Int64, _ value: UInt64) -> Access {
      Access(isSend: true, step: 0, key: key, offset: offset, value: .init(rawValue: value))
    }
    func poll(_ key: UInt32, _ offset: Int64, _ value: UInt64) -> Access {
      Access(isSend: false, step: 0, key: key, offset: offset, value: .init(rawValue: value))
    }
    let time = history.items.map { max($0.transaction.begin, $0.transaction.end) }.max() ?? 0
    let first = history.items.count
    if self == .staleRead {
      history.append([send(x, 0, 1)])
      history.append([send(x, 1, 2)])
      history.append([poll(x, 0, 1)])
    } else {
      let (a, b) = (history.begin(6000, at: time + 1), history.begin(6001, at: time + 1))
      switch self {
      case .crossedWrites:
        history.items[a].accesses = [send(x, 0, 1), send(y, 1, 1)]
        history.items[b].accesses = [send(x, 1, 2), send(y, 0, 2)]
      case .mutualReads:
        history.items[a].accesses = [send(x, 0, 1), poll(y, 0, 1)]
        history.items[b].accesses = [send(y, 0, 1), poll(x, 0, 1)]
      default:
        let c = history.begin(6002, at: time + 1)
        history.items[a].accesses = [send(x, 0, 1), send(y, 1, 2)]
        history.items[b].accesses = [poll(x, 0, 1), poll(y, 0, 3)]
        history.items[c].accesses = [send(y, 0, 3)]
        history.end(c, .ok, at: time + 9)
      }
      history.end(a, .ok, at: time + 9)
      history.end(b, .ok, at: time + 9)
    }
    // Somebody reads it all in the end.
    let all = history.items[first...].flatMap(\.sends).sorted { ($0.key, $0.offset) < ($1.key, $1.offset) }
    history.append(all.map { poll($0.key, $0.offset, $0.value.rawValue) })
    return true
  }
}
