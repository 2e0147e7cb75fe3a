// Sagas: completed everywhere or undone everywhere, and what else there is.

import Base
import History
import Testing

@testable import Checkers

@Suite struct SagaTests {
  private let order = MessageID(producer: 1, sequence: 1)

  /// One order in three services; the steps as `service` completed, `-service` compensated, counted from 1.
  private func check(_ outcome: Outcome, _ steps: [Int], isDrained: Bool = true) -> SagaResult {
    var history = SagaHistory()
    history.services = ["a", "b", "c"]
    history.strangers = ["d"]
    history.isDrained = isDrained
    history.orders = [.init(order, outcome)]
    history.steps = steps.map { .init(order, service: UInt32(abs($0) - 1), $0 > 0 ? .completed : .compensated) }
    return SagaChecker.check(history)
  }

  private func expect(
    _ names: [SagaFindingName], _ outcome: Outcome, _ steps: [Int], at location: SourceLocation = #_sourceLocation
  ) {
    let result = check(outcome, steps)
    #expect(result.findings.map(\.name) == names, "\(result.findings)", sourceLocation: location)
    #expect(result.verdict == (names.isEmpty ? .valid : .violated), sourceLocation: location)
    #expect(SagaFindingName.allCases.allSatisfy { name in result.counts[name] == names.count { $0 == name } })
    #expect(result.undecided.isEmpty && result.completed + result.compensated + result.partial == 1)
  }

  @Test func allOrNothing() {
    expect([], .ok, [1, 2, 3])
    expect([], .info, [1, 2, 3])
    expect([], .info, [])
    expect([], .fail, [])
    expect([], .fail, [1, 2, -2, -1])
    expect([], .fail, [1, -1, -2, -3])
    #expect(check(.ok, [3, 1, 2]).completed == 1 && check(.fail, [1, -1]).compensated == 1)
  }

  @Test func halves() {
    expect([.torn], .info, [1, 2])
    expect([.torn], .fail, [1, 2, -2])
    expect([.torn], .ok, [1, 2, 3, -3])
    #expect(check(.info, [1, 2]).findings.first?.reason == "completed by a, b, and not, or no more, by c")
  }

  @Test func promises() {
    expect([.lost], .ok, [])
    expect([.lost], .ok, [1, 2, 3, -3, -2, -1])
    expect([.abortedRead], .fail, [1, 2, 3])
  }

  @Test func repetitions() {
    expect([.duplicated], .ok, [1, 2, 2, 3])
    expect([.duplicated], .fail, [1, -1, -1])
    expect([.duplicated, .torn], .info, [1, 1])
    #expect(check(.fail, [1, -1, -1]).findings.first?.reason == "compensated more than once by a")
  }

  /// Before the drain a step may only be late: nothing is valid yet, and only what no further step can mend is a violation.
  @Test func withoutTheDrain() {
    for (outcome, steps, name) in [
      (Outcome.info, [1, 2], SagaFindingName?.some(.torn)), (.ok, [], .lost), (.fail, [1, 2, 3], .abortedRead),
      (.ok, [1, 2, 3], nil), (.fail, [], nil),
    ] {
      let result = check(outcome, steps, isDrained: false)
      #expect(result.verdict == .undecided && result.findings.isEmpty, "\(steps)")
      #expect(result.undecided == (name.map { [$0: 1] } ?? [:]), "\(steps)")
    }
    #expect(check(.ok, [1, 1], isDrained: false).counts[.duplicated] == 1)
    #expect(check(.ok, [1, 2, -2], isDrained: false).counts[.torn] == 1)
    #expect(check(.ok, [-2], isDrained: false).counts[.lost] == 1)
    #expect(check(.info, [1, 2, -2], isDrained: false).verdict == .undecided)
    #expect(check(.ok, [4], isDrained: false).verdict == .violated)
    // Its order may have been written down later.
    var history = SagaHistory()
    history.services = ["a"]
    history.steps = [.init(order, service: 0, .completed)]
    history.isDrained = false
    let early = SagaChecker.check(history)
    #expect(early.verdict == .undecided && early.undecided == [.unexpected: 1])
  }

  @Test func ofNothing() {
    expect([.unexpected], .ok, [1, 2, 3, 4])
    #expect(check(.ok, [1, 2, 3, 4]).findings.first?.reason == "done by d, which is none of its services")
    var history = SagaHistory()
    history.services = ["a"]
    history.steps = [.init(order, service: 0, .completed)]
    #expect(SagaChecker.check(history).counts[.unexpected] == 1)
    #expect(SagaChecker.check(SagaHistory()).verdict == .undecided)
    // Whatever is found in what never was, it is no order's.
    #expect(SagaChecker.check(history).findings.first?.index == nil)
  }

  @Test func findingsAreBoundedAndCounted() {
    var history = SagaHistory()
    history.services = ["a", "b"]
    history.orders = (0..<5).map { .init(MessageID(producer: 0, sequence: $0), .ok) }
    let result = SagaChecker.check(history, findingLimit: 2)
    #expect(result.counts[.lost] == 5 && result.findings.map(\.index) == [0, 1])
  }

  /// Every sequence of up to five steps of two services: what is left of it decides.
  @Test func allSmallSagas() {
    for length in 0...5 {
      for number in 0..<Int(1 << (2 * length)) {
        let steps = (0..<length).map { [1, 2, -1, -2][number >> (2 * $0) & 3] }
        var history = SagaHistory()
        history.services = ["a", "b"]
        history.orders = [.init(order, .info)]
        history.steps = steps.map { .init(order, service: UInt32(abs($0) - 1), $0 > 0 ? .completed : .compensated) }
        let result = SagaChecker.check(history)
        let left = [1, 2].map { steps.contains($0) && !steps.contains(-$0) }
        #expect((result.counts[.torn] == 1) == (left[0] != left[1]), "\(steps)")
        let twice = [1, 2].count { s in steps.count { $0 == s } > 1 || steps.count { $0 == -s } > 1 }
        #expect(result.counts[.duplicated] == twice, "\(steps)")
      }
    }
  }
}
