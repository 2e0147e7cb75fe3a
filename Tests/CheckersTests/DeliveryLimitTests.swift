// Delivery accounting beyond single messages: transactions, what is stuck, what is listed, what is not taken for granted.

import Base
import History
import Testing

@testable import Checkers

@Suite struct DeliveryLimitTests {
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
