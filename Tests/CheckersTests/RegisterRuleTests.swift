// Each rule of registers in a few lines of its own.

import Base
import History
import Testing

@testable import Checkers

/// Operations on registers, written one after the other; `begin` and `end` let them overlap.
struct RegisterStory {
  private(set) var builder = HistoryBuilder()
  var history: RecordedHistory { builder.history }

  @discardableResult
  mutating func begin(_ function: Function, _ value: UInt64? = nil, key: UInt64 = 0, expected: UInt64 = 0) -> UInt64 {
    builder.add(function, .invoke) { event in
      (event.tag, event.transaction) = (key, expected)
      event.message = value.map(MessageID.init(rawValue:)) ?? .none
    }
  }

  mutating func end(_ operation: UInt64, _ outcome: Outcome = .ok, read value: UInt64? = nil) {
    let invoke = builder.events.first { $0.op == operation }
    builder.add(invoke?.function ?? .read, outcome, op: operation) { event in
      (event.tag, event.transaction) = (invoke?.tag ?? 0, invoke?.transaction ?? 0)
      event.message = value.map(MessageID.init(rawValue:)) ?? invoke?.message ?? .none
    }
  }

  mutating func write(_ value: UInt64, key: UInt64 = 0, _ outcome: Outcome = .ok) {
    end(begin(.write, value, key: key), outcome)
  }
  mutating func read(_ value: UInt64?, key: UInt64 = 0, _ outcome: Outcome = .ok) {
    end(begin(.read, key: key), outcome, read: value)
  }
  mutating func swap(_ old: UInt64, _ new: UInt64, key: UInt64 = 0, _ outcome: Outcome = .ok) {
    end(begin(.compareAndSet, new, key: key, expected: old), outcome)
  }
}

@Suite struct RegisterRuleTests {
  private func check(
    budget: SearchBudget = .standard, limit: Int = 1000, _ build: (inout RegisterStory) -> Void
  ) -> RegisterResult {
    var story = RegisterStory()
    build(&story)
    return RegisterChecker.check(story.history, findingLimit: limit, budget: budget)
  }

  private func found(_ result: RegisterResult) -> [RegisterFindingName: Int] { result.counts.filter { $0.value > 0 } }

  @Test func theFirstValueIsZeroOrNothing() {
    let result = check {
      $0.read(0)
      $0.read(nil)
      $0.write(1)
      $0.read(1)
    }
    #expect(result.verdict == .valid && result.keys == 1 && result.writes == 1 && result.reads == 3)
    for first in [UInt64(0), nil] {
      let stale = check {
        $0.write(1)
        $0.read(first)
      }
      #expect(found(stale) == [.staleRead: 1])
      #expect(stale.findings.map(\.value) == [MessageID(rawValue: 0)])
      #expect(stale.findings.map(\.other) == [MessageID(rawValue: 1)])
      #expect(stale.findings.map(\.events) == [[0, 1, 2, 3]])
    }
  }

  @Test func aValueReadMustHaveBeenWritten() throws {
    let never = check {
      $0.write(1)
      $0.read(2)
    }
    #expect(found(never) == [.unexpected: 1])
    let finding = try #require(never.findings.first)
    #expect(finding.value == MessageID(rawValue: 2) && finding.events == [2, 3])
    #expect(finding.begin == 3 * .millisecond && finding.end == 4 * .millisecond)
    let before = check {
      $0.read(1)
      $0.write(1)
    }
    #expect(found(before) == [.unexpected: 1])
    let meanwhile = check {
      let read = $0.begin(.read)
      $0.begin(.write, 1)
      $0.end(read, read: 1)
    }
    #expect(meanwhile.verdict == .valid)
    // Keys are apart.
    let elsewhere = check {
      $0.write(1, key: 4)
      $0.read(1, key: 5)
    }
    #expect(found(elsewhere) == [.unexpected: 1] && elsewhere.findings.map(\.key) == [5] && elsewhere.keys == 2)
  }

  @Test func whatFailedMustNotBeRead() {
    let aborted = check {
      $0.write(1, .fail)
      $0.read(1)
    }
    #expect(found(aborted) == [.abortedRead: 1])
    // Tried again with the same value, it was written once.
    let again = check {
      $0.write(1, .fail)
      $0.write(1)
      $0.read(1)
    }
    #expect(again.verdict == .valid && again.searchedKeys == 0)
    // Read between the two, it was read before the one that did not fail.
    let between = check {
      $0.write(1, .fail)
      $0.read(1)
      $0.write(1)
    }
    #expect(found(between) == [.unexpected: 1])
    let swapped = check {
      $0.swap(3, 4, .fail)
      $0.read(4)
    }
    #expect(found(swapped) == [.abortedRead: 1] && swapped.searchedKeys == 0)
  }

  @Test func whatIsUnknownMayComeLateOrNever() {
    let late = check {
      $0.write(1, .info)
      $0.write(2)
      $0.read(2)
      $0.read(1)
      $0.read(nil, .info)
      $0.read(9, .fail)
    }
    #expect(late.verdict == .valid && late.reads == 2)
    let twice = check {
      $0.write(1, .info)
      $0.write(2)
      $0.read(1)
      $0.read(2)
    }
    #expect(found(twice) == [.staleRead: 1])
    let never = check {
      $0.begin(.write, 1)
      $0.read(0)
    }
    #expect(never.verdict == .valid)
  }

  @Test func theTwoThatContradictAreShown() throws {
    // Forward and forward: each is read after the other was there.
    let crossed = check {
      $0.write(1)
      $0.write(2)
      $0.read(1)
      $0.read(2)
    }
    #expect(found(crossed) == [.staleRead: 1])
    let finding = try #require(crossed.findings.first)
    #expect(finding.value.rawValue == 1 && finding.other.rawValue == 2 && finding.events == Array(0...7))
    #expect(finding.reason == "read again after 2 had taken its place, and 2 was read after it")
    // Backward inside forward: it came and went while the other was there.
    let between = check {
      $0.write(1)
      $0.write(2)
      $0.read(1)
    }
    #expect(
      between.findings.map(\.reason) == ["there before 2 came and read again after 2 had taken its place"])
    // Backward and only partly inside: it came after.
    let after = check {
      $0.write(1)
      let write = $0.begin(.write, 2)
      $0.read(1)
      $0.end(write)
      $0.read(2)
    }
    #expect(after.verdict == .valid)
  }

  @Test func aValueReadTooLateIsToldOnceWithTheLastThatTookItsPlace() {
    let result = check {
      $0.write(1)
      $0.write(2)
      $0.read(2)
      $0.write(3)
      $0.read(1)
      $0.write(4)
      $0.read(4)
    }
    #expect(found(result) == [.staleRead: 1])
    #expect(result.findings.map(\.value.rawValue) == [1] && result.findings.map(\.other.rawValue) == [3])
    #expect(result.findings.map(\.events) == [[0, 1, 6, 7, 8, 9]])
    // A zone inside a longer one does not end it.
    let long = check {
      $0.write(1)
      $0.write(2)
      $0.read(2)
      let read = $0.begin(.read)
      $0.write(5)
      $0.end(read, read: 1)
      $0.write(6)
      $0.read(1)
    }
    #expect(long.findings.map(\.other.rawValue) == [6])
  }

  @Test func allAreCountedAndFewListed() {
    let few = check(limit: 2) { story in
      for key in UInt64(0)..<5 {
        story.write(1, key: key)
        story.write(2, key: key)
        story.read(1, key: key)
      }
    }
    #expect(few.counts[.staleRead] == 5 && few.findings.map(\.key) == [0, 1])
  }

  @Test func valuesWrittenTwiceAndSwapsAreSearched() throws {
    let repeated = check {
      $0.write(1)
      $0.write(2)
      $0.write(1)
      $0.read(1)
      $0.write(7, key: 1)
    }
    #expect(repeated.verdict == .valid && repeated.searchedKeys == 1 && repeated.keys == 2)
    let zero = check {
      $0.write(1)
      $0.write(0)
      $0.read(0)
    }
    #expect(zero.verdict == .valid && zero.searchedKeys == 1)
    let swapped = check {
      $0.swap(0, 5)
      $0.swap(5, 6, .info)
      $0.read(5)
      $0.read(6)
    }
    #expect(swapped.verdict == .valid)
    let impossible = check {
      $0.write(1, key: 3)
      $0.swap(1, 2, key: 3)
      $0.read(2, key: 3)
      $0.swap(1, 3, key: 3)
      $0.read(3, key: 3)
    }
    #expect(found(impossible) == [.unexplained: 1])
    let finding = try #require(impossible.findings.first)
    #expect(finding.key == 3 && finding.events == [6, 7])
    let undecided = check(budget: SearchBudget(steps: 1)) {
      $0.swap(0, 5)
      $0.read(5)
    }
    #expect(undecided.verdict == .undecided && undecided.undecidedKeys == 1)
  }

  @Test func aHistoryCutShortOrOfSomethingElseProvesNothing() {
    var story = RegisterStory()
    story.write(1)
    var cut = story.history
    cut.isComplete = false
    #expect(RegisterChecker.check(cut).verdict == .undecided)
    var other = HistoryBuilder()
    other.enqueue(1)
    #expect(RegisterChecker.check(other.history).verdict == .undecided)
    // Completions that belong to nothing, and seconds ones, are passed over.
    let odd = check {
      let read = $0.begin(.read)
      $0.end(read, .info)
      $0.end(read, read: 0)
      $0.end(read, read: 7)
      $0.end(99, read: 8)
    }
    #expect(odd.verdict == .valid && odd.reads == 1)
  }
}
