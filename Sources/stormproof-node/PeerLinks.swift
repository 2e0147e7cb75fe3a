// One duplex TCP link to each other node: the lower number dials, both say hello, silence closes, and it is dialled anew.

import Base
import EventLoop

/// All links of a node. A link that was cut for a while sits in TCP's retransmission back-off long after the network is
/// whole again; so a silent link is closed early, and dialling goes on at a steady pace: after a heal the cluster is
/// connected within about half a second.
final class PeerLinks {
  /// A new link is there.
  var onConnected: (Int) -> Void = { _ in }
  var onDisconnected: (Int) -> Void = { _ in }
  /// One frame; false where it cannot be read: the link is then closed.
  var onFrame: (Int, UnsafeRawBufferPointer) -> Bool = { _, _ in true }

  private static let dialLimit = 300 * Nanoseconds.millisecond
  private static let beat = 200 * Nanoseconds.millisecond
  private static let silence = 1500 * Nanoseconds.millisecond
  /// What one link may bring in one turn of the loop, about; more waits for the next, so that clients are served between.
  private static let turnMark = 256 << 10
  /// A link whose reader is so far behind is as good as dead.
  private static let outputLimit = 128 << 20

  private let loop: Loop
  private let me: Hello
  private let members: [(name: String, endpoint: Endpoint)]
  private var listener: TCPListener?
  private var links: [Link?]
  /// Accepted, and not yet introduced.
  private var strangers: [ObjectIdentifier: Link] = [:]
  private var generator: SeededGenerator
  private var lastBeat: Nanoseconds = 0
  private var stopped = false

  /// One connection and what is known of it.
  private final class Link {
    let connection: TCPConnection
    /// Whom it leads to; nil before an accepted one has introduced itself.
    var node: Int?
    var isIntroduced = false
    var lastHeard: Nanoseconds
    var hasSent = false
    /// Bytes used in this turn of the loop.
    var turnBytes = 0
    var ending = ""

    init(_ connection: TCPConnection, node: Int?, now: Nanoseconds) {
      self.connection = connection
      self.node = node
      lastHeard = now
    }
  }

  /// - Parameter members: all nodes, in the order of their numbers.
  init(_ loop: Loop, node: Int, members: [(name: String, endpoint: Endpoint)], seed: UInt64) throws(LoopError) {
    self.loop = loop
    self.members = members
    me = Hello(cluster: Hello.cluster(members.map(\.name)), node: node)
    links = Array(repeating: nil, count: members.count)
    generator = SeededGenerator(seed: seed, label: "dial \(node)")
    let endpoint = members[node].endpoint
    listener = try TCPListener(loop, address: endpoint.address, port: endpoint.port) { [weak self] in self?.accept($0) }
  }

  /// Begins to dial, and to listen for silence.
  func start() {
    for node in members.indices where me.node < node { dial(node) }
    loop.timer(after: Self.beat, repeat: Self.beat) { [weak self] in self?.beat() }
  }

  /// Sends what is to be sent to one node, in one stretch; nothing where there is no link.
  func send(_ node: Int, _ payload: [UInt8]) {
    guard let link = links[node], link.isIntroduced else { return }
    link.hasSent = true
    link.connection.write { PeerFraming.append(payload, to: &$0) }
  }

  /// Closes the link; a new one follows.
  func reset(_ node: Int, _ why: String) {
    if let link = links[node] { close(link, why) }
  }

  func stop() {
    stopped = true
    listener?.close()
    for link in links { link?.connection.close() }
    for link in strangers.values { link.connection.abort() }
  }

  private func dial(_ node: Int) {
    guard !stopped, links[node] == nil else { return }
    let endpoint = members[node].endpoint
    let connection = TCPConnection.connect(
      loop, address: endpoint.address, port: endpoint.port, timeout: Self.dialLimit)
    let link = Link(connection, node: node, now: Loop.monotonicNow())
    links[node] = link
    connection.onOpen = { [weak self] in
      link.lastHeard = Loop.monotonicNow()
      self?.sayHello(link)
    }
    adopt(link)
  }

  private func accept(_ connection: TCPConnection) {
    let link = Link(connection, node: nil, now: Loop.monotonicNow())
    strangers[ObjectIdentifier(link)] = link
    adopt(link)
    sayHello(link)
  }

  private func sayHello(_ link: Link) { link.connection.write { me.append(to: &$0) } }

  private func adopt(_ link: Link) {
    link.connection.inputLimit = PeerFraming.limit * 2
    link.connection.onInput = { [weak self] bytes in
      guard let self else { return bytes.count }
      let used = receive(link, bytes)
      count(used, of: link)
      return used
    }
    link.connection.onClose = { [weak self] reason in self?.closed(link, reason) }
  }

  // MARK: Input

  private func count(_ used: Int, of link: Link) {
    if link.turnBytes == 0, used > 0 {
      loop.atEndOfTurn {
        if link.turnBytes >= Self.turnMark { link.connection.resume() }
        link.turnBytes = 0
      }
    }
    let before = link.turnBytes
    link.turnBytes += used
    if before < Self.turnMark, link.turnBytes >= Self.turnMark { link.connection.pause() }
  }

  private func receive(_ link: Link, _ bytes: UnsafeRawBufferPointer) -> Int {
    link.lastHeard = Loop.monotonicNow()
    var offset = 0
    if !link.isIntroduced {
      guard bytes.count >= Hello.size else { return 0 }
      guard introduce(link, Hello(bytes)) else { return bytes.count }
      offset = Hello.size
    }
    guard let node = link.node else { return bytes.count }
    while links[node] === link {
      switch PeerFraming.next(bytes, at: offset) {
      case .incomplete: return offset
      case .broken(let why):
        close(link, why)
        return bytes.count
      case .frame(let payload, let end):
        offset = end
        if !payload.isEmpty, !onFrame(node, payload) {
          close(link, "a frame that cannot be read")
          return bytes.count
        }
      }
    }
    return bytes.count
  }

  /// True where the other side is who it should be.
  private func introduce(_ link: Link, _ hello: Hello?) -> Bool {
    guard let hello, hello.cluster == me.cluster else {
      close(link, "not a node of this cluster")
      return false
    }
    if let node = link.node {
      guard hello.node == node else {
        close(link, "it is node \(hello.node)")
        return false
      }
    } else {
      guard members.indices.contains(hello.node), hello.node < me.node else {
        close(link, "node \(hello.node) should not dial")
        return false
      }
      // The other side dials only where it has no link: what we still hold is a leftover.
      if let old = links[hello.node] { close(old, "replaced by a new one") }
      strangers[ObjectIdentifier(link)] = nil
      link.node = hello.node
      links[hello.node] = link
    }
    link.isIntroduced = true
    say("link to \(name(link)) is there")
    onConnected(hello.node)
    return true
  }

  // MARK: The end of a link

  private func close(_ link: Link, _ why: String) {
    link.ending = why
    link.connection.abort()
    forget(link)
  }

  private func closed(_ link: Link, _ reason: CloseReason) {
    if link.ending.isEmpty { link.ending = "\(reason)" }
    forget(link)
  }

  private func forget(_ link: Link) {
    strangers[ObjectIdentifier(link)] = nil
    guard let node = link.node, links[node] === link else { return }
    links[node] = nil
    if link.isIntroduced {
      if !stopped { say("link to \(name(link)) is gone: \(link.ending)") }
      onDisconnected(node)
    }
    guard me.node < node, !stopped else { return }
    let pause = (100 + Int64(generator.below(100))) * Nanoseconds.millisecond
    loop.timer(after: pause) { [weak self] in self?.dial(node) }
  }

  private func name(_ link: Link) -> String { link.node.map { members[$0].name } ?? "a stranger" }

  /// Gives signs of life, and looks for silence.
  private func beat() {
    let now = Loop.monotonicNow()
    // After a standstill of our own, what has come meanwhile must be read first.
    let late = lastBeat != 0 && now - lastBeat > 3 * Self.beat
    lastBeat = now
    for link in links.compactMap({ $0 }) + strangers.values where link.connection.state == .open {
      if !late, now - link.lastHeard > Self.silence {
        close(link, "silent for \((now - link.lastHeard) / .millisecond) ms")
      } else if link.connection.bufferedOutput > Self.outputLimit {
        close(link, "\(link.connection.bufferedOutput) bytes behind")
      } else if link.isIntroduced {
        if !link.hasSent { link.connection.write { PeerFraming.append([], to: &$0) } }
        link.hasSent = false
      }
    }
  }
}
