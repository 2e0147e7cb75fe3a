// Small random histories: the cycles found in the graph are those that the definitions give, and the shortest ones.

import Base
import History
import Testing

@testable import Checkers

@Suite struct CycleFuzzTests {
  @Test(arguments: [true, false])
  func cyclesAgreeWithDefinitions(usesWriteOrder: Bool) {
    var names: [TransactionFindingName: Int] = [:]
    var longest = 0
    let rounds = Rounds("cycles, write order \(usesWriteOrder)", usual: 500, parts: 2)
    for seed in rounds.seeds {
      let history = Self.random(seed)
      var options = TransactionOptions()
      options.pollsReachEnd = true
      options.allowances.writesInterleave = !usesWriteOrder
      let result = TransactionChecker.check(history, options: options)
      let naive = NaiveDependencies(history)
      let expected = naive.cycles(usesWriteOrder: usesWriteOrder)
      let note: Comment =
        "seed \(seed) write order \(usesWriteOrder) \(result.findings.filter { !$0.steps.isEmpty }) \(expected)"
      let cycles = result.findings.filter { !$0.steps.isEmpty }
      #expect(cycles.count == expected.count && result.longCycles == 0, note)
      for cycle in cycles {
        names[cycle.name, default: 0] += 1
        longest = max(longest, cycle.steps.count)
        #expect(
          expected.contains {
            $0.name == cycle.name && $0.component.isSuperset(of: cycle.transactions) && $0.length == cycle.steps.count
          }, note)
        // It goes round.
        #expect(cycle.steps.map(\.from) == cycle.transactions, note)
        #expect(cycle.steps.map(\.to) == Array(cycle.transactions.dropFirst()) + cycle.transactions.prefix(1), note)
      }
    }
    guard rounds.finish() else { return }
    for name in TransactionFindingName.allCases where name.rawValue.hasPrefix("G") {
      // The last two are rare in small histories.
      #expect(names[name, default: 0] > 0 || name == .g2Process || name == .g2Realtime, "\(name) \(names)")
    }
    #expect(longest >= 4)
  }

  /// Offsets dealt out at random; every value is sent once.
  private static func random(_ seed: UInt64) -> TransactionHistory {
    var rng = SeededGenerator(seed: seed, label: "graph")
    let keys = 1 + rng.below(3)
    let density = rng.pick([0.15, 0.3, 0.5])
    var history = EditableTransactions(keys: keys)
    let count = 2 + rng.below(5)
    var times = (0..<2 * count).map { Int64($0 + 1) }
    if rng.chance(0.7) { times.shuffle(using: &rng) }
    let intervals = (0..<count).map { k in Array(times[2 * k..<2 * k + 2]).sorted() }.sorted { $0[0] < $1[0] }
    // Processes do one thing after the other.
    var free: [Int64] = []
    var offsets: [[Int64]] = (0..<keys).map { _ in (0..<Int64(12)).shuffled(using: &rng) }
    var sent: [TransactionHistory.Access] = []
    for t in 0..<count {
      let (begin, end) = (intervals[t][0], intervals[t][1])
      let idle = free.indices.filter { free[$0] < begin }
      if idle.isEmpty || rng.chance(0.4) { free.append(0) }
      let process = idle.isEmpty ? free.count - 1 : rng.pick(idle)
      free[process] = end
      let item = history.begin(Int32(process), at: begin)
      for _ in 0...rng.below(2) {
        let key = rng.below(keys)
        guard rng.chance(0.7), let offset = offsets[key].popLast() else { continue }
        sent.append(
          .init(
            isSend: true, step: 0, key: UInt32(key), offset: offset, value: MessageID(producer: 0, sequence: sent.count)
          ))
        history.items[item].accesses.append(sent[sent.count - 1])
      }
      history.end(item, rng.chance(0.8) ? .ok : rng.pick([.info, .fail]), at: end)
    }
    for item in history.items.indices {
      for send in sent where rng.chance(density) {
        var poll = send
        poll.isSend = false
        history.items[item].accesses.append(poll)
        history.items[item].transaction.hasPoll = true
      }
    }
    return history.history()
  }
}
