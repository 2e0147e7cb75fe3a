// Each kind of cycle, hand-made: found under its name, as the shortest there is, and allowed where it should be.

import Base
import History
import Testing

@testable import Checkers

@Suite struct CycleRuleTests {
  private func cycles(
    _ lines: [String], strict: Bool = true, _ change: (inout TransactionOptions) -> Void = { _ in }
  ) throws -> [TransactionFinding] {
    let result = try ShortTransactions.check(lines) { options in
      options.pollsReachEnd = true
      options.allowances.writesInterleave = !strict
      change(&options)
    }
    let isBad = result.findings.contains { !result.options.allowances.allows($0.name) }
    #expect((result.verdict == .violated) == isBad)
    return result.findings.filter { !$0.steps.isEmpty }
  }

  private func expect(
    _ found: [TransactionFinding], _ name: TransactionFindingName, _ transactions: [Int], _ kinds: [DependencyKind],
    at location: SourceLocation = #_sourceLocation
  ) {
    #expect(found.map(\.name) == [name], "\(found)", sourceLocation: location)
    #expect(found.first?.transactions == transactions, "\(found)", sourceLocation: location)
    #expect(found.first?.steps.map(\.kind) == kinds, "\(found)", sourceLocation: location)
    #expect(found.first?.reason.split(separator: ";").count == kinds.count, sourceLocation: location)
  }

  private func concurrent(_ values: [String]) -> [String] {
    values.indices.map { #"\#($0) begin [["poll"]]"# } + values.indices.map { "\($0) end \(values[$0])" }
  }

  /// Nothing can stand behind the last offset of 64 bits, neither for who read it nor for who read it before.
  @Test func offsetsEndSomewhere() throws {
    let end = Int64.max
    let found = try cycles([
      #"0 ok [["send","x",[\#(end),1]]]"#, #"1 ok [["poll",{"x":[[\#(end),1],[\#(end),1]]}]]"#,
      #"1 ok [["poll",{"x":[[\#(end),1]]}],["poll",{"x":[[5,2]]}]]"#,
    ])
    #expect(found.isEmpty)
  }

  @Test func writes() throws {
    let crossed = concurrent([
      #"[["send","x",[0,1]],["send","y",[1,2]]]"#, #"[["send","x",[1,3]],["send","y",[0,4]]]"#,
    ])
    expect(try cycles(crossed), .g0, [0, 1], [.writeWrite, .writeWrite])
    // Nothing isolates writes in Kafka: counted, and allowed.
    let result = try ShortTransactions.check(crossed)
    #expect(result.counts[.g0] == 1 && result.verdict == .valid)
    let straight = concurrent([
      #"[["send","x",[0,1]],["send","y",[0,2]]]"#, #"[["send","x",[1,3]],["send","y",[1,4]]]"#,
    ])
    #expect(try cycles(straight).isEmpty)
    // What stands twice was written where it stands first.
    let twice = concurrent([
      #"[["send","x",[0,1]]]"#, #"[["send","x",[1,2]]]"#, #"[["poll",{"x":[[0,1],[1,2],[2,1]]}]]"#,
    ])
    #expect(try cycles(twice).isEmpty)
  }

  @Test func writesAgainstOrder() throws {
    let backwards = [#"0 ok [["send","x",[1,1]]]"#, #"1 ok [["send","x",[0,2]]]"#]
    expect(try cycles(backwards), .g0Realtime, [1, 0], [.writeWrite, .realtime])
    #expect(try cycles(backwards) { $0.usesRealTime = false }.isEmpty)
    let oneProcess = [#"0 ok [["send","x",[1,1]]]"#, #"0 ok [["send","x",[0,2]]]"#]
    expect(try cycles(oneProcess), .g0Process, [1, 0], [.writeWrite, .process])
    expect(try cycles(oneProcess) { $0.usesProcessOrder = false }, .g0Realtime, [1, 0], [.writeWrite, .realtime])
    // At the same time, or not known to have ended.
    #expect(try cycles(concurrent([#"[["send","x",[1,1]]]"#, #"[["send","x",[0,2]]]"#])).isEmpty)
    #expect(
      try cycles([#"0 info [["send","x",1]]"#, #"1 ok [["send","x",[0,2]]]"#, #"2 ok [["poll",{"x":[[0,2],[1,1]]}]]"#])
        .isEmpty)
    // One begins in the moment in which the other ends.
    var touching = EditableTransactions(keys: 1)
    for k in 0..<2 {
      let item = touching.begin(Int32(k), at: Nanoseconds(k + 1))
      touching.items[item].accesses = [
        .init(isSend: true, step: 0, key: 0, offset: Int64(1 - k), value: MessageID(producer: 0, sequence: k))
      ]
      touching.end(item, .ok, at: Nanoseconds(k + 2))
    }
    var options = TransactionOptions()
    options.allowances.writesInterleave = false
    #expect(TransactionChecker.check(touching.history(), options: options).verdict == .valid)
  }

  @Test func circularReads() throws {
    let mutual = concurrent([
      #"[["send","x",[0,1]],["poll",{"y":[[0,2]]}]]"#, #"[["send","y",[0,2]],["poll",{"x":[[0,1]]}]]"#,
    ])
    expect(try cycles(mutual, strict: false), .g1c, [0, 1], [.writeRead, .writeRead])
    #expect(try ShortTransactions.check(mutual).verdict == .violated)
    #expect(try cycles(concurrent([#"[["send","x",[0,1]]]"#, #"[["poll",{"x":[[0,1]]}]]"#])).isEmpty)
    // By way of the order of writes: only where that is claimed.
    let byWrites = concurrent([
      #"[["send","x",[0,1]],["send","y",[1,2]]]"#, #"[["send","y",[0,3]],["poll",{"x":[[0,1]]}]]"#,
    ])
    expect(try cycles(byWrites), .g1c, [0, 1], [.writeRead, .writeWrite])
    #expect(try cycles(byWrites, strict: false).isEmpty)
  }

  @Test func readsAgainstOrder() throws {
    let early = [#"0 ok [["poll",{"x":[[0,1]]}]]"#, #"1 ok [["send","x",[0,1]]]"#]
    expect(try cycles(early), .g1cRealtime, [1, 0], [.writeRead, .realtime])
    let oneProcess = [#"0 ok [["poll",{"x":[[0,1]]}]]"#, #"0 ok [["send","x",[0,1]]]"#]
    expect(try cycles(oneProcess), .g1cProcess, [1, 0], [.writeRead, .process])
  }

  /// Someone saw one of two sent together, and not the other.
  @Test func readSkew() throws {
    let lines = concurrent([
      #"[["send","x",[0,1]],["send","y",[1,2]]]"#, #"[["poll",{"x":[[0,1]],"y":[[0,3]]}]]"#, #"[["send","y",[0,3]]]"#,
    ])
    expect(try cycles(lines, strict: false), .gSingle, [1, 0], [.readWrite, .writeRead])
    // A poll that may end anywhere says nothing.
    #expect(try cycles(lines, strict: false) { $0.pollsReachEnd = false }.isEmpty)
    let whole = concurrent([
      #"[["send","x",[0,1]],["send","y",[1,2]]]"#, #"[["poll",{"x":[[0,1]],"y":[[0,3],[1,2]]}]]"#,
      #"[["send","y",[0,3]]]"#,
    ])
    #expect(try cycles(whole, strict: false).isEmpty)
  }

  @Test func staleReads() throws {
    let first = #"0 ok [["send","x",[0,1]]]"#
    let second = #"1 ok [["send","x",[1,2]]]"#
    let stale = #"2 ok [["poll",{"x":[[0,1]]}]]"#
    expect(try cycles([first, second, stale]), .gSingleRealtime, [2, 1], [.readWrite, .realtime])
    #expect(try cycles([first, stale, second]).isEmpty)
    let own = [first, #"2 ok [["send","x",[1,2]]]"#, stale]
    expect(try cycles(own), .gSingleProcess, [2, 1], [.readWrite, .process])
  }

  /// Two read what the other is about to extend.
  @Test func writeSkew() throws {
    let lines =
      [#"9 ok [["send","x",[0,8]],["send","y",[0,9]]]"#]
      + concurrent([
        #"[["poll",{"x":[[0,8]]}],["send","y",[1,1]]]"#, #"[["poll",{"y":[[0,9]]}],["send","x",[1,2]]]"#,
      ])
    expect(try cycles(lines), .g2, [1, 2], [.readWrite, .readWrite])
    // Readers who were under way when others wrote prove nothing.
    let concurrentReaders = [
      #"9 ok [["send","x",[0,8]],["send","y",[0,9]]]"#, #"1 begin [["poll"]]"#, #"3 begin [["poll"]]"#,
      #"5 ok [["send","x",[1,1]]]"#, #"6 ok [["send","y",[1,2]]]"#, #"1 end [["poll",{"x":[[0,8]]}]]"#,
      #"3 end [["poll",{"y":[[0,9]]}]]"#,
    ]
    #expect(try cycles(concurrentReaders).isEmpty)
  }

  @Test func writeSkewAgainstOrder() throws {
    let first = #"9 ok [["send","x",[0,8]],["send","y",[0,9]]]"#
    // Each writer's process, or simply a later transaction, does not see what the other wrote.
    func skew(_ a: Int, _ b: Int) -> [String] {
      [
        first, #"1 begin [["poll"]]"#, #"2 begin [["poll"]]"#, #"1 end [["send","x",[1,1]]]"#,
        #"2 end [["send","y",[1,2]]]"#, #"\#(a) begin [["poll"]]"#, #"\#(b) begin [["poll"]]"#,
        #"\#(a) end [["poll",{"y":[[0,9]]}]]"#, #"\#(b) end [["poll",{"x":[[0,8]]}]]"#,
      ]
    }
    let byProcess = try cycles(skew(1, 2)) { $0.usesRealTime = false }
    expect(byProcess, .g2Process, [3, 2, 4, 1], [.readWrite, .process, .readWrite, .process])
    let byTime = try cycles(skew(1, 2)) { $0.usesProcessOrder = false }
    // In time each came after both.
    #expect(byTime.map(\.name) == [.gSingleRealtime])
    // Only its own process's writer had returned when each reader began.
    let apart = [
      first, #"1 begin [["poll"]]"#, #"1 end [["send","x",[1,1]]]"#, #"3 begin [["poll"]]"#,
      #"2 begin [["poll"]]"#, #"2 end [["send","y",[1,2]]]"#, #"4 begin [["poll"]]"#,
      #"3 end [["poll",{"y":[[0,9]]}]]"#, #"4 end [["poll",{"x":[[0,8],[1,1]]}]]"#,
    ]
    #expect(try cycles(apart).isEmpty)
  }

  /// Ten transactions in a ring, and a shortcut through two of them.
  @Test func theShortestIsTold() throws {
    let ring = (0..<10).map { k in
      #"[["send","k\#(k)",[0,\#(k)]],["poll",{"k\#((k + 9) % 10)":[[0,\#((k + 9) % 10)]]\#(k == 3 ? #","k5":[[0,5]]"# : "")}]]"#
    }
    let found = try cycles(concurrent(ring), strict: false)
    expect(found, .g1c, [3, 4, 5], [.writeRead, .writeRead, .writeRead])
    // Two that share nothing are two.
    let two = concurrent([
      #"[["send","a",[0,1]],["poll",{"b":[[0,1]]}]]"#, #"[["send","b",[0,1]],["poll",{"a":[[0,1]]}]]"#,
      #"[["send","c",[0,1]],["poll",{"d":[[0,1]]}]]"#, #"[["send","d",[0,1]],["poll",{"c":[[0,1]]}]]"#,
    ])
    #expect(try cycles(two, strict: false).map(\.transactions) == [[0, 1], [2, 3]])
  }

  /// The depth of no chain is that of a call stack.
  @Test func longChains() throws {
    let count = 20_000
    var history = EditableTransactions(keys: 1)
    for k in 0..<count {
      let item = history.begin(Int32(k), at: 1)
      history.items[item].accesses = [
        .init(isSend: true, step: 0, key: 0, offset: Int64(k), value: MessageID(producer: 0, sequence: k))
      ]
      history.end(item, .ok, at: 2)
    }
    // The last wrote something at the very begin, too.
    history.keys.append("z")
    history.items[count - 1].accesses.append(.init(isSend: true, step: 1, key: 1, offset: 0, value: .init(rawValue: 0)))
    history.items[0].accesses.append(.init(isSend: true, step: 1, key: 1, offset: 1, value: .init(rawValue: 1)))
    var options = TransactionOptions()
    options.allowances.writesInterleave = false
    options.searchLimit = 100_000
    let result = TransactionChecker.check(history.history(), options: options)
    #expect(result.findings.first { $0.name == .g0 }?.steps.count == count)
    #expect(result.verdict == .violated)
    // Given up, a cycle is told all the same, and that it was.
    options.searchLimit = 0
    let hasty = TransactionChecker.check(history.history(), options: options)
    #expect(hasty.longCycles == 1 && hasty.counts[.g0] == 1)
  }
}
