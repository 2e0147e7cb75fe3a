// One AMQP connection of a client over the loop: connects, beats, writes once a turn, and knows which bytes have left.

import AMQP
import Base
import EventLoop

/// Whoever drives a session. All calls come on the loop's thread.
public protocol ClientSessionOwner: AnyObject {
  /// What the connection brings, in order; `.closed` is the last and comes exactly once.
  func session(_ session: ClientSession, brought event: ClientEvent)
  /// All events of one read were told: the time for answers that go better together.
  func sessionRead(_ session: ClientSession)
  /// The kernel took everything that had been handed to it: `position.written` has moved.
  func sessionWrote(_ session: ClientSession)
}

/// How far the output of a connection has come, in bytes since it was opened.
public struct OutputPosition: Equatable, Sendable {
  /// Appended so far: where the next byte will stand.
  public var appended: Int
  /// Bytes before this may have left the process; those from here on certainly have not.
  public var handed: Int
  /// Bytes before this were certainly taken by the kernel.
  public var written: Int

  public init(appended: Int = 0, handed: Int = 0, written: Int = 0) {
    self.appended = appended
    self.handed = handed
    self.written = written
  }
}

/// A connection from its first SYN to its last event. It lives until `.closed` was told, whether or not anybody keeps it.
public final class ClientSession {
  public struct Options: Sendable {
    public var connectTimeout: Nanoseconds = 2 * .second
    /// From the start until the broker has let us in.
    public var openTimeout: Nanoseconds = 5 * .second
    /// For the answer to our close: behind everything that the broker has not read yet, which may be much.
    public var closeTimeout: Nanoseconds = 20 * .second
    /// Seconds; a peer that is silent for twice as long counts as dead.
    public var heartbeat: UInt16 = 2
    /// Bytes that the kernel may hold for us before the sender feels it; nil: the kernel's own choice.
    public var receiveBuffer: Int32?

    public init() {}
  }

  public let amqp: ClientConnection
  public weak var owner: (any ClientSessionOwner)?
  /// Why it ended, in our words where the protocol has none ("no sign of life for 4 s").
  public private(set) var ending: String?

  private let loop: Loop
  private let tcp: TCPConnection
  private let options: Options
  private let started = Loop.monotonicNow()
  private var monitor: HeartbeatMonitor?
  private var timer: LoopTimer?
  private var handed = 0
  /// As last seen while the socket was open: a write that ends with the socket counts as written to the loop.
  private var written = 0
  private var flushIsArmed = false
  private var isPaused = false
  private var isSuspect = false
  private var closingSince: Nanoseconds?

  /// Begins to connect; `owner` hears of it, after this call has returned.
  /// - Parameters:
  ///   - address: IPv4.
  ///   - name: what the broker's list of connections shows.
  public init(loop: Loop, address: String, port: UInt16, name: String, options: Options = Options()) {
    self.loop = loop
    self.options = options
    var config = ClientConfig()
    config.heartbeat = options.heartbeat
    config.clientProperties = ClientConfig.properties(name: name)
    amqp = ClientConnection(config: config)
    tcp = TCPConnection.connect(loop, address: address, port: port, timeout: options.connectTimeout)
    if let size = options.receiveBuffer { tcp.setKernelBuffers(receive: size) }
    // The closures keep the session; the connection drops them when it has closed.
    tcp.onOpen = { self.arm() }
    tcp.onInput = { self.take($0) }
    tcp.onDrained = {
      self.arm()
      self.wrote()
    }
    tcp.onClose = { self.ended($0) }
    timer = loop.timer(after: 250 * .millisecond, repeat: 250 * .millisecond) { [weak self] in self?.tick() }
  }

  public var position: OutputPosition {
    let written = tcp.state == .open ? handed - tcp.bufferedOutput : written
    return OutputPosition(appended: handed + amqp.output.count, handed: handed, written: written)
  }

  // MARK: Sending

  /// False, and nothing sent, where the channel is not open or the method cannot be carried.
  @discardableResult
  public func send(_ method: Method, channel: UInt16 = 1) -> Bool {
    defer { arm() }
    return (try? amqp.send(method, channel: channel)) != nil
  }

  /// False, and nothing sent, where the channel is not open or the message cannot be carried.
  public func publish(
    channel: UInt16 = 1, exchange: String, routingKey: String, mandatory: Bool, rawProperties: UnsafeRawBufferPointer,
    body: UnsafeRawBufferPointer
  ) -> Bool {
    arm()
    do {
      try amqp.publish(
        channel: channel, exchange: exchange, routingKey: routingKey, mandatory: mandatory,
        rawProperties: rawProperties, body: body)
      return true
    } catch {
      return false
    }
  }

  public func openChannel(_ channel: UInt16 = 1) {
    defer { arm() }
    do { try amqp.openChannel(channel) } catch { abort("\(error)") }
  }

  /// No more input until `resume`: the kernel's buffers fill, and the broker feels it.
  public func pause() {
    isPaused = true
    tcp.pause()
  }

  public func resume() {
    isPaused = false
    monitor?.received(at: Loop.monotonicNow())
    tcp.resume()
  }

  /// Ends in order: what is appended is sent, then connection.close; `.closed` follows, at the latest after `closeTimeout`.
  public func close() {
    if closingSince == nil { closingSince = Loop.monotonicNow() }
    if isPaused { resume() }
    amqp.closeConnection()
    guard amqp.isFinished else { return arm() }
    finish()
  }

  /// Ends at once; `.closed` follows.
  public func abort(_ why: String) {
    if ending == nil { ending = why }
    tcp.abort()
  }

  // MARK: The socket

  private func arm() {
    guard !flushIsArmed else { return }
    flushIsArmed = true
    loop.atEndOfTurn { self.flush() }
  }

  /// Hands the output to the socket, unless that still has some: so what was never handed over has certainly not left.
  private func flush() {
    flushIsArmed = false
    guard tcp.state == .open, tcp.bufferedOutput == 0, !amqp.output.isEmpty else { return }
    moveOutput()
    // Behind the socket's own end of turn, which the write has asked for.
    loop.atEndOfTurn { self.wrote() }
  }

  private func wrote() {
    guard tcp.state == .open else { return }
    written = handed - tcp.bufferedOutput
    if written == handed { owner?.sessionWrote(self) }
  }

  private func moveOutput() {
    let count = amqp.output.count
    tcp.write { buffer in amqp.output.withUnsafeBytes { buffer.append(contentsOf: $0) } }
    amqp.output.removeFirst(count)
    handed += count
    monitor?.sent(at: Loop.monotonicNow())
  }

  private func take(_ bytes: UnsafeRawBufferPointer) -> Int {
    monitor?.received(at: Loop.monotonicNow())
    isSuspect = false
    let used = amqp.receive(bytes) { event in
      if case .opened = event {
        monitor = HeartbeatMonitor(seconds: amqp.heartbeat, now: Loop.monotonicNow())
      }
      owner?.session(self, brought: event)
    }
    owner?.sessionRead(self)
    if amqp.isFinished {
      finish()
    } else if !amqp.output.isEmpty {
      arm()
    }
    return used
  }

  /// Writes the protocol's last words and ends the socket.
  private func finish() {
    if tcp.state == .open, !amqp.output.isEmpty { moveOutput() }
    tcp.close()
  }

  private func ended(_ reason: EventLoop.CloseReason) {
    timer?.cancel()
    timer = nil
    if ending == nil, case .error(let error) = reason { ending = "\(error)" }
    amqp.connectionLost { owner?.session(self, brought: $0) }
  }

  private func tick() {
    let now = Loop.monotonicNow()
    if let since = closingSince, now - since > options.closeTimeout { return abort("no answer to connection.close") }
    guard let monitor else {
      if now - started > options.openTimeout { abort("no login within \(Int(options.openTimeout.seconds)) s") }
      return
    }
    if isPaused { self.monitor?.received(at: now) }
    switch monitor.check(at: now) {
    case .nothing: break
    case .send:
      amqp.sendHeartbeat()
      arm()
    case .peerIsDead where isPaused: break
    // Asked twice, with a turn of the loop between: a process that was itself held up first reads what has come.
    case .peerIsDead where isSuspect: abort("no sign of life for \(2 * Int(amqp.heartbeat)) s")
    case .peerIsDead: isSuspect = true
    }
  }
}
