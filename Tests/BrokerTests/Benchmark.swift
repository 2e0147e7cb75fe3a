// What a message costs in the broker, in nanoseconds, on one node without a disk. Only where asked for:
//   STORMPROOF_BENCH=1 swift test -c release -Xswiftc -enable-testing --filter BrokerTests.Benchmark
import AMQP
import Base
import Glibc
import Testing

@testable import Broker

@Suite(.enabled(if: getenv("STORMPROOF_BENCH") != nil), .serialized) struct Benchmark {
  enum Kind: String, CaseIterable { case transient, durable, quorum, transaction }

  @Test(arguments: Kind.allCases) func oneNode(_ kind: Kind) throws {
    let config = try #require(BrokerConfig(name: "n1", members: ["n1"], seed: 1))
    var now: Nanoseconds = 1
    let broker = try Broker(config: config, recovered: RecoveredLog(), now: now)
    let id = ConnectionID(1)
    let client = ClientConnection(config: ClientConfig())
    var (delivered, confirmed, committed) = (0, 0, 0)
    var lastTag: UInt64 = 0
    var spent = [Double](repeating: 0, count: 3)
    func turn() {
      for _ in 0..<6 {
        spent[0] += time {
          let used = client.output.withUnsafeBytes { broker.receive(id, $0, now: now) }
          client.output.removeFirst(used)
        }
        spent[1] += time {
          let actions = broker.takeActions()
          broker.persisted(actions.position, now: now)
        }
        spent[2] += time {
          guard let server = broker.connection(id) else { return }
          let used = server.output.withUnsafeBytes { bytes in
            client.receive(bytes) { event in
              switch event {
              case .delivery(_, let deliver, _):
                delivered += 1
                lastTag = deliver.deliveryTag
              case .method(_, .basicAck(let ack)): confirmed = Int(ack.deliveryTag)
              case .method(_, .txCommitOk): committed += 1
              default: break
              }
            }
          }
          server.output.removeFirst(used)
        }
      }
    }
    broker.connectionOpened(id, now: now)
    while !broker.isReady {
      now += 10 * .millisecond
      broker.tick(now: now)
      turn()
    }
    turn()
    try client.openChannel(1)
    try client.openChannel(2)
    turn()
    let isQuorum = kind == .quorum || kind == .transaction
    try client.send(
      .queueDeclare(
        QueueDeclare(
          queue: "q", durable: kind != .transient, arguments: isQuorum ? ["x-queue-type": "quorum"] : [:])),
      channel: 1)
    turn()
    if kind == .transaction { try client.send(.txSelect, channel: 1) }
    if kind == .durable || kind == .quorum { try client.send(.confirmSelect(noWait: false), channel: 1) }
    try client.send(.basicQos(BasicQos(prefetchCount: 1000)), channel: 2)
    try client.send(.basicConsume(BasicConsume(queue: "q", noAck: kind == .transient)), channel: 2)
    turn()
    spent = [0, 0, 0]
    let properties = try BasicProperties(deliveryMode: kind == .transient ? 1 : 2).encoded()
    let body = [UInt8](repeating: 1, count: 100)
    let (rounds, batch) = (4000, 50)
    let began = clock()
    for _ in 0..<rounds {
      try properties.withUnsafeBytes { raw in
        try body.withUnsafeBytes { body in
          for _ in 0..<batch {
            try client.publish(channel: 1, exchange: "", routingKey: "q", rawProperties: raw, body: body)
          }
        }
      }
      if kind == .transaction { try client.send(.txCommit, channel: 1) }
      now += .millisecond
      turn()
      if kind != .transient, lastTag > 0 {
        try client.send(.basicAck(BasicAck(deliveryTag: lastTag, multiple: true)), channel: 2)
      }
    }
    turn()
    let total = Double(clock() - began) / Double(CLOCKS_PER_SEC) * 1e9 / Double(rounds * batch)
    let each = spent.map { Int($0 / Double(rounds * batch)) }
    print(
      "\(kind.rawValue): \(Int(total)) ns a message; received in \(each[0]), worked on in \(each[1]), client's \(each[2])"
    )
    #expect(delivered == rounds * batch)
    if kind == .durable || kind == .quorum { #expect(confirmed == rounds * batch) }
    if kind == .transaction { #expect(committed == rounds) }
  }

  private func time(_ work: () -> Void) -> Double {
    var began = timespec()
    var ended = timespec()
    clock_gettime(CLOCK_MONOTONIC, &began)
    work()
    clock_gettime(CLOCK_MONOTONIC, &ended)
    return Double(ended.tv_sec - began.tv_sec) * 1e9 + Double(ended.tv_nsec - began.tv_nsec)
  }
}
