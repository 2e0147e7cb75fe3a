// Scenarios about links: each policy shown by probes and by the counters of the nodes' own packets.

import Arena
import Base
import Glibc

extension Supervisor {
  /// Cut one way, delay, loss, healing, in turn; then real traffic against the counters.
  func links() throws {
    let network = try makeNetwork(["n1", "n2", "clients"])
    var steps: [(@escaping () -> Void) -> Void] = []
    func show(_ name: String, _ from: String, _ to: String, count: Int = 3, timeout: Nanoseconds = .second) {
      steps.append { [self] next in
        network.probe(from: from, to: to, count: count, timeout: timeout) { [self] result in
          let shortest = result.shortest.map { "\($0 / .microsecond)" } ?? "none"
          say("\(name) \(from)>\(to) sent \(result.sent) received \(result.received) shortest \(shortest)")
          next()
        }
      }
    }
    func set(_ policy: LinkPolicy, _ from: String, _ to: String) {
      steps.append { next in
        network.setPolicy(policy, from: from, to: to)
        next()
      }
    }
    for (from, to) in [("n1", "n2"), ("n2", "n1"), ("clients", "n2")] { show("open", from, to) }
    set(LinkPolicy(cut: true), "n1", "n2")
    show("cut", "n1", "n2", timeout: 100 * .millisecond)
    show("cut", "n2", "n1")
    show("cut", "clients", "n2")
    set(LinkPolicy(delay: 30 * .millisecond, jitter: 5 * .millisecond), "n1", "n2")
    show("delay", "n1", "n2", count: 20)
    show("delay", "n2", "n1")
    set(LinkPolicy(loss: 0.5), "n1", "n2")
    show("loss", "n1", "n2", count: 400, timeout: 200 * .millisecond)
    set(LinkPolicy(duplicate: 1), "n1", "n2")
    set(LinkPolicy(), "n1", "n2")
    show("healed", "n1", "n2")
    steps.append { [self] next in
      let counters = network.counters(from: "n1", to: "n2") ?? .init()
      say("uncounted \(counters == .init())")
      next()
    }
    func run(_ index: Int) {
      if index == steps.count { return traffic(network) }
      let step = steps[index]
      step { run(index + 1) }
    }
    run(0)
  }

  /// A TCP transfer of 300 kB from n2 to n1 over a slow link that loses, delays and repeats: all arrives, and the
  /// counters felt it.
  private func traffic(_ network: Network) {
    network.setPolicy(
      LinkPolicy(delay: 2 * .millisecond, loss: 0.05, duplicate: 0.3, rate: 2_000_000), from: "n2", to: "n1")
    let server = makeNode("n2", [SpawnRequest.ownExecutable, "serve"])
    let client = makeNode("n1", [SpawnRequest.ownExecutable, "fetch", "10.77.0.2", "300000"])
    server.onExit = { [self] in say("server \($0.cause)") }
    client.onExit = { [self] exit in
      say("client \(exit.cause)")
      let counters = network.counters(from: "n2", to: "n1") ?? .init()
      say("carried \(counters.bytes >= 300_000) packets \(counters.packets)")
      say("felt \(counters.delayed > 0 && counters.duplicated > 0 && counters.droppedByCut == 0)")
      // 300 kB and a third of them twice, at 2 MB/s: 200 ms between the first packet and the last.
      say("slow \(counters.lastPacket - counters.firstPacketSincePolicy > 100 * .millisecond)")
      say("since \(counters.firstPacketSincePolicy > 0 && counters.firstPacketSincePolicy < counters.lastPacket)")
      network.links.healAll()
      finish()
    }
    do {
      try server.start()
      try client.start()
    } catch {
      say("error \(error)")
    }
  }

  /// Throughput and round trips of an unimpaired link, for measuring by hand: `stream MTU BYTES`.
  func stream(_ arguments: [String]) throws {
    let mtu = arguments.first.flatMap { Int($0) } ?? Network.defaultMTU
    let network = try makeNetwork(["n1", "n2"], mtu: mtu)
    let server = makeNode("n2", [SpawnRequest.ownExecutable, "serve"])
    let log = "/tmp/stream-\(mtu).log"
    let client = makeNode(
      "n1", [SpawnRequest.ownExecutable, "fetch", "10.77.0.2", arguments.dropFirst().first ?? "1000000"], log: log)
    client.onExit = { [self] exit in
      say("client \(exit.cause)")
      network.probe(from: "n1", to: "n2", count: 20, timeout: .second) { [self] result in
        say("one way \(result.median ?? -1) ns")
        finish()
      }
    }
    try server.start()
    try client.start()
  }
}
