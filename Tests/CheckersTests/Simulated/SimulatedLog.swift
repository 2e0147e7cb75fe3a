// A sound log under load: appends and reads of many clients as a log answers them, of any size and in order of time.

import Base
import History

@testable import Checkers

struct SimulatedLog {
  private(set) var operations: [LogOperation] = []

  /// - Parameters:
  ///   - unknown: The share of appends and reads whose outcome nobody learns.
  ///   - fail: The share of appends that certainly fail.
  init(seed: UInt64, operations count: Int, clients: Int, unknown: Double = 0.01, fail: Double = 0.01) {
    var rng = SeededGenerator(seed: seed, label: "log")
    operations.reserveCapacity(count)
    var log: [MessageID] = []
    // Each client has an operation under way that acts at its moment; the clients take turns by those moments.
    var free = [Nanoseconds](repeating: 0, count: clients)
    var clock: Nanoseconds = 1000
    for k in 0..<count {
      let client = k % clients
      clock += 1 + Int64(rng.below(40))
      var operation = LogOperation(
        rng.chance(0.5) ? .append : .read, .ok, begin: max(free[client] + 1, clock - 1 - Int64(rng.below(400))),
        end: clock + Int64(rng.below(400)))
      operation.begin = min(operation.begin, clock)
      // Later operations act later, at the clock, which lies within each of them.
      let isUnknown = rng.chance(unknown)
      if operation.kind == .append {
        operation.value = MessageID(producer: 0, sequence: k)
        if rng.chance(fail) {
          operation.outcome = .fail
        } else if !isUnknown || rng.chance(0.5) {
          if !isUnknown { operation.offset = Int64(log.count) }
          log.append(operation.value)
        }
      } else if log.isEmpty || rng.chance(0.2) {
        operation.offset = Int64(log.count + rng.below(2))
      } else {
        let offset = rng.chance(0.5) ? log.count - 1 - rng.below(min(log.count, 100)) : rng.below(log.count)
        (operation.offset, operation.value) = (Int64(offset), log[offset])
      }
      if isUnknown, operation.outcome == .ok { operation.outcome = .info }
      if operation.kind == .read, operation.outcome != .ok { operation.value = .none }
      free[client] = operation.end
      clock = max(clock, operation.begin)
      operations.append(operation)
    }
  }
}

/// What can be planted into a valid history so that it is none any more, for certain.
enum LogPlant: CaseIterable {
  case swap, loss, staleRead, duplicate, phantom, divergentOffset, abortedRead, readTooEarly, gap

  var finding: LogFindingName {
    switch self {
    case .swap: .outOfOrder
    case .loss: .lost
    case .staleRead: .staleRead
    case .duplicate: .duplicated
    case .phantom, .readTooEarly: .unexpected
    case .divergentOffset: .inconsistentOffsets
    case .abortedRead: .abortedRead
    case .gap: .gap
    }
  }

  /// Nil where the history has no room for it.
  func plant(into all: [LogOperation], _ rng: inout SeededGenerator) -> [LogOperation]? {
    var operations = all
    let appends = all.indices.filter { all[$0].kind == .append && all[$0].outcome == .ok }
    let reads = all.indices.filter { all[$0].kind == .read && all[$0].outcome == .ok && all[$0].value != .none }
    let last = all.map(\.end).max() ?? 0
    let end = Int64(all.count)
    guard appends.count > 20, reads.count > 20 else { return nil }
    let a = appends[rng.below(appends.count - 10)]
    switch self {
    case .swap:
      // Two appends, one after the other, change places, and so do those who read them.
      guard let b = appends.first(where: { all[$0].begin > all[a].end }) else { return nil }
      func other(_ value: MessageID) -> MessageID {
        value == all[a].value ? all[b].value : value == all[b].value ? all[a].value : value
      }
      for k in reads { operations[k].value = other(all[k].value) }
      (operations[a].offset, operations[b].offset) = (all[b].offset, all[a].offset)
      // Reads before the later append would be phantoms.
      operations.removeAll {
        $0.kind == .read && $0.value != .none && ($0.value == all[a].value || $0.value == all[b].value)
      }
    case .loss, .staleRead:
      let offset = all[a].offset
      let begin = self == .loss ? last + 1 : all[a].end + 1
      operations.append(LogOperation(.read, .ok, offset: offset, begin: begin, end: begin))
      if self == .staleRead {
        operations.append(LogOperation(.read, .ok, value: all[a].value, offset: offset, begin: last, end: last + 2))
      }
    case .duplicate:
      operations.append(LogOperation(.read, .ok, value: all[a].value, offset: end, begin: last + 1, end: last + 2))
    case .phantom: operations[rng.pick(reads)].value = MessageID(producer: 7, sequence: 1)
    case .divergentOffset:
      guard let b = appends.last, b != a else { return nil }
      operations.append(
        LogOperation(.read, .ok, value: all[b].value, offset: all[a].offset, begin: last + 1, end: last + 2))
    case .abortedRead:
      guard let failed = all.first(where: { $0.kind == .append && $0.outcome == .fail }) else { return nil }
      operations.append(LogOperation(.read, .ok, value: failed.value, offset: end, begin: last + 1, end: last + 2))
    case .readTooEarly:
      operations.append(
        LogOperation(.read, .ok, value: all[a].value, offset: all[a].offset, begin: 0, end: all[a].begin - 1))
    case .gap:
      // More of them than there are appends of unknown outcome.
      operations.append(
        LogOperation(
          .append, .ok, value: MessageID(producer: 7, sequence: 1), offset: 2 * end, begin: last, end: last + 1))
    }
    return operations
  }
}
