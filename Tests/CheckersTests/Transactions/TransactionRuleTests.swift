// Each finding about transactions, in the smallest history that shows it, beside one that is allowed.

import Base
import History
import Testing

@testable import Checkers

@Suite struct TransactionRuleTests {
  /// Exactly these findings that are not allowed; the transactions are those of the first.
  private func expect(
    _ names: [TransactionFindingName], _ transactions: [Int]? = nil, _ lines: [String],
    _ change: (inout TransactionOptions) -> Void = { _ in }, at location: SourceLocation = #_sourceLocation
  ) throws {
    let result = try ShortTransactions.check(lines, change)
    let bad = result.findings.filter { !result.options.allowances.allows($0.name) }
    #expect(bad.map(\.name) == names, "\(result.findings)", sourceLocation: location)
    #expect(result.verdict == (names.isEmpty ? .valid : .violated), sourceLocation: location)
    #expect(bad.allSatisfy { !$0.reason.isEmpty && !$0.transactions.isEmpty }, sourceLocation: location)
    for name in names { #expect(result.counts[name] == names.count { $0 == name }, sourceLocation: location) }
    if let transactions {
      #expect(bad.first?.transactions == transactions, "\(result.findings)", sourceLocation: location)
    }
  }

  private let one = #"0 ok [["send","x",[0,1]]]"#
  private let two = #"0 ok [["send","x",[0,1]],["send","x",[1,2]]]"#

  @Test func abortedReads() throws {
    let failed = #"0 fail [["send","x",1],["send","y",2]]"#
    try expect([.abortedRead], [0, 1], [failed, #"1 ok [["poll",{"x":[[0,1]]}]]"#])
    try expect([], nil, [failed, #"1 ok [["poll",{"x":[]}]]"#])
    try expect([], nil, [#"0 info [["send","x",1]]"#, #"1 ok [["poll",{"x":[[0,1]]}]]"#])
    // It failed, and went in when it was sent again.
    try expect([], nil, [failed, one, #"1 ok [["poll",{"x":[[0,1]]}]]"#])
    try expect([], nil, [failed, #"1 ok [["poll",{"x":[[0,1]]}]]"#]) { $0.allowances.readsUncommitted = true }
    // It is not torn as well.
    try expect([.abortedRead], [0, 1], [failed, #"1 ok [["poll",{"x":[[0,1]]}]]"#]) { $0.allowances.endsUnread = false }
  }

  @Test func readsBeforeCommit() throws {
    try expect([.precommittedRead], [0], [#"0 ok [["send","x",[0,1]],["poll",{"x":[[0,1]]}]]"#])
    try expect([], nil, [one, #"0 ok [["poll",{"x":[[0,1]]}]]"#])
    // Sent by another as well, nobody knows whose it was.
    try expect([], nil, [#"0 ok [["send","x",[0,1]],["poll",{"x":[[0,1]]}]]"#, #"2 ok [["send","x",1]]"#])
    // Before it was even sent; never sent.
    try expect([.unexpected], [0, 1], [#"1 ok [["poll",{"x":[[0,1]]}]]"#, one]) {
      ($0.usesRealTime, $0.usesProcessOrder) = (false, false)
    }
    try expect([.unexpected, .g1cRealtime], [0, 1], [#"1 ok [["poll",{"x":[[0,1]]}]]"#, one])
    try expect([], nil, [#"1 begin [["poll"]]"#, one, #"1 end [["poll",{"x":[[0,1]]}]]"#])
    try expect([.unexpected], [1], [one, #"1 ok [["poll",{"x":[[0,1],[1,9]]}]]"#])
    // The same value in another key is another.
    try expect([.unexpected], [1], [one, #"1 ok [["poll",{"y":[[0,1]]}]]"#])
  }

  @Test func intermediateReads() throws {
    let reader = #"1 ok [["poll",{"x":[[0,1]]}]]"#
    try expect([.intermediateRead], [0, 1], [two, reader]) { $0.allowances.pollsInPieces = false }
    try expect([], nil, [two, reader])
    try expect([], nil, [two, #"1 ok [["poll",{"x":[[0,1]]}],["poll",{"x":[[1,2]]}]]"#]) {
      $0.allowances.pollsInPieces = false
    }
    // Another key polled afterwards makes it no better.
    let other = #"0 ok [["send","y",[0,3]]]"#
    try expect([.intermediateRead], [0, 2], [two, other, #"1 ok [["poll",{"x":[[0,1]]}],["poll",{"y":[[0,3]]}]]"#]) {
      $0.allowances.pollsInPieces = false
    }
  }

  @Test func lostWrites() throws {
    let later = #"0 ok [["send","x",[2,3]]]"#
    try expect([.lostWrite], [0, 2], [one, later, #"1 ok [["poll",{"x":[[2,3]]}]]"#])
    try expect([], nil, [one, later, #"1 ok [["poll",{"x":[[0,1]]}]]"#])
    try expect([], nil, [one, later, #"1 ok [["poll",{"x":[[0,1],[2,3]]}]]"#])
    // That it was sent once more, and failed, changes nothing.
    try expect(
      [.lostWrite], [0, 3], [one, #"4 fail [["send","x",1]]"#, later, #"1 ok [["poll",{"x":[[2,3]]}]]"#])
    // Of unknown outcome: lost only where something else of it was seen.
    let unknown = #"0 info [["send","x",[0,1]],["send","y",[0,2]]]"#
    try expect([], nil, [unknown, later, #"1 ok [["poll",{"x":[[2,3]]}]]"#])
    try expect(
      [.lostWrite, .tornTransaction], [0, 2], [unknown, later, #"1 ok [["poll",{"x":[[2,3]],"y":[[0,2]]}]]"#])
  }

  @Test func unseenWrites() throws {
    let result = try ShortTransactions.check([two, #"1 ok [["poll",{"x":[[0,1]]}]]"#])
    #expect(result.verdict == .valid && result.counts[.unseen] == 1)
    #expect(result.sent == 2 && result.polled == 1 && result.committed == 2)
    try expect([.unseen, .tornTransaction], [0], [two, #"1 ok [["poll",{"x":[[0,1]]}]]"#]) {
      $0.allowances.endsUnread = false
    }
    try expect([.unseen], [0], [one, #"1 ok [["poll",{"y":[]}]]"#]) { $0.allowances.endsUnread = false }
  }

  @Test func tornTransactions() throws {
    let both = #"0 ok [["send","x",[0,1]],["send","y",[0,2]]]"#
    let later = #"0 ok [["send","y",[2,3]]]"#
    try expect([.lostWrite, .tornTransaction], [0, 2], [both, later, #"1 ok [["poll",{"x":[[0,1]],"y":[[2,3]]}]]"#])
    // All of it is lost; or nobody read so far.
    try expect([.lostWrite], [0, 2], [both, later, #"1 ok [["poll",{"y":[[2,3]]}]]"#])
    try expect([], nil, [both, later, #"1 ok [["poll",{"x":[[0,1]]}]]"#])
    // Of unknown outcome and unknown place, torn once everything was read.
    let unknown = #"0 info [["send","x",1],["send","y",2]]"#
    let reader = #"1 ok [["poll",{"x":[[0,1]],"y":[]}]]"#
    try expect([], nil, [unknown, reader])
    try expect([.tornTransaction], [0, 1], [unknown, reader]) { $0.allowances.endsUnread = false }
  }

  @Test func placesInTheLog() throws {
    try expect([.inconsistentOffsets], [0, 1], [one, #"0 ok [["send","x",[0,2]]]"#]) {
      $0.allowances.sendsOvertake = true
    }
    // Of unknown outcome and never seen, where it stands means nothing.
    try expect([], nil, [one, #"2 info [["send","x",[0,2]]]"#])
    try expect(
      [.inconsistentOffsets], [0, 1],
      [one, #"2 info [["send","x",[0,2]],["send","y",[0,3]]]"#, #"1 ok [["poll",{"y":[[0,3]]}]]"#])
    try expect([.duplicated], [0, 1], [one, #"1 ok [["poll",{"x":[[0,1],[3,1]]}]]"#])
    // Where a failed send of it stood means nothing either.
    try expect([], nil, [#"2 fail [["send","x",[5,1]]]"#, one, #"1 ok [["poll",{"x":[[0,1]]}]]"#])
    // Once, however many saw it there.
    let wrong = #"[["poll",{"x":[[0,2]]}]]"#
    let seen = try ShortTransactions.check([two, "1 ok \(wrong)", "2 ok \(wrong)"])
    #expect(seen.counts[.inconsistentOffsets] == 1 && seen.verdict == .violated)
    try expect([], nil, [one, #"1 ok [["poll",{"x":[[0,1]]}]]"#, #"2 ok [["poll",{"x":[[0,1]]}]]"#])
  }

  @Test func pollsWithinATransaction() throws {
    let three = #"0 ok [["send","x",[0,1]],["send","x",[2,2]],["send","x",[3,3]]]"#
    let all = #"2 ok [["poll",{"x":[[0,1],[2,2],[3,3]]}]]"#
    try expect([], nil, [three, all])
    try expect([.internalPollSkip], [0, 2], [three, all, #"1 ok [["poll",{"x":[[0,1],[3,3]]}]]"#])
    try expect([.internalPollSkip], [0, 2], [three, all, #"1 ok [["poll",{"x":[[0,1]]}],["poll",{"x":[[3,3]]}]]"#])
    // Going back over it, the second time as it should be.
    try expect(
      [.internalPollSkip, .internalNonmonotonicPoll], [0, 2],
      [three, all, #"1 ok [["poll",{"x":[[0,1],[3,3],[2,2]]}]]"#])
    try expect(
      [.internalNonmonotonicPoll], [2], [three, all, #"1 ok [["poll",{"x":[[0,1]]}],["poll",{"x":[[0,1]]}]]"#])
    // The key was taken away meanwhile.
    try expect(
      [], nil, [three, all, #"1 ok [["poll",{"x":[[0,1],[3,3],[2,2]]}]]|"rebalance-log":[{"keys":["x"]}]"#])
    try expect(
      [.internalPollSkip], [0, 2],
      [three, all, #"1 ok [["poll",{"x":[[0,1],[3,3]]}]]|"rebalance-log":[{"keys":["y"]}]"#])
  }

  @Test func pollsOfOneProcess() throws {
    let three = #"0 ok [["send","x",[0,1]],["send","x",[2,2]],["send","x",[3,3]]]"#
    let all = #"2 ok [["poll",{"x":[[0,1],[2,2],[3,3]]}]]"#
    func assigned(_ options: inout TransactionOptions) { options.allowances.subscribes = false }
    let (first, third) = (#"1 ok [["poll",{"x":[[0,1]]}]]"#, #"1 ok [["poll",{"x":[[3,3]]}]]"#)
    try expect([.pollSkip], [0, 2, 3], [three, all, first, third], assigned)
    try expect([.nonmonotonicPoll], [2, 3], [three, all, third, first], assigned)
    try expect([.nonmonotonicPoll], [2, 3], [three, all, first, first], assigned)
    // Allowed where a group may move the key; or another process does it; or it is assigned anew, or starts over.
    try expect([], nil, [three, all, first, third])
    try expect([], nil, [three, all, first, #"3 ok [["poll",{"x":[[3,3]]}]]"#], assigned)
    try expect([], nil, [three, all, first, #"1 assign ["y"]"#, third], assigned)
    try expect([.pollSkip], [0, 2, 4], [three, all, first, #"1 assign ["x","y"]"#, third], assigned)
    try expect([.pollSkip], [0, 2, 4], [three, all, first, #"1 assign-fail ["y"]"#, third], assigned)
    try expect([], nil, [three, all, third, #"1 assign ["x"]|"seek-to-beginning":true"#, first], assigned)
    try expect(
      [], nil, [three, all, first, #"1 ok [["poll",{"x":[[3,3]]}]]|"rebalance-log":[{"keys":["x"]}]"#], assigned)
    // After a failure it goes on from what was committed.
    try expect([], nil, [three, all, #"1 fail [["poll",{"x":[[0,1]]}]]"#, first], assigned)
    try expect([], nil, [three, all, first, #"1 fail [["poll"]]"#, first], assigned)
    // What is not committed may be left out, and so may a gap.
    try expect(
      [], nil,
      [
        #"0 ok [["send","x",[0,1]]]"#, #"4 fail [["send","x",[1,7]]]"#, #"0 ok [["send","x",[5,2]]]"#,
        first, #"1 ok [["poll",{"x":[[5,2]]}]]"#,
      ], assigned)
  }

  @Test func sendsOfOneProcess() throws {
    try expect([.internalNonmonotonicSend], [0], [#"0 ok [["send","x",[3,1]],["send","x",[2,2]]]"#])
    try expect([], nil, [#"0 ok [["send","x",[2,1]],["send","x",[3,2]],["send","y",[0,3]]]"#])
    try expect(
      [.internalNonmonotonicSend], [0],
      [
        #"0 ok [["send","x",[3,1]],["send","x",[null,2]]]"#,
        #"1 ok [["poll",{"x":[[2,2],[3,1]]}]]"#,
      ])
    // Where the sends of one that failed would have stood is nobody's order.
    try expect([], nil, [#"1 ok [["send","y",[0,9]]]"#, #"0 fail [["send","x",[3,1]],["send","x",[2,2]]]"#])
    let back = [#"0 ok [["send","x",[3,1]]]"#, #"0 ok [["send","x",[2,2]]]"#]
    try expect([.nonmonotonicSend], [0, 1], back)
    try expect([], nil, back) { $0.allowances.sendsOvertake = true }
    try expect([], nil, [#"0 ok [["send","x",[3,1]]]"#, #"1 ok [["send","x",[2,2]]]"#])
    // The first was given up, and went in later.
    try expect(
      [], nil, [#"0 info [["send","x",1]]"#, #"0 ok [["send","x",[2,2]]]"#, #"1 ok [["poll",{"x":[[2,2],[3,1]]}]]"#])
  }

  @Test func nothingCommittedIsUndecided() throws {
    #expect(try ShortTransactions.check([]).verdict == .undecided)
    #expect(try ShortTransactions.check([#"0 info [["send","x",1]]"#]).verdict == .undecided)
    let result = try ShortTransactions.check([#"0 info [["send","x",1]]"#])
    #expect(result.transactions == 1 && result.unknown == 1 && result.committed == 0)
  }

  @Test func listsAreCutAndCountsAreNot() throws {
    let result = try ShortTransactions.check([#"1 ok [["poll",{"x":[[0,1],[1,2],[2,3]]}]]"#]) { $0.findingLimit = 2 }
    #expect(result.counts[.unexpected] == 3 && result.findings.count == 2)
    #expect(result.options.findingLimit == 2 && TransactionFindingName.allCases.allSatisfy { result.counts[$0] != nil })
  }
}
