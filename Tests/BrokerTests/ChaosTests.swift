// Random work and random faults, replayed from a seed, judged by what no broker may do.
import AMQP
import Base
import Foundation
import Testing

@testable import Broker

/// Producers with confirms or transactions, consumers with acknowledgements alone or inside transactions, on one queue of
/// three nodes, while nodes fall, links break and disks stall.
private final class Chaos {
  let cluster: TestCluster
  var generator: SeededGenerator
  var published = 0
  var promised: Set<String> = []
  /// Of transactions whose outcome was told.
  var settledForGood: Set<String> = []
  /// For each message, how often it came unflagged.
  var unflagged: [String: Int] = [:]
  var delivered: [String: Int] = [:]
  var wrong: [String] = []
  var workers: [Worker] = []
  let seed: UInt64
  let quorum: Bool
  /// What each transaction published, where its commit was sent.
  var commits: [[String]] = []
  var rolledBack: Set<String> = []

  final class Worker {
    let client: TestClient
    let isProducer: Bool
    let isTransactional: Bool
    var seen = 0
    var confirmedSeen = 0
    var isWaiting = false
    var batch: [String] = []
    var unsettled: [(tag: UInt64, body: String)] = []
    var committing: [(tag: UInt64, body: String)] = []
    var last: [String: Int] = [:]

    init(_ client: TestClient, isProducer: Bool, isTransactional: Bool) {
      self.client = client
      self.isProducer = isProducer
      self.isTransactional = isTransactional
    }
  }

  init(seed: UInt64, quorum: Bool = true, defects: Set<Defect> = []) throws {
    self.seed = seed
    self.quorum = quorum
    cluster = try TestCluster(3, seed: seed, defects: defects)
    generator = SeededGenerator(seed: seed, label: "chaos")
  }

  func begin() throws {
    let leader = cluster.awaitLeader() ?? 0
    _ = try cluster.client(on: leader, queue: "q", quorum: quorum)
    for index in 0..<8 { workers.append(try worker(isProducer: index < 4, isTransactional: index % 2 == 0)) }
  }

  /// A client on a node that answers; nil-safe: one that does not get through is replaced later.
  private func worker(isProducer: Bool, isTransactional: Bool) throws -> Worker {
    let alive = (0..<3).filter { cluster.broker($0) != nil }
    let client = cluster.client(on: alive[generator.below(alive.count)])
    let worker = Worker(client, isProducer: isProducer, isTransactional: isTransactional)
    _ = cluster.advance { client.connection.isOpen || client.isLost || client.closed != nil }
    guard client.connection.isOpen else { return worker }
    try client.connection.openChannel(1)
    cluster.settle()
    if isTransactional {
      try client.send(.txSelect)
    } else if isProducer {
      try client.send(.confirmSelect(noWait: true))
    }
    if !isProducer {
      try client.send(.basicQos(BasicQos(prefetchCount: 5)))
      try client.send(.basicConsume(BasicConsume(queue: "q")))
    }
    cluster.settle()
    return worker
  }

  func round() throws {
    for index in workers.indices {
      let worker = workers[index]
      guard worker.client.connection.isOpen(channel: 1), !worker.client.isLost else {
        note(worker)
        workers[index] = try self.worker(isProducer: worker.isProducer, isTransactional: worker.isTransactional)
        continue
      }
      try worker.isProducer ? produce(worker, index) : consume(worker)
    }
    cluster.advance(Nanoseconds(generator.below(30)) * .millisecond)
  }

  private func produce(_ worker: Worker, _ index: Int) throws {
    note(worker)
    guard !worker.isWaiting else { return }
    for _ in 0...generator.below(3) {
      published += 1
      let body = "\(index).\(published)"
      try worker.client.publish(body)
      if worker.isTransactional { worker.batch.append(body) }
    }
    guard worker.isTransactional, generator.chance(0.5) else { return }
    if generator.chance(0.2) {
      try worker.client.send(.txRollback)
      rolledBack.formUnion(worker.batch)
      worker.batch = []
    } else {
      commits.append(worker.batch)
      try worker.client.send(.txCommit)
      worker.isWaiting = true
    }
  }

  private func consume(_ worker: Worker) throws {
    note(worker)
    guard !worker.isWaiting else { return }
    while !worker.unsettled.isEmpty, generator.chance(0.7) {
      let (tag, body) = worker.unsettled.removeFirst()
      if generator.chance(0.1) {
        try worker.client.send(.basicNack(BasicNack(deliveryTag: tag, requeue: true)))
      } else {
        try worker.client.send(.basicAck(BasicAck(deliveryTag: tag)))
        worker.committing.append((tag, body))
      }
    }
    guard worker.isTransactional, generator.chance(0.5) else { return }
    try worker.client.send(.txCommit)
    worker.isWaiting = true
  }

  /// Takes in what a client was told since the last time.
  func note(_ worker: Worker) {
    let client = worker.client
    for body in client.confirmed[worker.confirmedSeen...] { promised.insert(body) }
    worker.confirmedSeen = client.confirmed.count
    for delivery in client.deliveries[worker.seen...] {
      delivered[delivery.body, default: 0] += 1
      if settledForGood.contains(delivery.body) { wrong.append("\(delivery.body) came after it was settled for good") }
      if !delivery.isRedelivered {
        unflagged[delivery.body, default: 0] += 1
        if unflagged[delivery.body] == 2 { wrong.append("\(delivery.body) came twice without the flag") }
        let parts = delivery.body.split(separator: ".")
        let (producer, number) = (String(parts[0]), Int(parts[1]) ?? 0)
        if number < worker.last[producer, default: 0] { wrong.append("\(delivery.body) out of order") }
        worker.last[producer] = number
      }
      worker.unsettled.append((delivery.tag, delivery.body))
    }
    worker.seen = client.deliveries.count
    if client.methods.contains(.txCommitOk) {
      if worker.isProducer {
        promised.formUnion(worker.batch)
        worker.batch = []
      } else {
        for (_, body) in worker.committing { settledForGood.insert(body) }
        worker.committing = []
      }
      worker.isWaiting = false
    }
    client.methods = []
  }

  func fault() throws {
    let node = generator.below(3)
    switch generator.below(6) {
    case 0:
      if (0..<3).allSatisfy({ cluster.broker($0) != nil }) { cluster.crash(node) }
    case 1: cluster.isolate(node)
    case 2: cluster.cut(node, (node + 1) % 3)
    case 3: cluster.nodes[node].holdsDisk = true
    default:
      cluster.heal()
      for node in 0..<3 {
        cluster.nodes[node].holdsDisk = false
        if cluster.broker(node) == nil { try cluster.start(node) }
      }
    }
  }

  /// Transactions of which only a part was delivered, and rolled back messages that were.
  var torn: [String] {
    commits.filter { batch in batch.contains { delivered[$0] != nil } && batch.contains { delivered[$0] == nil } }
      .map { $0.joined(separator: " ") } + rolledBack.filter { delivered[$0] != nil }.sorted()
  }

  func drain() throws -> Bool {
    cluster.heal()
    for node in 0..<3 {
      cluster.nodes[node].holdsDisk = false
      if cluster.broker(node) == nil { try cluster.start(node) }
    }
    cluster.advance(5 * .second)
    for worker in workers {
      note(worker)
      worker.client.connection.closeConnection()
    }
    cluster.advance(3 * .second)
    for worker in workers { note(worker) }
    let reader = cluster.client(on: generator.below(3))
    try reader.open(cluster)
    let drainer = Worker(reader, isProducer: false, isTransactional: false)
    for _ in 0..<100_000 {
      let before = reader.got.count
      guard let delivery = try reader.get("q", cluster) else {
        note(drainer)
        guard reader.got.count == before + 1 else { return false }
        return try reader.count("q", cluster) == 0
      }
      reader.deliveries.append(delivery)
      try reader.send(.basicAck(BasicAck(deliveryTag: delivery.tag)))
    }
    return false
  }
}

@Suite struct ChaosTests {
  /// A few here; more with STORMPROOF_SEEDS=count.
  static let seeds = 1...(ProcessInfo.processInfo.environment["STORMPROOF_SEEDS"].flatMap { UInt64($0) } ?? 3)

  @Test(arguments: seeds, [true, false]) func nothingLostDoubledTornOrUnflagged(_ seed: UInt64, _ quorum: Bool) throws {
    let chaos = try Chaos(seed: seed, quorum: quorum)
    try chaos.begin()
    for round in 0..<150 {
      try chaos.round()
      if round % 12 == 5 { try chaos.fault() }
    }
    #expect(try chaos.drain(), "seed \(seed)")
    #expect(chaos.wrong.isEmpty, "seed \(seed): \(chaos.wrong.prefix(5))")
    let lost = chaos.promised.filter { chaos.delivered[$0] == nil }.sorted()
    #expect(lost.isEmpty, "seed \(seed): \(lost.count) of \(chaos.promised.count) lost, \(lost.prefix(5))")
    #expect(chaos.torn.isEmpty, "seed \(seed): \(chaos.torn.prefix(5))")
    #expect(chaos.promised.count > 100 && chaos.settledForGood.count > 20)
  }

  /// The same work and the same judge, with a broker that is known to lose.
  @Test(arguments: Defect.allCases) func theJudgeSeesDefects(_ defect: Defect) throws {
    var lost = 0
    var torn = 0
    for seed in UInt64(1)...4 {
      let chaos = try Chaos(seed: seed, defects: [defect])
      try chaos.begin()
      for round in 0..<100 {
        try chaos.round()
        if round % 12 == 5 { try chaos.fault() }
      }
      _ = try chaos.drain()
      lost += chaos.promised.filter { chaos.delivered[$0] == nil }.count
      torn += chaos.torn.count
    }
    switch defect {
    case .confirmBeforeFsyncAndQuorum: #expect(lost > 0)
    case .dropOnRequeue: break  // what it loses was delivered before: it takes acknowledgements to see that
    case .tornCommit: #expect(torn > 0)
    }
  }
}
