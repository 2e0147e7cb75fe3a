// One node and three: publish, confirm, consume, acknowledge, get, on both kinds of queues.
import AMQP
import Base
import Testing

@testable import Broker

struct Setting: CustomTestStringConvertible {
  var nodes: Int
  var quorum: Bool
  /// Where the client of the test is, counted from the leader.
  var client: Int
  var testDescription: String { "\(nodes) nodes, \(quorum ? "quorum" : "classic"), client on \(client)" }

  static let all = [
    Setting(nodes: 1, quorum: false, client: 0), Setting(nodes: 1, quorum: true, client: 0),
    Setting(nodes: 3, quorum: false, client: 0), Setting(nodes: 3, quorum: true, client: 0),
    Setting(nodes: 3, quorum: false, client: 1), Setting(nodes: 3, quorum: true, client: 1),
  ]
}

@Suite struct BasicTests {
  @Test(arguments: Setting.all) func publishedAndConsumedInOrder(_ setting: Setting) throws {
    let cluster = try TestCluster(setting.nodes)
    let leader = try #require(cluster.awaitLeader())
    // The queue is declared at the leader: for a classic queue that is its home.
    let owner = try cluster.client(on: leader, queue: "q", quorum: setting.quorum)
    let client = cluster.client(on: (leader + setting.client) % setting.nodes)
    try client.open(cluster)
    try client.call(.confirmSelect(noWait: false), cluster)
    let bodies = (1...50).map { "m\($0)" }
    for body in bodies { try client.publish(body) }
    #expect(cluster.advance { client.confirmed.count == 50 })
    #expect(client.confirmed == bodies)
    #expect(try owner.count("q", cluster) == 50)
    try client.call(.basicQos(BasicQos(prefetchCount: 10)), cluster)
    try client.call(.basicConsume(BasicConsume(queue: "q", consumerTag: "c")), cluster)
    cluster.advance(200 * .millisecond)
    #expect(client.bodies == Array(bodies[..<10]))
    #expect(client.deliveries.allSatisfy { !$0.isRedelivered })
    for tag in 1...50 {
      try client.send(.basicAck(BasicAck(deliveryTag: UInt64(tag))))
      cluster.advance(50 * .millisecond)
    }
    #expect(client.bodies == bodies)
    #expect(client.channelCloses.isEmpty)
    #expect(try owner.count("q", cluster) == 0)
    #expect(try owner.get("q", cluster) == nil)
    #expect(owner.got.count == 1)
  }

  @Test(arguments: Setting.all) func getTakesOneAndSaysHowManyAreLeft(_ setting: Setting) throws {
    let cluster = try TestCluster(setting.nodes)
    let leader = try #require(cluster.awaitLeader())
    let owner = try cluster.client(on: leader, queue: "q", quorum: setting.quorum)
    let client = cluster.client(on: (leader + setting.client) % setting.nodes)
    try client.open(cluster)
    #expect(try client.get("q", cluster) == nil)
    for body in ["a", "b", "c"] { try client.publish(body) }
    cluster.advance(300 * .millisecond)
    #expect(try client.get("q", cluster)?.body == "a")
    #expect(try client.get("q", cluster, noAck: true)?.body == "b")
    #expect(client.remaining == [2, 1])
    try client.send(.basicReject(BasicReject(deliveryTag: 1, requeue: true)))
    cluster.advance(100 * .millisecond)
    let again = try #require(try client.get("q", cluster))
    #expect(again.body == "a" && again.isRedelivered)
    let last = try #require(try client.get("q", cluster))
    #expect(last.body == "c" && !last.isRedelivered)
    #expect(try client.get("q", cluster) == nil)
    try client.send(.basicAck(BasicAck(deliveryTag: 0, multiple: true)))
    cluster.advance(200 * .millisecond)
    #expect(try owner.count("q", cluster) == 0)
    #expect(client.channelCloses.isEmpty && client.closed == nil)
  }

  @Test(arguments: Setting.all) func whatIsNotSettledComesBackAtItsPlace(_ setting: Setting) throws {
    let cluster = try TestCluster(setting.nodes)
    let leader = try #require(cluster.awaitLeader())
    _ = try cluster.client(on: leader, queue: "q", quorum: setting.quorum)
    let client = cluster.client(on: (leader + setting.client) % setting.nodes)
    try client.open(cluster)
    for number in 1...6 { try client.publish("m\(number)") }
    try client.call(.basicQos(BasicQos(prefetchCount: 4)), cluster)
    try client.call(.basicConsume(BasicConsume(queue: "q")), cluster)
    cluster.advance(200 * .millisecond)
    #expect(client.bodies == ["m1", "m2", "m3", "m4"])
    try client.send(.basicAck(BasicAck(deliveryTag: 2)))
    cluster.advance(200 * .millisecond)
    #expect(client.bodies.last == "m5")
    try client.connection.closeChannel(1)
    cluster.advance(200 * .millisecond)
    try client.connection.openChannel(1)
    cluster.settle()
    client.deliveries = []
    try client.call(.basicConsume(BasicConsume(queue: "q", noAck: true)), cluster)
    #expect(cluster.advance { client.deliveries.count == 5 })
    #expect(client.bodies == ["m1", "m3", "m4", "m5", "m6"])
    #expect(client.deliveries.map(\.isRedelivered) == [true, true, true, true, false])
  }
}

@Suite struct LimitTests {
  /// Messages larger than a frame of a link, and more of them than one frame takes.
  @Test func largeMessagesReachEveryNode() throws {
    let cluster = try TestCluster(3)
    let leader = try #require(cluster.awaitLeader())
    let client = try cluster.client(on: (leader + 1) % 3, queue: "q", quorum: true)
    try client.declare("c", quorum: false, cluster)
    let sizes = [0, 1, 130_000, 140_000, 5 << 20, 3 << 20, 16 << 20]
    for size in sizes { try client.publish(String(repeating: "x", count: size)) }
    try client.publish(String(repeating: "y", count: 5 << 20), key: "c")
    let reader = cluster.client(on: (leader + 2) % 3)
    try reader.open(cluster)
    for size in sizes { #expect(try reader.get("q", cluster)?.body.utf8.count == size) }
    #expect(try reader.get("c", cluster)?.body.utf8.count == 5 << 20)
    try client.publish(String(repeating: "x", count: (16 << 20) + 1))
    cluster.advance(100 * .millisecond)
    #expect(client.channelCloses.map(\.code) == [311])
  }

  @Test func aTransactionHasALimit() throws {
    let cluster = try TestCluster(1)
    _ = cluster.awaitLeader()
    let client = try cluster.client(on: 0, queue: "q", quorum: true)
    try client.call(.txSelect, cluster)
    for _ in 0..<5 { try client.publish(String(repeating: "x", count: 16 << 20)) }
    cluster.advance(100 * .millisecond)
    #expect(client.channelCloses.map(\.code) == [406])
  }

  /// A node that cannot get rid of requests stops reading from clients, and reads again later.
  @Test func clientsWaitWhereNothingMoves() throws {
    let cluster = try TestCluster(1)
    _ = cluster.awaitLeader()
    let client = try cluster.client(on: 0, queue: "q", quorum: true)
    try client.call(.confirmSelect(noWait: false), cluster)
    cluster.nodes[0].holdsDisk = true
    for _ in 0..<60 {
      try client.publish(String(repeating: "x", count: 1 << 20))
      cluster.settle()
    }
    #expect(cluster.broker(0)?.isPaused(client.id) == true)
    #expect(try #require(cluster.broker(0)).requests.pendingBytes < 40 << 20)
    cluster.nodes[0].holdsDisk = false
    #expect(cluster.advance { client.confirmed.count == 60 })
    #expect(cluster.broker(0)?.isPaused(client.id) == false)
  }
}
