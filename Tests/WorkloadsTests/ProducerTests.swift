// What a producer records and sends again, case by case: the table of outcomes.

import AMQP
import Base
import History
import Scenario
import Testing

@testable import Workloads

private final class Stage {
  let sink = MemorySink()
  let clock = ManualClock()
  let port = FakePort()
  let stats = LoadStats(producers: 1)
  let codec = PayloadCodec(nonce: 5, size: 64)
  let producer: Producer

  /// One message due every 10 ms, the first at once.
  init(_ publish: Axes.Publish, _ retry: Axes.Retry, rollback: Double = 0, flatOut: Bool = false, window: Int = 3) {
    var settings = ProducerSettings()
    settings.publish = publish
    settings.retry = retry
    settings.routes = [Route(exchange: "e", key: "k", place: sink.route(to: ["q"]))]
    settings.window = window
    settings.transactionSize = 2
    settings.rollback = rollback
    settings.seed = 1
    let clock = clock
    producer = Producer(
      settings: settings, journal: Journal(sink: sink, clock: { clock.now }), stats: stats, codec: codec, port: port)
    producer.linkReady(node: 7)
    producer.begin(
      schedule: flatOut ? nil : ArrivalSchedule(rate: .open(base: 100, burst: nil), from: 0, producer: 0, of: 1),
      origin: clock.now)
  }

  func after(milliseconds: Int64, writing: Bool = true) {
    clock.now += milliseconds * .millisecond
    _ = producer.tick(clock.now)
    if writing {
      port.write()
      producer.linkWrote()
    }
    producer.keepHouse(clock.now)
  }

  func lose() {
    producer.linkLost(CloseReason(code: .connectionForced, text: "", byPeer: true), wasReady: true)
  }

  func ack(_ tag: UInt64, multiple: Bool = false) {
    producer.linkBrought(.basicAck(BasicAck(deliveryTag: tag, multiple: multiple)))
  }

  func giveBack(_ index: Int) { withContent(port.bodies[index]) { producer.linkReturned($0) } }

  var publishes: [String] { sink.words(.publish) }
}

@Suite struct ProducerTests {
  @Test func sentIsAllThatIsKnownWithoutConfirms() {
    let stage = Stage(.fireAndForget, .none)
    stage.after(milliseconds: 0, writing: false)
    #expect(stage.publishes == ["publish:invoke:0.1"])
    stage.after(milliseconds: 0)
    #expect(stage.publishes == ["publish:invoke:0.1", "publish:info:0.1+sent"])
  }

  @Test func whatNeverLeftTheProcessHasFailed() {
    let stage = Stage(.fireAndForget, .none)
    stage.after(milliseconds: 0)
    stage.port.position.handed = stage.port.position.appended
    stage.after(milliseconds: 10, writing: false)  // waits in the output
    stage.lose()
    #expect(stage.publishes.suffix(2) == ["publish:invoke:1.1", "publish:fail:1.1"])
    #expect(stage.sink.words(.release) == ["release:info"])
  }

  @Test func whatMayHaveLeftIsUnknownAndNotSent() {
    let stage = Stage(.fireAndForget, .none)
    stage.after(milliseconds: 0, writing: false)
    stage.port.position.handed = stage.port.position.appended  // with the kernel, how much of it is not known
    stage.lose()
    #expect(stage.publishes.last == "publish:info:0.1")
  }

  @Test func confirmed() {
    let stage = Stage(.confirm, .untilConfirmed)
    stage.after(milliseconds: 20)
    stage.ack(2)
    stage.ack(3, multiple: true)
    #expect(
      stage.publishes == [
        "publish:invoke:0.1", "publish:invoke:1.1", "publish:invoke:2.1", "publish:ok:1.1+sent", "publish:ok:0.1+sent",
        "publish:ok:2.1+sent",
      ])
    #expect(stage.producer.isResolved)
    #expect(stage.sink.events.allSatisfy { $0.node == 7 && $0.session == 1 && $0.process == 0 })
  }

  @Test func theWindowHoldsBackAndTheIntendedTimeStays() {
    let stage = Stage(.confirm, .none, window: 3)
    stage.after(milliseconds: 100)
    #expect(stage.port.bodies.count == 3)
    stage.ack(3, multiple: true)
    stage.producer.linkRead()
    #expect(stage.port.bodies.count == 6)
    let fourth = stage.sink.events.first { $0.message.sequence == 3 }
    #expect(fourth?.intended == 1_000_000 + 30 * .millisecond)
    #expect(fourth.map { $0.time >= 1_000_000 + 100 * .millisecond } == true)
  }

  @Test func aNackIsUnknownAndComesAgain() {
    let stage = Stage(.confirm, .untilConfirmed)
    stage.after(milliseconds: 0)
    stage.producer.linkBrought(.basicNack(BasicNack(deliveryTag: 1)))
    #expect(stage.publishes.last == "publish:info:0.1+sent+nack")
    stage.producer.stop()
    stage.after(milliseconds: 99)
    #expect(stage.port.bodies.count == 1)
    stage.after(milliseconds: 2)
    #expect(stage.publishes.last == "publish:invoke:0.2")
    #expect(!stage.producer.isResolved)
    stage.ack(2)
    #expect(stage.producer.isResolved)
  }

  @Test func aReturnedOneHasFailedWhateverIsConfirmed() {
    let stage = Stage(.confirm, .untilConfirmed)
    stage.after(milliseconds: 0)
    stage.giveBack(0)
    stage.ack(1)
    #expect(stage.publishes == ["publish:invoke:0.1", "publish:fail:0.1"])
    stage.producer.stop()
    stage.after(milliseconds: 150)
    #expect(stage.publishes.last == "publish:invoke:0.2")
  }

  /// A lost connection: written and unwritten ones; which of them come again is the retry axis.
  @Test(arguments: [(Axes.Retry.none, 0), (.certainFailures, 1), (.untilConfirmed, 2)])
  func aLostConnection(retry: Axes.Retry, again: Int) {
    let stage = Stage(.confirm, retry)
    stage.after(milliseconds: 0)
    stage.after(milliseconds: 10, writing: false)
    stage.lose()
    #expect(
      stage.publishes == ["publish:invoke:0.1", "publish:invoke:1.1", "publish:info:0.1+sent", "publish:fail:1.1"])
    stage.producer.stop()
    stage.producer.linkReady(node: 8)
    stage.after(milliseconds: 200)
    #expect(stage.port.bodies.count == 2 + again)
    #expect(stage.sink.events.last.map { $0.node } == (again > 0 ? 8 : 7))
  }

  @Test func aLateConfirmStillCounts() {
    let stage = Stage(.confirm, .untilConfirmed)
    stage.after(milliseconds: 0)
    stage.producer.stop()
    stage.after(milliseconds: 10_001)
    #expect(stage.publishes == ["publish:invoke:0.1", "publish:info:0.1+sent"])
    stage.ack(1)
    #expect(stage.publishes.last == "publish:ok:0.1+sent")
    stage.after(milliseconds: 1000)
    #expect(stage.port.bodies.count == 1, "what is confirmed is not sent again")
    #expect(stage.producer.isResolved)
  }

  @Test func retriesBackOff() {
    let stage = Stage(.confirm, .untilConfirmed)
    stage.after(milliseconds: 0)
    stage.producer.stop()
    var waits: [Int64] = []
    for tag in 1...6 {
      stage.producer.linkBrought(.basicNack(BasicNack(deliveryTag: UInt64(tag))))
      let begin = stage.clock.now
      while stage.port.bodies.count == tag { stage.after(milliseconds: 10) }
      waits.append((stage.clock.now - begin) / .millisecond)
    }
    #expect(waits == [100, 200, 400, 500, 500, 500])
  }

  @Test func atTheEndWhatIsUnderWayIsUnknown() {
    let stage = Stage(.confirm, .untilConfirmed)
    stage.after(milliseconds: 0)
    stage.producer.stop()
    stage.producer.giveUp()
    #expect(stage.publishes.last == "publish:info:0.1+sent")
    #expect(stage.producer.isResolved)
    stage.ack(1)
    #expect(stage.publishes.last == "publish:ok:0.1+sent")
  }

  @Test func releasedInOrder() {
    let stage = Stage(.confirm, .none)
    stage.producer.retire()
    stage.producer.linkClosed(wasReady: true)
    #expect(stage.sink.words(.release) == ["release:invoke", "release:ok"])
    #expect(stage.port.asked == ["retire"])
  }

  // MARK: Transactions

  @Test func committed() {
    let stage = Stage(.transaction, .certainFailures)
    stage.after(milliseconds: 30)
    #expect(stage.sink.words() == ["publish:invoke:0.1", "publish:invoke:1.1", "commit:invoke"])
    stage.producer.linkBrought(.txCommitOk)
    stage.producer.linkRead()
    #expect(stage.sink.words().suffix(4) == ["commit:ok", "publish:invoke:2.1", "publish:invoke:3.1", "commit:invoke"])
    #expect(stage.sink.events.map(\.transaction) == [1, 1, 1, 1, 2, 2, 2])
  }

  @Test func aTransactionThatIsNotFullIsCommittedAfterAWhile() {
    let stage = Stage(.transaction, .certainFailures)
    stage.after(milliseconds: 0)
    stage.producer.stop()
    stage.after(milliseconds: 1)
    #expect(stage.sink.words() == ["publish:invoke:0.1", "commit:invoke"])
  }

  @Test func rolledBackOnesComeAgain() {
    let stage = Stage(.transaction, .certainFailures, rollback: 1)
    stage.after(milliseconds: 10)
    stage.producer.stop()
    #expect(stage.sink.words().last == "rollback:invoke")
    stage.producer.linkBrought(.txRollbackOk)
    stage.after(milliseconds: 150)
    #expect(
      stage.sink.words().suffix(4) == ["rollback:ok", "publish:invoke:0.2", "publish:invoke:1.2", "rollback:invoke"])
  }

  @Test(arguments: [
    // Never committed: certain. The commit waits in the output: certain. It may have left: unknown.
    ("open", [], 1), ("unwritten", ["commit:invoke", "commit:fail"], 2),
    ("written", ["commit:invoke", "commit:info"], 0),
  ])
  func aLostConnectionInATransaction(when: String, expected: [String], again: Int) {
    let stage = Stage(.transaction, .certainFailures)
    stage.after(milliseconds: 0)
    if when != "open" { stage.after(milliseconds: 10, writing: when == "written") }
    stage.lose()
    #expect(stage.sink.words(.commit) == expected)
    let before = stage.port.bodies.count
    stage.producer.stop()
    stage.producer.linkReady(node: 8)
    stage.after(milliseconds: 150)
    #expect(stage.port.bodies.count - before == again)
  }

  @Test func aReturnInATransaction() {
    let stage = Stage(.transaction, .certainFailures)
    stage.after(milliseconds: 10)
    stage.giveBack(1)
    stage.producer.linkBrought(.txCommitOk)
    #expect(stage.sink.words().suffix(2) == ["publish:fail:1.1", "commit:ok"])
    #expect(stage.stats.totalConfirmed == 1)
  }

  @Test func noAnswerToACommit() {
    let stage = Stage(.transaction, .certainFailures)
    stage.after(milliseconds: 10)
    stage.after(milliseconds: 10_001)
    #expect(stage.sink.words(.commit) == ["commit:invoke", "commit:info"])
    #expect(stage.port.asked == ["drop"])
    stage.lose()
    #expect(stage.sink.words(.commit) == ["commit:invoke", "commit:info"])
    #expect(stage.producer.retries.isEmpty, "an unknown commit is not sent again")
  }
}
