// A client's connection that outlives connections: one node after the other, with back-off, until it is retired.

import AMQP
import Base
import Drivers
import EventLoop

/// One node as clients see it.
struct NodeAddress: Equatable {
  var name: String
  var address: String
  var port: UInt16
  /// Its number among the words of the history.
  var place: UInt16
}

final class NodeLink: LinkPort, ClientSessionOwner {
  private enum State {
    case idle, waiting, opening
    /// So many setup methods are answered.
    case settingUp(Int)
    case ready
    /// Closed by us; whether it was ready, and whether another follows.
    case closing(wasReady: Bool, again: Bool)
    case retired
  }

  static let firstBackOff = 50 * Nanoseconds.millisecond
  static let longestBackOff = Nanoseconds.second

  weak var client: (any LinkClient)?
  /// Called when a client wants its `tick` soon.
  var onWake: () -> Void = {}
  private let loop: Loop
  private let nodes: [NodeAddress]
  private let name: String
  private let options: ClientSession.Options
  private let properties: [UInt8]
  private var state = State.idle
  private var nodeIndex: Int
  private var session: ClientSession?
  private var setup: [Method] = []
  private var backOff = firstBackOff
  private var timer: LoopTimer?
  private var lastPosition = OutputPosition()

  /// - Parameters:
  ///   - nodes: in the order in which they are tried, from number `first` on.
  ///   - persistent: delivery mode 2.
  init(
    loop: Loop, nodes: [NodeAddress], first: Int, name: String, persistent: Bool = true,
    options: ClientSession.Options = ClientSession.Options()
  ) {
    self.loop = loop
    self.nodes = nodes
    self.name = name
    self.options = options
    nodeIndex = first % max(1, nodes.count)
    properties = (try? BasicProperties(deliveryMode: persistent ? 2 : 1).encoded()) ?? [0, 0]
  }

  var node: NodeAddress { nodes[nodeIndex] }
  /// Why the last connection ended.
  private(set) var lastEnding = ""
  var isReady: Bool { if case .ready = state { true } else { false } }
  var isRetired: Bool { if case .retired = state { true } else { false } }

  func start() {
    guard case .idle = state else { return }
    connect()
  }

  private func connect() {
    timer = nil
    state = .opening
    let session = ClientSession(
      loop: loop, address: node.address, port: node.port, name: name, options: options)
    session.owner = self
    self.session = session
  }

  // MARK: LinkPort

  var position: OutputPosition { session?.position ?? lastPosition }

  func publish(_ route: Route, mandatory: Bool, body: UnsafeRawBufferPointer) -> Bool {
    guard let session else { return false }
    return properties.withUnsafeBytes {
      session.publish(
        exchange: route.exchange, routingKey: route.key, mandatory: mandatory, rawProperties: $0, body: body)
    }
  }

  @discardableResult
  func send(_ method: Method) -> Bool { session?.send(method) ?? false }

  func restart(_ why: String) { close(again: true) }

  func drop(_ why: String) { session?.abort(why) }

  func retire() { close(again: false) }

  func pause() { session?.pause() }
  func resume() { session?.resume() }
  func wake() { onWake() }

  private func close(again: Bool) {
    switch state {
    case .retired: return
    case .closing(let wasReady, _): state = .closing(wasReady: wasReady, again: again)
    case .idle, .waiting:
      timer?.cancel()
      timer = nil
      if !again { state = .retired }
    case .opening, .settingUp, .ready:
      state = .closing(wasReady: isReady, again: again)
      session?.close()
    }
  }

  // MARK: ClientSessionOwner

  func session(_ session: ClientSession, brought event: ClientEvent) {
    guard session === self.session else { return }
    switch event {
    case .delivery(_, let deliver, let content): client?.linkDelivered(deliver, content)
    case .method(let channel, let method) where channel == 1:
      if case .settingUp(let answered) = state { return continueSetup(answered + 1) }
      client?.linkBrought(method)
    case .returned(_, _, let content): client?.linkReturned(content)
    case .opened: session.openChannel()
    case .channelOpened:
      guard case .opening = state else { return }
      setup = client?.linkSetup() ?? []
      continueSetup(0)
    case .channelClosed(_, let reason):
      lost(reason)
      session.close()
    case .closed(let reason):
      if case .closing(let wasReady, let again) = state, session.ending == nil {
        end()
        client?.linkClosed(wasReady: wasReady)
        if again { scheduleConnect() } else { state = .retired }
      } else {
        lost(reason)
      }
    case .method, .getOk, .heartbeat: break
    }
  }

  func sessionRead(_ session: ClientSession) {
    if session === self.session, isReady { client?.linkRead() }
  }

  func sessionWrote(_ session: ClientSession) {
    if session === self.session, isReady { client?.linkWrote() }
  }

  private func continueSetup(_ answered: Int) {
    guard let session else { return }
    if answered < setup.count {
      state = .settingUp(answered)
      session.send(setup[answered])
    } else {
      state = .ready
      backOff = Self.firstBackOff
      client?.linkReady(node: node.place)
    }
  }

  private func lost(_ reason: AMQP.CloseReason) {
    var (wasReady, again) = (isReady, true)
    if case .closing(let before, let more) = state { (wasReady, again) = (before, more) }
    lastEnding = session?.ending ?? reason.description
    end()
    state = .waiting
    client?.linkLost(reason, wasReady: wasReady)
    guard case .waiting = state else { return }  // retired in the meantime
    if again { scheduleConnect() } else { state = .retired }
  }

  private func end() {
    lastPosition = position
    session = nil
    state = .waiting
  }

  private func scheduleConnect() {
    nodeIndex = (nodeIndex + 1) % nodes.count
    timer = loop.timer(after: backOff) { [weak self] in self?.connect() }
    backOff = min(backOff * 2, Self.longestBackOff)
  }
}
