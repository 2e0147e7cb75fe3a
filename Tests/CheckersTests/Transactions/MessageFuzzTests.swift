// Small random histories of transactions, mostly wrong: what is said of the messages is what the words of each finding say.

import Base
import History
import Testing

@testable import Checkers

@Suite struct MessageFuzzTests {
  @Test(arguments: [true, false]) func findingsAgreeWithTheirWords(endsUnread: Bool) {
    var names: [String: Int] = [:]
    let rounds = Rounds("messages, ends unread \(endsUnread)", usual: 1_000, parts: 2)
    for seed in rounds.seeds {
      let history = Self.random(seed)
      var options = TransactionOptions()
      options.allowances.endsUnread = endsUnread
      options.findingLimit = .max
      let result = TransactionChecker.check(history, options: options)
      let units = result.findings.filter { $0.steps.isEmpty }.map { finding in
        "\(finding.name.rawValue) \(finding.key ?? -1) \(finding.value)"
      }.sorted()
      let naive = NaiveMessages(history, endsUnread: endsUnread).found
      #expect(units == naive, "seed \(seed) \(units) naive \(naive)")
      for finding in result.findings { names[finding.name.rawValue, default: 0] += 1 }
    }
    guard rounds.finish() else { return }
    for name in TransactionFindingName.allCases where !name.rawValue.hasPrefix("G") {
      #expect(names[name.rawValue, default: 0] > 3, "\(name) \(names)")
    }
  }

  /// Few values and offsets, so that they meet: sent again, polled by anybody, at places that may be unknown or taken.
  private static func random(_ seed: UInt64) -> TransactionHistory {
    var rng = SeededGenerator(seed: seed, label: "messages")
    let (keys, values) = (1 + rng.below(2), 2 + rng.below(5))
    let unknown = rng.pick([0, 0.1, 0.4])
    let isWild = rng.chance(0.5)
    var history = EditableTransactions(keys: keys)
    var next: [Int64] = Array(repeating: 0, count: keys)
    var value = 0
    var log: [[TransactionHistory.Access]] = Array(repeating: [], count: keys)
    var time: Nanoseconds = 0
    var busy: [Int32: Int] = [:]
    for _ in 0..<2 + rng.below(7) {
      time += 1
      let process = Int32(rng.below(3))
      if let open = busy.removeValue(forKey: process) { history.items[open].transaction.outcome = .info }
      if rng.chance(0.12) {
        let item = history.begin(process, at: time, .assignment)
        history.items[item].keys = (0..<UInt32(keys)).filter { _ in rng.chance(0.5) }
        history.end(item, rng.pick([.ok, .ok, .fail, .info]), at: time + 1)
        time += 1
        continue
      }
      let item = history.begin(process, at: time)
      if rng.chance(0.15) { history.items[item].keys = (0..<UInt32(keys)).filter { _ in rng.chance(0.5) } }
      for step in 0..<UInt32(rng.below(4)) {
        let key = rng.below(keys)
        if rng.chance(0.5) {
          value += 1
          var send = TransactionHistory.Access(
            isSend: true, step: step, key: UInt32(key), offset: next[key],
            value: MessageID(producer: 0, sequence: isWild && rng.chance(0.3) ? rng.below(values) : 100 + value))
          next[key] += 1
          log[key].append(send)
          if isWild, rng.chance(0.2) { send.offset = Int64(rng.below(6)) }
          if rng.chance(unknown) { send.offset = TransactionHistory.Access.unknown }
          history.items[item].accesses.append(send)
        } else {
          history.items[item].transaction.hasPoll = true
          var from = rng.below(log[key].count + 1)
          for _ in 0..<rng.below(4) {
            guard from < log[key].count || isWild else { break }
            var poll =
              from < log[key].count
              ? log[key][from]
              : .init(isSend: false, step: step, key: UInt32(key), offset: Int64(from), value: MessageID(rawValue: 999))
            (poll.isSend, poll.step) = (false, step)
            if isWild, rng.chance(0.1) { poll.offset = Int64(rng.below(6)) }
            if rng.chance(unknown) { poll.offset = TransactionHistory.Access.unknown }
            history.items[item].accesses.append(poll)
            from = rng.chance(0.8) ? from + 1 : rng.below(log[key].count + 1)
          }
        }
      }
      if rng.chance(0.15) {
        busy[process] = item
        continue
      }
      history.end(item, rng.pick([.ok, .ok, .ok, .fail, .info]), at: time + Int64(rng.below(3)))
    }
    return history.history()
  }
}
