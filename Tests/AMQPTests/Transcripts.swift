// Whole sessions as bytes, and machines that are fed with them; for splitting at every place, and for damage.
@testable import AMQP

enum Side: CaseIterable { case server, client }

/// What one side sent in a session with a bit of everything.
struct Transcripts {
  /// What the client sent to the server, handshake included.
  var toServer: [UInt8] = []
  var toClient: [UInt8] = []

  init() throws {
    let pair = Pair(frameMax: 4096)
    pair.onPublish = { channel, publish, content in
      pair.server.deliver(
        channel: channel, consumerTag: "c", deliveryTag: 9, redelivered: true, exchange: publish.exchange,
        routingKey: publish.routingKey, rawProperties: content.rawProperties, body: content.body)
      pair.server.returnMessage(
        channel: channel, exchange: publish.exchange, routingKey: publish.routingKey,
        rawProperties: content.rawProperties, body: content.body)
      pair.server.getOk(
        channel: channel, deliveryTag: 1, redelivered: false, exchange: "e", routingKey: publish.routingKey,
        messageCount: 0, rawProperties: content.rawProperties, body: content.body)
      pair.server.send(.basicAck(BasicAck(deliveryTag: 1, multiple: true)), channel: channel)
    }
    pair.onRequest = { channel, method in
      switch method {
      case .queueDeclare: pair.server.send(.queueDeclareOk(QueueDeclareOk(queue: "q")), channel: channel)
      case .txSelect: pair.server.closeChannel(channel, code: .preconditionFailed, text: "no", method: .txSelect)
      default: break
      }
    }
    func carry() {
      while true {
        let up = pair.client.output.takeAll()
        let down = pair.server.output.takeAll()
        if up.isEmpty && down.isEmpty { return }
        toServer += up
        toClient += down
        pair.toServer = up
        pair.toClient = down
        pair.deliverAll()
      }
    }
    carry()
    try pair.client.openChannel(1)
    carry()
    try pair.client.openChannel(3)
    try pair.client.send(.queueDeclare(QueueDeclare(queue: "q", arguments: everyFieldType)), channel: 1)
    carry()
    try pair.publish([1, 2, 3], properties: fullProperties)
    try pair.publish([])
    try pair.publish(Array(repeating: 7, count: 5000), mandatory: true)
    pair.client.sendHeartbeat()
    pair.server.sendHeartbeat()
    carry()
    try pair.client.send(.txSelect, channel: 1)
    carry()
    try pair.client.openChannel(1)
    carry()
    try pair.client.closeChannel(3)
    carry()
    pair.client.closeConnection()
    carry()
  }
}

/// One state machine that is fed as a socket would, with a log of what it said and checks of what always holds.
final class Fed {
  private let server: ServerConnection?
  private let client: ClientConnection?
  private var pending: [UInt8] = []
  private(set) var log: [String] = []
  private(set) var violations: [String] = []
  private(set) var outputBytes = 0
  private var closed = 0
  private var reopened = false
  private let frameMax = 4096
  private let keepsLog: Bool

  init(_ side: Side, keepsLog: Bool = true) {
    self.keepsLog = keepsLog
    var serverConfig = ServerConfig { _, _ in true }
    serverConfig.frameMax = frameMax
    serverConfig.bodyLimit = 100_000
    var clientConfig = ClientConfig()
    clientConfig.frameMax = frameMax
    clientConfig.bodyLimit = 100_000
    server = side == .server ? ServerConnection(config: serverConfig) : nil
    client = side == .client ? ClientConnection(config: clientConfig) : nil
    _ = client?.output.takeAll()
  }

  var isOpen: Bool { server?.isOpen ?? client?.isOpen ?? false }
  var isFinished: Bool { server?.isFinished ?? client?.isFinished ?? false }

  /// The client's own acts, which the server's bytes answer, in the order of the transcript.
  private func act(_ event: ClientEvent, _ client: ClientConnection) {
    switch event {
    case .opened:
      try? client.openChannel(1)
      try? client.openChannel(3)
    case .channelClosed(1, _):
      try? client.openChannel(1)
      reopened = true
    case .channelOpened(1) where reopened: try? client.closeChannel(3)
    case .channelClosed(3, _): client.closeConnection()
    default: break
    }
  }

  func feed(_ bytes: [UInt8]) {
    pending += bytes
    let used = pending.withUnsafeBytes { raw in
      server?.receive(raw) { event in
        if case .closed = event { closed += 1 }
        if keepsLog { log.append(describe(event)) }
      } ?? client?.receive(raw) { event in
        if case .closed = event { closed += 1 }
        if keepsLog { log.append(describe(event)) }
        if let client { act(event, client) }
      } ?? 0
    }
    if used < 0 || used > pending.count { violations.append("used \(used) of \(pending.count)") }
    pending.removeFirst(used)
    if pending.count > frameMax { violations.append("\(pending.count) bytes left over") }
    if isFinished && !pending.isEmpty { violations.append("bytes left over when finished") }
    if closed > 1 { violations.append("told \(closed) times that it is closed") }
    outputBytes += server?.output.takeAll().count ?? client?.output.takeAll().count ?? 0
  }

  private func describe(_ event: ServerEvent) -> String {
    switch event {
    case .publish(let channel, let publish, let content):
      "\(channel) publish \(publish.routingKey) \(sample(content)) \(content.properties)"
    default: "\(event)"
    }
  }

  private func describe(_ event: ClientEvent) -> String {
    switch event {
    case .delivery(let channel, let deliver, let content): "\(channel) \(deliver) \(sample(content))"
    case .getOk(let channel, let getOk, let content): "\(channel) \(getOk) \(sample(content))"
    case .returned(let channel, let returned, let content): "\(channel) \(returned) \(sample(content))"
    default: "\(event)"
    }
  }

  private func sample(_ content: Content) -> String {
    "\(content.body.count) \(content.body.first ?? 0) \(content.body.last ?? 0) \(content.rawProperties.count)"
  }
}
