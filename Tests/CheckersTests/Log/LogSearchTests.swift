// The bounded search on small random logs: a third opinion beside the rules and trying every order.

import Base
import History
import Testing

@testable import Checkers

@Suite struct LogSearchFuzzTests {
  @Test func searchAgreesWithTryingEveryOrder() {
    var valid = 0
    let rounds = Rounds("log by search", usual: 6_000)
    for seed in rounds.seeds {
      let rng = SeededGenerator(seed: seed, label: "log by search")
      let operations = RandomLogHistory.make(rng, isDense: true, operations: 8)
      var search = LinearizabilitySearch(SequentialLog(), Self.searched(operations), budget: .standard)
      let isValid = NaiveLog.isLinearizable(operations, isDense: true)
      #expect((search.run() == .explained) == isValid, "seed \(seed): \(operations)")
      if isValid { valid += 1 }
    }
    guard rounds.finish() else { return }
    #expect(valid > 1000 && valid < rounds.seeds.count - 1000)
  }

  /// Moments as positions: at one time what begins comes before what ends.
  private static func searched(_ operations: [LogOperation]) -> [SearchOperation<SequentialLog.Action>] {
    let never = SearchOperation<SequentialLog.Action>.never
    // What failed never was, and what a read found of which nobody heard says nothing.
    let real = operations.filter { $0.outcome == .ok || $0.outcome != .fail && $0.kind == .append }
    var moments: [(time: Nanoseconds, isEnd: Bool, operation: Int)] = []
    for (k, operation) in real.enumerated() {
      moments.append((operation.begin, false, k))
      if operation.outcome == .ok { moments.append((max(operation.begin, operation.end), true, k)) }
    }
    moments.sort { ($0.time, $0.isEnd ? 1 : 0, $0.operation) < ($1.time, $1.isEnd ? 1 : 0, $1.operation) }
    var intervals = real.map { _ in (begin: never, end: never) }
    for (position, moment) in moments.enumerated() {
      if moment.isEnd {
        intervals[moment.operation].end = Int32(position)
      } else {
        intervals[moment.operation].begin = Int32(position)
      }
    }
    return real.enumerated().map { k, operation in
      let offset = UInt64(max(0, operation.offset))
      let action: SequentialLog.Action
      if operation.kind == .append {
        action = .append(operation.value.rawValue, at: operation.outcome == .ok && operation.offset >= 0 ? offset : nil)
      } else if operation.value == .none {
        action = .findEnd(at: offset)
      } else {
        action = .read(operation.value.rawValue, at: offset)
      }
      return SearchOperation(action: action, begin: intervals[k].begin, end: intervals[k].end)
    }
  }
}
