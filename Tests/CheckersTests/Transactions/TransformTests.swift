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
      history.attempts.append(.ok)
      for part in 0..<UInt32(2) { history.effects.append(.init(of: id(k), part: part, attempt: k)) }
    }
    history.committed = [3, 3]
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
    expect([]) { $0.attempts[2] = .info }
    #expect(TransformChecker.check(TransformHistory()).verdict == .undecided)
  }

  @Test func twice() {
    expect([.duplicated]) { $0.effects.append(.init(of: id(1), part: 1, attempt: 2)) }
    // By a transaction that failed it is that, and nothing else.
    expect([.abortedRead]) {
      $0.attempts.append(.fail)
      $0.effects.append(.init(of: id(1), part: 1, attempt: 6))
    }
  }

  @Test func never() {
    expect([.lost]) { $0.effects.removeAll { $0.input == id(4) } }
    expect([.torn]) { $0.effects.removeAll { $0.input == id(4) && $0.part == 0 } }
    expect([.abortedRead, .abortedRead, .lost]) { $0.attempts[4] = .fail }
  }

  @Test func withoutItsOffset() {
    expect([.uncommittedOffset]) { $0.committed[1] = 2 }
    expect([.unprocessed]) {
      $0.committed[1] = 2
      $0.effects.removeAll { $0.input == id(5) }
    }
    expect([.torn, .uncommittedOffset]) {
      $0.committed[1] = 2
      $0.effects.removeAll { $0.input == id(5) && $0.part == 1 }
    }
    // Still at work.
    var history = sound()
    history.committed[1] = 2
    history.effects.removeAll { $0.input == id(5) }
    history.isDrained = false
    let result = TransformChecker.check(history)
    #expect(result.verdict == .undecided && result.pending == 1 && result.processed == 5)
  }

  @Test func ofNothing() {
    expect([.unexpected]) { $0.effects.append(.init(of: id(77), attempt: 0)) }
    expect([.unexpected]) { $0.effects.append(.init(of: id(1), part: 2, attempt: 0)) }
    expect([.unexpected]) { $0.effects.append(.init(of: id(1), part: 0, attempt: 9)) }
    // An input that is to have no output needs only its offset.
    expect([]) { $0.inputs.append(.init(id(9), partition: 0, offset: 2, parts: 0)) }
  }

  /// A transformer that works as it should, until something is changed.
  @Test func simulated() {
    var found: [TransformFindingName: Int] = [:]
    for seed in UInt64(0)..<300 {
      var rng = SeededGenerator(seed: seed, label: "transform")
      var history = TransformHistory()
      let partitions = 1 + rng.below(3)
      history.committed = Array(repeating: 0, count: partitions)
      var logs: [[MessageID]] = Array(repeating: [], count: partitions)
      for k in 0..<1 + rng.below(40) {
        let partition = rng.below(partitions)
        history.inputs.append(.init(id(k), partition: UInt32(partition), offset: Int64(logs[partition].count)))
        logs[partition].append(id(k))
      }
      while let partition = logs.indices.first(where: { history.committed[$0] < Int64(logs[$0].count) }) {
        let begin = Int(history.committed[partition])
        let batch = logs[partition][begin..<min(logs[partition].count, begin + 1 + rng.below(4))]
        let outcome = rng.pick([Outcome.ok, .ok, .fail, .info])
        history.attempts.append(outcome)
        if outcome == .fail || outcome == .info && rng.chance(0.5) { continue }
        for input in batch { history.effects.append(.init(of: input, attempt: history.attempts.count - 1)) }
        history.committed[partition] += Int64(batch.count)
      }
      let sound = TransformChecker.check(history)
      #expect(sound.verdict == .valid && sound.processed == history.inputs.count, "seed \(seed) \(sound.findings)")
      let at = rng.below(history.effects.count)
      switch rng.below(3) {
      case 0: history.effects.append(history.effects[at])
      case 1: history.effects.remove(at: at)
      default: history.committed[rng.below(partitions)] -= 1
      }
      for (name, count) in TransformChecker.check(history).counts where count > 0 { found[name, default: 0] += 1 }
    }
    // A partition without inputs has no offset to lose.
    #expect(found[.duplicated, default: 0] > 50 && found[.lost, default: 0] > 50, "\(found)")
    #expect(found[.uncommittedOffset, default: 0] > 50 && found.count == 3, "\(found)")
  }
}
