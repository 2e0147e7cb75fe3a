// A whole run: nodes, links, clients and faults under one clock, from the first boot to the drained queues.

import AMQP
import Base
import Broker
import Checkers
import History

final class World {
  let options: SimulationOptions
  let clock: VirtualClock
  let recorder: Recorder
  let nodeNames: [String]
  private(set) var nodes: [VirtualNode] = []
  private(set) lazy var peers = PeerNetwork(self, count: options.nodes)
  private(set) var sockets: [Socket] = []
  private var lastConnection: UInt64 = 0

  static let queues = ["q1", "q2"]
  static let exchange = "both"
  let queuePlaces: [UInt16]
  let routes: [UInt16]
  let bothRoute: UInt16
  let topology: [Method]

  /// What no checker of deliveries would see: a log that cannot be recovered, bytes that cannot be read.
  private(set) var broken: [String] = []
  /// Why the broker closed channels and connections, and how often.
  var closes: [String: Int] = [:]
  var tornTails = 0
  var returns = 0

  /// How long producers may take to resolve, and a queue to drain, once everything is healed.
  private static let patience = 60 * Nanoseconds.second
  static let redeliveryTimer = 6 * Nanoseconds.second

  init(_ options: SimulationOptions) {
    self.options = options
    clock = VirtualClock(seed: options.seed)
    recorder = Recorder(clock)
    nodeNames = (1...max(1, options.nodes)).map { "n\($0)" }
    queuePlaces = Self.queues.map { [recorder] in recorder.names.word($0) }
    routes = Self.queues.map { [recorder] in recorder.names.route(to: [$0]) }
    bothRoute = recorder.names.route(to: Self.queues)
    topology = Self.topology(options)
    for (id, name) in nodeNames.enumerated() { nodes.append(VirtualNode(id: id, name: name, world: self)) }
  }

  private static func topology(_ options: SimulationOptions) -> [Method] {
    var methods: [Method] = [
      .exchangeDeclare(ExchangeDeclare(exchange: exchange, type: "fanout", durable: true))
    ]
    for queue in queues {
      let isDurable = options.isQuorum || options.level != .low
      let type: FieldValue = options.isQuorum ? "quorum" : "classic"
      methods.append(
        .queueDeclare(QueueDeclare(queue: queue, durable: isDurable, arguments: ["x-queue-type": type])))
      methods.append(.queueBind(QueueBind(queue: queue, exchange: exchange)))
    }
    return methods
  }

  func breaks(_ what: String) { if broken.count < 20 { broken.append(what) } }

  func nextConnection() -> ConnectionID {
    lastConnection += 1
    return ConnectionID(lastConnection)
  }

  /// A new socket follows the cuts that are in force.
  func adopt(_ socket: Socket) {
    sockets.removeAll { $0.isOver }
    sockets.append(socket)
    if clientsCut[socket.node.id] {
      socket.toNode.cut()
      socket.toClient.cut()
    }
  }

  private lazy var clientsCut = Array(repeating: false, count: options.nodes)

  func cutClients(_ node: Int, _ isCut: Bool) {
    clientsCut[node] = isCut
    for socket in sockets where socket.node.id == node {
      if isCut {
        socket.toNode.cut()
        socket.toClient.cut()
      } else {
        socket.toNode.heal()
        socket.toClient.heal()
      }
    }
  }

  // MARK: The phases

  func run() {
    for node in nodes { node.start() }
    peers.start()
    let declarer = Declarer(world: self, process: -3)
    declarer.start()
    guard go(for: Self.patience, until: { declarer.isDone }) else { return breaks("the topology was not declared") }
    declarer.retire()

    let producers = (0..<options.producers).map { VirtualProducer(world: self, index: $0) }
    var consumers: [VirtualConsumer] = []
    let mode: VirtualConsumer.Mode = [.low: .auto, .medium: .manual, .high: .transaction][options.level] ?? .manual
    for queue in Self.queues.indices {
      for _ in 0..<options.consumers {
        let process = Int32(10_000 + consumers.count)
        consumers.append(VirtualConsumer(world: self, process: process, queue: queue, mode: mode, isDrain: false))
      }
    }
    for client in producers { client.start() }
    for client in consumers { client.start() }
    let nemesis = Nemesis(self)
    nemesis.start()
    _ = go(for: options.load, until: { !self.broken.isEmpty })
    nemesis.healAll()
    for producer in producers { producer.stop() }
    if !go(for: Self.patience, until: { producers.allSatisfy(\.isResolved) }) {
      breaks("publishes were not resolved a minute after all was healed")
    }
    for producer in producers { producer.retire() }
    for consumer in consumers { consumer.stop() }
    if !go(for: Self.patience, until: { consumers.allSatisfy { $0.isRetired && !$0.isReady } }) {
      let open = consumers.filter { !$0.isRetired || $0.isReady }.map(\.description)
      breaks("consumers were not closed a minute after all was healed: \(open.joined(separator: ", "))")
    }
    drain(mode == .auto ? .auto : .manual)
  }

  private func drain(_ mode: VirtualConsumer.Mode) {
    let drains = Self.queues.indices.map { queue in
      VirtualConsumer(world: self, process: Int32(20_000 + queue), queue: queue, mode: mode, isDrain: true)
    }
    let ops = drains.indices.map { _ in recorder.nextOp() }
    for (queue, drain) in drains.enumerated() {
      record(.drained, .invoke, op: ops[queue], place: queuePlaces[queue], process: -2)
      drain.start()
    }
    let begun = clock.now
    var left = Set(drains.indices)
    _ = go(for: Self.patience) {
      for queue in drains.indices where left.contains(queue) {
        let drain = drains[queue]
        guard let count = drain.lastCount, count.ready == 0, drain.isSubscribed,
          count.time - max(begun, drain.lastDelivery) > Self.redeliveryTimer
        else { continue }
        left.remove(queue)
        self.record(.drained, .ok, op: ops[queue], place: self.queuePlaces[queue], process: -2)
      }
      return left.isEmpty
    }
    for queue in left.sorted() {
      breaks("\(Self.queues[queue]) was not drained in a minute")
      let count = UInt64(max(1, drains[queue].lastCount?.ready ?? 1))
      record(.drained, .info, op: ops[queue], place: queuePlaces[queue], process: -2, tag: count)
    }
    for drain in drains { drain.retire() }
    _ = go(for: .second, until: { drains.allSatisfy { !$0.isReady } })
  }

  func record(
    _ function: Function, _ outcome: Outcome, op: UInt64 = 0, place: UInt16, process: Int32, tag: UInt64 = 0
  ) {
    var event = Event()
    event.function = function
    event.outcome = outcome
    event.op = op
    event.place = place
    event.process = process
    event.tag = tag
    recorder.record(event)
  }

  private func go(for length: Nanoseconds, until isDone: () -> Bool) -> Bool {
    let end = clock.now + length
    while !isDone() {
      guard clock.step(until: end) else { return isDone() }
    }
    return true
  }
}

/// Makes exchange, queues and bindings, and is done.
private final class Declarer: VirtualClient {
  private(set) var isDone = false
  override func preparation() -> [Method] { world.topology }
  override func ready() { isDone = true }
}
