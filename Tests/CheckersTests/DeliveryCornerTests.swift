// Where rules of delivery accounting meet: histories that no client writes often, and that the naive evaluation agrees on.

import Base
import History
import Testing

@testable import Checkers

@Suite struct DeliveryCornerTests {
  private func account(
    _ level: ReliabilityLevel = .medium, at location: SourceLocation = #_sourceLocation,
    _ build: (inout HistoryBuilder) -> Void
  ) -> DeliveryResult {
    var builder = HistoryBuilder()
    build(&builder)
    var options = DeliveryOptions(level: level)
    options.listed = Set(FindingName.allCases)
    let differences = builder.history.differences(options)
    #expect(differences.isEmpty, "\(differences)", sourceLocation: location)
    return DeliveryChecker.check(builder.history, options: options)
  }

  /// Of the session nothing else is known: it is nothing, and no crash.
  @Test func aRequeueMayBeTheFirstThatIsHeardOfASession() {
    var line = #"{"time":1,"process":0,"op":1,"type":"invoke","f":"nack","session":7,"tag":1,"requeue":true}"#
    line += "\n" + #"{"time":2,"process":0,"op":1,"type":"ok","f":"nack","session":7,"tag":1,"requeue":true}"#
    let history = try? JSONLines.parse(Array(line.utf8), file: "h.jsonl")
    #expect(history.map { DeliveryChecker.check($0, options: DeliveryOptions(level: .medium)).findings } == [])
  }

  // MARK: Tags and flags

  /// A tag means what came under it last, though that takes no part. (The naive evaluation takes any that had the tag.)
  @Test func theTagOfSomethingUnexpectedIsNotThatOfTheDeliveryBefore() {
    let result = check {
      $0.subscribe(1)
      $0.send(1)
      $0.deliver(1, session: 1, tag: 1)
      $0.deliver(99, session: 1, tag: 1)
      $0.ack(session: 1, tag: 1)
      $0.drained()
    }
    #expect(found(result) == [.unexpected: 1, .lost: 1])
  }

  @Test func unmarkedRedeliveriesAreToldOnceAndHaveNoOrder() {
    let thrice = account {
      $0.subscribe(1)
      $0.send(1)
      for tag in UInt64(1)...3 {
        $0.deliver(1, session: 1, tag: tag)
        $0.nack(session: 1, tag: tag)
      }
    }
    #expect(found(thrice) == [.wrongRedeliveredFlag: 1, .redelivered: 2])
    let behind = account {
      $0.subscribe(1, prefetch: 2)
      for id in 1...2 { $0.send(id) }
      for id in 1...2 { $0.deliver(id, session: 1, tag: UInt64(id)) }
      $0.nack(session: 1, tag: 1)
      $0.deliver(1, session: 1, tag: 3)
    }
    #expect(found(behind) == [.wrongRedeliveredFlag: 1, .redelivered: 1])
  }

  // MARK: When a message may come again

  /// Delivered to one, then to another who took it for good; and something after that about the first.
  private func twice(_ before: (inout HistoryBuilder) -> Void = { _ in }, _ after: (inout HistoryBuilder) -> Void)
    -> DeliveryResult
  {
    account {
      for session in UInt32(1)...2 { $0.subscribe(session) }
      $0.send(1)
      $0.deliver(1, session: 1, tag: 1)
      before(&$0)
      $0.deliver(1, session: 2, tag: 1, flags: .redelivered)
      $0.ackAnswered(session: 2, tag: 1)
      after(&$0)
    }
  }

  @Test func onlyWhatWasAnsweredProvesThatASessionWasThere() {
    func asked(_ function: Function, _ outcome: Outcome) -> DeliveryResult {
      twice {
        let op = $0.add(function, .invoke) { $0.session = 1 }
        $0.add(function, outcome, op: op) { $0.session = 1 }
      }
    }
    for function in [Function.alive, .recover] {
      #expect(found(asked(function, .info)) == [.redelivered: 1])
      #expect(found(asked(function, .ok)) == [.duplicated: 1])
    }
  }

  @Test func theFirstRequeueGivesBack() {
    func nack(_ builder: inout HistoryBuilder) { builder.nack(session: 1, tag: 1) }
    let again = twice(nack) {
      nack(&$0)
      $0.alive(1)
    }
    #expect(found(again) == [.redelivered: 1])
    let late = twice {
      nack(&$0)
      $0.alive(1)
    }
    #expect(found(late) == [.duplicated: 1])
  }

  // MARK: Outcomes

  @Test func aConfirmCountsWhateverWasHeardBefore() {
    let result = account {
      let op = $0.publish(1)
      $0.add(.publish, .info, op: op) { $0.flags = .nack }
      $0.add(.publish, .ok, op: op)
      $0.drained()
    }
    #expect(found(result) == [.lost: 1] && result.acknowledged == 1)
  }

  @Test func aDrainThatFailedProvesNothing() {
    let result = account {
      $0.send(1)
      let place = $0.names.word("q")
      let op = $0.add(.drained, .invoke) { $0.place = place }
      $0.add(.drained, .fail, op: op) { $0.place = place }
    }
    #expect(found(result).isEmpty && result.undecided == [.lost: 1] && !result.isDrained)
  }

  @Test func unansweredIsStuckOnlyBesideALaterConfirm() {
    let nothingConfirmed = account {
      for id in 1...2 { $0.publish(id) }
      $0.wait(11 * .second)
    }
    #expect(found(nothingConfirmed).isEmpty)
    let earlier = account {
      $0.send(2)
      $0.publish(1)
      $0.wait(11 * .second)
    }
    #expect(found(earlier).isEmpty)
  }

  // MARK: Transactions

  /// One that was returned is no part of what was committed.
  @Test func aPublishThatFailedByItselfIsNotMissed() {
    let result = account(.high) {
      $0.subscribe(1)
      let op = $0.publish(2, tx: 5)
      $0.publish(3, tx: 5)
      $0.add(.publish, .fail, op: op)
      $0.end(.commit, tx: 5, .ok)
      $0.deliver(3, session: 1, tag: 1)
      $0.ackAnswered(session: 1, tag: 1)
      $0.drained()
    }
    #expect(found(result).isEmpty && result.isDrained)
  }

  @Test func whatMayStillComeIsNotEaten() {
    func eaten(_ drained: [String]) -> DeliveryResult {
      account(.high) {
        $0.subscribe(1)
        $0.send(1)
        $0.deliver(1, session: 1, tag: 1)
        $0.publish(2, to: ["r"], tx: 5)
        $0.ack(session: 1, tag: 1, tx: 5)
        $0.end(.commit, tx: 5, .info)
        for queue in drained { $0.drained(queue) }
      }
    }
    #expect(found(eaten(["q", "r"])) == [.tornTransaction: 1])
    for drained in [["r"], ["q"]] {
      let open = eaten(drained)
      #expect(found(open).isEmpty && open.undecided == [.tornTransaction: 1], "\(drained)")
    }
  }
}
