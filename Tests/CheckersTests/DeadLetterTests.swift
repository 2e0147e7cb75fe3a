// What was rejected, where it must go, and what a queue of dead letters changes for the other rules.

import Base
import History
import Testing

@testable import Checkers

@Suite struct DeadLetterTests {
  private func account(
    _ level: ReliabilityLevel, _ letters: [String: String], _ build: (inout HistoryBuilder) -> Void
  ) -> DeliveryResult { check(level, { $0.deadLetters = letters }, build) }

  /// One message to the queue, which leads to `dead` unless said otherwise; consumers of both, and both drained.
  private func rejected(
    to queues: [String] = ["q"], letters: [String: String] = ["q": "dead"], level: ReliabilityLevel = .medium,
    isAuto: Bool = false, drained: [String] = ["q", "dead"], _ build: (inout HistoryBuilder) -> Void
  ) -> DeliveryResult {
    account(level, letters) {
      $0.subscribe(1, isAuto: isAuto, prefetch: 9)
      $0.subscribe(2, "dead", prefetch: 9)
      $0.send(1, to: queues)
      build(&$0)
      for queue in drained { $0.drained(queue) }
    }
  }

  private func rejectOnce(_ builder: inout HistoryBuilder) {
    builder.deliver(1, session: 1, tag: 1)
    builder.reject(session: 1, tag: 1)
  }

  // MARK: Lost as a dead letter

  @Test func rejectedAndNeverDeliveredFromThereIsLost() throws {
    let result = rejected(rejectOnce)
    #expect(found(result) == [.deadLetterLost: 1] && result.hasDeadLetters)
    let finding = try #require(result.findings.first)
    #expect(
      finding.message == HistoryBuilder.id(1) && finding.queue == 0
        && finding.reason == "rejected, and never delivered from dead")
    // Published, confirmed, delivered, rejected.
    #expect(finding.events == [4, 5, 6, 7])
    #expect(result.losses == LossSplit() && result.delivered == 1)
    #expect(Violations.verdict(of: result, judgedAs: .medium) == .violated)
    #expect(Violations.verdict(of: result, judgedAs: .high) == .violated)
    #expect(Violations.verdict(of: result, judgedAs: .low) == .valid)
  }

  @Test func whatIsTakenFromThereIsNotLost() {
    let taken = rejected {
      rejectOnce(&$0)
      $0.deliver(1, "dead", session: 2, tag: 1)
      $0.ack(session: 2, tag: 1)
    }
    #expect(found(taken).isEmpty && Violations.verdict(of: taken, judgedAs: .high) == .valid)
    // Rejected there too: taken.
    let rejectedAgain = rejected {
      rejectOnce(&$0)
      $0.deliver(1, "dead", session: 2, tag: 1)
      $0.reject(session: 2, tag: 1)
    }
    #expect(found(rejectedAgain).isEmpty)
    let untaken = rejected {
      rejectOnce(&$0)
      $0.deliver(1, "dead", session: 2, tag: 1)
      $0.nack(session: 2, tag: 1)
    }
    #expect(found(untaken) == [.deadLetterLost: 1])
    #expect(untaken.findings.first?.reason == "rejected, and delivered from dead and taken by nobody")
    let automatic = rejected {
      rejectOnce(&$0)
      $0.subscribe(3, "dead", isAuto: true)
      $0.deliver(1, "dead", session: 3, tag: 1)
    }
    #expect(found(automatic).isEmpty)
  }

  @Test func anyAttemptWillDo() {
    let result = rejected {
      rejectOnce(&$0)
      $0.send(1, attempt: 2)
      $0.deliver(1, attempt: 2, session: 1, tag: 2)
      $0.reject(session: 1, tag: 2)
      $0.deliver(1, attempt: 2, "dead", session: 2, tag: 1)
      $0.ack(session: 2, tag: 1)
    }
    #expect(found(result) == [.duplicatedByRetry: 1])
  }

  @Test func withoutBothDrainsItIsUndecided() {
    for drained in [["q"], ["dead"], []] {
      let result = rejected(drained: drained, rejectOnce)
      #expect(found(result).isEmpty && result.undecided == [.deadLetterLost: 1], "\(drained)")
      #expect(Violations.verdict(of: result, judgedAs: .medium) == .undecided)
    }
    // A queue that the history never names was not drained.
    let unknown = rejected(letters: ["q": "elsewhere"], rejectOnce)
    #expect(found(unknown).isEmpty && unknown.undecided == [.deadLetterLost: 1])
  }

  @Test func takenOtherwiseItNeedNotGoThere() {
    let acked = rejected {
      rejectOnce(&$0)
      $0.deliver(1, session: 1, tag: 2, flags: .redelivered)
      $0.ack(session: 1, tag: 2)
    }
    #expect(found(acked) == [.redelivered: 1])
    let both = rejected {
      $0.deliver(1, session: 1, tag: 1)
      $0.ack(session: 1, tag: 1)
      $0.reject(session: 1, tag: 1)
    }
    #expect(found(both).isEmpty)
    #expect(found(rejected(isAuto: true, rejectOnce)).isEmpty)
    // An ack that was refused takes nothing.
    let refused = rejected {
      rejectOnce(&$0)
      let op = $0.ack(session: 1, tag: 1)
      $0.add(.ack, .fail, op: op) { ($0.session, $0.tag) = (1, 1) }
    }
    #expect(found(refused) == [.deadLetterLost: 1])
  }

  @Test func aRejectionThatCameToNothingIsNone() {
    func inTransaction(_ end: Function, _ outcome: Outcome?) -> DeliveryResult {
      rejected(level: .high) {
        $0.deliver(1, session: 1, tag: 1)
        $0.reject(session: 1, tag: 1, tx: 5)
        $0.end(end, tx: 5, outcome)
      }
    }
    for result in [inTransaction(.rollback, .ok), inTransaction(.commit, .fail)] {
      #expect(found(result) == [.lost: 1])
    }
    #expect(found(inTransaction(.commit, .ok)) == [.deadLetterLost: 1])
    #expect(found(inTransaction(.commit, nil)) == [.deadLetterLost: 1])
    // Given back, it is the queue's again.
    let requeued = rejected {
      $0.deliver(1, session: 1, tag: 1)
      $0.nack(session: 1, tag: 1)
    }
    #expect(found(requeued) == [.lost: 1])
    let again = rejected {
      $0.deliver(1, session: 1, tag: 1)
      $0.nack(session: 1, tag: 1)
      $0.deliver(1, session: 1, tag: 2, flags: .redelivered)
      $0.reject(session: 1, tag: 2)
    }
    #expect(found(again) == [.deadLetterLost: 1, .redelivered: 1])
  }

  @Test func nothingIsOwedOfWhatNobodyAcknowledged() {
    func build(_ outcome: Outcome) -> DeliveryResult {
      account(.medium, ["q": "dead"]) {
        $0.subscribe(1)
        let op = $0.publish(1)
        $0.add(.publish, outcome, op: op) { $0.flags = .sent }
        rejectOnce(&$0)
        $0.drained()
        $0.drained("dead")
      }
    }
    #expect(found(build(.info)) == [.recovered: 1])
    #expect(found(build(.ok)) == [.deadLetterLost: 1])
  }

  @Test func eachQueueOfARouteHasItsOwnDeadLetters() {
    let result = rejected(to: ["q", "r"], letters: ["q": "dead"], drained: ["q", "r", "dead"]) {
      rejectOnce(&$0)
      $0.subscribe(3, "r")
      $0.deliver(1, "r", session: 3, tag: 1)
      $0.reject(session: 3, tag: 1)
    }
    #expect(found(result) == [.deadLetterLost: 1] && result.findings.first?.reason.hasSuffix("from dead") == true)
  }

  // MARK: Nobody said where dead letters go

  @Test func withoutDeadLettersNothingChanges() {
    func build(_ builder: inout HistoryBuilder) {
      rejectOnce(&builder)
      builder.deliver(1, "dead", session: 2, tag: 1)
    }
    for letters in [[:], ["r": "dead"], ["dead": "q"]] {
      let result = rejected(letters: letters, build)
      #expect(found(result) == [.unexpected: 1] && result.undecided.isEmpty, "\(letters)")
      #expect(result.findings.first?.reason == "not routed to this queue")
    }
    #expect(found(rejected(letters: [:], rejectOnce)).isEmpty)
    #expect(
      !rejected(letters: [:], rejectOnce).hasDeadLetters && !rejected(letters: ["r": "dead"], rejectOnce).hasDeadLetters
    )
  }

  // MARK: Other rules there

  /// It expired, or came back too often.
  @Test func whatMovesUnseenIsNotLostThere() {
    let taken = rejected {
      $0.deliver(1, "dead", session: 2, tag: 1)
      $0.ack(session: 2, tag: 1)
    }
    #expect(found(taken).isEmpty && taken.delivered == 1 && taken.losses == LossSplit())
    // It was had by nobody; or may still be there.
    let result = rejected { $0.deliver(1, "dead", session: 2, tag: 1) }
    #expect(found(result) == [.lost: 1] && result.delivered == 1 && result.losses.tail == 1)
    let open = rejected(drained: ["q"]) { _ in }
    #expect(found(open).isEmpty && open.undecided == [.lost: 1])
    // Nothing is owed there, and the drain of the routes is one without it.
    let drained = rejected(drained: ["q"]) {
      $0.deliver(1, session: 1, tag: 1)
      $0.ack(session: 1, tag: 1)
    }
    #expect(found(drained).isEmpty && drained.undecided.isEmpty && drained.isDrained)
  }

  @Test func whatFailedMustNotBeSeenThereEither() {
    let result = account(.high, ["q": "dead"]) {
      $0.subscribe(2, "dead")
      let op = $0.publish(1)
      $0.add(.publish, .fail, op: op)
      $0.deliver(1, "dead", session: 2, tag: 1)
    }
    #expect(found(result) == [.abortedRead: 1])
    let unknown = account(.medium, ["q": "dead"]) {
      $0.subscribe(2, "dead")
      $0.publish(1)
      $0.deliver(1, "dead", session: 2, tag: 1)
    }
    #expect(found(unknown) == [.recovered: 1] && unknown.findings.first?.events == [2, 3])
  }

  /// Two deliveries from the queue of dead letters, the first one taken for good.
  private func twice(to queues: [String], letters: [String: String], _ flags: Event.Flags) -> DeliveryResult {
    rejected(to: queues, letters: letters, drained: ["q", "r", "dead", "end"]) {
      $0.subscribe(3, "r")
      for (queue, session) in [("q", UInt32(1)), ("r", 3)] where queues.contains(queue) {
        $0.deliver(1, queue, session: session, tag: 1)
        $0.reject(session: session, tag: 1)
      }
      $0.deliver(1, "dead", session: 2, tag: 1)
      $0.ackAnswered(session: 2, tag: 1)
      $0.deliver(1, "dead", session: 2, tag: 2, flags: flags)
      $0.ackAnswered(session: 2, tag: 2)
    }
  }

  @Test func repeatsThereAreJudgedWhereOneCopyCanBe() {
    #expect(found(twice(to: ["q"], letters: ["q": "dead"], .redelivered)) == [.duplicated: 1])
    #expect(found(twice(to: ["q"], letters: ["q": "dead"], [])) == [.duplicated: 1, .wrongRedeliveredFlag: 1])
    // Two queues lead there, it is routed there as well, or it goes in a circle.
    #expect(found(twice(to: ["q", "r"], letters: ["q": "dead", "r": "dead"], [])).isEmpty)
    #expect(found(twice(to: ["q", "dead"], letters: ["q": "dead"], [])).isEmpty)
    #expect(found(twice(to: ["q"], letters: ["q": "dead", "dead": "q"], [])).isEmpty)
    #expect(found(twice(to: ["q"], letters: ["q": "r", "r": "dead", "dead": "r"], [])).isEmpty)
  }

  @Test func lettersMayBeLedOn() {
    func build(_ letters: [String: String]) -> DeliveryResult {
      rejected(letters: letters, drained: ["q", "dead", "end"]) {
        $0.subscribe(4, "end")
        rejectOnce(&$0)
        $0.deliver(1, "dead", session: 2, tag: 1)
        $0.reject(session: 2, tag: 1)
        $0.deliver(1, "end", session: 4, tag: 1)
      }
    }
    #expect(found(build(["q": "dead", "dead": "end"])).isEmpty)
    #expect(found(build(["q": "dead"])) == [.unexpected: 1])
    // Where it came to in the end is as good: it may have expired on the way.
    let end = rejected(letters: ["q": "dead", "dead": "end"], drained: ["q", "dead", "end"]) {
      $0.subscribe(4, "end")
      rejectOnce(&$0)
      $0.deliver(1, "end", session: 4, tag: 1)
      $0.ack(session: 4, tag: 1)
    }
    #expect(found(end).isEmpty)
    // Lost on the way, and perhaps not yet there.
    func never(_ drained: [String]) -> DeliveryResult {
      rejected(letters: ["q": "dead", "dead": "end"], drained: drained, rejectOnce)
    }
    #expect(found(never(["q", "dead", "end"])) == [.deadLetterLost: 1])
    #expect(found(never(["q", "dead"])).isEmpty && never(["q", "dead"]).undecided == [.deadLetterLost: 1])
  }

  @Test func lettersComeInTheOrderOfTheirRejection() {
    func build(_ letters: [String: String], to queue: String) -> DeliveryResult {
      account(.medium, letters) {
        $0.subscribe(2, "dead", prefetch: 9)
        for id in 1...2 { $0.send(id, to: [queue]) }
        for (tag, id) in [2, 1].enumerated() {
          $0.deliver(id, "dead", session: 2, tag: UInt64(tag + 1))
          $0.ack(session: 2, tag: UInt64(tag + 1))
        }
      }
    }
    #expect(found(build(["q": "dead"], to: "q")).isEmpty)
    #expect(found(build(["q": "dead"], to: "dead")) == [.outOfOrder: 1])
  }

  @Test func aTransactionOwesNothingThere() {
    func build(from queue: String) -> DeliveryResult {
      rejected(level: .high) {
        $0.publish(2, tx: 5)
        $0.publish(3, tx: 5)
        $0.end(.commit, tx: 5, .ok)
        for (tag, id) in [1, 2].enumerated() { $0.deliver(id, session: 1, tag: UInt64(tag + 1)) }
        for tag in UInt64(1)...2 { $0.ack(session: 1, tag: tag) }
        $0.deliver(3, queue, session: queue == "q" ? 1 : 2, tag: 3)
        $0.ack(session: queue == "q" ? 1 : 2, tag: 3)
      }
    }
    #expect(found(build(from: "q")).isEmpty)
    #expect(found(build(from: "dead")).isEmpty)
  }

  /// What a transaction that came to nothing acknowledged may have expired instead of coming again.
  @Test func whatMovedUnseenIsNotEaten() {
    func acknowledged(_ then: (inout HistoryBuilder) -> Void) -> DeliveryResult {
      rejected(level: .high) {
        $0.deliver(1, session: 1, tag: 1)
        $0.publish(2, tx: 5)
        $0.ack(session: 1, tag: 1, tx: 5)
        $0.end(.commit, tx: 5, .info)
        then(&$0)
      }
    }
    #expect(found(acknowledged { _ in }) == [.tornTransaction: 1])
    let moved = acknowledged {
      $0.deliver(1, "dead", session: 2, tag: 1)
      $0.ackAnswered(session: 2, tag: 1)
    }
    #expect(found(moved).isEmpty)
  }

  // MARK: The command

  @Test func theCommandNamesTheFindingOnlyWhereItCanBe() throws {
    var builder = HistoryBuilder()
    builder.subscribe(1)
    builder.send(1)
    rejectOnce(&builder)
    builder.drained()
    builder.drained("dead")
    #expect(try !CheckCommandCore.run(builder.history).text().contains("dead-letter-lost"))
    var options = DeliveryOptions(level: .medium)
    options.deadLetters = ["q": "dead"]
    let report = try CheckCommandCore.run(builder.history, options: options)
    #expect(report.exitCode == 1)
    #expect(report.text().contains("dead-letter-lost 1:1 in q: rejected, and never delivered from dead"))
    for (letters, stranger) in [(["q": "ded"], "ded"), (["p": "dead"], "p")] {
      options.deadLetters = letters
      do throws(ModelMismatch) {
        _ = try CheckCommandCore.run(builder.history, options: options)
        Issue.record("no refusal of \(stranger)")
      } catch {
        #expect(
          error.description == "no queue '\(stranger)', which was named for dead letters; its queues are dead, q")
      }
    }
  }
}
