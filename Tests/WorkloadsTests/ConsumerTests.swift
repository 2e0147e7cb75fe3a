// What a consumer records and answers, case by case.

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
  let consumer: Consumer
  var tag: UInt64 = 0

  init(_ mode: Axes.Consume, requeue: Double = 0, rollback: Double = 0, service: Int64 = 2, durable: Bool = true) {
    let queue = QueuePlan(name: "q", type: .classic, durable: durable, bind: [BindingPlan(exchange: "e", key: "k")])
    var settings = ConsumerSettings(queue: queue)
    settings.mode = mode
    settings.place = sink.word("q")
    settings.prefetch = 4
    settings.serviceTime = service * .millisecond
    settings.requeue = requeue
    settings.rollback = rollback
    settings.transactionSize = 3
    settings.seed = 1
    let clock = clock
    consumer = Consumer(
      settings: settings, journal: Journal(sink: sink, clock: { clock.now }), stats: stats, codec: codec, port: port,
      redeclaration: Topology.declarations(of: queue, exchanges: [ExchangePlan(name: "e", type: "topic")]))
    consumer.linkReady(node: 7)
    consumer.linkBrought(.basicConsumeOk(BasicConsumeOk(consumerTag: "c")))
  }

  func deliver(_ count: Int = 1, body: [UInt8]? = nil, redelivered: Bool = false) {
    for _ in 0..<count {
      tag += 1
      var bytes = [UInt8](repeating: 0, count: codec.size)
      let payload = Payload(id: MessageID(producer: 0, sequence: Int(tag)), attempt: 1, sent: clock.now)
      bytes.withUnsafeMutableBytes { codec.encode(payload, into: $0) }
      let deliver = BasicDeliver(consumerTag: "c", deliveryTag: tag, redelivered: redelivered)
      withContent(body ?? bytes) { consumer.linkDelivered(deliver, $0) }
    }
    consumer.linkRead()
  }

  func after(milliseconds: Int64) {
    clock.now += milliseconds * .millisecond
    _ = consumer.tick(clock.now)
  }

  func lose(_ code: ReplyCode = .connectionForced) {
    consumer.linkLost(CloseReason(code: code, text: "", byPeer: true), wasReady: true)
  }

  var acks: [BasicAck] { port.methods.compactMap { if case .basicAck(let ack) = $0 { ack } else { nil } } }
}

@Suite struct ConsumerTests {
  @Test func oneAfterTheOther() {
    let stage = Stage(.manualAck)
    stage.deliver(3)
    #expect(stage.acks.isEmpty)
    for expected in 1...3 {
      stage.after(milliseconds: 2)
      #expect(stage.acks.count == expected)
    }
    #expect(
      stage.sink.words() == [
        "subscribe:invoke", "subscribe:ok", "deliver:ok", "deliver:ok", "deliver:ok", "ack:invoke:1", "ack:invoke:2",
        "ack:invoke:3",
      ])
    #expect(stage.stats.unacknowledged == 0)
  }

  /// Late by many service times, it is as far as it would have been.
  @Test func aLateTimerCatchesUpWithOneAck() {
    let stage = Stage(.manualAck)
    stage.deliver(4)
    stage.after(milliseconds: 7)
    #expect(stage.acks == [BasicAck(deliveryTag: 3, multiple: true)])
    #expect(stage.consumer.tick(stage.clock.now) == 1_000_000 + 8 * .millisecond)
  }

  @Test func negativeAcknowledgements() {
    let stage = Stage(.manualAck, requeue: 1)
    stage.deliver(1)
    stage.after(milliseconds: 2)
    #expect(stage.sink.words(.nack, .ack) == ["nack:invoke:1+requeue"])
    #expect(stage.port.methods.last == .basicNack(BasicNack(deliveryTag: 1, requeue: true)))
  }

  @Test func damagedAndForeignOnesAreTold() {
    let stage = Stage(.manualAck)
    stage.deliver(body: [1, 2, 3])
    var bytes = [UInt8](repeating: 0, count: 64)
    bytes.withUnsafeMutableBytes {
      PayloadCodec(nonce: 6, size: 64).encode(Payload(id: MessageID(rawValue: 1), attempt: 1, sent: 1), into: $0)
    }
    stage.deliver(body: bytes)
    let flags = stage.sink.events.filter { $0.function == .deliver }.map(\.flags)
    #expect(flags == [.damaged, .foreign])
    stage.after(milliseconds: 4)
    #expect(stage.acks.count == 1, "they leave the queue all the same")
  }

  @Test func automaticAcknowledgementIsFeltThroughTheSocket() {
    let stage = Stage(.autoAck)
    stage.deliver(4)
    #expect(stage.port.asked == ["pause"])
    stage.after(milliseconds: 4)
    #expect(stage.port.asked == ["pause", "resume"])
    #expect(stage.acks.isEmpty)
    #expect(stage.sink.events[0].flags == .autoAck && stage.sink.events[0].tag == 0)
  }

  @Test func signsOfLife() {
    let stage = Stage(.manualAck)
    stage.clock.now += 600 * .millisecond
    stage.consumer.keepHouse(stage.clock.now)
    stage.consumer.keepHouse(stage.clock.now)
    stage.consumer.linkBrought(.basicQosOk)
    #expect(stage.sink.words(.alive) == ["alive:invoke", "alive:ok"])
    #expect(Set(stage.sink.events.filter { $0.function == .alive }.map(\.op)).count == 1)
  }

  @Test func aLostConnectionEndsTheSession() {
    let stage = Stage(.manualAck)
    stage.deliver(2)
    stage.lose()
    #expect(stage.sink.words().last == "release:info")
    #expect(stage.stats.unacknowledged == 0)
    stage.after(milliseconds: 10)
    #expect(stage.acks.isEmpty, "tags mean nothing on another channel")
    stage.consumer.linkReady(node: 8)
    #expect(stage.sink.events.last?.session == 2)
    #expect(stage.sink.events.last?.node == 8)
  }

  @Test(arguments: [true, false]) func aVanishedQueueIsMadeAgainOnlyIfTransient(durable: Bool) {
    let stage = Stage(.manualAck, durable: durable)
    stage.lose(.notFound)
    let setup = stage.consumer.linkSetup()
    #expect(setup.contains { if case .queueDeclare = $0 { true } else { false } } == !durable)
    #expect(stage.consumer.linkSetup().count == 1, "and only once")
  }

  @Test func cancelledByTheBroker() {
    let stage = Stage(.manualAck)
    stage.consumer.linkBrought(.basicCancel(BasicCancel(consumerTag: "c")))
    #expect(stage.port.asked == ["restart"])
    stage.consumer.linkClosed(wasReady: true)
    #expect(stage.sink.words(.release) == ["release:invoke", "release:ok"])
  }

  @Test func stoppedInOrder() {
    let stage = Stage(.manualAck)
    stage.deliver(2)
    stage.consumer.stop()
    stage.consumer.linkBrought(.basicCancelOk(BasicCancelOk(consumerTag: "c")))
    #expect(stage.port.asked.isEmpty, "it settles first what it holds")
    stage.after(milliseconds: 4)
    #expect(stage.port.asked == ["retire"])
    stage.consumer.linkClosed(wasReady: true)
    #expect(stage.sink.words().suffix(4) == ["ack:invoke:1", "ack:invoke:2", "release:invoke", "release:ok"])
  }

  // MARK: Transactions

  @Test func acknowledgedInATransaction() {
    let stage = Stage(.transaction)
    stage.deliver(4)
    stage.after(milliseconds: 8)
    #expect(stage.sink.words(.ack, .commit) == ["ack:invoke:1", "ack:invoke:2", "ack:invoke:3", "commit:invoke"])
    #expect(stage.port.methods.suffix(2) == [.basicAck(BasicAck(deliveryTag: 3, multiple: true)), .txCommit])
    stage.consumer.linkBrought(.txCommitOk)
    stage.consumer.linkRead()
    #expect(stage.sink.words(.ack, .commit).suffix(2) == ["commit:ok", "ack:invoke:4"])
    let numbers = stage.sink.events.filter { $0.function == .ack || $0.function == .commit }.map(\.transaction)
    #expect(numbers == [1, 1, 1, 1, 1, 2])
    stage.after(milliseconds: 50)
    #expect(stage.sink.words(.commit).last == "commit:invoke", "what is not full is committed after a while")
  }

  @Test func aRollbackGivesBackAllThatIsHeld() {
    let stage = Stage(.transaction, rollback: 1)
    stage.deliver(4)
    stage.after(milliseconds: 6)
    #expect(stage.port.methods.last == .txRollback)
    stage.consumer.linkBrought(.txRollbackOk)
    #expect(stage.port.methods.last == .basicRecover(BasicRecover(requeue: true)))
    stage.after(milliseconds: 10)
    #expect(stage.sink.words(.ack).count == 3, "nothing is acknowledged meanwhile")
    stage.consumer.linkBrought(.basicRecoverOk)
    stage.after(milliseconds: 10)
    #expect(stage.sink.words(.ack).count == 3, "what was held is void")
    #expect(
      stage.sink.words(.rollback, .recover) == ["rollback:invoke", "rollback:ok", "recover:invoke", "recover:ok"])
    #expect(stage.stats.unacknowledged == 0)
  }

  @Test(arguments: [(true, "commit:info"), (false, "commit:fail")]) func aLostCommit(written: Bool, expected: String) {
    let stage = Stage(.transaction)
    stage.deliver(3)
    stage.after(milliseconds: 6)
    if written { stage.port.write() }
    stage.lose()
    #expect(stage.sink.words().suffix(2) == [expected, "release:info"])
  }
}
