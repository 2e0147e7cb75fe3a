// The codec: round trips of everything, bytes computed by hand from the specification, and what is refused.
import Testing

@testable import AMQP

@Suite struct CodecTests {
  @Test func samplesHoldEveryMethod() {
    #expect(Set(everyMethod.map(\.id)) == Set(MethodID.allCases))
  }

  @Test(arguments: everyMethod) func methodRoundTrip(_ sample: Method) throws {
    let bytes = try frameBytes(sample, channel: 3)
    let (kind, channel, payload) = try #require(try firstFrame(bytes))
    #expect(kind == .method && channel == 3 && payload.count + 8 == bytes.count)
    #expect(try method(of: payload) == sample)
    for cut in 0..<bytes.count { #expect(try firstFrame(Array(bytes[..<cut])) == nil) }
  }

  /// A payload cut short, or with a byte too many, is an error of the right kind and never a different method.
  @Test(arguments: everyMethod) func methodOfWrongLength(_ sample: Method) throws {
    let payload = try #require(try firstFrame(try frameBytes(sample))).2
    for cut in 0..<payload.count {
      #expect(
        performing: { try method(of: Array(payload[..<cut])) }, throws: { ($0 as? AMQPError)?.code == .syntaxError })
    }
    #expect(performing: { try method(of: payload + [0]) }, throws: { ($0 as? AMQPError)?.code == .syntaxError })
  }

  @Test func goldenMethods() throws {
    // queue.declare: class 50, method 10, ticket 0, "q", bits (durable is the second), empty table.
    #expect(
      try frameBytes(.queueDeclare(QueueDeclare(queue: "q", durable: true)), channel: 1)
        == [1, 0, 1, 0, 0, 0, 13, 0, 50, 0, 10, 0, 0, 1, 0x71, 0b10, 0, 0, 0, 0, 0xCE])
    #expect(
      try frameBytes(.basicAck(BasicAck(deliveryTag: 258, multiple: true)), channel: 2)
        == [1, 0, 2, 0, 0, 0, 13, 0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 1, 2, 1, 0xCE])
    #expect(
      try frameBytes(.connectionTuneOk(ConnectionTuneOk(channelMax: 2047, frameMax: 131_072, heartbeat: 60)))
        == [1, 0, 0, 0, 0, 0, 12, 0, 10, 0, 31, 0x07, 0xFF, 0, 2, 0, 0, 0, 60, 0xCE])
    #expect(
      try frameBytes(
        .channelClose(ChannelClose(replyCode: .notFound, replyText: "no", classId: 50, methodId: 10)), channel: 1)
        == [1, 0, 1, 0, 0, 0, 13, 0, 20, 0, 40, 0x01, 0x94, 2, 0x6E, 0x6F, 0, 50, 0, 10, 0xCE])
    #expect(try frameBytes(.exchangeUnbindOk, channel: 1) == [1, 0, 1, 0, 0, 0, 4, 0, 40, 0, 51, 0xCE])
    #expect(
      try frameBytes(.connectionOpen(ConnectionOpen()))
        == [1, 0, 0, 0, 0, 0, 8, 0, 10, 0, 40, 1, 0x2F, 0, 0, 0xCE])
    var heartbeat = ByteBuffer()
    heartbeat.appendHeartbeat()
    #expect(heartbeat.takeAll() == [8, 0, 0, 0, 0, 0, 0, 0xCE])
    #expect(protocolHeader == Array("AMQP".utf8) + [0, 0, 9, 1])
  }

  @Test func goldenTable() throws {
    var buffer = ByteBuffer()
    buffer.append(table: [
      "a": true, "b": .int32(-1), "c": "hi", "d": .array([.void]), "e": .decimal(scale: 1, value: 3),
    ])
    let expected: [UInt8] =
      [0, 0, 0, 36, 1, 0x61, 0x74, 1, 1, 0x62, 0x49, 255, 255, 255, 255, 1, 0x63, 0x53, 0, 0, 0, 2, 0x68, 0x69]
      + [1, 0x64, 0x41, 0, 0, 0, 1, 0x56, 1, 0x65, 0x44, 1, 0, 0, 0, 3]
    #expect(buffer.takeAll() == expected)
  }

  @Test func goldenContent() throws {
    var properties = BasicProperties()
    properties.deliveryMode = 2
    #expect(try properties.encoded() == [0x10, 0, 2])
    var buffer = ByteBuffer(capacity: 1)
    let raw = try properties.encoded()
    try raw.withUnsafeBytes { raw in
      try Array("body".utf8).withUnsafeBytes { body in
        try buffer.append(
          content: .publish(exchange: "e", routingKey: "k", mandatory: true, immediate: false), channel: 1,
          properties: raw, body: body, frameMax: 4096)
      }
    }
    let method: [UInt8] = [1, 0, 1, 0, 0, 0, 11, 0, 60, 0, 40, 0, 0, 1, 0x65, 1, 0x6B, 1, 0xCE]
    let header: [UInt8] = [2, 0, 1, 0, 0, 0, 15, 0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0x10, 0, 2, 0xCE]
    let body: [UInt8] = [3, 0, 1, 0, 0, 0, 4, 0x62, 0x6F, 0x64, 0x79, 0xCE]
    #expect(buffer.takeAll() == method + header + body)
  }

  /// The fast path writes the same method frames as the general one.
  @Test func contentMethodsAgreeWithMethods() throws {
    let long = String(repeating: "k", count: 255)
    let pairs: [(ContentMethod, Method)] = [
      (
        .publish(exchange: "orders", routingKey: long, mandatory: false, immediate: true),
        .basicPublish(BasicPublish(exchange: "orders", routingKey: long, immediate: true))
      ),
      (
        .deliver(consumerTag: "tag", deliveryTag: 77, redelivered: true, exchange: "", routingKey: "größer"),
        .basicDeliver(
          BasicDeliver(consumerTag: "tag", deliveryTag: 77, redelivered: true, exchange: "", routingKey: "größer"))
      ),
      (
        .getOk(deliveryTag: 5, redelivered: false, exchange: "e", routingKey: "k", messageCount: 6),
        .basicGetOk(BasicGetOk(deliveryTag: 5, exchange: "e", routingKey: "k", messageCount: 6))
      ),
      (
        .returned(code: .noRoute, text: "NO_ROUTE", exchange: "e", routingKey: "k"),
        .basicReturn(BasicReturn(replyCode: .noRoute, replyText: "NO_ROUTE", exchange: "e", routingKey: "k"))
      ),
    ]
    for (content, expected) in pairs {
      var buffer = ByteBuffer()
      try [0, 0].withUnsafeBytes { none in
        try buffer.append(
          content: content, channel: 9, properties: UnsafeRawBufferPointer(rebasing: none[..<2]),
          body: UnsafeRawBufferPointer(start: nil, count: 0), frameMax: 4096)
      }
      let all = try frames(buffer.takeAll())
      #expect(all.map(\.0) == [.method, .header])
      #expect(try method(of: all[0].2) == expected)
    }
  }

  @Test func bodyIsSplitAtFrameMax() throws {
    let body = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
    var buffer = ByteBuffer()
    try [UInt8(0), 0].withUnsafeBytes { none in
      try body.withUnsafeBytes { body in
        try buffer.append(
          content: .publish(exchange: "", routingKey: "q", mandatory: false, immediate: false), channel: 1,
          properties: none, body: body, frameMax: 4096)
      }
    }
    let all = try frames(buffer.takeAll(), frameMax: 4096)
    #expect(all.dropFirst(2).map { $0.2.count } == [4088, 4088, 1824])
    #expect(Array(all.dropFirst(2).map(\.2).joined()) == body)
  }

  @Test func propertiesRoundTrip() throws {
    for properties in [BasicProperties(), BasicProperties(deliveryMode: 1), fullProperties] {
      let bytes = try properties.encoded()
      #expect(try bytes.withUnsafeBytes { try BasicProperties(encoded: $0) } == properties)
      for cut in 0..<bytes.count {
        #expect(throws: AMQPError.self) { try bytes[..<cut].withUnsafeBytes { try BasicProperties(encoded: $0) } }
      }
    }
    for bad in [[0, 1], [0, 2], [0x10, 0, 2, 0]] as [[UInt8]] {
      #expect(throws: AMQPError.self) { try bad.withUnsafeBytes { try BasicProperties(encoded: $0) } }
    }
  }

  @Test func refusedFrames() throws {
    let heartbeat: [UInt8] = [8, 0, 0, 0, 0, 0, 0, 0xCE]
    for (index, value) in [(0, 4), (7, 0xCF), (3, 255)] as [(Int, UInt8)] {
      var damaged = heartbeat
      damaged[index] = value
      #expect(performing: { try firstFrame(damaged) }, throws: { ($0 as? AMQPError)?.code == .frameError })
    }
    #expect(throws: AMQPError.self) { try firstFrame([1, 0, 0, 0, 0, 16, 0], frameMax: 4096) }
    #expect(performing: { try method(of: [0, 60, 0, 99]) }, throws: { ($0 as? AMQPError)?.code == .commandInvalid })
  }

  @Test func deepTablesAreRefused() throws {
    func nested(_ depth: Int) -> Table { depth == 0 ? ["x": 1] : ["t": .table(nested(depth - 1))] }
    func reread(_ table: Table) throws -> Table {
      var buffer = ByteBuffer()
      buffer.append(table: table)
      return try buffer.takeAll().withUnsafeBytes { raw in
        var reader = ByteReader(raw)
        return try reader.table()
      }
    }
    #expect(try reread(nested(31)) == nested(31))
    #expect(throws: AMQPError.self) { try reread(nested(32)) }
    #expect(throws: AMQPError.self) { try reread(nested(5000)) }
  }

  @Test func whatCannotBeSentLeavesNothing() throws {
    var buffer = ByteBuffer()
    let long = String(repeating: "x", count: 256)
    #expect(throws: AMQPError.self) {
      try buffer.append(method: .queuePurge(QueuePurge(queue: long)), channel: 1, frameMax: 4096)
    }
    #expect(throws: AMQPError.self) {
      let big: Table = ["big": .bytes(Array(repeating: 1, count: 5000))]
      try buffer.append(method: .queueDeclare(QueueDeclare(arguments: big)), channel: 1, frameMax: 4096)
    }
    #expect(buffer.takeAll() == [])
    try buffer.append(method: .txSelect, channel: 1, frameMax: 4096)
    #expect(buffer.takeAll() == [1, 0, 1, 0, 0, 0, 4, 0, 90, 0, 10, 0xCE])
  }

  @Test func bufferKeepsItsBytesInOrder() {
    var buffer = ByteBuffer(capacity: 64)
    var (written, read) = (UInt32(0), UInt32(0))
    var out: [UInt8] = []
    for round in 0..<2000 {
      for _ in 0..<(round % 7) {
        buffer.append(written)
        written += 1
      }
      let part = min(buffer.count, round % 23)
      buffer.withUnsafeBytes { out.append(contentsOf: $0.prefix(part)) }
      buffer.removeFirst(part)
    }
    out += buffer.takeAll()
    #expect(out.count == Int(written) * 4)
    for chunk in stride(from: 0, to: out.count, by: 4) {
      let value = out[chunk..<chunk + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      if value != read { Issue.record("\(value) instead of \(read)") }
      read += 1
    }
  }
}
