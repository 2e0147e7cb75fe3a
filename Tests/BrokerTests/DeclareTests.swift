// Exchanges, queues and bindings: what is refused with which code, and what routes where.
import AMQP
import Base
import Testing

@testable import Broker

@Suite struct TopicTests {
  @Test(arguments: [
    ("a.b", "a.b", true), ("a.b", "a.c", false), ("a.*", "a.b", true), ("a.*", "a", false), ("a.*", "a.b.c", false),
    ("*.b", "a.b", true), ("#", "", true), ("#", "a.b.c", true), ("a.#", "a", true), ("a.#", "a.b.c", true),
    ("a.#", "b.a", false), ("#.c", "c", true), ("#.c", "a.b.c", true), ("#.c", "a.c.b", false),
    ("a.#.c", "a.c", true), ("a.#.c", "a.b.b.c", true), ("a.#.*", "a", false), ("a.#.*", "a.b", true),
    ("*.#.*", "a", false), ("*.#.*", "a.b", true), ("#.#", "", true), ("*", "", true), ("", "", true), ("", "a", false),
    ("a..b", "a..b", true), ("a.*.b", "a..b", true), ("#.a.#", "b.a.c.a", true),
  ])
  func patterns(_ pattern: String, _ key: String, _ matches: Bool) {
    #expect(TopicPattern(pattern).matches(key) == matches, "\(pattern) \(key)")
  }

  /// Against the plain definition, on random short patterns.
  @Test func patternsAsDefined() {
    func matches(_ pattern: ArraySlice<Substring>, _ key: ArraySlice<Substring>) -> Bool {
      guard let first = pattern.first else { return key.isEmpty }
      let rest = pattern.dropFirst()
      if first == "#" { return matches(rest, key) || (!key.isEmpty && matches(pattern, key.dropFirst())) }
      guard let word = key.first else { return false }
      return (first == "*" || first == word) && matches(rest, key.dropFirst())
    }
    var generator = SeededGenerator(seed: 7)
    var positive = 0
    for _ in 0..<5000 {
      let pattern = (0...generator.below(5)).map { _ in ["a", "b", "*", "#"][generator.below(4)] }.joined(
        separator: ".")
      let key = (0...generator.below(5)).map { _ in ["a", "b"][generator.below(2)] }.joined(separator: ".")
      let wanted = matches(TopicPattern.split(pattern)[...], TopicPattern.split(key)[...])
      if wanted { positive += 1 }
      #expect(TopicPattern(pattern).matches(key) == wanted, "\(pattern) \(key)")
    }
    #expect(positive > 500)
  }
}

@Suite struct DeclareTests {
  static let refusals: [(Method, UInt16, Bool)] = [
    (.queueDeclare(QueueDeclare(queue: "none", passive: true)), 404, false),
    (.queueDeclare(QueueDeclare(queue: "q", durable: false)), 406, false),
    (.queueDeclare(QueueDeclare(queue: "q", durable: true, autoDelete: true)), 406, false),
    (.queueDeclare(QueueDeclare(queue: "q", durable: true, arguments: ["x-queue-type": "quorum"])), 406, false),
    (.queueDeclare(QueueDeclare(queue: "mine", exclusive: true)), 405, false),
    (.queueDeclare(QueueDeclare(queue: "mine", passive: true)), 405, false),
    (.queueDeclare(QueueDeclare(queue: "amq.x")), 403, false),
    (.queueDeclare(QueueDeclare(queue: "r", arguments: ["x-queue-type": "quorum"])), 406, false),
    (.queueDeclare(QueueDeclare(queue: "r", durable: true, arguments: ["x-queue-type": "stream"])), 406, false),
    (.queueDeclare(QueueDeclare(queue: "r", arguments: ["x-message-ttl": 1])), 540, true),
    (.queueBind(QueueBind(queue: "none", exchange: "amq.direct")), 404, false),
    (.queueBind(QueueBind(queue: "q", exchange: "none")), 404, false),
    (.queueBind(QueueBind(queue: "q", exchange: "")), 403, false),
    (.queuePurge(QueuePurge(queue: "none")), 404, false),
    (.queueDelete(QueueDelete(queue: "q", ifEmpty: true)), 406, false),
    (.queueDelete(QueueDelete(queue: "q", ifUnused: true)), 406, false),
    (.exchangeDeclare(ExchangeDeclare(exchange: "e", type: "fanout")), 406, false),
    (.exchangeDeclare(ExchangeDeclare(exchange: "amq.x", type: "fanout")), 403, false),
    (.exchangeDeclare(ExchangeDeclare(exchange: "", type: "direct")), 403, false),
    (.exchangeDeclare(ExchangeDeclare(exchange: "none", passive: true)), 404, false),
    (.exchangeDeclare(ExchangeDeclare(exchange: "r", type: "strange")), 503, true),
    (.exchangeDelete(ExchangeDelete(exchange: "amq.direct")), 403, false),
    (.exchangeDelete(ExchangeDelete(exchange: "e", ifUnused: true)), 406, false),
    (.exchangeBind(ExchangeBind(destination: "e", source: "amq.direct")), 540, true),
    (.basicConsume(BasicConsume(queue: "none")), 404, false),
    (.basicConsume(BasicConsume(queue: "mine")), 405, false),
    (.basicConsume(BasicConsume(queue: "q", exclusive: true)), 403, false),
    (.basicGet(BasicGet(queue: "none")), 404, false),
    (.basicQos(BasicQos(prefetchSize: 1)), 540, true),
    (.basicAck(BasicAck(deliveryTag: 1)), 406, false),
    (.basicAck(BasicAck(deliveryTag: 1, multiple: true)), 406, false),
    (.basicReject(BasicReject(deliveryTag: 3, requeue: true)), 406, false),
    (.basicRecover(BasicRecover(requeue: false)), 540, true),
    (.txCommit, 406, false), (.txRollback, 406, false),
  ]

  @Test(arguments: [1, 3]) func refusedWithTheRightCode(_ nodes: Int) throws {
    let cluster = try TestCluster(nodes)
    let leader = try #require(cluster.awaitLeader())
    let owner = try cluster.client(on: leader, queue: "q", quorum: false)
    try owner.call(.queueDeclare(QueueDeclare(queue: "mine", exclusive: true)), cluster)
    try owner.call(.exchangeDeclare(ExchangeDeclare(exchange: "e", type: "topic")), cluster)
    try owner.call(.queueBind(QueueBind(queue: "q", exchange: "e", routingKey: "a")), cluster)
    try owner.call(.basicConsume(BasicConsume(queue: "q")), cluster)
    try owner.publish("held", persistent: false)
    try owner.call(.basicQos(BasicQos(prefetchCount: 1)), cluster)
    try owner.publish("more", persistent: false)
    cluster.advance(50 * .millisecond)
    owner.deliveries.removeAll()
    #expect(owner.channelCloses.isEmpty)
    for (method, code, endsConnection) in Self.refusals {
      if case .queueDelete(let delete) = method, delete.ifEmpty {  // a consumer without limit holds all
        try owner.send(.basicCancel(BasicCancel(consumerTag: "amq.ctag-1-1")))
        try owner.send(.basicRecover(BasicRecover(requeue: true)))
        cluster.advance(50 * .millisecond)
      } else if case .queueDelete = method {
        try owner.call(.basicConsume(BasicConsume(queue: "q")), cluster)
      }
      let client = cluster.client(on: (leader + 1) % nodes)
      try client.open(cluster)
      try client.call(method, cluster)
      if endsConnection {
        #expect(client.closed?.code.rawValue == code, "\(method)")
        #expect(client.channelCloses.isEmpty)
      } else {
        #expect(client.channelCloses.map(\.code) == [code], "\(method)")
        #expect(client.closed == nil)
      }
    }
    #expect(owner.channelCloses.isEmpty && owner.closed == nil)
  }

  @Test func publishingWhereThereIsNothing() throws {
    let cluster = try TestCluster(3)
    let leader = try #require(cluster.awaitLeader())
    let client = cluster.client(on: (leader + 1) % 3)
    try client.open(cluster)
    try client.call(.confirmSelect(noWait: false), cluster)
    try client.publish("lost")
    try client.publish("back", mandatory: true)
    #expect(cluster.advance { client.confirmed.count == 2 })
    #expect(client.returned == ["back"])
    try client.publish("nowhere", exchange: "none")
    cluster.advance(300 * .millisecond)
    #expect(client.channelCloses.map(\.code) == [404])
    try client.open(cluster, channel: 2)
    try client.connection.send(.basicPublish(BasicPublish(exchange: "", routingKey: "q", immediate: true)), channel: 2)
    // The header of a message without properties or body.
    client.inject([2, 0, 2, 0, 0, 0, 14, 0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xce])
    cluster.advance(100 * .millisecond)
    #expect(client.closed?.code == .notImplemented)
  }

  /// What was declared at one node is known to whoever connects to another afterwards, or already is.
  @Test func everyNodeKnowsWhatWasDeclared() throws {
    let cluster = try TestCluster(3)
    let leader = try #require(cluster.awaitLeader())
    let early = cluster.client(on: (leader + 2) % 3)
    try early.open(cluster)
    try early.call(.confirmSelect(noWait: false), cluster)
    let client = cluster.client(on: (leader + 1) % 3)
    try client.open(cluster)
    try client.call(.exchangeDeclare(ExchangeDeclare(exchange: "e", type: "topic")), cluster)
    for (queue, key) in [("one", "a.*"), ("two", "#.b"), ("three", "c.#")] {
      try client.declare(queue, quorum: queue != "two", cluster)
      try client.call(.queueBind(QueueBind(queue: queue, exchange: "e", routingKey: key)), cluster)
    }
    try early.publish("first", exchange: "e", key: "a.b")
    try early.publish("second", exchange: "e", key: "c", mandatory: true)
    try early.publish("third", exchange: "e", key: "d", mandatory: true)
    #expect(cluster.advance { early.confirmed.count == 3 })
    #expect(early.returned == ["third"])
    let late = cluster.client(on: leader)
    try late.open(cluster)
    #expect(try late.count("one", cluster) == 1)
    #expect(try late.count("two", cluster) == 1)
    #expect(try late.count("three", cluster) == 1)
    try late.call(.queueUnbind(QueueUnbind(queue: "one", exchange: "e", routingKey: "a.*")), cluster)
    try late.publish("fourth", exchange: "e", key: "a.b")
    cluster.advance(200 * .millisecond)
    #expect(try late.count("one", cluster) == 1)
    #expect(try late.count("two", cluster) == 2)
    guard case .queuePurgeOk(let purged)? = try late.call(.queuePurge(QueuePurge(queue: "two")), cluster) else {
      Issue.record("no purge-ok")
      return
    }
    #expect(purged.messageCount == 2)
    guard case .queuePurgeOk(let purged)? = try late.call(.queuePurge(QueuePurge(queue: "one")), cluster) else {
      Issue.record("no purge-ok")
      return
    }
    #expect(purged.messageCount == 1)
    #expect(try late.get("one", cluster) == nil)
    guard case .queueDeleteOk(let deleted)? = try late.call(.queueDelete(QueueDelete(queue: "three")), cluster) else {
      Issue.record("no delete-ok")
      return
    }
    #expect(deleted.messageCount == 1)
    #expect(try early.count("three", cluster) == nil)
    #expect(early.channelCloses.map(\.code) == [404])
  }

  @Test func endOfExclusiveAndAutoDeleteQueues() throws {
    let cluster = try TestCluster(3)
    let leader = try #require(cluster.awaitLeader())
    let client = cluster.client(on: (leader + 1) % 3)
    try client.open(cluster)
    guard case .queueDeclareOk(let named)? = try client.call(.queueDeclare(QueueDeclare(exclusive: true)), cluster)
    else {
      Issue.record("no declare-ok")
      return
    }
    #expect(named.queue.hasPrefix("amq.gen-"))
    let other = cluster.client(on: leader)
    try other.open(cluster)
    try other.call(.queueDeclare(QueueDeclare(queue: "auto", autoDelete: true)), cluster)
    try other.call(.basicConsume(BasicConsume(queue: "auto", consumerTag: "c")), cluster)
    #expect(cluster.broker(leader)?.state.queues.keys.sorted() == [named.queue, "auto"].sorted())
    try other.call(.basicCancel(BasicCancel(consumerTag: "c")), cluster)
    client.connection.closeConnection()
    cluster.advance(300 * .millisecond)
    for node in 0..<3 { #expect(cluster.broker(node)?.state.queues.isEmpty == true) }
  }
}
