// A client of a test cluster: the client's side of a connection, and everything it was told.
import AMQP
import Base

@testable import Broker

final class TestClient {
  struct Delivery: Equatable {
    var consumer: String
    var tag: UInt64
    var body: String
    var isRedelivered: Bool
  }

  let id: ConnectionID
  let node: Int
  let connection = ClientConnection(config: ClientConfig())
  private var toServer: [UInt8] = []
  private var toClient: [UInt8] = []
  private(set) var isLost = false

  var methods: [Method] = []
  var deliveries: [Delivery] = []
  /// Answers to get; nil: empty.
  var got: [Delivery?] = []
  var remaining: [UInt32] = []
  var returned: [String] = []
  var channelCloses: [(channel: UInt16, code: UInt16, text: String)] = []
  var closed: CloseReason?
  /// Publishes that were confirmed, or refused.
  var confirms = ConfirmTracker<String>()
  var confirmed: [String] = []
  var refused: [String] = []

  init(id: ConnectionID, node: Int) {
    self.id = id
    self.node = node
  }

  /// Bytes of the test's own making, behind what the connection has written.
  func inject(_ bytes: [UInt8]) { connection.output.append(bytes: bytes) }

  func lose() { isLost = true }

  /// Carries bytes once in each direction. True where there were any.
  func step(_ cluster: TestCluster) -> Bool {
    guard !isLost, let broker = cluster.broker(node), let server = broker.connection(id) else { return false }
    toServer += connection.output.takeAll()
    toClient += server.output.takeAll()
    let before = toServer.count + toClient.count
    let used = toServer.withUnsafeBytes { broker.receive(id, $0, now: cluster.now) }
    toServer.removeFirst(used)
    let taken = toClient.withUnsafeBytes { connection.receive($0) { take($0) } }
    toClient.removeFirst(taken)
    return used + taken > 0 && before > 0
  }

  private func take(_ event: ClientEvent) {
    switch event {
    case .opened, .channelOpened, .heartbeat: break
    case .method(_, let method):
      switch method {
      case .basicAck(let ack): settle(ack.deliveryTag, ack.multiple) { confirmed.append($0) }
      case .basicNack(let nack): settle(nack.deliveryTag, nack.multiple) { refused.append($0) }
      case .basicGetEmpty: got.append(nil)
      default: methods.append(method)
      }
    case .delivery(_, let deliver, let content):
      deliveries.append(
        Delivery(
          consumer: deliver.consumerTag, tag: deliver.deliveryTag, body: String(decoding: content.body, as: UTF8.self),
          isRedelivered: deliver.redelivered))
    case .getOk(_, let getOk, let content):
      got.append(
        Delivery(
          consumer: "", tag: getOk.deliveryTag, body: String(decoding: content.body, as: UTF8.self),
          isRedelivered: getOk.redelivered))
      remaining.append(getOk.messageCount)
    case .returned(_, _, let content): returned.append(String(decoding: content.body, as: UTF8.self))
    case .channelClosed(let channel, let reason):
      channelCloses.append((channel, reason.code.rawValue, reason.text))
    case .closed(let reason): closed = reason
    }
  }

  private func settle(_ tag: UInt64, _ isMultiple: Bool, _ note: (String) -> Void) {
    var settled: [ConfirmTracker<String>.Settled] = []
    do {
      try confirms.settle(tag: tag, multiple: isMultiple, into: &settled)
    } catch {
      note("unknown tag \(tag)")
    }
    for one in settled { note(one.element) }
  }

  // MARK: Asking

  func open(_ cluster: TestCluster, channel: UInt16 = 1) throws {
    _ = cluster.advance { connection.isOpen }
    try connection.openChannel(channel)
    cluster.settle()
  }

  func send(_ method: Method, channel: UInt16 = 1) throws { try connection.send(method, channel: channel) }

  /// Sends a method and lets time pass until something is answered, the channel closes, or the connection.
  @discardableResult
  func call(_ method: Method, _ cluster: TestCluster, channel: UInt16 = 1) throws -> Method? {
    let before = (methods.count, channelCloses.count)
    try send(method, channel: channel)
    _ = cluster.advance { methods.count > before.0 || channelCloses.count > before.1 || closed != nil }
    return methods.count > before.0 ? methods.last : nil
  }

  func publish(
    _ body: String, exchange: String = "", key: String = "q", persistent: Bool = true, mandatory: Bool = false,
    channel: UInt16 = 1
  ) throws {
    confirms.append(body)
    try Array(body.utf8).withUnsafeBytes {
      try connection.publish(
        channel: channel, exchange: exchange, routingKey: key, mandatory: mandatory,
        properties: BasicProperties(deliveryMode: persistent ? 2 : 1), body: $0)
    }
  }

  func get(_ queue: String, _ cluster: TestCluster, noAck: Bool = false) throws -> Delivery? {
    let before = got.count
    try send(.basicGet(BasicGet(queue: queue, noAck: noAck)))
    _ = cluster.advance { got.count > before || !channelCloses.isEmpty || closed != nil }
    return got.count > before ? got[before] : nil
  }

  /// Ready messages, as a passive declaration says.
  func count(_ queue: String, _ cluster: TestCluster) throws -> UInt32? {
    guard case .queueDeclareOk(let ok)? = try call(.queueDeclare(QueueDeclare(queue: queue, passive: true)), cluster)
    else { return nil }
    return ok.messageCount
  }

  var bodies: [String] { deliveries.map(\.body) }
}

extension TestCluster {
  /// A client with channel 1 open and a queue declared.
  func client(on node: Int, queue: String, quorum: Bool, durable: Bool = true) throws -> TestClient {
    let client = client(on: node)
    try client.open(self)
    try client.declare(queue, quorum: quorum, durable: durable, self)
    return client
  }
}

extension TestClient {
  func declare(_ queue: String, quorum: Bool, durable: Bool = true, _ cluster: TestCluster) throws {
    try call(
      .queueDeclare(
        QueueDeclare(queue: queue, durable: durable, arguments: quorum ? ["x-queue-type": "quorum"] : [:])), cluster)
  }
}
