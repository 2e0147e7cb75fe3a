// Each rule of delivery accounting in a few lines of its own.

import Base
import History
import Testing

@testable import Checkers

@Suite struct DeliveryRuleTests {
  private func check(
    _ level: ReliabilityLevel = .medium, _ change: (inout DeliveryOptions) -> Void = { _ in },
    _ build: (inout HistoryBuilder) -> Void
  ) -> DeliveryResult {
    var builder = HistoryBuilder()
    build(&builder)
    var options = DeliveryOptions(level: level)
    options.listed = Set(FindingName.allCases)
    change(&options)
    return DeliveryChecker.check(builder.history, options: options)
  }

  private func found(_ result: DeliveryResult) -> [FindingName: Int] { result.counts.filter { $0.value > 0 } }

  // MARK: Lost

  @Test func confirmedAndNeverDeliveredIsLost() throws {
    var builder = HistoryBuilder()
    let op = builder.publish(1, node: "n2")
    let node = builder.names.entries.firstIndex(of: .word("n2")).map(UInt16.init)
    builder.add(.publish, .ok, op: op) { $0.node = node ?? Names.none }
    builder.drained()
    let result = DeliveryChecker.check(builder.history, options: DeliveryOptions(level: .medium))
    #expect(found(result) == [.lost: 1])
    let finding = try #require(result.findings.first)
    #expect(finding.message == HistoryBuilder.id(1))
    #expect(builder.names.text(finding.queue) == "q")
    #expect(builder.names.text(finding.acknowledgedBy) == "n2")
    #expect(finding.events == [0, 1])
    #expect(finding.begin == builder.events[0].time && finding.end == builder.events[1].time)
    #expect(finding.reason == "never delivered")
    #expect(Violations.verdict(of: result, judgedAs: .medium) == .violated)
    #expect(Violations.verdict(of: result, judgedAs: .low) == .valid)
  }

  @Test func withoutADrainALossIsUndecided() {
    let result = check { $0.send(1) }
    #expect(found(result).isEmpty)
    #expect(result.undecided == [.lost: 1])
    #expect(!result.isDrained)
    #expect(Violations.verdict(of: result, judgedAs: .high) == .undecided)
    #expect(Violations.verdict(of: result, judgedAs: .low) == .valid)
  }

  @Test func requeuedAndNotDeliveredAgainIsLost() {
    let result = check {
      $0.subscribe(1)
      $0.send(1)
      $0.deliver(1, session: 1, tag: 1)
      $0.nack(session: 1, tag: 1)
      $0.drained()
    }
    #expect(found(result) == [.lost: 1])
    #expect(result.findings.first?.reason == "delivered once, requeued, and never again")
  }

  @Test func anAckNobodyAnsweredStillTakes() {
    let result = check {
      $0.subscribe(1)
      $0.send(1)
      $0.deliver(1, session: 1, tag: 1)
      $0.ack(session: 1, tag: 1)
      $0.drained()
    }
    #expect(found(result).isEmpty)
    #expect(result.attempted == 1 && result.acknowledged == 1 && result.delivered == 1 && result.isDrained)
  }

  @Test func anAckOnceRefusedStaysRefused() {
    let result = check {
      $0.subscribe(1)
      $0.send(1)
      $0.deliver(1, session: 1, tag: 1)
      let op = $0.ack(session: 1, tag: 1)
      for outcome in [Outcome.fail, .ok] { $0.add(.ack, outcome, op: op) { ($0.session, $0.tag) = (1, 1) } }
      $0.drained()
    }
    #expect(found(result) == [.lost: 1])
    #expect(result.findings.first?.reason == "delivered once, its acknowledgement was refused, and never again")
  }

  @Test func eachQueueOfARouteIsOwedItsOwn() {
    let result = check {
      $0.subscribe(1, "a")
      $0.send(1, to: ["a", "b"])
      $0.deliver(1, "a", session: 1, tag: 1)
      $0.ack(session: 1, tag: 1)
      $0.drained("a")
      $0.drained("b")
    }
    #expect(found(result) == [.lost: 1])
  }

  @Test func sentCountsOnlyWhereThereAreNoConfirms() {
    func build(_ builder: inout HistoryBuilder) {
      let op = builder.publish(1, node: "n1")
      builder.add(.publish, .info, op: op) { $0.flags = .sent }
      builder.drained()
    }
    #expect(found(check(.low, { _ in }, build)) == [.lost: 1])
    #expect(check(.low, { _ in }, build).findings.first?.acknowledgedBy != Names.none)
    let medium = check(.medium, { _ in }, build)
    #expect(found(medium).isEmpty && medium.unknown == 1 && medium.acknowledged == 0)
    #expect(Violations.verdict(of: medium, judgedAs: .medium) == .undecided)
  }

  @Test func aConfirmThatComesLateCounts() {
    let result = check {
      let op = $0.publish(1)
      $0.add(.publish, .info, op: op) { $0.flags = .sent }
      $0.add(.publish, .ok, op: op)
      $0.drained()
    }
    #expect(found(result) == [.lost: 1] && result.unknown == 0)
  }

  // MARK: Again

  private func twice(_ between: (inout HistoryBuilder) -> Void, isAuto: Bool = false) -> DeliveryResult {
    check {
      $0.subscribe(1, isAuto: isAuto, prefetch: 5)
      $0.subscribe(2, isAuto: isAuto, prefetch: 5)
      $0.send(1)
      $0.deliver(1, session: 1, tag: 1)
      between(&$0)
      $0.deliver(1, session: 2, tag: 1, flags: .redelivered)
      if !isAuto { $0.ackAnswered(session: 2, tag: 1) }
      $0.alive(1)
      $0.drained()
    }
  }

  @Test func heldByALivingSessionIsDuplicated() {
    let result = twice { _ in }
    #expect(found(result) == [.duplicated: 1])
    #expect(result.findings.first?.reason == "delivered again while the first delivery was still held")
    #expect(found(twice({ _ in }, isAuto: true)) == [.duplicated: 1])
  }

  @Test func givenBackIsOnlyRedelivered() {
    #expect(found(twice { $0.nack(session: 1, tag: 1) }) == [.redelivered: 1])
    #expect(found(twice { $0.add(.recover, .invoke) { $0.session = 1 } }) == [.redelivered: 1])
    #expect(
      found(
        twice {
          $0.ack(session: 1, tag: 1, tx: 7)
          $0.end(.rollback, tx: 7, .ok)
        }) == [.redelivered: 1])
    #expect(
      found(
        twice {
          $0.fault("f", .invoke)
          $0.fault("f", .ok)
        }) == [.redelivered: 1])
  }

  @Test func takenForGoodIsDuplicatedWhateverElse() {
    let result = twice {
      $0.ackAnswered(session: 1, tag: 1)
      $0.nack(session: 1, tag: 1)
      $0.fault("f", .invoke)
      $0.fault("f", .ok)
    }
    #expect(found(result) == [.duplicated: 1])
  }

  @Test func aLostSessionMayHaveLostItsDeliveries() {
    let result = check {
      $0.subscribe(1)
      $0.subscribe(2)
      $0.send(1)
      $0.deliver(1, session: 1, tag: 1)
      $0.deliver(1, session: 2, tag: 1, flags: .redelivered)
      $0.ack(session: 2, tag: 1)
      $0.add(.release, .info) { $0.session = 1 }
      $0.drained()
    }
    #expect(found(result) == [.redelivered: 1])
  }

  /// What was sent after something else had been taken cannot have been given back before.
  @Test func nothingIsGivenBackBeforeItWasSent() {
    func build(_ begin: (inout HistoryBuilder) -> Void, _ end: (inout HistoryBuilder) -> Void) -> DeliveryResult {
      check {
        $0.subscribe(1, prefetch: 5)
        $0.subscribe(2, prefetch: 5)
        $0.send(1)
        begin(&$0)
        $0.deliver(1, session: 2, tag: 1)
        $0.ackAnswered(session: 2, tag: 1)
        $0.send(2)
        $0.deliver(2, session: 1, tag: 1)
        $0.deliver(1, session: 1, tag: 2, flags: .redelivered)
        end(&$0)
        $0.ack(session: 1, tag: 1)
        $0.alive(1)
        $0.drained()
      }
    }
    let recovered = build({ $0.add(.recover, .invoke) { $0.session = 1 } }, { _ in })
    #expect(found(recovered) == [.duplicated: 1])
    let faulty = build({ $0.fault("f", .invoke) }, { $0.fault("f", .ok) })
    #expect(found(faulty) == [.duplicated: 1])
  }

  @Test func aFaultInsideAnotherDoesNotEndIt() {
    let result = check {
      $0.subscribe(2)
      $0.send(1)
      $0.fault("long", .invoke)
      $0.fault("short", .invoke)
      $0.fault("short", .ok)
      $0.subscribe(1)
      $0.deliver(1, session: 1, tag: 1)
      $0.deliver(1, session: 2, tag: 1, flags: .redelivered)
      $0.ackAnswered(session: 2, tag: 1)
      $0.alive(1)
      $0.fault("long", .ok)
      $0.drained()
    }
    #expect(found(result) == [.redelivered: 1])
  }

  @Test func suspicionLengthensAFault() {
    func build(_ builder: inout HistoryBuilder) {
      builder.fault("f", .invoke)
      builder.fault("f", .ok)
      builder.subscribe(1)
      builder.subscribe(2)
      builder.send(1)
      builder.deliver(1, session: 1, tag: 1)
      builder.deliver(1, session: 2, tag: 1, flags: .redelivered)
      builder.ack(session: 2, tag: 1)
      builder.alive(1)
      builder.alive(2)
      builder.drained()
    }
    #expect(found(check(.medium, { _ in }, build)) == [.duplicated: 1])
    #expect(found(check(.medium, { $0.suspicion = .second }, build)) == [.redelivered: 1])
  }

  @Test func twoUnflaggedDeliveriesAreWrong() {
    let result = check {
      $0.subscribe(1)
      $0.send(1)
      $0.deliver(1, session: 1, tag: 1)
      $0.nack(session: 1, tag: 1)
      $0.deliver(1, session: 1, tag: 2)
      $0.ack(session: 1, tag: 2)
      $0.drained()
    }
    #expect(found(result) == [.wrongRedeliveredFlag: 1, .redelivered: 1])
  }

  @Test func manyAttemptsOfOneIdAreTellApart() {
    let count: UInt32 = 40
    let result = check {
      $0.subscribe(1, prefetch: 100)
      for attempt in 1...count { $0.publish(1, attempt: attempt, channel: attempt) }
      for attempt in 1...count {
        $0.deliver(1, attempt: attempt, session: 1, tag: UInt64(attempt))
        $0.ack(session: 1, tag: UInt64(attempt))
      }
      $0.deliver(1, attempt: count + 1, session: 1, tag: 1000)
      $0.drained()
    }
    #expect(found(result) == [.duplicatedByRetry: 1, .unexpected: 1, .recovered: 1])
    #expect(result.attempted == 1 && result.unknown == Int(count))
    #expect(result.findings.contains { $0.reason == "\(count) attempts were delivered" })
  }

  // MARK: What must not come

  @Test func unexpectedSaysWhy() {
    let result = check {
      $0.subscribe(1, prefetch: 9)
      $0.deliver(1, session: 1, tag: 1)
      $0.send(1, to: ["other"])
      $0.deliver(1, session: 1, tag: 2)
      $0.deliver(2, session: 1, tag: 3)
      $0.deliver(2, session: 1, tag: 4, flags: .damaged)
      $0.deliver(2, session: 1, tag: 5, flags: .foreign)
    }
    #expect(found(result) == [.unexpected: 5])
    #expect(
      result.findings.map(\.reason) == [
        "delivered before it was published", "not routed to this queue", "never published", "its payload was damaged",
        "its payload belongs to another run",
      ])
  }

  @Test func failedAndDeliveredIsAnAbortedRead() {
    func delivered(_ publish: (inout HistoryBuilder) -> Void) -> DeliveryResult {
      check(.high) {
        $0.subscribe(1)
        publish(&$0)
        $0.deliver(1, session: 1, tag: 1)
        $0.ack(session: 1, tag: 1)
        $0.drained()
      }
    }
    let returned = delivered {
      let op = $0.publish(1)
      $0.add(.publish, .fail, op: op)
      $0.add(.publish, .ok, op: op)
    }
    #expect(found(returned) == [.abortedRead: 1])
    let rolledBack = delivered {
      $0.publish(1, tx: 5)
      $0.end(.rollback, tx: 5, .ok)
    }
    #expect(found(rolledBack) == [.abortedRead: 1])
    #expect(rolledBack.findings.first?.reason == "delivered though its transaction was rolled back")
    #expect(rolledBack.findings.first?.transaction == 5)
    let neverCommitted = delivered { $0.publish(1, tx: 5) }
    #expect(neverCommitted.findings.first?.reason == "delivered though its transaction was never committed")
    let refused = delivered {
      $0.publish(1, tx: 5)
      $0.end(.commit, tx: 5, .fail)
    }
    #expect(refused.findings.first?.reason == "delivered though its commit failed")
  }

  @Test func orderHoldsWithinChannelAndSession() {
    func swapped(channels: (UInt32, UInt32), sessions: (UInt32, UInt32)) -> DeliveryResult {
      check {
        $0.subscribe(1, prefetch: 5)
        $0.subscribe(2, prefetch: 5)
        $0.send(1, channel: channels.0)
        $0.send(2, channel: channels.1)
        $0.deliver(2, session: sessions.0, tag: 1)
        $0.deliver(1, session: sessions.1, tag: 2)
        $0.ack(session: sessions.0, tag: 1)
        $0.ack(session: sessions.1, tag: 2)
        $0.drained()
      }
    }
    let result = swapped(channels: (50, 50), sessions: (1, 1))
    #expect(found(result) == [.outOfOrder: 1])
    #expect(result.findings.first?.message == HistoryBuilder.id(1))
    #expect(result.findings.first?.events.count == 4)
    #expect(found(swapped(channels: (50, 51), sessions: (1, 1))).isEmpty)
    #expect(found(swapped(channels: (50, 50), sessions: (1, 2))).isEmpty)
    #expect(found(swapped(channels: (0, 0), sessions: (1, 1))).isEmpty)
  }

  // MARK: Transactions

  @Test func aTransactionOfWhichSomethingCameMustComeWhole() {
    let result = check(.high) {
      $0.subscribe(1)
      $0.publish(1, tx: 5)
      $0.publish(2, tx: 5)
      $0.end(.commit, tx: 5, nil)
      $0.deliver(1, session: 1, tag: 1)
      $0.ack(session: 1, tag: 1)
      $0.drained()
    }
    #expect(found(result) == [.tornTransaction: 1, .recovered: 1])
    #expect(result.committed == 1 && result.unknownTransactions == 0)
    #expect(result.findings.first { $0.name == .tornTransaction }?.message == HistoryBuilder.id(2))
  }

  @Test func whatACommittedTransactionTookMustNotComeAgain() {
    func build(isRefused: Bool) -> DeliveryResult {
      check(.high) {
        $0.subscribe(1)
        $0.subscribe(2)
        $0.send(1)
        $0.deliver(1, session: 1, tag: 1)
        let op = $0.ack(session: 1, tag: 1, tx: 5)
        if isRefused { $0.add(.ack, .fail, op: op) { ($0.session, $0.tag) = (1, 1) } }
        $0.publish(2, to: ["r"], tx: 5)
        $0.end(.commit, tx: 5, nil)
        $0.add(.release, .info) { $0.session = 1 }
        $0.subscribe(3, "r")
        $0.deliver(2, "r", session: 3, tag: 1)
        $0.ack(session: 3, tag: 1)
        $0.deliver(1, session: 2, tag: 1, flags: .redelivered)
        $0.ackAnswered(session: 2, tag: 1)
        $0.drained()
        $0.drained("r")
      }
    }
    #expect(found(build(isRefused: false)) == [.tornTransaction: 1, .redelivered: 1, .recovered: 1])
    // The acknowledgement itself came to nothing, so nothing was taken.
    #expect(found(build(isRefused: true)) == [.redelivered: 1, .recovered: 1])
  }

  /// Neither commit was answered, and something of both came: so both took the same delivery for good.
  @Test func twoCommittedTransactionsMustNotTakeTheSame() {
    let result = check(.high) {
      $0.subscribe(1)
      $0.subscribe(2)
      $0.subscribe(3, "r", prefetch: 5)
      $0.send(1)
      for session in UInt32(1)...2 {
        $0.deliver(1, session: session, tag: 1, flags: session == 1 ? [] : .redelivered)
      }
      for session in UInt32(1)...2 {
        let tx = UInt64(4 + session)
        $0.ack(session: session, tag: 1, tx: tx)
        $0.publish(Int(1 + session), to: ["r"], channel: session, tx: tx)
        $0.end(.commit, tx: tx, .info)
        $0.deliver(Int(1 + session), "r", session: 3, tag: UInt64(session))
        $0.ack(session: 3, tag: UInt64(session))
        $0.add(.release, .info) { $0.session = session }
      }
      $0.drained()
      $0.drained("r")
    }
    #expect(found(result) == [.tornTransaction: 2, .redelivered: 1, .recovered: 2])
  }

  @Test func aTransactionThatCameToNothingMustNotEat() {
    func build(_ isDrained: Bool) -> DeliveryResult {
      check(.high) {
        $0.subscribe(1)
        $0.send(1)
        $0.deliver(1, session: 1, tag: 1)
        $0.ack(session: 1, tag: 1, tx: 5)
        $0.publish(2, to: ["r"], tx: 5)
        $0.end(.commit, tx: 5, .info)
        $0.drained()
        if isDrained { $0.drained("r") }
      }
    }
    #expect(found(build(true)) == [.tornTransaction: 1])
    #expect(build(true).unknownTransactions == 1)
    let open = build(false)
    #expect(found(open).isEmpty && open.undecided == [.tornTransaction: 1])
  }

  // MARK: Stuck

  private func unanswered(_ level: ReliabilityLevel, _ end: (inout HistoryBuilder) -> Void) -> DeliveryResult {
    check(level) {
      $0.publish(1)
      $0.send(2)
      end(&$0)
    }
  }

  @Test func unansweredWhileALaterOneWasConfirmedIsStuck() {
    #expect(found(unanswered(.medium) { $0.wait(11 * .second) }) == [.stuckConfirm: 1])
    #expect(found(unanswered(.medium) { $0.wait(9 * .second) }).isEmpty)
    #expect(found(unanswered(.low) { $0.wait(11 * .second) }).isEmpty)
    // The connection was lost, a fault stands, or one was healed only just now.
    #expect(
      found(
        unanswered(.medium) {
          $0.add(.release, .info) { $0.session = 50 }
          $0.wait(11 * .second)
        }
      ).isEmpty)
    #expect(
      found(
        unanswered(.medium) {
          $0.fault("f", .invoke)
          $0.wait(11 * .second)
        }
      ).isEmpty)
    #expect(
      found(
        unanswered(.medium) {
          $0.fault("f", .invoke)
          $0.wait(11 * .second)
          $0.fault("f", .ok)
        }
      ).isEmpty)
  }

  @Test func aDrainThatStandsStillWithConsumersIsStuck() {
    func drain(
      _ wait: Nanoseconds, left: UInt64 = 1, isAttached: Bool = true, then: (inout HistoryBuilder) -> Void = { _ in }
    ) -> DeliveryResult {
      check {
        if isAttached { $0.subscribe(1) }
        $0.send(1)
        let place = $0.names.word("q")
        let op = $0.add(.drained, .invoke) { $0.place = place }
        $0.wait(wait)
        then(&$0)
        $0.add(.drained, .info, op: op) { ($0.place, $0.tag) = (place, left) }
      }
    }
    #expect(found(drain(11 * .second)) == [.stuckMessage: 1])
    #expect(found(drain(9 * .second)).isEmpty)
    #expect(found(drain(11 * .second, left: 0)).isEmpty)
    #expect(found(drain(11 * .second, isAttached: false)).isEmpty)
    // Something came just now, the consumers are gone, a fault stands, or one was healed just now.
    #expect(found(drain(11 * .second) { $0.deliver(1, session: 1, tag: 1) }).isEmpty)
    #expect(found(drain(11 * .second) { $0.add(.release, .info) { $0.session = 1 } }).isEmpty)
    #expect(found(drain(11 * .second) { $0.fault("f", .invoke) }).isEmpty)
    #expect(
      found(
        drain(11 * .second) {
          $0.fault("f", .invoke)
          $0.fault("f", .ok)
        }
      ).isEmpty)
  }

  // MARK: What is listed

  @Test func allAreCountedAndFewListed() {
    func tenLost(_ builder: inout HistoryBuilder) {
      for id in 1...10 { builder.send(id) }
      builder.drained()
    }
    let result = check(.medium, { $0.findingLimit = 3 }, tenLost)
    #expect(result.counts[.lost] == 10)
    #expect(result.findings.map(\.message) == (1...3).map(HistoryBuilder.id))
    let silent = check(.medium, { $0.listed = [] }, tenLost)
    #expect(silent.counts[.lost] == 10 && silent.findings.isEmpty)
  }

  @Test func nothingIsTakenForGranted() {
    // Completions without invocations, acks of unknown tags, names that are not there.
    let result = check {
      $0.add(.publish, .ok, op: 77)
      $0.add(.ack, .ok, op: 78)
      $0.ack(session: 4, tag: 9)
      $0.ack(session: 4, tag: .max, tx: .max)
      $0.end(.commit, tx: .max, .ok)
      $0.add(.publish, .invoke) { ($0.place, $0.message) = (500, HistoryBuilder.id(1)) }
      $0.add(.deliver, .ok) { ($0.place, $0.message, $0.session, $0.tag) = (600, HistoryBuilder.id(1), .max, .max) }
      $0.add(.drained, .ok) { $0.place = Names.none }
      $0.add(.fault, .invoke) { $0.place = Names.none }
      $0.add(.recover, .ok, op: 99) { $0.session = 3 }
    }
    #expect(found(result) == [.unexpected: 1])
    #expect(found(check { _ in }).isEmpty)
  }
}
