// What survives: confirms and disks, leaders that fall, links that break, nodes that start again.
import AMQP
import Base
import Testing

@testable import Broker

@Suite struct DurabilityTests {
  @Test(arguments: [true, false]) func oneNodeConfirmsOnlyWhatIsOnDisk(_ quorum: Bool) throws {
    let cluster = try TestCluster(1)
    _ = try #require(cluster.awaitLeader())
    let client = try cluster.client(on: 0, queue: "q", quorum: quorum)
    try client.call(.confirmSelect(noWait: false), cluster)
    cluster.nodes[0].holdsDisk = true
    try client.publish("a")
    try client.publish("b", persistent: false)
    cluster.advance(500 * .millisecond)
    #expect(client.confirmed == (quorum ? [] : ["b"]))
    cluster.nodes[0].holdsDisk = false
    cluster.advance(50 * .millisecond)
    #expect(client.confirmed.sorted() == ["a", "b"])
    #expect(client.refused.isEmpty)
  }

  @Test func aMajorityMustHaveItOnDisk() throws {
    let cluster = try TestCluster(3)
    let leader = try #require(cluster.awaitLeader())
    let client = try cluster.client(on: leader, queue: "q", quorum: true)
    try client.call(.confirmSelect(noWait: false), cluster)
    for node in 0..<3 where node != leader { cluster.nodes[node].holdsDisk = true }
    try client.publish("a")
    cluster.advance(500 * .millisecond)
    #expect(client.confirmed.isEmpty)
    cluster.nodes[(leader + 1) % 3].holdsDisk = false
    cluster.advance(100 * .millisecond)
    #expect(client.confirmed == ["a"])
    // The other two are enough without the leader's own disk.
    cluster.nodes[(leader + 2) % 3].holdsDisk = false
    cluster.nodes[leader].holdsDisk = true
    try client.publish("b")
    cluster.advance(100 * .millisecond)
    #expect(client.confirmed == ["a", "b"])
  }

  @Test(arguments: [true, false]) func aStartBringsBackWhatWasConfirmed(_ quorum: Bool) throws {
    let cluster = try TestCluster(1)
    _ = try #require(cluster.awaitLeader())
    let client = try cluster.client(on: 0, queue: "q", quorum: quorum)
    try client.call(.confirmSelect(noWait: false), cluster)
    for number in 1...5 { try client.publish("m\(number)") }
    try client.publish("transient", persistent: false)
    #expect(cluster.advance { client.confirmed.count == 6 })
    #expect(try client.get("q", cluster)?.body == "m1")
    #expect(try client.get("q", cluster)?.body == "m2")
    try client.send(.basicAck(BasicAck(deliveryTag: 2)))
    cluster.advance(50 * .millisecond)
    cluster.nodes[0].holdsDisk = true
    try client.publish("unsynced")
    try client.send(.basicAck(BasicAck(deliveryTag: 1)))
    cluster.advance(50 * .millisecond)
    cluster.crash(0)
    for start in 1...2 {
      try cluster.start(0)
      _ = try #require(cluster.awaitLeader())
      let after = cluster.client(on: 0)
      try after.open(cluster)
      try after.call(.basicConsume(BasicConsume(queue: "q")), cluster)
      cluster.advance(100 * .millisecond)
      #expect(after.bodies == ["m1", "m3", "m4", "m5"] + (quorum ? ["transient"] : []), "start \(start)")
      #expect(after.deliveries.allSatisfy { $0.isRedelivered })
      cluster.crash(0)
    }
  }

  /// A start whose number never reached the disk has used it for nothing: the next start may have the same.
  @Test func aStartIsNothingUntilItIsOnDisk() throws {
    let cluster = try TestCluster(3)
    let leader = try #require(cluster.awaitLeader())
    _ = try cluster.client(on: leader, queue: "q", quorum: true)
    let node = (leader + 1) % 3
    cluster.crash(node)
    try cluster.start(node)
    cluster.nodes[node].holdsDisk = true
    let early = cluster.client(on: node)
    cluster.advance(2 * .second)
    #expect(early.connection.isOpen && cluster.broker(node)?.isReady == false)
    cluster.crash(node)
    try cluster.start(node)
    let client = cluster.client(on: node)
    try client.open(cluster)
    try client.call(.confirmSelect(noWait: false), cluster)
    try client.publish("m")
    #expect(cluster.advance { client.confirmed == ["m"] })
  }

  @Test func nobodyWaitsForEverForALeader() throws {
    let cluster = try TestCluster(3)
    let leader = try #require(cluster.awaitLeader())
    let client = cluster.client(on: leader)
    try client.open(cluster)
    cluster.isolate(leader)
    cluster.advance(2 * .second)
    try client.send(.queueDeclare(QueueDeclare(queue: "q")))
    let late = cluster.client(on: leader)
    cluster.advance(8 * .second)
    #expect(client.closed == nil && late.closed == nil)
    cluster.advance(4 * .second)
    #expect(client.closed?.code == .internalError)
    #expect(late.closed?.code == .internalError)
  }
}

@Suite struct LeaderTests {
  /// The client is at a follower; publishes go on while leaders fall; each message is there once, in order.
  @Test(arguments: 1...6) func aFallenLeaderCostsNothingAndDoublesNothing(_ seed: UInt64) throws {
    let cluster = try TestCluster(3, seed: seed)
    let first = try #require(cluster.awaitLeader())
    let client = try cluster.client(on: (first + 1) % 3, queue: "q", quorum: true)
    try client.call(.confirmSelect(noWait: false), cluster)
    var generator = SeededGenerator(seed: seed, label: "crash")
    var sent = 0
    func publish(_ count: Int) throws {
      for _ in 0..<count {
        sent += 1
        try client.publish("m\(sent)")
        if generator.chance(0.3) { cluster.settle() }
        if generator.chance(0.1) { cluster.advance(10 * .millisecond) }
      }
    }
    try publish(20)
    // Entries that reached some disks only, then the crash.
    cluster.nodes[(first + 1 + generator.below(2)) % 3].holdsDisk = true
    try publish(20)
    cluster.crash(first)
    for node in 0..<3 { cluster.nodes[node].holdsDisk = false }
    try publish(20)
    let second = try #require(cluster.awaitLeader())
    #expect(second != first)
    try publish(20)
    try cluster.start(first)
    #expect(cluster.advance { client.confirmed.count == sent })
    #expect(client.refused.isEmpty && client.closed == nil)
    #expect(client.confirmed == (1...sent).map { "m\($0)" })
    try client.call(.basicConsume(BasicConsume(queue: "q", noAck: true)), cluster)
    #expect(cluster.advance { client.deliveries.count >= sent })
    cluster.advance(3 * .second)
    #expect(client.bodies == (1...sent).map { "m\($0)" })
    #expect(try client.get("q", cluster) == nil)
    #expect(try client.count("q", cluster) == 0)
  }

  @Test func anIsolatedLeaderConfirmsNothing() throws {
    let cluster = try TestCluster(3)
    let leader = try #require(cluster.awaitLeader())
    let stale = try cluster.client(on: leader, queue: "q", quorum: true)
    try stale.call(.confirmSelect(noWait: false), cluster)
    try stale.publish("before")
    #expect(cluster.advance { stale.confirmed == ["before"] })
    cluster.isolate(leader)
    try stale.publish("inside")
    try stale.send(.basicGet(BasicGet(queue: "q")))
    cluster.advance(3 * .second)
    #expect(stale.confirmed == ["before"])
    let other = cluster.client(on: (leader + 1) % 3)
    try other.open(cluster)
    let delivery = try other.get("q", cluster)
    #expect(delivery?.body == "before" && delivery?.isRedelivered == true)
    try other.send(.basicAck(BasicAck(deliveryTag: 1)))
    cluster.advance(100 * .millisecond)
    cluster.heal()
    #expect(cluster.advance { stale.confirmed == ["before", "inside"] })
    #expect(try other.get("q", cluster)?.body == "inside")
    #expect(try other.get("q", cluster) == nil)
  }

  /// "Empty" is said only by who is known to lead at that moment.
  @Test func anIsolatedLeaderKnowsNothingOfEmptiness() throws {
    let cluster = try TestCluster(3)
    let leader = try #require(cluster.awaitLeader())
    let client = try cluster.client(on: leader, queue: "q", quorum: true)
    cluster.isolate(leader)
    try client.send(.basicGet(BasicGet(queue: "q")))
    cluster.advance(3 * .second)
    #expect(client.got.isEmpty)
    let other = cluster.client(on: (leader + 1) % 3)
    try other.open(cluster)
    try other.publish("m")
    cluster.advance(500 * .millisecond)
    cluster.heal()
    #expect(cluster.advance { client.got.count == 1 })
    #expect(client.got[0]?.body == "m")
  }

  /// What a consumer holds when the leader falls comes again, flagged; its late acknowledgement does no harm.
  @Test func deliveriesOfAFallenLeaderAreVoid() throws {
    let cluster = try TestCluster(3)
    let leader = try #require(cluster.awaitLeader())
    let client = try cluster.client(on: (leader + 1) % 3, queue: "q", quorum: true)
    for number in 1...5 { try client.publish("m\(number)") }
    try client.call(.basicQos(BasicQos(prefetchCount: 2)), cluster)
    try client.call(.basicConsume(BasicConsume(queue: "q")), cluster)
    cluster.advance(100 * .millisecond)
    #expect(client.bodies == ["m1", "m2"])
    cluster.crash(leader)
    _ = try #require(cluster.awaitLeader())
    cluster.advance(500 * .millisecond)
    #expect(client.bodies == ["m1", "m2"])  // two unsettled are all that it may have
    try client.send(.basicAck(BasicAck(deliveryTag: 2, multiple: true)))
    cluster.advance(500 * .millisecond)
    #expect(client.bodies == ["m1", "m2", "m1", "m2"])
    #expect(client.deliveries.map(\.isRedelivered) == [false, false, true, true])
    for tag in [3, 4, 5, 6, 7] {
      try client.send(.basicAck(BasicAck(deliveryTag: UInt64(tag))))
      cluster.advance(300 * .millisecond)
    }
    #expect(client.bodies == ["m1", "m2", "m1", "m2", "m3", "m4", "m5"])
    #expect(client.closed == nil && client.channelCloses.isEmpty)
    #expect(try client.count("q", cluster) == 0)
    cluster.advance(3 * .second)
    #expect(client.deliveries.count == 7)
  }

  @Test func whatALostNodeHeldGoesToOthersAfterAWhile() throws {
    let cluster = try TestCluster(3)
    let leader = try #require(cluster.awaitLeader())
    let far = try cluster.client(on: (leader + 1) % 3, queue: "q", quorum: true)
    let near = cluster.client(on: leader)
    try near.open(cluster)
    for number in 1...3 { try near.publish("m\(number)") }
    cluster.advance(100 * .millisecond)
    try far.call(.basicConsume(BasicConsume(queue: "q")), cluster)
    cluster.advance(100 * .millisecond)
    #expect(far.deliveries.count == 3)
    try near.call(.basicConsume(BasicConsume(queue: "q")), cluster)
    cluster.isolate((leader + 1) % 3)
    cluster.advance(1500 * .millisecond)
    #expect(near.deliveries.isEmpty)
    cluster.advance(1 * .second)
    #expect(near.bodies == ["m1", "m2", "m3"])
    #expect(near.deliveries.allSatisfy { $0.isRedelivered })
  }

  @Test func theHomeOfAClassicQueueFalls() throws {
    let cluster = try TestCluster(3)
    let leader = try #require(cluster.awaitLeader())
    let home = (leader + 1) % 3
    let owner = try cluster.client(on: home, queue: "q", quorum: false)
    let client = cluster.client(on: leader)
    try client.open(cluster)
    try client.call(.confirmSelect(noWait: false), cluster)
    try client.publish("kept")
    #expect(cluster.advance { client.confirmed == ["kept"] })
    let consumer = cluster.client(on: (leader + 2) % 3)
    try consumer.open(cluster)
    try consumer.call(.basicConsume(BasicConsume(queue: "q")), cluster)
    cluster.advance(100 * .millisecond)
    #expect(consumer.bodies == ["kept"])
    cluster.nodes[home].holdsDisk = true
    try client.publish("unknown")
    cluster.advance(100 * .millisecond)
    cluster.crash(home)
    cluster.advance(100 * .millisecond)
    #expect(owner.closed == nil)
    #expect(client.refused == ["unknown"])
    #expect(consumer.channelCloses.map(\.code) == [404])
    try client.publish("dropped")
    try client.publish("back", mandatory: true)
    cluster.advance(100 * .millisecond)
    #expect(client.refused == ["unknown", "dropped"])
    #expect(client.returned == ["back"] && client.confirmed == ["kept", "back"])
    try cluster.start(home)
    cluster.advance(3 * .second)
    try client.publish("again")
    #expect(cluster.advance { client.confirmed.contains("again") })
    let after = cluster.client(on: leader)
    try after.open(cluster)
    try after.call(.basicConsume(BasicConsume(queue: "q")), cluster)
    cluster.advance(100 * .millisecond)
    #expect(after.bodies == ["kept", "again"])
    #expect(after.deliveries.map(\.isRedelivered) == [true, false])
  }
}
