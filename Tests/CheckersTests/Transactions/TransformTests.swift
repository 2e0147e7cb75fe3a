// Consume, transform, produce: each way in which an effect can be there other than exactly once.

import Base
import History
import Testing

@testable import Checkers

@Suite struct TransformTests {
  private func id(_ k: Int) -> MessageID { MessageID(producer: 1, sequence: k) }

  /// Two partitions of three inputs, all of them processed, each by the transaction of its place.
  private func sound() -> TransformHistory {
    var history = TransformHistory()
    for k in 0..<6 {
      history.inputs.append(.init(id(k), partition: UInt32(k / 3), offset: Int64(k % 3), parts: 2))
      history.transactions.append(.init(UInt64(k), .ok))
      for part in 0..<UInt32(2) { history.effects.append(.init(of: id(k), part: part, transaction: UInt64(k))) }
    }
    history.partitions = [.init("in-0", committed: 3), .init("in-1", committed: 3)]
    return history
  }

  private func expect(
    _ names: [TransformFindingName], at location: SourceLocation = #_sourceLocation,
    _ change: (inout TransformHistory) -> Void
  ) {
    var history = sound()
    change(&history)
    let result = TransformChecker.check(history)
    #expect(result.findings.map(\.name) == names, "\(result.findings)", sourceLocation: location)
    #expect(result.verdict == (names.isEmpty ? .valid : .violated), sourceLocation: location)
    #expect(TransformFindingName.allCases.allSatisfy { name in result.counts[name] == names.count { $0 == name } })
  }

  @Test func exactlyOnce() {
    expect([]) { _ in }
    #expect(TransformChecker.check(sound()).processed == 6)
    // A transaction of unknown outcome, whose outputs are there: it was committed.
    expect([]) { $0.transactions[2].told.outcome = .info }
    #expect(TransformChecker.check(TransformHistory()).verdict == .undecided)
  }

  @Test func twice() {
    expect([.duplicated]) { $0.effects.append(.init(of: id(1), part: 1, transaction: 2)) }
    // By a transaction that failed it is that, and nothing else.
    expect([.abortedRead]) {
      $0.transactions.append(.init(6, .fail))
      $0.effects.append(.init(of: id(1), part: 1, transaction: 6))
    }
  }

  @Test func never() {
    expect([.lost]) { $0.effects.removeAll { $0.input == id(4) } }
    expect([.torn]) { $0.effects.removeAll { $0.input == id(4) && $0.part == 0 } }
    expect([.abortedRead, .abortedRead, .lost]) { $0.transactions[4].told.outcome = .fail }
  }

  @Test func withoutItsOffset() {
    expect([.uncommittedOffset]) { $0.partitions[1].committed = 2 }
    expect([.unprocessed]) {
      $0.partitions[1].committed = 2
      $0.effects.removeAll { $0.input == id(5) }
    }
    expect([.torn, .uncommittedOffset]) {
      $0.partitions[1].committed = 2
      $0.effects.removeAll { $0.input == id(5) && $0.part == 1 }
    }
    expect([.uncommittedOffset, .uncommittedOffset, .uncommittedOffset]) { $0.partitions[1].committed = nil }
  }

  /// What may yet be written, committed or read is no finding; what nothing can mend is one.
  @Test func stillAtWork() {
    func undecided(_ names: [TransformFindingName], _ change: (inout TransformHistory) -> Void) -> TransformResult {
      var history = sound()
      history.isDrained = false
      change(&history)
      let result = TransformChecker.check(history)
      #expect(result.verdict == .undecided && result.findings.isEmpty, "\(names) \(result.findings)")
      #expect(result.undecided == Dictionary(names.map { ($0, 1) }, uniquingKeysWith: +))
      return result
    }
    #expect(undecided([]) { _ in }.processed == 6)
    let late = undecided([.unprocessed]) {
      $0.partitions[1].committed = 2
      $0.effects.removeAll { $0.input == id(5) }
    }
    #expect(late.pending == 1 && late.processed == 5)
    _ = undecided([.lost]) { $0.effects.removeAll { $0.input == id(4) } }
    _ = undecided([.torn]) { $0.effects.removeAll { $0.input == id(4) && $0.part == 0 } }
    _ = undecided([.uncommittedOffset]) { $0.partitions[1].committed = 2 }
    _ = undecided([.unexpected]) { $0.effects.append(.init(of: id(77), transaction: 0)) }
    _ = undecided([.unexpected]) { $0.effects.append(.init(of: id(1), transaction: 9)) }
    var certain = sound()
    certain.isDrained = false
    certain.effects.append(.init(of: id(1), part: 1, transaction: 2))
    certain.effects.append(.init(of: id(1), part: 2, transaction: 2))
    certain.transactions.append(.init(8, .fail))
    certain.effects.append(.init(of: id(77), transaction: 8))
    let result = TransformChecker.check(certain)
    #expect(result.verdict == .violated && result.undecided.isEmpty)
    #expect(result.findings.map(\.name) == [.unexpected, .abortedRead, .duplicated])
  }

  @Test func ofNothing() {
    expect([.unexpected]) { $0.effects.append(.init(of: id(77), transaction: 0)) }
    expect([.unexpected]) { $0.effects.append(.init(of: id(1), part: 2, transaction: 0)) }
    expect([.unexpected]) { $0.effects.append(.init(of: id(1), part: 0, transaction: 9)) }
    // An input that is to have no output needs only its offset.
    expect([]) { $0.inputs.append(.init(id(9), partition: 0, offset: 2, parts: 0)) }
  }

  private func committed(_ history: TransformHistory, _ partition: Int) -> Int {
    Int(history.partitions[partition].committed ?? 0)
  }

  /// A transformer that works as it should, until something is changed.
  @Test func simulated() {
    var found: [TransformFindingName: Int] = [:]
    for seed in UInt64(0)..<300 {
      var rng = SeededGenerator(seed: seed, label: "transform")
      var history = TransformHistory()
      let partitions = 1 + rng.below(3)
      history.partitions = (0..<partitions).map { .init("in-\($0)", committed: 0) }
      var logs: [[MessageID]] = Array(repeating: [], count: partitions)
      for k in 0..<1 + rng.below(40) {
        let partition = rng.below(partitions)
        history.inputs.append(.init(id(k), partition: UInt32(partition), offset: Int64(logs[partition].count)))
        logs[partition].append(id(k))
      }
      while let partition = logs.indices.first(where: { committed(history, $0) < logs[$0].count }) {
        let begin = committed(history, partition)
        let batch = logs[partition][begin..<min(logs[partition].count, begin + 1 + rng.below(4))]
        let outcome = rng.pick([Outcome.ok, .ok, .fail, .info])
        let number = UInt64(history.transactions.count)
        history.transactions.append(.init(number, outcome))
        if outcome == .fail || outcome == .info && rng.chance(0.5) { continue }
        for input in batch { history.effects.append(.init(of: input, transaction: number)) }
        history.partitions[partition].committed = Int64(begin + batch.count)
      }
      let sound = TransformChecker.check(history)
      #expect(sound.verdict == .valid && sound.processed == history.inputs.count, "seed \(seed) \(sound.findings)")
      let at = rng.below(history.effects.count)
      switch rng.below(3) {
      case 0: history.effects.append(history.effects[at])
      case 1: history.effects.remove(at: at)
      default:
        let partition = rng.below(partitions)
        history.partitions[partition].committed = Int64(committed(history, partition) - 1)
      }
      for (name, count) in TransformChecker.check(history).counts where count > 0 { found[name, default: 0] += 1 }
    }
    // A partition without inputs has no offset to lose.
    #expect(found[.duplicated, default: 0] > 50 && found[.lost, default: 0] > 50, "\(found)")
    #expect(found[.uncommittedOffset, default: 0] > 50 && found.count == 3, "\(found)")
  }
}
