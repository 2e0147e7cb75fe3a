// A broker in memory, small and sound, behind real sockets: two nodes with one state. It drops connections when told, gives
// back the unroutable, and can be made to lie.

import AMQP
import Base
import EventLoop

final class TinyBroker {
  struct Message {
    var key: String
    var body: [UInt8]
    var redelivered = false
  }

  final class Queue {
    let name: String
    var ready: [Message] = []
    var readers: [Peer] = []
    init(_ name: String) { self.name = name }
  }

  static let nodes = ["127.0.0.1", "127.0.0.2"]

  let loop: Loop
  private(set) var port: UInt16 = 0
  private(set) var queues: [String: Queue] = [:]
  private(set) var bindings: [String: [Queue]] = [:]
  private(set) var peers: [Peer] = []
  private var listeners: [TCPListener] = []
  /// Connections that came so far; confirms given.
  private(set) var accepted = 0
  private(set) var confirmed = 0
  /// Every so manieth publish finds no queue; 0: none.
  var unroutableEvery = 0
  private(set) var published = 0
  /// Every so manieth message is confirmed and forgotten; 0: none.
  var losesEvery = 0

  init(_ loop: Loop) throws {
    self.loop = loop
    for address in Self.nodes {
      let listener = try TCPListener(loop, address: address, port: port) { [unowned self] tcp in
        accepted += 1
        peers.append(Peer(self, tcp))
      }
      if port == 0 { port = listener.port }
      listeners.append(listener)
    }
  }

  func close() {
    for listener in listeners { listener.close() }
    for peer in peers { peer.tcp.abort() }
  }

  /// Cuts one connection, or all, in the middle of whatever they do.
  func drop(_ index: Int? = nil) {
    let open = peers
    guard !open.isEmpty else { return }
    if let index { open[index % open.count].tcp.abort() } else { for peer in open { peer.tcp.abort() } }
  }

  func queue(_ name: String) -> Queue {
    if let known = queues[name] { return known }
    let new = Queue(name)
    queues[name] = new
    return new
  }

  func bind(_ bind: QueueBind) {
    bindings[bind.exchange + "/" + bind.routingKey, default: []].append(queue(bind.queue))
  }

  /// False: into no queue.
  func route(_ message: Message, exchange: String) -> Bool {
    published += 1
    if unroutableEvery > 0, published % unroutableEvery == 0 { return false }
    guard let targets = bindings[exchange + "/" + message.key] else { return false }
    if losesEvery > 0, published % losesEvery == 0 { return true }
    for queue in targets {
      queue.ready.append(message)
      push(queue)
    }
    return true
  }

  func push(_ queue: Queue) {
    var index = 0
    while !queue.ready.isEmpty, index < queue.readers.count {
      let peer = queue.readers[index]
      guard peer.hasRoom else {
        index += 1
        continue
      }
      queue.readers.append(queue.readers.remove(at: index))
      peer.deliver(queue.ready.removeFirst(), of: queue)
      index = 0
    }
  }

  func giveBack(_ messages: [Message], to queue: Queue) {
    queue.ready.insert(contentsOf: messages.map { Message(key: $0.key, body: $0.body, redelivered: true) }, at: 0)
    push(queue)
  }

  func forget(_ peer: Peer) { peers.removeAll { $0 === peer } }
  func didConfirm() { confirmed += 1 }
}

/// One connection with its one channel.
final class Peer {
  let tcp: TCPConnection
  private unowned let broker: TinyBroker
  private let amqp = ServerConnection(config: ServerConfig { _, _ in true })
  private var isArmed = false
  private var isGone = false

  private var confirms: UInt64?
  private var inTransaction = false
  private var heldPublishes: [(BasicPublish, [UInt8], [UInt8])] = []
  private var heldAcks: [(tag: UInt64, message: TinyBroker.Message, requeue: Bool)] = []
  private var unacknowledged: [(tag: UInt64, message: TinyBroker.Message)] = []
  private var queue: TinyBroker.Queue?
  private var nextTag: UInt64 = 1
  private var prefetch = 0
  private var isAutoAck = false

  init(_ broker: TinyBroker, _ tcp: TCPConnection) {
    self.broker = broker
    self.tcp = tcp
    tcp.onInput = { [unowned self] bytes in
      let used = amqp.receive(bytes) { take($0) }
      arm()
      return used
    }
    tcp.onClose = { [self] _ in gone() }
  }

  var hasRoom: Bool {
    !isGone && (isAutoAck || prefetch == 0 || unacknowledged.count + heldAcks.count < prefetch)
  }

  private func arm() {
    guard !isArmed, tcp.state == .open else { return }
    isArmed = true
    broker.loop.atEndOfTurn { [self] in
      isArmed = false
      guard tcp.state == .open else { return }
      tcp.write { buffer in amqp.output.withUnsafeBytes { buffer.append(contentsOf: $0) } }
      amqp.output.removeFirst(amqp.output.count)
      if amqp.isFinished { tcp.close() }
    }
  }

  private func gone() {
    guard !isGone else { return }
    isGone = true
    broker.forget(self)
    guard let queue else { return }
    queue.readers.removeAll { $0 === self }
    broker.giveBack(
      (heldAcks.map { ($0.tag, $0.message) } + unacknowledged).sorted { $0.0 < $1.0 }.map { $0.1 }, to: queue)
    (heldAcks, unacknowledged) = ([], [])
  }

  func deliver(_ message: TinyBroker.Message, of queue: TinyBroker.Queue) {
    let tag = nextTag
    nextTag += 1
    if !isAutoAck { unacknowledged.append((tag, message)) }
    let properties: [UInt8] = [0, 0]
    properties.withUnsafeBytes { properties in
      message.body.withUnsafeBytes { body in
        _ = amqp.deliver(
          channel: 1, consumerTag: "c", deliveryTag: tag, redelivered: message.redelivered, exchange: "e",
          routingKey: message.key, rawProperties: properties, body: body)
      }
    }
    arm()
  }

  private func take(_ event: ServerEvent) {
    switch event {
    case .publish(_, let publish, let content):
      if inTransaction {
        heldPublishes.append((publish, Array(content.body), Array(content.rawProperties)))
      } else {
        accept(publish, Array(content.body), Array(content.rawProperties))
        if let tag = confirms {
          confirms = tag + 1
          broker.didConfirm()
          amqp.send(.basicAck(BasicAck(deliveryTag: tag)), channel: 1)
        }
      }
    case .request(_, let method): answer(method)
    case .closed, .channelClosed: gone()
    case .connectionOpened, .channelOpened: break
    }
  }

  private func accept(_ publish: BasicPublish, _ body: [UInt8], _ properties: [UInt8]) {
    let message = TinyBroker.Message(key: publish.routingKey, body: body)
    guard !broker.route(message, exchange: publish.exchange), publish.mandatory else { return }
    properties.withUnsafeBytes { properties in
      body.withUnsafeBytes { body in
        _ = amqp.returnMessage(
          channel: 1, exchange: publish.exchange, routingKey: publish.routingKey, rawProperties: properties, body: body)
      }
    }
  }

  private func answer(_ method: Method) {
    switch method {
    case .exchangeDeclare: reply(.exchangeDeclareOk)
    case .queueDeclare(let declare):
      let count = UInt32(broker.queue(declare.queue).ready.count)
      reply(.queueDeclareOk(QueueDeclareOk(queue: declare.queue, messageCount: count)))
    case .queueBind(let bind):
      broker.bind(bind)
      reply(.queueBindOk)
    case .confirmSelect:
      confirms = 1
      reply(.confirmSelectOk)
    case .txSelect:
      inTransaction = true
      reply(.txSelectOk)
    case .basicQos(let qos):
      prefetch = Int(qos.prefetchCount)
      reply(.basicQosOk)
    case .basicConsume(let consume):
      let queue = broker.queue(consume.queue)
      self.queue = queue
      isAutoAck = consume.noAck
      reply(.basicConsumeOk(BasicConsumeOk(consumerTag: consume.consumerTag)))
      queue.readers.append(self)
      broker.push(queue)
    case .basicCancel(let cancel):
      queue?.readers.removeAll { $0 === self }
      reply(.basicCancelOk(BasicCancelOk(consumerTag: cancel.consumerTag)))
    case .basicAck(let ack): settle(ack.deliveryTag, multiple: ack.multiple, requeue: false)
    case .basicNack(let nack): settle(nack.deliveryTag, multiple: nack.multiple, requeue: nack.requeue)
    case .txCommit: commit()
    case .txRollback:
      heldPublishes = []
      unacknowledged = (heldAcks.map { ($0.tag, $0.message) } + unacknowledged).sorted { $0.tag < $1.tag }
      heldAcks = []
      reply(.txRollbackOk)
    case .basicRecover:
      reply(.basicRecoverOk)
      let back = unacknowledged.map(\.message)
      unacknowledged = []
      if let queue { broker.giveBack(back, to: queue) }
    default: break
    }
  }

  private func commit() {
    for (publish, body, properties) in heldPublishes { accept(publish, body, properties) }
    heldPublishes = []
    let back = heldAcks.filter(\.requeue).map(\.message)
    heldAcks = []
    reply(.txCommitOk)
    guard let queue else { return }
    broker.giveBack(back, to: queue)
  }

  private func settle(_ tag: UInt64, multiple: Bool, requeue: Bool) {
    let chosen = unacknowledged.filter { multiple ? $0.tag <= tag : $0.tag == tag }
    guard !chosen.isEmpty else {
      return amqp.closeChannel(1, code: .preconditionFailed, text: "unknown delivery tag \(tag)")
    }
    unacknowledged.removeAll { multiple ? $0.tag <= tag : $0.tag == tag }
    if inTransaction {
      heldAcks += chosen.map { ($0.tag, $0.message, requeue) }
    } else if let queue {
      if requeue { broker.giveBack(chosen.map(\.message), to: queue) } else { broker.push(queue) }
    }
  }

  private func reply(_ method: Method) { amqp.send(method, channel: 1) }
}
