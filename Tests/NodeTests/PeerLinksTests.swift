// Links between nodes, over real sockets on one loop: who dials, what comes, and how a link ends and comes back.

import Base
import EventLoop
import Testing

@testable import stormproof_node

/// Nodes of one cluster on the loopback, and all that their links told.
private final class Cluster {
  let loop: Loop
  var links: [PeerLinks] = []
  var told: [[String]]
  let members: [(name: String, endpoint: Endpoint)]

  init(_ count: Int) throws {
    let loop = try Loop()
    self.loop = loop
    // Ports that the kernel gave, and that nobody has taken since.
    let ports = try (0..<count).map { _ in try TCPListener(loop, address: "127.0.0.1", port: 0) { $0.abort() } }
    members = ports.enumerated().map { ("n\($0 + 1)", Endpoint(address: "127.0.0.1", port: $1.port)) }
    told = Array(repeating: [], count: count)
    for port in ports { port.close() }
    loop.runOnce()
    for node in 0..<count { try start(node) }
  }

  func start(_ node: Int, members other: [(name: String, endpoint: Endpoint)]? = nil) throws {
    let links = try PeerLinks(loop, node: node, members: other ?? members, seed: UInt64(node))
    links.onConnected = { [weak self] in self?.told[node].append("+\($0)") }
    links.onDisconnected = { [weak self] in self?.told[node].append("-\($0)") }
    links.onFrame = { [weak self] from, frame in
      self?.told[node].append(
        frame.count < 9 ? "\(from):" + String(decoding: frame, as: UTF8.self) : "\(from):\(frame.count)")
      return frame.first != UInt8(ascii: "!")
    }
    if node < self.links.count { self.links[node] = links } else { self.links.append(links) }
    links.start()
  }

  /// Turns the loop until `done`; false after ten seconds.
  func turns(until done: () -> Bool) -> Bool {
    let end = Loop.monotonicNow() + 10 * .second
    while !done() {
      loop.runOnce()
      if Loop.monotonicNow() > end { return false }
    }
    return true
  }

  var allConnected: Bool {
    told.indices.allSatisfy { node in
      Set(told[node]).isSuperset(of: told.indices.filter { $0 != node }.map { "+\($0)" })
    }
  }
}

@Suite(.serialized) struct PeerLinksTests {
  @Test func framesArriveInOrder() throws {
    let cluster = try Cluster(3)
    #expect(cluster.turns { cluster.allConnected })
    cluster.links[0].send(2, Array("a".utf8))
    cluster.links[0].send(2, [UInt8](repeating: 1, count: 3_000_000))
    cluster.links[0].send(2, Array("b".utf8))
    cluster.links[2].send(0, Array("c".utf8))
    #expect(cluster.turns { cluster.told[2].contains("0:b") && cluster.told[0].contains("2:c") })
    #expect(cluster.told[2].filter { $0.hasPrefix("0:") } == ["0:a", "0:3000000", "0:b"])
    #expect(cluster.told[1].allSatisfy { $0.hasPrefix("+") })
  }

  @Test func aLinkThatEndsIsTakenUpAgain() throws {
    let cluster = try Cluster(2)
    #expect(cluster.turns { cluster.allConnected })
    // From the side that dials, from the other, and for a frame that cannot be read.
    cluster.links[0].reset(1, "test")
    #expect(cluster.turns { cluster.told == [["+1", "-1", "+1"], ["+0", "-0", "+0"]] })
    cluster.links[1].reset(0, "test")
    #expect(cluster.turns { cluster.told.allSatisfy { $0.count == 5 } })
    cluster.links[1].send(0, Array("!".utf8))
    #expect(cluster.turns { cluster.told[0].suffix(3) == ["1:!", "-1", "+1"] && cluster.told[1].count == 7 })
  }

  @Test func aNodeThatRestartsIsFound() throws {
    let cluster = try Cluster(2)
    #expect(cluster.turns { cluster.allConnected })
    for node in 0..<2 {
      cluster.links[node].stop()
      #expect(cluster.turns { cluster.told[1 - node].last == "-\(node)" })
      cluster.told = [[], []]
      try cluster.start(node)
      #expect(cluster.turns { cluster.allConnected })
    }
  }

  @Test func anotherClusterStaysOutside() throws {
    let cluster = try Cluster(2)
    #expect(cluster.turns { cluster.allConnected })
    cluster.links[0].stop()
    #expect(cluster.turns { cluster.told[1].last == "-0" })
    cluster.told = [[], []]
    try cluster.start(0, members: [cluster.members[0], ("other", cluster.members[1].endpoint)])
    let end = Loop.monotonicNow() + .second
    _ = cluster.turns { Loop.monotonicNow() > end }
    #expect(cluster.told == [[], []])
  }

  @Test func silenceEndsALink() throws {
    let cluster = try Cluster(2)
    #expect(cluster.turns { cluster.allConnected })
    cluster.links[1].stop()
    cluster.told = [[], []]
    // Says hello as the second node, and nothing more.
    var open: TCPConnection?
    let mute = try TCPListener(cluster.loop, address: "127.0.0.1", port: cluster.members[1].endpoint.port) {
      connection in
      open = connection
      connection.onInput = { $0.count }
      connection.write { Hello(cluster: Hello.cluster(["n1", "n2"]), node: 1).append(to: &$0) }
    }
    #expect(cluster.turns { cluster.told[0].suffix(2) == ["+1", "-1"] })
    #expect(open != nil)
    mute.close()
  }

  @Test func damagedFramesAreRefused() {
    var bytes: [UInt8] = []
    PeerFraming.append(Array("hello".utf8), to: &bytes)
    for cut in 0..<bytes.count {
      bytes[..<cut].withUnsafeBytes {
        guard case .incomplete = PeerFraming.next($0, at: 0) else {
          Issue.record("cut at \(cut)")
          return
        }
      }
    }
    for bit in 32..<bytes.count * 8 {
      var bytes = bytes
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      bytes.withUnsafeBytes {
        guard case .broken = PeerFraming.next($0, at: 0) else {
          Issue.record("bit \(bit)")
          return
        }
      }
    }
    var hello: [UInt8] = []
    Hello(cluster: 7, node: 3).append(to: &hello)
    #expect(hello.count == Hello.size)
    #expect(hello.withUnsafeBytes { Hello($0) } == Hello(cluster: 7, node: 3))
    for bit in hello.indices {
      var hello = hello
      hello[bit] ^= 1
      #expect(hello.withUnsafeBytes { Hello($0) } == nil)
    }
  }
}
