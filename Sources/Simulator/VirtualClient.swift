// What every simulated client does: connect, open one channel, prepare it, live until it is lost, and connect anew.

import AMQP
import Base
import Broker
import History

/// One connection at a time with one channel. Subclasses say what is done on it.
class VirtualClient {
  let world: World
  let process: Int32
  private(set) var connection = ClientConnection(config: ClientConfig())
  private var socket: Socket?
  private(set) var session: UInt32 = 0
  private(set) var node: UInt16 = Names.none
  /// Set-up methods that wait for their turn; one at a time, each has an answer.
  private var preparing: [Method] = []
  private(set) var isReady = false
  private(set) var isRetired = false
  private var lastHeard: Nanoseconds = 0
  /// Counts connections: what was scheduled for an earlier one is void.
  private(set) var attempt = 0
  private var releaseOp: UInt64?
  /// The beginning of a frame.
  private var unread: [UInt8] = []

  static let channel: UInt16 = 1

  init(world: World, process: Int32) {
    self.world = world
    self.process = process
  }

  var clock: VirtualClock { world.clock }
  var recorder: Recorder { world.recorder }

  // MARK: For subclasses

  /// Methods with answers that make the channel ready.
  func preparation() -> [Method] { [] }
  func ready() {}
  func brought(_ method: Method) {}
  func delivered(_ deliver: BasicDeliver, _ content: Content) {}
  func returned(_ content: Content) {}
  /// The channel is no more, in whichever way; it had been ready.
  func lost() {}

  // MARK: Life

  func start() { clock.after(clock.draw(0...50 * .millisecond)) { [self] in connect() } }

  private func connect() {
    guard !isRetired, socket == nil else { return }
    attempt += 1
    var config = ClientConfig()
    config.heartbeat = 2
    connection = ClientConnection(config: config)
    let target = world.nodes[clock.random.below(world.nodes.count)]
    node = world.recorder.names.word(target.name)
    let socket = Socket(id: world.nextConnection(), node: target, client: self, clock: clock)
    self.socket = socket
    unread = []
    world.adopt(socket)
    lastHeard = clock.now
    socket.open()
    flush()
    keepAlive(attempt)
  }

  private func keepAlive(_ attempt: Int) {
    clock.after(.second) { [self] in
      guard self.attempt == attempt, socket != nil else { return }
      if clock.now - lastHeard > 5 * .second { return drop() }
      connection.sendHeartbeat()
      flush()
      keepAlive(attempt)
    }
  }

  /// Gives the connection up, and comes again.
  func drop() {
    socket?.closeFromClient()
    ended()
  }

  func socketEnded(_ socket: Socket) {
    if self.socket === socket { ended() }
  }

  private func ended() {
    guard socket != nil else { return }
    socket = nil
    attempt += 1
    if isReady {
      isReady = false
      lost()
      var event = stamp(.release, .info)
      event.op = releaseOp ?? 0
      recorder.record(event)
    }
    releaseOp = nil
    if !isRetired { clock.after(clock.draw(20 * .millisecond...300 * .millisecond)) { [self] in connect() } }
  }

  /// Closes in order, and does not come again.
  func retire() {
    guard !isRetired else { return }
    isRetired = true
    guard socket != nil else { return }
    guard isReady else { return drop() }
    let op = recorder.nextOp()
    releaseOp = op
    var event = stamp(.release, .invoke)
    event.op = op
    recorder.record(event)
    connection.closeConnection()
    flush()
  }

  // MARK: Bytes

  func received(_ bytes: [UInt8], on socket: Socket) {
    guard self.socket === socket else { return }
    lastHeard = clock.now
    unread += bytes
    let used = unread.withUnsafeBytes { bytes in connection.receive(bytes) { take($0) } }
    unread.removeFirst(min(used, unread.count))
    if self.socket === socket { flush() }
  }

  func flush() {
    guard let socket, !connection.output.isEmpty else { return }
    socket.writeFromClient(connection.output.takeAll())
  }

  func send(_ method: Method) {
    do { try connection.send(method, channel: Self.channel) } catch { world.breaks("client \(process): \(error)") }
  }

  private func take(_ event: ClientEvent) {
    switch event {
    case .opened:
      do { try connection.openChannel(Self.channel) } catch { world.breaks("client \(process): \(error)") }
    case .channelOpened:
      preparing = preparation()
      prepare()
    case .method(_, let method):
      if isReady { brought(method) } else { prepare() }
    case .delivery(_, let deliver, let content): delivered(deliver, content)
    case .returned(_, _, let content): returned(content)
    case .getOk, .heartbeat: break
    case .channelClosed(_, let reason): finished(reason)
    case .closed(let reason): finished(reason)
    }
  }

  private func finished(_ reason: CloseReason) {
    if let op = releaseOp, !reason.byPeer, isReady {
      var event = stamp(.release, .ok)
      event.op = op
      recorder.record(event)
      isReady = false
      lost()
    }
    if reason.byPeer { world.closes[reason.description, default: 0] += 1 }
    drop()
  }

  private func prepare() {
    guard !preparing.isEmpty else {
      session = recorder.nextSession()
      isReady = true
      return ready()
    }
    send(preparing.removeFirst())
  }

  func stamp(_ function: Function, _ outcome: Outcome) -> Event {
    var event = Event()
    event.function = function
    event.outcome = outcome
    event.process = process
    event.session = session
    event.node = node
    return event
  }
}
