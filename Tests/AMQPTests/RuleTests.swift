// What each side does when the other breaks a rule: the reply code, who is told, and that the connection ends.
import Testing

@testable import AMQP

@Suite struct RuleTests {
  static let get: [UInt8] = [2, 0, 1, 0, 0, 0, 14, 0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xCE]

  /// Bytes that an open client must not send, and the code that answers them.
  static let breaches: [(String, @Sendable () throws -> [UInt8], UInt16)] = [
    ("unknown frame type", { [9, 0, 0, 0, 0, 0, 0, 0xCE] }, 501),
    ("no end mark", { [8, 0, 0, 0, 0, 0, 0, 0] }, 501),
    ("frame over frame-max", { [1, 0, 1, 0, 2, 0, 0] }, 501),
    ("heartbeat on channel 7", { [8, 0, 7, 0, 0, 0, 0, 0xCE] }, 501),
    ("short arguments", { [1, 0, 1, 0, 0, 0, 5, 0, 60, 0, 80, 0, 0xCE] }, 502),
    ("unknown method", { [1, 0, 1, 0, 0, 0, 4, 0, 60, 0, 99, 0xCE] }, 503),
    ("a method of servers", { try frameBytes(.basicGetEmpty, channel: 1) }, 503),
    ("connection method on a channel", { try frameBytes(.connectionOpen(ConnectionOpen()), channel: 1) }, 503),
    ("channel method on channel 0", { try frameBytes(.txSelect, channel: 0) }, 503),
    ("open twice", { try frameBytes(.connectionOpen(ConnectionOpen()), channel: 0) }, 503),
    ("channel 5 is not open", { try frameBytes(.txSelect, channel: 5) }, 504),
    ("channel opened twice", { try frameBytes(.channelOpen, channel: 1) }, 504),
    ("channel above the limit", { try frameBytes(.channelOpen, channel: 2048) }, 530),
    ("header without method", { get }, 505),
    ("body without method", { [3, 0, 1, 0, 0, 0, 1, 1, 0xCE] }, 505),
    ("body without header", { try publish + [3, 0, 1, 0, 0, 0, 1, 1, 0xCE] }, 505),
    ("method in place of header", { try publish + frameBytes(.txSelect, channel: 1) }, 505),
    ("two headers", { try publish + header(size: 5) + header(size: 5) }, 505),
    ("too much body", { try publish + header(size: 1) + [3, 0, 1, 0, 0, 0, 2, 1, 1, 0xCE] }, 501),
    ("header of another class", { try publish + [2, 0, 1, 0, 0, 0, 14, 0, 61] + Array(get.dropFirst(9)) }, 501),
    ("content on channel 0", { [3, 0, 0, 0, 0, 0, 1, 1, 0xCE] }, 505),
    ("flow off", { try frameBytes(.channelFlow(ChannelFlow(active: false)), channel: 1) }, 540),
  ]

  static var publish: [UInt8] {
    get throws { try frameBytes(.basicPublish(BasicPublish(routingKey: "q")), channel: 1) }
  }

  static func header(size: UInt8) -> [UInt8] {
    [2, 0, 1, 0, 0, 0, 14, 0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, size, 0, 0, 0xCE]
  }

  @Test(arguments: breaches.indices) func serverRefuses(_ index: Int) throws {
    let (name, bytes, code) = Self.breaches[index]
    let pair = Pair()
    try pair.open()
    pair.feedServer(try bytes())
    #expect(pair.serverLog == ["closed \(code)"], "\(name)")
    #expect(pair.clientLog == ["closed \(code) by peer"], "\(name)")
    #expect(pair.client.isFinished && pair.server.isFinished, "\(name)")
  }

  /// Bytes that a server must not send to a client.
  static let serverBreaches: [(String, @Sendable () throws -> [UInt8], UInt16)] = [
    ("unknown frame type", { [0, 0, 0, 0, 0, 0, 0, 0xCE] }, 501),
    ("unknown method", { [1, 0, 1, 0, 0, 0, 4, 0, 99, 0, 1, 0xCE] }, 503),
    ("a method of clients", { try frameBytes(.txCommit, channel: 1) }, 503),
    ("channel 5 is not open", { try frameBytes(.txCommitOk, channel: 5) }, 504),
    ("content without method", { header(size: 0) }, 505),
    (
      "huge body",
      { try frameBytes(.basicDeliver(BasicDeliver()), channel: 1) + header(size: 0).replacing(at: 11, with: 1) }, 501
    ),
  ]

  @Test(arguments: serverBreaches.indices) func clientRefuses(_ index: Int) throws {
    let (name, bytes, code) = Self.serverBreaches[index]
    let pair = Pair()
    try pair.open()
    pair.feedClient(try bytes())
    #expect(pair.clientLog == ["closed \(code)"], "\(name)")
    #expect(pair.serverLog == ["closed \(code) by peer"], "\(name)")
    #expect(pair.client.isFinished && pair.server.isFinished, "\(name)")
  }

  @Test func tooLargeBodyClosesTheChannelOnly() throws {
    let pair = Pair(limit: 10_000, frameMax: 4096)
    try pair.open()
    try pair.publish(Array(repeating: 1, count: 10_001))
    pair.run()
    #expect(pair.serverLog == ["channel 1 closed 311"])
    #expect(pair.clientLog == ["channel 1 closed 311 by peer"])
    try pair.client.openChannel(1)
    pair.run()
    try pair.publish(Array(repeating: 1, count: 10_000))
    pair.run()
    #expect(pair.published.map(\.body.count) == [10_000])
  }

  @Test func handshakeOutOfOrder() throws {
    for method in [Method.connectionOpen(ConnectionOpen()), .channelOpen, .connectionTuneOk(ConnectionTuneOk())] {
      let pair = Pair()
      pair.client.output = ByteBuffer()
      pair.feedServer(protocolHeader + (try frameBytes(method)))
      #expect(pair.serverLog == ["closed 503"])
    }
  }

  @Test func tuneBeyondTheOffer() throws {
    for tune in [
      ConnectionTuneOk(channelMax: 4000, frameMax: 4096), ConnectionTuneOk(channelMax: 1, frameMax: 1 << 20),
      ConnectionTuneOk(channelMax: 1, frameMax: 100),
    ] {
      let server = ServerConnection(config: ServerConfig { _, _ in true })
      var log: [UInt16] = []
      let startOk = ConnectionStartOk(response: Array("\0a\0b".utf8))
      let bytes =
        protocolHeader + (try frameBytes(.connectionStartOk(startOk))) + (try frameBytes(.connectionTuneOk(tune)))
      _ = bytes.withUnsafeBytes {
        server.receive($0) { if case .closed(let reason) = $0 { log.append(reason.code.rawValue) } }
      }
      #expect(log == [530])
    }
  }

  @Test func amqplainLogin() throws {
    var table = ByteBuffer()
    table.append(table: ["LOGIN": "guest", "PASSWORD": "secret"])
    let response = Array(table.takeAll().dropFirst(4))
    let credentials = ConnectionStartOk(mechanism: "AMQPLAIN", response: response).credentials
    #expect(credentials?.user == "guest" && credentials?.password == "secret")
    #expect(ConnectionStartOk(mechanism: "AMQPLAIN", response: [1]).credentials == nil)
    #expect(ConnectionStartOk(mechanism: "PLAIN", response: Array("a\0b".utf8)).credentials == nil)
    #expect(ConnectionStartOk(mechanism: "EXTERNAL").credentials == nil)
  }

  @Test func brokerMistakesEndTheConnectionInOrder() throws {
    let pair = Pair()
    try pair.open()
    let long = String(repeating: "t", count: 300)
    pair.server.send(.basicConsumeOk(BasicConsumeOk(consumerTag: long)), channel: 1)
    pair.run()
    #expect(pair.clientLog == ["closed 541 by peer"] && pair.serverLog == ["closed 541"])
  }

  @Test func longTextsAreCut() throws {
    let pair = Pair()
    try pair.open()
    pair.server.closeChannel(1, code: .notFound, text: String(repeating: "ü", count: 200))
    pair.run()
    #expect(pair.clientLog == ["channel 1 closed 404 by peer"])
  }
}

extension Array {
  func replacing(at index: Int, with element: Element) -> [Element] {
    var copy = self
    copy[index] = element
    return copy
  }
}
