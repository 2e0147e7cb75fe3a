// A cluster in memory: brokers, their links, their disks and their clients, stepped by the test.
import AMQP
import Base

@testable import Broker

/// Nodes with a network and disks that do what the test says. Time passes only by `advance`.
final class TestCluster {
  final class Node {
    var broker: Broker?
    /// All records, and how many of them are on disk.
    var records: [LogRecord] = []
    var durable = 0
    /// The position of `broker` that `records.count` stands for.
    var handedOut = LogPosition(0)
    var holdsDisk = false
    var starts = 0
    var status: BrokerStatus?
  }

  let names: [String]
  let nodes: [Node]
  let seed: UInt64
  let defects: Set<Defect>
  private(set) var now: Nanoseconds = 1_000_000_000
  private(set) var clients: [TestClient] = []
  private var nextConnection: UInt64 = 1
  /// Frames on their way, by sender and receiver.
  private var wires: [[[[UInt8]]]]
  private var links: [[Bool]]
  private(set) var cuts: Set<[Int]> = []
  /// Bytes that carry a body, counted on links.
  var carried = 0

  init(_ count: Int, seed: UInt64 = 1, defects: Set<Defect> = []) throws {
    self.seed = seed
    self.defects = defects
    names = (1...count).map { "n\($0)" }
    nodes = (0..<count).map { _ in Node() }
    wires = Array(repeating: Array(repeating: [], count: count), count: count)
    links = Array(repeating: Array(repeating: false, count: count), count: count)
    for node in 0..<count { try start(node) }
  }

  // MARK: Faults

  func start(_ id: Int) throws {
    let node = nodes[id]
    guard
      let config = BrokerConfig(
        name: names[id], members: names, seed: seed &+ UInt64(id) &* 1000 &+ UInt64(node.starts), defects: defects)
    else { return }
    var recovered = RecoveredLog()
    for record in node.records {
      var bytes: [UInt8] = []
      record.encode(into: &bytes)
      try bytes.withUnsafeBytes { try recovered.append($0) }
    }
    node.starts += 1
    node.handedOut = LogPosition(0)
    node.holdsDisk = false
    node.broker = try Broker(config: config, recovered: recovered, now: now)
    for other in nodes.indices where other != id && !isCut(id, other) { connect(id, other) }
  }

  /// The process is gone, and so is what was not on disk.
  func crash(_ id: Int) {
    let node = nodes[id]
    node.broker = nil
    node.records.removeLast(node.records.count - node.durable)
    for client in clients where client.node == id { client.lose() }
    for other in nodes.indices where other != id { disconnect(id, other) }
  }

  func cut(_ a: Int, _ b: Int) {
    cuts.insert([min(a, b), max(a, b)])
    disconnect(a, b)
  }

  func isolate(_ id: Int) { for other in nodes.indices where other != id { cut(id, other) } }

  func heal() {
    cuts = []
    for a in nodes.indices { for b in nodes.indices where a < b && !links[a][b] { connect(a, b) } }
  }

  private func isCut(_ a: Int, _ b: Int) -> Bool { cuts.contains([min(a, b), max(a, b)]) }

  private func connect(_ a: Int, _ b: Int) {
    guard let first = nodes[a].broker, let second = nodes[b].broker else { return }
    links[a][b] = true
    links[b][a] = true
    first.peerConnected(b, now: now)
    second.peerConnected(a, now: now)
  }

  private func disconnect(_ a: Int, _ b: Int) {
    guard links[a][b] else { return }
    links[a][b] = false
    links[b][a] = false
    wires[a][b] = []
    wires[b][a] = []
    nodes[a].broker?.peerDisconnected(b, now: now)
    nodes[b].broker?.peerDisconnected(a, now: now)
  }

  // MARK: Steps

  /// Carries out everything that is due, without letting time pass.
  func settle() {
    for _ in 0..<100_000 {
      var isMoving = false
      for id in nodes.indices where step(id) { isMoving = true }
      for client in clients where client.step(self) { isMoving = true }
      for a in nodes.indices {
        for b in nodes.indices where !wires[a][b].isEmpty {
          let frame = wires[a][b].removeFirst()
          carried += frame.count
          isMoving = true
          do {
            try frame.withUnsafeBytes { try nodes[b].broker?.peerReceived(a, frame: $0, now: now) }
          } catch {
            disconnect(a, b)
          }
        }
      }
      if !isMoving { return }
    }
  }

  private func step(_ id: Int) -> Bool {
    let node = nodes[id]
    guard let broker = node.broker else { return false }
    let actions = broker.takeActions()
    var isMoving = !actions.records.isEmpty || !actions.frames.isEmpty
    node.records += actions.records
    node.handedOut = actions.position
    if let status = actions.status { node.status = status }
    for frame in actions.frames where links[id][frame.node] { wires[id][frame.node].append(frame.payload) }
    for other in actions.lostLinks { disconnect(id, other) }
    if !node.holdsDisk, node.durable < node.records.count {
      node.durable = node.records.count
      broker.persisted(node.handedOut, now: now)
      isMoving = true
    }
    return isMoving
  }

  /// Lets time pass in steps of ten milliseconds.
  func advance(_ length: Nanoseconds) {
    let end = now + length
    settle()
    while now < end {
      now = min(end, now + 10 * .millisecond)
      for node in nodes { node.broker?.tick(now: now) }
      settle()
    }
  }

  /// Lets time pass until something is so; false when that takes longer than a minute.
  func advance(until isSo: () -> Bool) -> Bool {
    settle()
    for _ in 0..<6000 {
      if isSo() { return true }
      advance(10 * .millisecond)
    }
    return isSo()
  }

  /// The node that leads and serves, the only one of the highest term.
  var leader: Int? {
    nodes.indices.filter { nodes[$0].broker?.master.isServing == true }
      .max { (nodes[$0].status?.term ?? 0) < (nodes[$1].status?.term ?? 0) }
  }

  func awaitLeader() -> Int? {
    _ = advance { leader != nil && nodes.allSatisfy { $0.broker?.isReady ?? true } }
    return leader
  }

  func broker(_ id: Int) -> Broker? { nodes[id].broker }

  // MARK: Clients

  func client(on node: Int) -> TestClient {
    let client = TestClient(id: ConnectionID(nextConnection), node: node)
    nextConnection += 1
    clients.append(client)
    nodes[node].broker?.connectionOpened(client.id, now: now)
    settle()
    return client
  }
}
