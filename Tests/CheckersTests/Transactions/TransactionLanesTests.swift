// Pictures of findings about transactions: which are drawn, what of them is told, and the sentence for each name.

import Base
import History
import Testing

@testable import Checkers

@Suite struct TransactionLanesTests {
  /// The report on a short history, with pictures, nothing allowed.
  private func report(
    _ lines: [String], _ change: (inout TransactionOptions) -> Void = { _ in }
  ) throws -> CheckReport {
    var options = TransactionOptions()
    options.allowances = try #require(KafkaAllowances(allowing: []))
    change(&options)
    return CheckCommandCore.run(try ShortTransactions.history(lines), options: options, explains: true)
  }

  /// The picture of the first finding of the name holds these rows, `process 0: label | label`, and this sentence.
  private func expect(
    _ name: TransactionFindingName, _ lines: [String], _ rows: [String], _ sentence: String,
    at location: SourceLocation = #_sourceLocation, _ change: (inout TransactionOptions) -> Void = { _ in }
  ) throws {
    let report = try report(lines, change)
    let lanes = try #require(
      report.findings.first { $0.name == name.rawValue }?.lanes, "\(report.findings)", sourceLocation: location)
    let found = lanes.rows.map { "\($0.name): " + $0.intervals.map(\.label).joined(separator: " | ") }
    #expect(found == rows, sourceLocation: location)
    #expect(lanes.sentence == sentence, sourceLocation: location)
  }

  private func concurrent(_ values: [String]) -> [String] {
    values.indices.map { #"\#($0) begin [["poll"]]"# } + values.indices.map { "\($0) end \(values[$0])" }
  }

  private let one = #"0 ok [["send","x",[0,1]]]"#
  private let later = #"0 ok [["send","x",[2,3]]]"#
  private let three = #"0 ok [["send","x",[0,1]],["send","x",[2,2]],["send","x",[3,3]]]"#
  private let all = #"2 ok [["poll",{"x":[[0,1],[2,2],[3,3]]}]]"#
  private let first = #"1 ok [["poll",{"x":[[0,1]]}]]"#
  private let third = #"1 ok [["poll",{"x":[[3,3]]}]]"#

  @Test func wrongReads() throws {
    try expect(
      .abortedRead, [#"0 fail [["send","x",1],["send","y",2]]"#, first],
      ["process 0: T0 send x: 1; … (failed)", "process 1: T1 poll x: 1 at 0"],
      "T1 polled 1 from x, which T0 sent, and T0 failed: what has failed must never be seen.")
    try expect(
      .precommittedRead, [#"0 ok [["send","x",[0,1]],["poll",{"x":[[0,1]]}]]"#],
      ["process 0: T0 send x: 1 at 0; poll x: 1 at 0"],
      "T0 polled 1 from x, which it sent itself: nothing may be seen before it is committed.")
    try expect(
      .intermediateRead, [#"0 ok [["send","x",[0,1]],["send","x",[1,5]],["send","x",[2,6]]]"#, first],
      ["process 0: T0 send x: 1 at 0, …, 6 at 2", "process 1: T1 poll x: 1 at 0"],
      "The last that T1 polled of x is 1, but T0 sent 6 after it: only a part of T0 was seen.")
    try expect(
      .unexpected, [one, #"1 ok [["poll",{"x":[[0,1],[1,9]]}]]"#], ["process 1: T1 poll x: …, 9 at 1"],
      "T1 polled 9 from x, and nobody ever sent it there.")
    try expect(
      .unexpected, [first, one], ["process 0: T1 send x: 1 at 0", "process 1: T0 poll x: 1 at 0"],
      "T0 polled 1 from x, and had returned before T1, which sent it, began: nothing can be polled before it is sent.")
  }

  @Test func lossesAndTornTransactions() throws {
    try expect(
      .lostWrite, [one, #"4 ok [["send","x",[1,5]]]"#, later, #"1 ok [["poll",{"x":[[1,5],[2,3]]}]]"#],
      ["process 0: T0 send x: 1 at 0", "process 1: T3 poll x: …, 3 at 2"],
      "T0 sent 1 to x at offset 0, and T3 polled as far as offset 2: somebody must have polled 1, and nobody did.")
    try expect(
      .lostWrite,
      [
        #"0 info [["send","x",[0,1]],["send","y",[0,2]]]"#, later, #"1 ok [["poll",{"x":[[2,3]],"y":[[0,2]]}]]"#,
      ],
      ["process 0: T0 send x: 1 at 0; … (unknown)", "process 1: T2 poll x: 3 at 2; …"],
      "T0 sent 1 to x at offset 0, and T2 polled as far as offset 2: somebody must have polled 1, and nobody did. "
        + "T0 has no answer, but something else of it was polled, so it is committed.")
    try expect(
      .unseen, [one, #"1 ok [["poll",{"y":[]}]]"#], ["process 0: T0 send x: 1 at 0"],
      "T0 sent 1 to x, and was acknowledged: somebody must have polled it, and nobody did.")
    let both = #"0 ok [["send","x",[0,1]],["send","z",[0,9]],["send","y",[0,2]]]"#
    let part = #"1 ok [["poll",{"x":[[0,1]],"z":[[0,9]]}]]"#
    try expect(
      .tornTransaction, [both, #"0 ok [["send","y",[2,3]]]"#, part, #"3 ok [["poll",{"y":[[2,3]]}]]"#],
      [
        "process 0: T0 send x: 1 at 0; …; send y: 2 at 0", "process 1: T2 poll x: 1 at 0; …",
        "process 3: T3 poll y: 3 at 2",
      ],
      "T0 must take effect as a whole or not at all: T2 polled 1 of it from x, and nobody ever polled 2 from y, "
        + "though T3 polled as far as offset 2.")
    // Of unknown place, nothing is known to stand behind it.
    try expect(
      .tornTransaction,
      [
        #"0 info [["send","x",1],["send","y",2]]"#, #"3 ok [["send","y",[0,7]]]"#,
        #"1 ok [["poll",{"x":[[0,1]],"y":[[0,7]]}]]"#,
      ],
      ["process 0: T0 send x: 1 at 0; send y: 2 (unknown)", "process 1: T2 poll x: 1 at 0; …"],
      "T0 must take effect as a whole or not at all: T2 polled 1 of it from x, and nobody ever polled 2 from y.")
  }

  @Test func placesInTheLog() throws {
    try expect(
      .inconsistentOffsets, [one, #"1 ok [["send","x",[0,2]]]"#],
      ["process 0: T0 send x: 1 at 0", "process 1: T1 send x: 2 at 0"],
      "Offset 0 of x holds 1 in T0 and 2 in T1: there is room for one message.")
    // Who polled it first saw it where it belongs.
    let again = #"3 ok [["poll",{"7":[[3,1]]}]]"#
    try expect(
      .duplicated, [#"0 ok [["send","7",[0,1]]]"#, #"2 ok [["poll",{"7":[[0,1]]}]]"#, again],
      ["process 0: T0 send 7: 1 at 0", "process 3: T2 poll 7: 1 at 3"],
      "1 stands in key 7 twice, at offset 0 in T0 and at offset 3 in T2: a message has one place.")
  }

  @Test func ordersWithinATransaction() throws {
    try expect(
      .internalPollSkip, [three, all, #"1 ok [["poll",{"x":[[0,1],[3,3]]}]]"#],
      ["process 0: T0 send x: …, 2 at 2, …", "process 1: T2 poll x: 1 at 0, 3 at 3"],
      "T2 polled offset 0 of x and then offset 3: it left out 2 at offset 2, which T0 sent.")
    try expect(
      .internalNonmonotonicPoll, [three, all, #"1 ok [["poll",{"x":[[0,1],[3,3],[2,2]]}]]"#],
      ["process 1: T2 poll x: …, 3 at 3, 2 at 2"], "T2 polled offset 2 of x after offset 3: polls only go forward.")
    try expect(
      .internalNonmonotonicPoll, [three, all, #"1 ok [["poll",{"x":[[0,1]]}],["poll",{"x":[[0,1]]}]]"#],
      ["process 1: T2 poll x: 1 at 0; poll x: 1 at 0"], "T2 polled offset 0 of x twice: polls only go forward.")
    try expect(
      .internalNonmonotonicSend, [#"0 ok [["send","x",[3,1]],["send","x",[2,2]]]"#],
      ["process 0: T0 send x: 1 at 3, 2 at 2"],
      "T0 sent 1 to x and then 2, but 1 stands at offset 3 and 2 at 2: what is sent later must stand later.")
  }

  @Test func ordersOfAProcess() throws {
    try expect(
      .pollSkip, [three, all, first, third],
      ["process 0: T0 send x: …, 2 at 2, …", "process 1: T2 poll x: 1 at 0 | T3 poll x: 3 at 3"],
      "Process 1 polled offset 0 of x in T2 and went on with offset 3 in T3: it left out 2 at offset 2, which T0 sent.")
    try expect(
      .nonmonotonicPoll, [three, all, third, first], ["process 1: T2 poll x: 3 at 3 | T3 poll x: 1 at 0"],
      "Process 1 polled offset 3 of x in T2, and then offset 0 in T3: polls only go forward.")
    try expect(
      .nonmonotonicPoll, [three, all, first, first], ["process 1: T2 poll x: 1 at 0 | T3 poll x: 1 at 0"],
      "Process 1 polled offset 0 of x in T2, and again in T3: polls only go forward.")
    try expect(
      .nonmonotonicSend, [#"0 ok [["send","x",[3,1]]]"#, #"0 ok [["send","x",[2,2]]]"#],
      ["process 0: T0 send x: 1 at 3 | T1 send x: 2 at 2"],
      "Process 0 sent 1 to x in T0 and then 2 in T1, but 1 stands at offset 3 and 2 at 2: "
        + "what is sent later must stand later.")
  }

  @Test func cyclesNameTheirEdgesInOrder() throws {
    try expect(
      .g0, concurrent([#"[["send","x",[0,1]],["send","y",[1,2]]]"#, #"[["send","x",[1,3]],["send","y",[0,4]]]"#]),
      ["process 0: T0 send x: 1 at 0; send y: 2 at 1", "process 1: T1 send x: 3 at 1; send y: 4 at 0"],
      "T0 must come before T1 (ww: 1 of T0 stands directly before 3 of T1 in x), "
        + "and T1 before T0 (ww: 4 of T1 stands directly before 2 of T0 in y): there is no such order.")
    try expect(
      .g1cProcess, [#"0 ok [["poll",{"x":[[0,1]]}]]"#, one],
      ["process 0: T0 poll x: 1 at 0 | T1 send x: 1 at 0"],
      "T1 must come before T0 (wr: T1 sent 1 to x, and T0 polled it), "
        + "and T0 before T1 (process: process 0 ran T0 first): there is no such order.")
    try expect(
      .g0Realtime, [#"0 ok [["send","x",[1,1]]]"#, #"1 ok [["send","x",[0,2]]]"#],
      ["process 0: T0 send x: 1 at 1", "process 1: T1 send x: 2 at 0"],
      "T1 must come before T0 (ww: 2 of T1 stands directly before 1 of T0 in x), "
        + "and T0 before T1 (real-time: T0 had returned before T1 began): there is no such order.")
    let skew = concurrent([
      #"[["send","x",[0,1]],["send","y",[1,2]]]"#, #"[["poll",{"x":[[0,1]],"y":[[0,3]]}]]"#, #"[["send","y",[0,3]]]"#,
    ])
    try expect(
      .gSingle, skew,
      ["process 0: T0 send x: 1 at 0; send y: 2 at 1", "process 1: T1 poll x: 1 at 0; poll y: 3 at 0"],
      "T1 must come before T0 (rw: T1 polled y as far as 3, and not yet 2, which T0 sent), "
        + "and T0 before T1 (wr: T0 sent 1 to x, and T1 polled it): there is no such order."
    ) { $0.pollsReachEnd = true }
  }

  /// Reads and writes of two keys, each of which the other has not seen.
  @Test func theOtherCycles() throws {
    let start = #"9 ok [["send","x",[0,8]],["send","y",[0,9]]]"#
    let mutual = concurrent([
      #"[["send","x",[0,1]],["poll",{"y":[[0,2]]}]]"#, #"[["send","y",[0,2]],["poll",{"x":[[0,1]]}]]"#,
    ])
    let writeSkew = concurrent([
      #"[["poll",{"x":[[0,8]]}],["send","y",[1,1]]]"#, #"[["poll",{"y":[[0,9]]}],["send","x",[1,2]]]"#,
    ])
    let byProcess = [
      #"1 begin [["poll"]]"#, #"2 begin [["poll"]]"#, #"1 end [["send","x",[1,1]]]"#, #"2 end [["send","y",[1,2]]]"#,
      #"1 begin [["poll"]]"#, #"2 begin [["poll"]]"#, #"1 end [["poll",{"y":[[0,9]]}]]"#,
      #"2 end [["poll",{"x":[[0,8]]}]]"#,
    ]
    // The second begins before either and ends after both.
    let byTime = [
      #"2 begin [["poll"]]"#, #"3 ok [["send","y",[1,1]]]"#, #"1 ok [["poll",{"x":[[0,8]]}]]"#,
      #"2 end [["poll",{"y":[[0,9]]}],["send","x",[1,2]]]"#,
    ]
    let samples: [(name: TransactionFindingName, lines: [String], kinds: [String])] = [
      (.g0Process, [#"0 ok [["send","x",[1,1]]]"#, #"0 ok [["send","x",[0,2]]]"#], ["ww", "process"]),
      (.g1c, mutual, ["wr", "wr"]),
      (.g1cRealtime, [#"0 ok [["poll",{"x":[[0,1]]}]]"#, #"1 ok [["send","x",[0,1]]]"#], ["wr", "real-time"]),
      (.gSingleProcess, [one, #"2 ok [["send","x",[1,2]]]"#, #"2 ok [["poll",{"x":[[0,1]]}]]"#], ["rw", "process"]),
      (
        .gSingleRealtime, [one, #"1 ok [["send","x",[1,2]]]"#, #"2 ok [["poll",{"x":[[0,1]]}]]"#], ["rw", "real-time"]
      ),
      (.g2, [start] + writeSkew, ["rw", "rw"]),
      (.g2Process, [start] + byProcess, ["rw", "process", "rw", "process"]),
      (.g2Realtime, [start] + byTime, ["rw", "real-time", "rw"]),
    ]
    for sample in samples {
      let report = try report(sample.lines) {
        ($0.pollsReachEnd, $0.usesRealTime) = (true, sample.name != .g2Process)
      }
      let lanes = try #require(report.findings.first { $0.name == sample.name.rawValue }?.lanes, "\(report.findings)")
      // Each edge stands in brackets.
      let kinds = lanes.sentence.split(separator: "(").dropFirst().map { $0.prefix { $0 != ":" } }
      #expect(kinds.map(String.init) == sample.kinds, "\(lanes.sentence)")
      #expect(lanes.rows.flatMap(\.intervals).allSatisfy { $0.label.contains(" at ") && !$0.label.contains("…") })
    }
  }

  /// Of a ring of twelve, the first five and the last four.
  @Test func longCyclesAreCutInTheMiddle() throws {
    let ring = (0..<12).map { k in
      #"[["send","k\#(k)",[0,\#(k)]],["poll",{"k\#((k + 11) % 12)":[[0,\#((k + 11) % 12)]]}]]"#
    }
    let report = try report(concurrent(ring))
    let lanes = try #require(report.findings.first { $0.name == "G1c" }?.lanes)
    let drawn = [0, 1, 2, 3, 4, 8, 9, 10, 11]
    #expect(lanes.rows.map(\.name) == drawn.map { "process \($0)" })
    #expect(lanes.rows.allSatisfy { $0.intervals.count == 1 })
    #expect(lanes.sentence.contains("and T4 polled it), so on over 3 more to T8, T8 before T9 (wr: T8 sent 8 to k8"))
    #expect(
      lanes.sentence.hasSuffix("and T11 before T0 (wr: T11 sent 11 to k11, and T0 polled it): there is no such order."))
  }

  @Test func intervalsAreAsTheTransactionsEnded() throws {
    let report = try report([
      #"0 fail [["send","x",1]]"#, #"1 ok [["poll",{"x":[[0,1]]}]]"#,
      #"2 info [["send","y",[0,2]],["send","z",[0,3]]]"#, #"0 ok [["send","y",[1,4]]]"#,
      #"1 ok [["poll",{"y":[[1,4]],"z":[[0,3]]}]]"#,
    ])
    let aborted = try #require(report.findings.first { $0.name == "aborted-read" }?.lanes)
    let failed = try #require(aborted.rows.first?.intervals.first)
    // Nanoseconds from the first invocation.
    #expect(failed.begin == 0 && failed.end == 1e-9 && failed.ending == .failed && failed.role == .transaction)
    let lost = try #require(report.findings.first { $0.name == "lost-write" }?.lanes)
    #expect(lost.rows.map(\.name) == ["process 1", "process 2"])
    let unknown = try #require(lost.rows.last?.intervals.first)
    #expect(unknown.begin == 4e-9 && unknown.end == nil && unknown.ending == .open)
    #expect(lost.rows.first?.intervals.map(\.ending) == [.ok])
  }

  @Test func onlyTheFirstViolationsAreDrawn() throws {
    let lines = [#"1 ok [["poll",{"x":[[0,1],[1,2],[2,3],[3,4],[4,5]]}]]"#, #"0 ok [["send","y",[0,1]]]"#]
    let report = try report(lines) { $0.allowances.endsUnread = true }
    let unexpected = report.findings.filter { $0.name == "unexpected" }
    #expect(unexpected.map { $0.lanes != nil } == [true, true, true, false, false])
    let allowed = report.findings.filter { $0.name == "unseen" }
    #expect(allowed.count == 1 && allowed.allSatisfy { $0.lanes == nil })
    #expect(report.text().contains("T0 polled 1 from x, and nobody ever sent it there."))
    let plain = CheckCommandCore.run(try ShortTransactions.history(lines))
    #expect(plain.findings.allSatisfy { $0.lanes == nil })
  }

  @Test func theTextIsThePicture() throws {
    let report = try report([three, all, first, third])
    let lanes = try #require(report.findings.first { $0.name == "poll-skip" }?.lanes)
    #expect(
      lanes.text(width: 80) == """
        Process 1 polled offset 0 of x in T2 and went on with offset 3 in T3: it left
        out 2 at offset 2, which T0 sent.
        process 0     ├────────────┤ T0 send x: …, 2 at 2, …
        process 1                              ├────────────┤ T2 poll x: 1 at 0
                                                      T3 poll x: 3 at 3 ├────────────┤
                      ┴────────────┴───────────┴────────────┴───────────┴────────────┴─→
        not to scale  0.000 s    +1 ns       +4 ns        +5 ns       +6 ns        +7 ns

        """, "\(lanes.text(width: 80))")
  }

  /// Whatever is planted: every picture is of the finding's transactions, says something of them, and fits.
  @Test(arguments: TransactionPlant.allCases)
  func plantedDamageIsDrawn(plant: TransactionPlant) throws {
    var drawn = 0
    let rounds = Rounds("pictures of planted \(plant)", usual: 15, parts: 200)
    for seed in rounds.seeds {
      var rng = SeededGenerator(seed: seed, label: "plant \(plant)")
      let mode: SimulatedTransactions.Mode = plant.finding == .g0 || rng.chance(0.3) ? .serial : .assigned
      var editable = SimulatedTransactions(
        seed: seed, mode: mode, transactions: 20 + rng.below(100), clients: 1 + rng.below(6), keys: 1 + rng.below(3)
      ).history
      guard plant.plant(into: &editable, &rng) else { continue }
      let history = editable.history()
      var options = mode.options
      options.pollsReachEnd = options.pollsReachEnd || plant.finding == .gSingle || plant.finding == .gSingleRealtime
      let result = TransactionChecker.check(history, options: options)
      let report = CheckCommandCore.run(history, options: options, explains: true)
      for (finding, example) in zip(result.findings, report.findings) {
        guard let lanes = example.lanes else { continue }
        if finding.name == plant.finding { drawn += 1 }
        check(lanes, of: finding, history, "seed \(seed) \(mode) \(plant) \(finding)")
      }
    }
    #expect(!rounds.finish() || drawn > 5)
  }

  private func check(
    _ lanes: Lanes, of finding: TransactionFinding, _ history: TransactionHistory, _ note: Comment
  ) {
    let intervals = lanes.rows.flatMap { row in row.intervals.map { (row: row.name, interval: $0) } }
    #expect(!intervals.isEmpty && intervals.count <= Explainer.mostOperations, note)
    for (row, interval) in intervals {
      let name = interval.label.prefix { $0 != " " }
      let t = finding.transactions.first { "T\($0)" == name }
      #expect(t != nil && row == t.map { "process \(history.transactions[$0].process)" }, "\(note) \(lanes)")
      // More than its name: what it sent or polled.
      #expect(interval.label.contains("send ") || interval.label.contains("poll "), "\(note) \(lanes)")
      #expect((interval.end == nil) == (interval.ending == .open) && interval.role == .transaction, note)
      if let end = interval.end { #expect(end >= interval.begin, note) }
    }
    // Its own sentence, and not the reason for want of one.
    #expect(lanes.sentence.hasSuffix(".") && !lanes.sentence.contains(finding.reason), "\(note) \(lanes)")
    if finding.value != .none {
      #expect(intervals.contains { $0.interval.label.contains("\(finding.value)") }, "\(note) \(lanes)")
    }
    for width in [60, 80, 120] {
      let lines = lanes.text(width: width).split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.allSatisfy { $0.count <= width && $0.last != " " }, "\(note) \(lines)")
    }
  }
}
