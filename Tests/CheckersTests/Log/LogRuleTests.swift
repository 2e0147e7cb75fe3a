// Each finding about a log, in the smallest history that shows it, beside one that is allowed.

import Base
import History
import Testing

@testable import Checkers

private func append(
  _ value: Int, at offset: Int64? = nil, _ begin: Nanoseconds, _ end: Nanoseconds, _ outcome: Outcome? = nil
) -> LogOperation {
  LogOperation(
    .append, outcome ?? (offset == nil ? .info : .ok), value: MessageID(producer: 0, sequence: value),
    offset: offset ?? LogOperation.unknown, begin: begin, end: end)
}

private func read(_ offset: Int64, _ value: Int?, _ begin: Nanoseconds, _ end: Nanoseconds) -> LogOperation {
  LogOperation(
    .read, .ok, value: value.map { MessageID(producer: 0, sequence: $0) } ?? .none, offset: offset, begin: begin,
    end: end)
}

@Suite struct LogRuleTests {
  /// Exactly this one finding, about these operations.
  private func expect(
    _ operations: [LogOperation], _ name: LogFindingName, _ concerned: [Int], _ options: LogOptions = LogOptions(),
    at location: SourceLocation = #_sourceLocation
  ) {
    let result = LogChecker.check(operations, options: options)
    #expect(result.verdict == .violated, sourceLocation: location)
    #expect(result.findings.map(\.name) == [name], "\(result.findings)", sourceLocation: location)
    #expect(result.findings.first?.operations == concerned, "\(result.findings)", sourceLocation: location)
    #expect(result.findings.first?.reason.isEmpty == false, sourceLocation: location)
  }

  private func expectValid(
    _ operations: [LogOperation], _ options: LogOptions = LogOptions(), at location: SourceLocation = #_sourceLocation
  ) {
    let result = LogChecker.check(operations, options: options)
    #expect(result.verdict == .valid, "\(result.findings)", sourceLocation: location)
  }

  @Test func twoValuesAtOneOffset() {
    expect([append(1, at: 0, 1, 2), append(2, at: 0, 3, 4)], .inconsistentOffsets, [0, 1])
    expect([append(1, at: 0, 1, 2), append(2, 1, 2), read(0, 2, 3, 4)], .inconsistentOffsets, [0, 2])
    expectValid([append(1, at: 0, 1, 2), append(2, 1, 2), read(0, 1, 3, 4)])
  }

  @Test func oneValueAtTwoOffsets() {
    expect([append(1, at: 0, 1, 2), read(1, 1, 3, 4)], .duplicated, [0, 1])
    // Sent again by a producer that got no answer: twice in the log, and once where the broker saw that.
    expect([append(1, at: 0, 1, 2), append(1, at: 1, 3, 4)], .duplicated, [0, 1])
    expectValid([append(1, at: 0, 1, 2), append(1, at: 0, 3, 4), read(0, 1, 5, 6)])
  }

  @Test func readOfWhatWasNeverAppended() {
    expect([append(1, at: 0, 1, 2), read(0, 1, 3, 4), read(1, 9, 3, 4)], .unexpected, [2])
    expect([read(0, 1, 1, 2), append(1, at: 0, 3, 4)], .unexpected, [0, 1])
    // Equal times are concurrent.
    expectValid([read(0, 1, 1, 2), append(1, at: 0, 2, 4)])
  }

  @Test func readOfWhatFailed() {
    expect([append(1, 1, 2, .fail), read(0, 1, 3, 4)], .abortedRead, [0, 1])
    expectValid([append(1, 1, 2, .info), read(0, 1, 3, 4)])
    // It failed, and went in when it was sent again.
    expectValid([append(1, 1, 2, .fail), append(1, at: 0, 3, 4), read(0, 1, 5, 6)])
    expect([append(1, 1, 2, .fail), read(0, 1, 2, 2), append(1, at: 0, 3, 4)], .unexpected, [1, 2])
  }

  @Test func theEndBeforeWhatWasThere() {
    let one = append(1, at: 0, 1, 2)
    expect([one, read(0, nil, 3, 4)], .lost, [0, 1])
    expect([one, read(0, nil, 3, 4), read(0, 1, 5, 6)], .staleRead, [0, 1])
    // Seen again behind it is back as well; an append that returns later has seen nothing.
    expect([one, append(2, at: 1, 2, 3), read(0, nil, 4, 5), read(1, 2, 6, 7)], .staleRead, [0, 2])
    expect([one, append(2, at: 1, 2, 9), read(0, nil, 3, 4)], .lost, [0, 2])
    expectValid([one, read(0, nil, 2, 4), read(1, nil, 5, 6)])
    // What is behind it proves that it was there.
    expect([append(1, 1, 9), append(2, at: 1, 1, 2), read(0, nil, 3, 4)], .lost, [1, 2])
    expectValid([append(1, 1, 9), append(2, at: 1, 1, 3), read(0, nil, 3, 4)])
    // Seen by one reader, then not by another.
    expect([append(1, 1, 9), read(0, 1, 2, 3), read(0, nil, 4, 5)], .lost, [0, 1, 2])
  }

  @Test func offsetsAgainstTime() {
    expect([append(1, at: 1, 1, 2), append(2, at: 0, 3, 4)], .outOfOrder, [0, 1])
    expectValid([append(1, at: 1, 1, 3), append(2, at: 0, 3, 4)])
    // An append of unknown outcome counts from its first sight.
    expect([append(1, 1, 9), read(1, 1, 2, 3), append(2, at: 0, 4, 5)], .outOfOrder, [1, 2])
    expectValid([append(1, 1, 9), append(2, at: 0, 4, 5), read(1, 1, 6, 7)])
  }

  @Test func gapsNeedAppendsOfUnknownOutcome() {
    expect([append(1, at: 1, 1, 2)], .gap, [0])
    expectValid([append(1, at: 1, 1, 2), append(2, 1, 9)])
    // It began too late, or failed, or stands elsewhere.
    expect([append(1, at: 1, 1, 2), append(2, 3, 9)], .gap, [0])
    expect([append(1, at: 1, 1, 2), append(2, 1, 9, .fail)], .gap, [0])
    expect([append(1, at: 1, 1, 2), append(2, 1, 9), read(2, 2, 3, 4)], .gap, [0])
    // One for two.
    let result = LogChecker.check([append(1, at: 1, 1, 2), append(2, at: 3, 1, 2), append(3, 1, 9)])
    #expect(result.counts[.gap] == 1 && result.findings.map(\.offset) == [2])
    var options = LogOptions()
    options.isDense = false
    expectValid([append(1, at: 1, 1, 2), append(2, at: 7, 3, 4), read(8, nil, 5, 6)], options)
    options.isDense = true
    options.firstOffset = 7
    expectValid([append(1, at: 7, 1, 2)], options)
    expect([append(1, at: 8, 1, 2)], .gap, [0], options)
  }

  @Test func hugeOffsetsCostNothing() {
    let result = LogChecker.check([append(1, at: .max, 1, 2), append(2, at: .max - 5, 1, 2), read(3, nil, 1, 2)])
    #expect(result.counts[.gap] == .max - 1 && result.findings.count == 2)
    var options = LogOptions()
    options.isDense = false
    expect([append(1, at: .max, 1, 2), append(2, at: 1 << 40, 3, 4)], .outOfOrder, [0, 1], options)
  }

  @Test func whatIsNotKnownIsUndecided() {
    #expect(LogChecker.check([]).verdict == .undecided)
    #expect(LogChecker.check([append(1, at: 0, 1, 2)], isComplete: false).verdict == .undecided)
    // It succeeded, and nobody knows where it stands.
    let one = append(1, 1, 2, .ok)
    #expect(LogChecker.check([one]).verdict == .undecided && LogChecker.check([one]).unplaced == 1)
    expectValid([one, read(0, 1, 3, 4)])
    expect([one, read(0, 1, 3, 4), append(2, at: 1, 3, 4), read(0, nil, 5, 6)], .lost, [0, 1, 3])
  }

  @Test func listsAreCutAndCountsAreNot() {
    var options = LogOptions()
    options.findingLimit = 2
    let result = LogChecker.check((0..<9).map { read(Int64($0), $0, 1, 2) }, options: options)
    #expect(result.counts[.unexpected] == 9 && result.findings.count == 2)
  }
}
