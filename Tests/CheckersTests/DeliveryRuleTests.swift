// Each rule of delivery accounting in a few lines of its own.

import Base
import History
import Testing

@testable import Checkers

@Suite struct DeliveryRuleTests {
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

  @Test func lossesAreSplitByPlaceAndTime() throws {
    var builder = HistoryBuilder()
    builder.subscribe(1, isAuto: true)
    for id in 1...7 {
      builder.send(id)
      if id == 5 { builder.wait(2 * .second) }
    }
    for (tag, id) in [3, 5].enumerated() { builder.deliver(id, session: 1, tag: UInt64(tag + 1)) }
    builder.drained()
    let result = DeliveryChecker.check(builder.history, options: DeliveryOptions(level: .medium))
    #expect(found(result)[.lost] == 5)
    let losses = result.losses
    #expect(losses.prefix == 2 && losses.middle == 1 && losses.tail == 2 && losses.total == 5)
    #expect(losses.seconds == [LossSplit.Second(second: 0, count: 3), LossSplit.Second(second: 2, count: 2)])
    let text = try CheckCommandCore.run(builder.history).text()
    #expect(
      text.contains(
        "of the lost messages 2 before the first that came of their producer, 1 between others of their producer, "
          + "2 after the last that came of their producer\npublished from second 0 to second 2 of the history"))
    #expect(check { $0.send(1) }.losses == LossSplit())
    let nothingCame = check {
      $0.send(1)
      $0.drained()
    }
    #expect(nothingCame.losses.tail == 1 && nothingCame.losses.total == 1)
  }

  // MARK: What a zero is worth

  @Test func theBoundIsThatOfTheRuleOfThree() {
    #expect(ZeroBound.upper95(0) == nil)
    #expect(abs((ZeroBound.upper95(3) ?? 0) - 0.6315968501359612) < 1e-12)
    #expect(abs((ZeroBound.upper95(1000) ?? 0) - 0.0029912) < 1e-6)
  }

  @Test func zerosOfADrainedHistoryHaveBounds() throws {
    func report(faults: Int, messages: Int, isDrained: Bool = true) throws -> CheckReport {
      var builder = HistoryBuilder()
      builder.subscribe(1, isAuto: true)
      for number in 0..<faults {
        builder.fault("crash#\(number)", .invoke)
        builder.fault("crash#\(number)", .ok)
      }
      for id in 0..<messages {
        builder.send(id)
        builder.deliver(id, session: 1, tag: UInt64(id + 1))
      }
      if isDrained { builder.drained() }
      return try CheckCommandCore.run(builder.history)
    }
    let two = try report(faults: 2, messages: 1000)
    #expect(two.verdict == .valid && two.zeros?.faults == 2 && two.zeros?.messages == 1000)
    let text = two.text()
    #expect(text.contains("a 0 in 2 faults: at most 78 % of such faults do it, at 95 %, if the broker felt each"))
    #expect(text.contains("a 0 in 1000 messages: at most 0.30 % of messages, at 95 %, were they independent"))
    #expect(String(decoding: two.json, as: UTF8.self).contains("\"upper95-per-fault\" : 0.77"))
    let calm = try report(faults: 0, messages: 100)
    #expect(calm.zeros?.upper95PerFault == nil && calm.text().contains("a 0 without a fault says nothing about faults"))
    #expect(calm.text().contains("at most 3.0 % of messages"))
    #expect(try report(faults: 1, messages: 10, isDrained: false).zeros == nil)
    #expect(try report(faults: 1, messages: 0).zeros == nil)
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
}
