// The rules of verdicts, one by one, on small made-up levels.

import Base
import Checkers
import History
import Scenario
import Testing

@testable import Reports

/// One level with one crash, from 2 to 3 s of 10 s of load, sound unless a test changes it.
private struct Case {
  var bundle: ReliabilityBundle = .medium
  var builder = HistoryBuilder()
  var faults: [FaultPlan] = [
    FaultPlan(id: "crash#1", kind: .crash, target: .leaderOf("q"), at: 2 * .second, length: .second, seed: 1)
  ]
  var events = Fixture.phases(load: 10) + Fixture.events("crash#1", 2000, 3000, node: "n1", text: "pid 7 is gone")
  var isComplete = true
  var expect: [PlannedExpectation]?
  var left: UInt64 = 0
  var isDrained = true

  init(
    _ bundle: ReliabilityBundle = .medium, without skipped: ClosedRange<Int> = 0...0,
    expect: [PlannedExpectation]? = nil
  ) {
    self.bundle = bundle
    self.expect = expect
    builder.subscribe(-500)
    builder.fault("crash#1", 2000, 3000)
    for sequence in 1...95 where !skipped.contains(sequence) {
      let at = Double(sequence) * 100
      let confirm = at > 2000 && at < 3200 ? 3200 + 0.3 * Double(sequence - 20) : at + 5
      if bundle == .high {
        builder.publish(at, sequence, confirm: nil, transaction: UInt64(sequence))
        builder.commit(at + 1, UInt64(sequence), after: confirm - at)
      } else {
        builder.publish(at, sequence, confirm: bundle == .low ? nil : confirm, sentOnly: true)
      }
      builder.deliver(confirm + 10, sequence, tag: UInt64(sequence))
    }
  }

  mutating func lose(_ sequence: Int) {
    let message = MessageID(producer: 3, sequence: sequence)
    builder.events.removeAll { $0.function == .deliver && $0.message == message }
  }

  func judgement() -> LevelJudgement {
    var builder = builder
    if isDrained { builder.drained(11_000, left: left) }
    let history = builder.history(isComplete: isComplete)
    let level = Fixture.level(bundle, expect: expect)
    let record = LevelRecord(
      plan: level, history: history, result: DeliveryChecker.check(history, options: RunReader.options(level)),
      events: events.sorted { $0.time < $1.time }, settings: Fixture.settings(bundle))
    return Judge.level(record, plan: Fixture.plan(levels: [level], faults: faults))
  }

  func guarantee(_ name: String) throws -> LevelVerdict.Guarantee {
    try #require(judgement().verdict.guarantees.first { $0.name == name })
  }
}

struct JudgeTests {
  @Test(arguments: ReliabilityBundle.allCases) func aSoundLevelHolds(bundle: ReliabilityBundle) throws {
    let judgement = Case(bundle).judgement()
    #expect(judgement.verdict.verdict == .holds, "\(judgement.verdict.reasons)")
    #expect(judgement.verdict.reasons.isEmpty && judgement.findings.isEmpty)
    #expect(judgement.verdict.counts["attempted"] == 95 && judgement.verdict.counts["delivered"] == 95)
    let lost = try #require(judgement.verdict.guarantees.first { $0.name == "lost" })
    #expect(lost.faultsFelt == 1 && abs((lost.upper95PerFault ?? 0) - 0.95) < 1e-12)
    #expect(lost.promised == (bundle != .low))
    // What has no meaning at a level is no promise of it.
    let names = judgement.verdict.guarantees.map(\.name)
    #expect(names.contains("torn-transaction") == (bundle == .high))
    #expect(names.contains("stuck-confirm") == (bundle != .low))
  }

  @Test func lossIsAViolationWhereItWasPromisedAndAReportElsewhere() throws {
    for bundle in ReliabilityBundle.allCases {
      var level = Case(bundle)
      level.lose(20)
      level.lose(21)
      let judgement = level.judgement()
      #expect(judgement.verdict.counts["lost"] == 2)
      #expect(judgement.verdict.verdict == (bundle == .low ? .holds : .violated))
      let lost = try #require(judgement.verdict.guarantees.first { $0.name == "lost" })
      #expect(lost.upper95PerFault == nil)
      let finding = try #require(judgement.findings.first { $0.name == "lost" })
      #expect(finding.count == 2 && finding.ids == ["3:20", "3:21"] && finding.faults == ["crash#1"])
      #expect(finding.acknowledgedBy == ["n1": 2])
      #expect(
        finding.story.contains("2 messages lost at \(bundle.rawValue)")
          && finding.story.contains("crash#1, a crash of n1"))
      #expect(finding.window[0] >= 1.9 && finding.window[1] <= 3.4)
    }
  }

  @Test func lossBeforeAFaultNamesTheNextOne() throws {
    var level = Case()
    level.lose(10)
    #expect(try #require(level.judgement().findings.first).faults == ["crash#1"])
    level = Case()
    level.lose(60)
    let finding = try #require(level.judgement().findings.first)
    #expect(finding.faults.isEmpty && finding.story.contains("No fault stood at that time."))
  }

  @Test func aFaultThatWasNotInForceMakesHoldsInconclusive() throws {
    var level = Case()
    level.events =
      Fixture.phases(load: 10)
      + Fixture.events("crash#1", 2000, 3000, node: "n1", inForce: false, felt: false, text: "the pid was still there")
    var judgement = level.judgement()
    #expect(judgement.verdict.verdict == .inconclusive)
    #expect(judgement.verdict.reasons == ["crash#1 was not in force: the pid was still there."])
    #expect(judgement.faults.map(\.inForce) == [false])
    level.lose(20)
    judgement = level.judgement()
    #expect(judgement.verdict.verdict == .violated)
  }

  @Test func aFaultThatNeverBeganIsNotInForce() throws {
    var level = Case()
    level.faults.append(FaultPlan(id: "pause#1", kind: .pause, target: .random, at: .second, length: .second, seed: 1))
    let judgement = level.judgement()
    #expect(judgement.verdict.reasons == ["pause#1 was not in force: it never began."])
    #expect(judgement.faults.last?.target == "unknown" && judgement.faults.last?.began == nil)
  }

  @Test func aLevelThatFeltNoneOfItsFaultsIsInconclusive() throws {
    var level = Case()
    level.events = Fixture.phases(load: 10) + Fixture.events("crash#1", 2000, 3000, node: "n1", felt: false)
    let judgement = level.judgement()
    #expect(judgement.verdict.verdict == .inconclusive)
    #expect(judgement.verdict.reasons.count == 1 && judgement.verdict.reasons[0].hasPrefix("No fault was felt"))
    #expect(judgement.faults.map(\.felt) == [false])
  }

  @Test func nothingInvokedInAFaultWindowIsInconclusive() throws {
    let level = Case(without: 20...30)
    let judgement = level.judgement()
    #expect(judgement.verdict.verdict == .inconclusive)
    #expect(judgement.verdict.reasons[0].hasPrefix("No client did anything while a fault stood"))
  }

  @Test func withoutFaultsNothingIsMissing() {
    var level = Case()
    level.faults = []
    level.builder.events.removeAll { $0.function == .fault }
    let judgement = level.judgement()
    #expect(judgement.verdict.verdict == .holds)
    #expect(judgement.verdict.guarantees.allSatisfy { $0.upper95PerFault == nil })
  }

  @Test func anUnfinishedDrainTouchesOnlyWhatMayBeLate() throws {
    var level = Case()
    level.lose(20)
    level.left = 1
    #expect(try level.guarantee("lost").verdict == .inconclusive)
    #expect(try level.guarantee("lost").why?.contains("drain did not finish") == true)
    #expect(try level.guarantee("duplicated").verdict == .holds)
    level = Case(.high)
    level.lose(20)
    level.isDrained = false
    #expect(try level.guarantee("lost").verdict == .inconclusive)
    #expect(try level.guarantee("out-of-order").verdict == .holds)
  }

  @Test func aKilledRunIsInconclusiveUnlessItAlreadyViolates() throws {
    var level = Case()
    level.isComplete = false
    #expect(level.judgement().verdict.verdict == .inconclusive)
    #expect(level.judgement().verdict.reasons == ["The run was cut off: its history has no end. Run it again."])
    level.builder.deliver(9800, 30, tag: 900)
    // Delivered again unflagged: a violation whatever came after.
    #expect(level.judgement().verdict.verdict == .violated)
  }

  @Test func nothingAcknowledgedIsInconclusive() {
    var level = Case()
    level.builder.events.removeAll { $0.function == .publish && $0.outcome == .ok }
    let judgement = level.judgement()
    #expect(judgement.verdict.verdict == .inconclusive)
    #expect(judgement.verdict.reasons.contains { $0.hasPrefix("No message was acknowledged") })
  }

  @Test func aLevelWithoutTransactionsToTearIsInconclusive() throws {
    var level = Case(.high)
    level.builder.events.removeAll { $0.function == .commit }
    #expect(level.judgement().verdict.verdict != .holds)
    #expect(try level.guarantee("torn-transaction").verdict == .inconclusive)
  }

  @Test func expectationsOfAScenarioCount() throws {
    var level = Case()
    level.lose(20)
    level.expect = [PlannedExpectation(name: "lost", rule: .atMost(1))]
    #expect(level.judgement().verdict.verdict == .holds)
    level.lose(21)
    #expect(level.judgement().verdict.verdict == .violated)
    level.expect = [PlannedExpectation(name: "lost", rule: .report)]
    #expect(level.judgement().verdict.verdict == .holds)
  }

  @Test func recoveryIsMeasuredFromTheHealToAPublishInvokedAfterIt() throws {
    let judgement = Case().judgement()
    let recovery = try #require(judgement.verdict.availability.recoveries.first)
    // Invoked right after the heal, and confirmed at 3203; those of before the heal, confirmed sooner, do not count.
    #expect(recovery.fault == "crash#1" && abs((recovery.confirmAfterHeal ?? 0) - 0.203) < 1e-6)
    #expect(abs((recovery.deliveryAfterHeal ?? 0) - 0.2103) < 1e-6)
    #expect(abs(judgement.verdict.availability.longestOutage - 1.1953) < 1e-6)
    #expect(abs(judgement.verdict.throughput.confirmed - 9.5) < 1e-9)
    let high = Case(.high).judgement().verdict.availability
    #expect(abs((high.recoveries.first?.confirmAfterHeal ?? 0) - 0.204) < 1e-6)
    #expect(high.longestOutage > 1.19)
  }

  @Test func timesAreJudgedAgainstTheirBounds() throws {
    func verdict(_ name: String, _ bound: Nanoseconds, _ change: (inout Case) -> Void = { _ in }) throws
      -> LevelVerdict.Guarantee
    {
      var level = Case()
      level.expect = [PlannedExpectation(name: name, rule: .below(bound))]
      change(&level)
      return try level.guarantee(name)
    }
    let met = try verdict("first-confirm-after-heal", 500 * .millisecond)
    #expect(met.verdict == .holds && abs(met.observed - 203) < 1e-3 && met.expected == "< 500ms")
    #expect(try verdict("first-confirm-after-heal", 200 * .millisecond).verdict == .violated)
    #expect(try verdict("first-delivery-after-heal", 200 * .millisecond).verdict == .violated)
    #expect(try verdict("longest-outage", 2 * .second).verdict == .holds)
    #expect(try verdict("longest-outage", .second).verdict == .violated)
    // Nothing came, and the load went on for longer than the bound: violated. It ended sooner: inconclusive.
    func silent(_ level: inout Case) {
      level.builder.events.removeAll { $0.function == .publish && $0.time > HistoryBuilder.time(3000) }
    }
    let late = try verdict("first-confirm-after-heal", 5 * .second, silent)
    #expect(late.verdict == .violated && late.why?.contains("no publish succeeded in the 7.00 s") == true)
    let open = try verdict("first-confirm-after-heal", 20 * .second, silent)
    #expect(open.verdict == .inconclusive && open.why?.contains("Lengthen the load") == true)
    // Not in force: not even a time that was met says anything.
    let doubted = try verdict("longest-outage", 2 * .second) {
      $0.events = Fixture.phases(load: 10) + Fixture.events("crash#1", 2000, 3000, node: "n1", inForce: false)
    }
    #expect(doubted.verdict == .inconclusive)
  }

  @Test func aRunIsAsBadAsItsWorstLevel() {
    let sound = Case(.high).judgement()
    var lossy = Case(.medium)
    lossy.lose(20)
    let plan = Fixture.plan(levels: [Fixture.level(.high), Fixture.level(.medium)], faults: Case().faults)
    #expect(Judge.run(plan: plan, levels: [sound, sound]).verdict == .holds)
    let violated = Judge.run(plan: plan, levels: [sound, lossy.judgement()])
    #expect(violated.verdict == .violated && violated.reasons == ["medium: lost is 1, expected 0."])
    #expect(violated.exitCode == 1 && violated.faults.count == 2 && violated.findings.count == 1)
    // A level that never ran is not a level that held.
    let cut = Judge.run(plan: plan, levels: [sound, nil])
    #expect(cut.verdict == .inconclusive && cut.exitCode == 3 && cut.levels.count == 2)
    #expect(Judge.run(plan: plan, levels: []).verdict == .inconclusive)
    #expect(Judge.run(plan: Fixture.plan(levels: [], faults: []), levels: []).verdict == .inconclusive)
  }

  @Test func latencyIsSplitByTheFaults() throws {
    let level = Case()
    let history = level.builder.history()
    let timeline = LevelTimeline(plan: level.faults, events: level.events, history: history)
    let parts = LatencyPart.split(history, timeline: timeline, hasConfirms: true)
    // 100 ms apart; at 2000 and at 3000 the fault's begin and heal come first by a hair. 5 ms but in the outage.
    #expect(parts.map(\.histogram.count) == [19, 10, 66])
    #expect(abs(parts[0].histogram.max.milliseconds - 5) < 0.1)
    #expect(abs(parts[1].histogram.max.milliseconds - 1100) < 2)
    let commits = LatencyPart.split(Case(.high).builder.history(), timeline: timeline, hasConfirms: true)
    #expect(commits.map(\.histogram.count) == [19, 10, 66])
  }

  @Test func aFaultThatWasCalledOffNeverBegan() throws {
    var level = Case()
    var evidence = RunEvent(time: HistoryBuilder.time(2001), kind: .faultEvidence)
    (evidence.fault, evidence.inForce, evidence.text) = ("crash#1", false, "not begun: the load ended before")
    level.events = Fixture.phases(load: 10) + [evidence]
    let judgement = level.judgement()
    #expect(judgement.faults[0].began == nil)
    #expect(judgement.verdict.reasons == ["crash#1 was not in force: not begun: the load ended before."])
    // Without any word of the nemesis, the history's is taken.
    level.events = Fixture.phases(load: 10)
    #expect(level.judgement().faults[0].began.map { abs($0 - 2) < 1e-6 } == true)
  }

  @Test func severalNodesAreToldApart() {
    var level = Case()
    level.events = Fixture.phases(load: 10) + Fixture.events("crash#1", 2000, 3000, node: "n1,n2")
    #expect(level.judgement().faults[0].target == "n1, n2")
  }

  @Test func notPromisedIsSaid() throws {
    var level = Case(.low)
    level.expect = [PlannedExpectation(name: "lost", rule: .atMost(0))]
    level.lose(20)
    #expect(level.judgement().verdict.reasons == ["lost is 1, expected 0 (not promised by the broker's manual)."])
  }

  /// Ended on a violation: that one counts, and nothing that needed the rest is called kept.
  @Test func whatAnAbortedLevelDidNotShowIsUndecided() throws {
    var one = Case(expect: [
      PlannedExpectation(name: "lost", rule: .atMost(0)), PlannedExpectation(name: "duplicated", rule: .atMost(0)),
    ])
    one.isDrained = false
    one.builder.deliver(9_990, 50, tag: 500, redelivered: true)
    one.builder.add(9_995, .ack, .ok, op: 0)
    var event = RunEvent(time: HistoryBuilder.time(9_996), kind: .aborted)
    (event.name, event.text) = ("duplicated", "3:50 in q: delivered again")
    one.events.append(event)
    let verdict = one.judgement().verdict
    #expect(verdict.aborted == "duplicated: 3:50 in q: delivered again")
    let lost = try #require(verdict.guarantees.first { $0.name == "lost" })
    #expect(lost.verdict == .inconclusive && lost.why?.contains("ended on a violation (duplicated: 3:50 in q") == true)
    #expect(verdict.verdict != .holds)
    let levels = [Fixture.level(.medium), Fixture.level(.high)]
    let run = Judge.run(plan: Fixture.plan(levels: levels, faults: []), levels: [one.judgement(), nil])
    #expect(run.reasons.contains("high: The level was not run: the run was aborted on the violation at medium."))
  }
}
