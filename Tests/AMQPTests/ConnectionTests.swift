// Client against server, in order: handshake, channels, publish, deliver, confirm, return, and the ends of things.
import Testing

@testable import AMQP

@Suite struct ConnectionTests {
  @Test func handshake() throws {
    var config = ClientConfig()
    config.heartbeat = 7
    config.channelMax = 12
    let pair = Pair(client: config, frameMax: 8192)
    pair.run()
    #expect(pair.clientLog == ["opened"])
    #expect(pair.serverLog == ["opened guest /"])
    #expect(pair.client.isOpen && pair.server.isOpen)
    #expect(pair.client.frameMax == 8192 && pair.server.frameMax == 8192)
    #expect(pair.client.channelMax == 12 && pair.server.channelMax == 12)
    #expect(pair.client.heartbeat == 7 && pair.server.heartbeat == 7)
    #expect(pair.server.clientProperties["product"] == "stormproof")
    #expect(pair.client.serverProperties["capabilities"]?.table?["basic.nack"] == true)
  }

  @Test func wrongPassword() throws {
    var config = ClientConfig(password: "wrong")
    let pair = Pair(client: config)
    pair.run()
    #expect(pair.clientLog == ["closed 403 by peer"])
    #expect(pair.serverLog == ["closed 403"])
    #expect(pair.client.isFinished && pair.server.isFinished)

    config.clientProperties = [:]  // no authentication_failure_close: the end of the connection says it
    let old = Pair(client: config)
    old.run()
    #expect(old.server.isFinished && old.clientLog == [])
    old.client.connectionLost { if case .closed(let reason) = $0 { #expect(reason.text.contains("login")) } }
    #expect(old.client.isFinished)
  }

  @Test func wrongVirtualHost() throws {
    let pair = Pair(client: ClientConfig(virtualHost: "elsewhere"))
    pair.run()
    #expect(pair.clientLog == ["closed 530 by peer"])
    #expect(pair.serverLog == ["closed 530"])
    #expect(pair.client.isFinished && pair.server.isFinished)
  }

  @Test func wrongProtocol() throws {
    let pair = Pair()
    pair.client.output = ByteBuffer()
    pair.feedServer(Array("GET / HTTP/1.1\r\n\r\n".utf8))
    #expect(pair.server.isFinished)
    #expect(pair.serverLog == ["closed 501"])
    #expect(pair.clientLog == ["closed 501 by peer"])  // it was answered AMQP 0-9-1 in place of a frame
  }

  @Test func publishAndDeliver() throws {
    let pair = Pair()
    try pair.open()
    pair.onPublish = { channel, publish, content in
      pair.server.deliver(
        channel: channel, consumerTag: "c", deliveryTag: 9, redelivered: true, exchange: publish.exchange,
        routingKey: publish.routingKey, rawProperties: content.rawProperties, body: content.body)
    }
    try pair.publish([1, 2, 3], key: "one", properties: fullProperties)
    try pair.publish([], key: "two")
    pair.run()
    #expect(pair.published.map(\.key) == ["one", "two"])
    #expect(pair.published.map(\.body) == [[1, 2, 3], []])
    #expect(pair.published[0].properties == fullProperties)
    #expect(pair.published[0].rawProperties == (try fullProperties.encoded()))
    #expect(pair.delivered == pair.published)
    #expect(pair.clientLog == ["1 delivery 9", "1 delivery 9"])
  }

  /// Frames of 4 KiB, reads of every small size: the same messages, with and without assembly.
  @Test(arguments: [1, 2, 3, 7, 8, 64, 1000, 4095, 4096, 4097, Int.max])
  func contentInAnyReads(_ chunk: Int) throws {
    let pair = Pair(frameMax: 4096)
    pair.chunk = chunk
    try pair.open()
    pair.onPublish = { channel, publish, content in
      pair.server.returnMessage(
        channel: channel, exchange: publish.exchange, routingKey: publish.routingKey,
        rawProperties: content.rawProperties, body: content.body)
      pair.server.getOk(
        channel: channel, deliveryTag: 1, redelivered: false, exchange: "e", routingKey: publish.routingKey,
        messageCount: 0, rawProperties: content.rawProperties, body: content.body)
    }
    let bodies = [0, 1, 4087, 4088, 4089, 9000].map { size in (0..<size).map { UInt8(truncatingIfNeeded: $0 * 7) } }
    for body in bodies { try pair.publish(body, mandatory: true, properties: fullProperties) }
    pair.run()
    #expect(pair.published.map(\.body) == bodies)
    #expect(pair.published.allSatisfy { $0.properties == fullProperties })
    #expect(pair.returned == pair.published)
    #expect(pair.got == pair.published)
  }

  @Test func wholeBodyIsHandedOverWithoutACopy() throws {
    let pair = Pair()
    try pair.open()
    try pair.publish([5, 6, 7])
    let bytes = pair.client.output.takeAll()
    var inside: [Bool] = []
    bytes.withUnsafeBytes { raw in
      let used = pair.server.receive(raw) { event in
        guard case .publish(_, _, let content) = event, let body = content.body.baseAddress else { return }
        inside.append(body > raw.baseAddress! && body < raw.baseAddress! + raw.count)
      }
      #expect(used == raw.count)
    }
    #expect(inside == [true])
  }

  @Test func requestsAndAnswers() throws {
    let pair = Pair()
    try pair.open()
    pair.onRequest = { channel, method in
      switch method {
      case .queueDeclare(let declare):
        pair.server.send(
          .queueDeclareOk(QueueDeclareOk(queue: declare.queue, messageCount: 4, consumerCount: 5)), channel: channel)
      case .basicGet: pair.server.send(.basicGetEmpty, channel: channel)
      case .confirmSelect: pair.server.send(.confirmSelectOk, channel: channel)
      default: break
      }
    }
    try pair.client.send(.queueDeclare(QueueDeclare(queue: "q", durable: true)), channel: 1)
    try pair.client.send(.confirmSelect(noWait: false), channel: 1)
    try pair.client.send(.basicGet(BasicGet(queue: "q")), channel: 1)
    pair.run()
    #expect(pair.requests.first == .queueDeclare(QueueDeclare(queue: "q", durable: true)))
    #expect(pair.clientLog == ["1 queueDeclareOk", "1 confirmSelectOk", "1 basicGetEmpty"])
    #expect(
      pair.clientMethods.first == .queueDeclareOk(QueueDeclareOk(queue: "q", messageCount: 4, consumerCount: 5)))
  }

  @Test func confirms() throws {
    let pair = Pair()
    try pair.open()
    var tracker = ConfirmTracker<String>()
    for index in 1...5 {
      try pair.publish([UInt8(index)])
      #expect(tracker.append("m\(index)") == UInt64(index))
    }
    pair.run()
    pair.server.send(.basicAck(BasicAck(deliveryTag: 2)), channel: 1)
    pair.server.send(.basicAck(BasicAck(deliveryTag: 4, multiple: true)), channel: 1)
    pair.server.send(.basicNack(BasicNack(deliveryTag: 5)), channel: 1)
    pair.run()
    var settled: [ConfirmTracker<String>.Settled] = []
    for method in pair.clientMethods {
      switch method {
      case .basicAck(let ack): try tracker.settle(tag: ack.deliveryTag, multiple: ack.multiple, into: &settled)
      case .basicNack(let nack): try tracker.settle(tag: nack.deliveryTag, multiple: nack.multiple, into: &settled)
      default: break
      }
    }
    #expect(settled.map(\.element) == ["m2", "m1", "m3", "m4", "m5"])
    #expect(tracker.outstanding == 0)
  }

  @Test func serverClosesAChannel() throws {
    let pair = Pair()
    try pair.open()
    pair.onPublish = { channel, _, _ in
      pair.server.closeChannel(channel, code: .notFound, text: "NOT_FOUND - no exchange", method: .basicPublish)
    }
    for _ in 0..<3 { try pair.publish([1]) }  // the second and third are ignored
    pair.run()
    #expect(pair.serverLog == ["1 publish 1"])
    #expect(pair.clientLog == ["channel 1 closed 404 by peer"])
    #expect(throws: AMQPError.self) { try pair.publish([1]) }
    try pair.client.openChannel(1)  // the number is free again
    pair.run()
    #expect(pair.client.isOpen(channel: 1) && pair.server.isOpen(channel: 1))
  }

  @Test func clientClosesAChannel() throws {
    let pair = Pair()
    try pair.open()
    try pair.client.closeChannel(1)
    [UInt8(0), 0].withUnsafeBytes { raw in  // already on its way: ignored by the client
      _ = pair.server.deliver(
        channel: 1, consumerTag: "c", deliveryTag: 1, redelivered: false, exchange: "", routingKey: "q",
        rawProperties: raw, body: raw)
    }
    pair.run()
    #expect(pair.serverLog == ["channel 1 closed 200"])
    #expect(pair.clientLog == ["channel 1 closed 200"])
    #expect(!pair.server.send(.basicGetEmpty, channel: 1))
    try pair.client.openChannel(1)
    pair.run()
    #expect(pair.client.isOpen(channel: 1) && pair.server.isOpen(channel: 1))
  }

  @Test func bothCloseAChannelAtOnce() throws {
    let pair = Pair()
    try pair.open()
    try pair.client.closeChannel(1)
    pair.server.closeChannel(1, code: .preconditionFailed, text: "x")
    pair.run()
    #expect(pair.clientLog.count == 1)
    #expect(pair.client.isOpen && pair.server.isOpen)
    try pair.client.openChannel(1)
    pair.run()
    #expect(pair.client.isOpen(channel: 1) && pair.server.isOpen(channel: 1))
  }

  @Test func clientClosesTheConnection() throws {
    let pair = Pair()
    try pair.open()
    pair.client.closeConnection()
    pair.run()
    #expect(pair.serverLog == ["closed 200 by peer"])
    #expect(pair.clientLog == ["closed 200"])
    #expect(pair.client.isFinished && pair.server.isFinished)
    pair.client.connectionLost { _ in Issue.record("told twice") }
    pair.server.connectionLost { _ in Issue.record("told twice") }
  }

  @Test func serverClosesTheConnection() throws {
    let pair = Pair()
    try pair.open()
    pair.server.closeConnection(code: .connectionForced, text: "CONNECTION_FORCED - shutdown")
    pair.run()
    #expect(pair.serverLog == ["closed 320"])
    #expect(pair.clientLog == ["closed 320 by peer"])
    #expect(pair.client.isFinished && pair.server.isFinished)
  }

  @Test func lostConnection() throws {
    let pair = Pair()
    try pair.open()
    var told: [ReplyCode] = []
    for _ in 0..<2 {
      pair.client.connectionLost { if case .closed(let reason) = $0 { told.append(reason.code) } }
      pair.server.connectionLost { if case .closed(let reason) = $0 { told.append(reason.code) } }
    }
    #expect(told == [.connectionForced, .connectionForced])
    #expect(throws: AMQPError.self) { try pair.publish([1]) }
    #expect(!pair.server.send(.basicGetEmpty, channel: 1))
  }

  @Test func heartbeats() throws {
    let pair = Pair()
    try pair.open()
    pair.client.sendHeartbeat()
    pair.server.sendHeartbeat()
    pair.run()
    #expect(pair.clientLog == ["heartbeat"] && pair.serverLog == [])

    var monitor = HeartbeatMonitor(seconds: 4, now: 100 * .second)
    #expect(monitor.check(at: 101 * .second) == .nothing)
    #expect(monitor.check(at: 102 * .second) == .send)
    monitor.sent(at: 102 * .second)
    #expect(monitor.check(at: 103 * .second) == .nothing)
    #expect(monitor.check(at: 109 * .second) == .peerIsDead)
    monitor.received(at: 105 * .second)
    #expect(monitor.check(at: 109 * .second) == .send)
    #expect(HeartbeatMonitor(seconds: 0, now: 0).check(at: 1_000_000 * .second) == .nothing)
  }

  @Test func channelLimits() throws {
    var config = ClientConfig()
    config.channelMax = 2
    let pair = Pair(client: config)
    try pair.open()
    #expect(throws: AMQPError.self) { try pair.client.openChannel(0) }
    #expect(throws: AMQPError.self) { try pair.client.openChannel(1) }
    #expect(throws: AMQPError.self) { try pair.client.openChannel(3) }
    try pair.client.openChannel(2)
    pair.run()
    #expect(pair.client.isOpen(channel: 2))
  }
}
