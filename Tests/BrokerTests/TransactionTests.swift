// Transactions: commit, rollback, refusal, and what a fallen leader leaves of them.
import AMQP
import Base
import Testing

@testable import Broker

@Suite struct TransactionTests {
  @Test(arguments: Setting.all) func allOfItOnlyWithTheCommit(_ setting: Setting) throws {
    let cluster = try TestCluster(setting.nodes)
    let leader = try #require(cluster.awaitLeader())
    let owner = try cluster.client(on: leader, queue: "in", quorum: setting.quorum)
    try owner.declare("out", quorum: setting.quorum, cluster)
    for number in 1...4 { try owner.publish("in\(number)", key: "in") }
    cluster.advance(100 * .millisecond)
    let client = cluster.client(on: (leader + setting.client) % setting.nodes)
    try client.open(cluster)
    try client.call(.txSelect, cluster)
    try client.call(.basicConsume(BasicConsume(queue: "in")), cluster)
    #expect(cluster.advance { client.deliveries.count == 4 })
    try client.publish("out1", key: "out")
    try client.publish("out2", key: "out")
    try client.publish("nowhere", key: "none", mandatory: true)
    try client.send(.basicAck(BasicAck(deliveryTag: 2, multiple: true)))
    cluster.advance(300 * .millisecond)
    #expect(try owner.count("out", cluster) == 0)
    #expect(client.returned.isEmpty)
    #expect(try client.call(.txCommit, cluster) == .txCommitOk)
    #expect(client.returned == ["nowhere"])
    #expect(try owner.count("out", cluster) == 2)
    // Rolled back: the publish is forgotten, and the delivery is unsettled as before.
    try client.publish("out3", key: "out")
    try client.send(.basicAck(BasicAck(deliveryTag: 3)))
    #expect(try client.call(.txRollback, cluster) == .txRollbackOk)
    try client.send(.basicNack(BasicNack(deliveryTag: 3, requeue: true)))
    #expect(try client.call(.txCommit, cluster) == .txCommitOk)
    cluster.advance(300 * .millisecond)
    #expect(client.bodies == ["in1", "in2", "in3", "in4", "in3"])
    #expect(try owner.count("out", cluster) == 2)
    try client.connection.closeChannel(1)
    cluster.advance(300 * .millisecond)
    #expect(try owner.get("in", cluster)?.body == "in3")
    #expect(try owner.get("in", cluster)?.body == "in4")
    #expect(try owner.get("in", cluster) == nil)
    #expect(client.channelCloses.allSatisfy { $0.code == 200 })
  }

  /// What might not be remembered as a whole is not shown in part.
  @Test func nothingIsSeenOfATransactionBeforeItIsOnDisk() throws {
    let cluster = try TestCluster(1)
    _ = try #require(cluster.awaitLeader())
    let client = try cluster.client(on: 0, queue: "a", quorum: false)
    try client.declare("b", quorum: false, cluster)
    try client.call(.txSelect, cluster)
    let reader = cluster.client(on: 0)
    try reader.open(cluster)
    try reader.call(.basicConsume(BasicConsume(queue: "a")), cluster)
    cluster.nodes[0].holdsDisk = true
    for key in ["a", "b", "a"] { try client.publish(key, key: key, persistent: key == "a") }
    try client.send(.txCommit)
    cluster.advance(300 * .millisecond)
    #expect(try reader.get("b", cluster) == nil)
    #expect(reader.deliveries.isEmpty && reader.got.count == 1)
    cluster.nodes[0].holdsDisk = false
    #expect(cluster.advance { client.methods.last == .txCommitOk && reader.deliveries.count == 2 })
    #expect(try reader.get("b", cluster)?.body == "b")
  }

  @Test func confirmAndTransactionExcludeEachOther() throws {
    let cluster = try TestCluster(1)
    _ = cluster.awaitLeader()
    let client = cluster.client(on: 0)
    try client.open(cluster)
    try client.call(.txSelect, cluster)
    try client.call(.confirmSelect(noWait: false), cluster)
    try client.open(cluster, channel: 2)
    try client.call(.confirmSelect(noWait: false), cluster, channel: 2)
    try client.call(.txSelect, cluster, channel: 2)
    #expect(client.channelCloses.map(\.code) == [406, 406])
  }

  /// The delivery went back with the leader: the whole transaction is refused, for certain.
  @Test func anAcknowledgementOfYesterdayRefusesTheTransaction() throws {
    let cluster = try TestCluster(3)
    let leader = try #require(cluster.awaitLeader())
    let client = try cluster.client(on: (leader + 1) % 3, queue: "q", quorum: true)
    try client.declare("out", quorum: true, cluster)
    try client.publish("m")
    try client.call(.txSelect, cluster)
    try client.call(.basicConsume(BasicConsume(queue: "q")), cluster)
    #expect(cluster.advance { client.deliveries.count == 1 })
    try client.publish("out", key: "out")
    try client.send(.basicAck(BasicAck(deliveryTag: 1)))
    cluster.settle()
    cluster.crash(leader)
    // Committed before the new leader is known, or after: the answer is the same.
    try client.call(.txCommit, cluster)
    #expect(client.channelCloses.map(\.code) == [406])
    let other = cluster.client(on: (leader + 1) % 3)
    try other.open(cluster)
    #expect(try other.count("out", cluster) == 0)
    #expect(try other.get("q", cluster)?.body == "m")
  }

  /// Commits go on while the leader falls at any moment: all or nothing, and what was answered holds.
  @Test(arguments: 1...8) func wholeThroughTheFallOfALeader(_ seed: UInt64) throws {
    let cluster = try TestCluster(3, seed: seed)
    let leader = try #require(cluster.awaitLeader())
    let client = try cluster.client(on: (leader + 1) % 3, queue: "a", quorum: true)
    try client.declare("b", quorum: true, cluster)
    try client.call(.txSelect, cluster)
    var generator = SeededGenerator(seed: seed, label: "tx")
    let fall = 3 + generator.below(5)
    var committed: Set<String> = []
    for number in 1...12 {
      try client.publish("t\(number)", key: "a")
      try client.publish("t\(number)", key: "b")
      if number == fall { cluster.nodes[generator.below(3)].holdsDisk = true }
      if number == fall + 1 { cluster.crash(leader) }
      for node in 0..<3 where number > fall { cluster.nodes[node].holdsDisk = false }
      if try client.call(.txCommit, cluster) == .txCommitOk { committed.insert("t\(number)") }
    }
    #expect(committed.count == 12)
    let reader = cluster.client(on: (leader + 2) % 3)
    try reader.open(cluster)
    for queue in ["a", "b"] {
      reader.deliveries = []
      try reader.call(.basicConsume(BasicConsume(queue: queue)), cluster)
      cluster.advance(300 * .millisecond)
      #expect(reader.bodies == (1...12).map { "t\($0)" }, "\(queue)")
    }
  }
}

@Suite struct DefectTests {
  @Test(arguments: [1, 3]) func confirmBeforeFsyncAndQuorum(_ nodes: Int) throws {
    for quorum in [false, true] {
      let cluster = try TestCluster(nodes, defects: [.confirmBeforeFsyncAndQuorum])
      let leader = try #require(cluster.awaitLeader())
      let client = try cluster.client(on: leader, queue: "q", quorum: quorum)
      try client.call(.confirmSelect(noWait: false), cluster)
      for number in 1...20 { try client.publish("m\(number)") }
      cluster.settle()
      #expect(client.confirmed.count == 20)
      cluster.crash(leader)
      try cluster.start(leader)
      _ = try #require(cluster.awaitLeader())
      cluster.advance(1 * .second)
      let reader = cluster.client(on: leader)
      try reader.open(cluster)
      #expect(try #require(try reader.count("q", cluster)) < 20)
      // Without a crash everything arrives.
      try reader.call(.confirmSelect(noWait: false), cluster)
      let before = try #require(try reader.count("q", cluster))
      for number in 1...20 { try reader.publish("n\(number)") }
      cluster.advance(1 * .second)
      #expect(try reader.count("q", cluster) == before + 20)
    }
  }

  /// A fallen leader takes with it what the front end of another node has confirmed.
  @Test func earlyConfirmsDoNotSurviveTheLeader() throws {
    let cluster = try TestCluster(3, defects: [.confirmBeforeFsyncAndQuorum])
    let leader = try #require(cluster.awaitLeader())
    let client = try cluster.client(on: (leader + 1) % 3, queue: "q", quorum: true)
    try client.call(.confirmSelect(noWait: false), cluster)
    for number in 1...20 { try client.publish("m\(number)") }
    cluster.settle()
    #expect(client.confirmed.count == 20)
    cluster.crash(leader)
    _ = try #require(cluster.awaitLeader())
    cluster.advance(2 * .second)
    #expect(try #require(try client.count("q", cluster)) < 20)
  }

  @Test(arguments: [true, false]) func dropOnRequeue(_ quorum: Bool) throws {
    let cluster = try TestCluster(3, defects: [.dropOnRequeue])
    let leader = try #require(cluster.awaitLeader())
    let client = try cluster.client(on: leader, queue: "q", quorum: quorum)
    for number in 1...3 { try client.publish("m\(number)") }
    cluster.advance(100 * .millisecond)
    #expect(try client.get("q", cluster)?.body == "m1")
    try client.send(.basicReject(BasicReject(deliveryTag: 1, requeue: true)))
    cluster.advance(100 * .millisecond)
    #expect(try client.get("q", cluster)?.body == "m2")
    client.connection.closeConnection()
    cluster.advance(100 * .millisecond)
    let other = cluster.client(on: leader)
    try other.open(cluster)
    #expect(try other.get("q", cluster)?.body == "m3")
    #expect(try other.get("q", cluster) == nil)
  }

  @Test func tornCommit() throws {
    let cluster = try TestCluster(3, defects: [.tornCommit])
    let leader = try #require(cluster.awaitLeader())
    let client = try cluster.client(on: (leader + 1) % 3, queue: "q", quorum: true)
    try client.call(.txSelect, cluster)
    for number in 1...4 { try client.publish("m\(number)") }
    #expect(try client.call(.txCommit, cluster) == .txCommitOk)
    #expect(try client.count("q", cluster) == 4)
    for number in 5...8 { try client.publish("m\(number)") }
    try client.send(.txCommit)
    cluster.settle()
    cluster.crash(leader)
    _ = try #require(cluster.awaitLeader())
    #expect(cluster.advance { client.closed != nil })
    let other = cluster.client(on: (leader + 1) % 3)
    try other.open(cluster)
    #expect(try other.count("q", cluster) == 6)
  }

  @Test func tornCommitOfClassicQueues() throws {
    let cluster = try TestCluster(1, defects: [.tornCommit])
    _ = try #require(cluster.awaitLeader())
    let client = try cluster.client(on: 0, queue: "q", quorum: false)
    try client.call(.txSelect, cluster)
    for number in 1...4 { try client.publish("m\(number)") }
    try client.send(.txCommit)
    cluster.settle()
    cluster.crash(0)
    try cluster.start(0)
    _ = try #require(cluster.awaitLeader())
    let other = cluster.client(on: 0)
    try other.open(cluster)
    #expect(try other.count("q", cluster) == 2)
  }
}
