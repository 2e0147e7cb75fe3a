// A client and a server, back to back in memory, with everything that happened kept as text and values.
@testable import AMQP

/// What a test remembers of content, whose pointers end with the call.
struct Message: Equatable {
  var key: String
  var body: [UInt8]
  var properties: BasicProperties
  var rawProperties: [UInt8]
}

final class Pair {
  let client: ClientConnection
  let server: ServerConnection
  var toServer: [UInt8] = []
  var toClient: [UInt8] = []
  /// How many bytes a read brings at most.
  var chunk = Int.max

  var clientLog: [String] = []
  var serverLog: [String] = []
  var clientMethods: [Method] = []
  var requests: [Method] = []
  var published: [Message] = []
  var delivered: [Message] = []
  var returned: [Message] = []
  var got: [Message] = []
  var onRequest: (UInt16, Method) -> Void = { _, _ in }
  var onPublish: (UInt16, BasicPublish, Content) -> Void = { _, _, _ in }

  init(client configuration: ClientConfig = ClientConfig(), limit: Int = Limits.bodySize, frameMax: Int = 131_072) {
    client = ClientConnection(config: configuration)
    var config = ServerConfig { $0 == "guest" && $1 == "guest" }
    config.bodyLimit = limit
    config.frameMax = frameMax
    server = ServerConnection(config: config)
  }

  /// Carries bytes until both sides are silent.
  func run() {
    while true {
      toServer += client.output.takeAll()
      toClient += server.output.takeAll()
      let before = (toServer.count, toClient.count)
      step(&toServer) { server.receive($0) { take($0) } }
      step(&toClient) { client.receive($0) { take($0) } }
      if before == (0, 0) { return }
      if before == (toServer.count, toClient.count), chunk == Int.max { return }
    }
  }

  /// Hands over what lies ready, once.
  func deliverAll() {
    step(&toServer) { server.receive($0) { take($0) } }
    step(&toClient) { client.receive($0) { take($0) } }
  }

  /// Reads grow by `chunk` bytes until the machine takes some.
  private func step(_ input: inout [UInt8], _ receive: (UnsafeRawBufferPointer) -> Int) {
    var size = min(input.count, chunk)
    while size > 0 {
      let used = input.withUnsafeBytes { receive(UnsafeRawBufferPointer(rebasing: $0[..<size])) }
      input.removeFirst(used)
      let more = min(input.count, size - used + min(chunk, input.count))
      if used == 0, more == size { return }
      size = more
    }
  }

  private func take(_ event: ServerEvent) {
    switch event {
    case .connectionOpened: serverLog.append("opened \(server.user) \(server.virtualHost)")
    case .channelOpened(let channel): serverLog.append("channel \(channel) opened")
    case .channelClosed(let channel, let reason): serverLog.append("channel \(channel) closed \(reason.code.rawValue)")
    case .request(let channel, let method):
      serverLog.append("\(channel) \(method.id)")
      requests.append(method)
      onRequest(channel, method)
    case .publish(let channel, let publish, let content):
      serverLog.append("\(channel) publish \(content.body.count)")
      published.append(Message(publish.routingKey, content))
      onPublish(channel, publish, content)
    case .closed(let reason): serverLog.append("closed \(reason.code.rawValue)\(reason.byPeer ? " by peer" : "")")
    }
  }

  private func take(_ event: ClientEvent) {
    switch event {
    case .opened: clientLog.append("opened")
    case .channelOpened(let channel): clientLog.append("channel \(channel) opened")
    case .method(let channel, let method):
      clientLog.append("\(channel) \(method.id)")
      clientMethods.append(method)
    case .delivery(let channel, let deliver, let content):
      clientLog.append("\(channel) delivery \(deliver.deliveryTag)")
      delivered.append(Message(deliver.routingKey, content))
    case .getOk(_, let getOk, let content): got.append(Message(getOk.routingKey, content))
    case .returned(_, let returned, let content):
      clientLog.append("returned \(returned.replyCode.rawValue)")
      self.returned.append(Message(returned.routingKey, content))
    case .channelClosed(let channel, let reason):
      clientLog.append("channel \(channel) closed \(reason.code.rawValue)\(reason.byPeer ? " by peer" : "")")
    case .heartbeat: clientLog.append("heartbeat")
    case .closed(let reason): clientLog.append("closed \(reason.code.rawValue)\(reason.byPeer ? " by peer" : "")")
    }
  }

  /// Handshake and channel 1, then a clean log.
  func open() throws {
    run()
    try client.openChannel(1)
    run()
    clientLog = []
    serverLog = []
  }

  func publish(_ body: [UInt8], key: String = "q", mandatory: Bool = false, properties: BasicProperties = .init())
    throws
  {
    try body.withUnsafeBytes {
      try client.publish(
        channel: 1, exchange: "e", routingKey: key, mandatory: mandatory, properties: properties, body: $0)
    }
  }

  /// Bytes straight into the server.
  func feedServer(_ bytes: [UInt8]) {
    toServer += bytes
    run()
  }

  func feedClient(_ bytes: [UInt8]) {
    toClient += bytes
    run()
  }
}

extension Message {
  init(_ key: String, _ content: Content) {
    self.init(
      key: key, body: Array(content.body), properties: content.properties, rawProperties: Array(content.rawProperties))
  }
}
