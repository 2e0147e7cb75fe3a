// The clients' sockets around the broker: input in, output out, with back pressure both ways.

import Base
import Broker
import EventLoop

/// Moves bytes between sockets and the broker. What the broker's connections hold beyond a mark stays with them, so
/// that the broker sees how slow a client reads.
final class Clients {
  /// Above this many bytes in a socket's buffer no more is taken from the broker's, and nothing is read.
  static let outputMark = 256 << 10
  /// What one client may bring in one turn of the loop, about: libuv alone would read 2 MiB of each before anything else
  /// is served, and whoever consumes on another node would wait a turn for each round of credit.
  static let turnMark = 128 << 10

  /// Called when the broker was told something.
  var onChange: () -> Void = {}
  private let loop: Loop
  private let broker: Broker
  private var listener: TCPListener?
  private var clients: [ConnectionID: Client] = [:]
  private var lastID: UInt64 = 0
  private var turn: UInt64 = 1
  /// True while the log is far behind: nothing is read from anyone.
  private(set) var isHeld = false
  /// Those who brought enough for this turn.
  private var sated: [Client] = []

  private final class Client {
    let id: ConnectionID
    let socket: TCPConnection
    /// Written out; only the end of file is awaited.
    var isEnding = false
    var isPaused = false
    /// Bytes used in this turn, while it lasts.
    var turn: UInt64 = 0
    var turnBytes = 0
    var isSated = false

    init(_ id: ConnectionID, _ socket: TCPConnection) {
      self.id = id
      self.socket = socket
    }
  }

  init(_ loop: Loop, _ broker: Broker) {
    self.loop = loop
    self.broker = broker
  }

  var count: Int { clients.count }

  func listen(_ endpoint: Endpoint) throws(LoopError) {
    listener = try TCPListener(loop, address: endpoint.address, port: endpoint.port) { [weak self] in self?.accept($0) }
  }

  func stopListening() { listener?.close() }

  private func accept(_ socket: TCPConnection) {
    lastID += 1
    let client = Client(ConnectionID(lastID), socket)
    clients[client.id] = client
    socket.onInput = { [weak self] bytes in self?.receive(client, bytes) ?? bytes.count }
    socket.onDrained = { [weak self] in self?.drained(client) }
    socket.onClose = { [weak self] _ in self?.closed(client) }
    broker.connectionOpened(client.id, now: Loop.monotonicNow())
    onChange()
    settle(client)
  }

  private func receive(_ client: Client, _ bytes: UnsafeRawBufferPointer) -> Int {
    if client.isEnding { return bytes.count }
    let used = broker.receive(client.id, bytes, now: Loop.monotonicNow())
    if client.turn != turn { (client.turn, client.turnBytes) = (turn, 0) }
    client.turnBytes += used
    if client.turnBytes >= Self.turnMark, !client.isSated {
      client.isSated = true
      sated.append(client)
    }
    onChange()
    settle(client)
    return used
  }

  /// A turn of the loop is over: everybody may be read from again.
  func endTurn() {
    turn += 1
    let clients = sated
    sated.removeAll(keepingCapacity: true)
    for client in clients {
      client.isSated = false
      settle(client)
    }
  }

  /// Reads from the socket exactly while everybody agrees.
  private func settle(_ client: Client) {
    let pause =
      !client.isEnding
      && (isHeld || client.isSated || client.socket.bufferedOutput > Self.outputMark || broker.isPaused(client.id))
    guard pause != client.isPaused else { return }
    client.isPaused = pause
    if pause { client.socket.pause() } else { client.socket.resume() }
  }

  // MARK: What the broker wants

  /// Writes what the broker has for a client.
  func write(_ id: ConnectionID) {
    if let client = clients[id] { pump(client) }
  }

  private func pump(_ client: Client) {
    guard let connection = broker.connection(client.id), !connection.output.isEmpty else { return }
    guard client.socket.bufferedOutput < Self.outputMark else { return }
    let count = connection.output.withUnsafeBytes { bytes in
      client.socket.write { $0.append(contentsOf: bytes) }
      return bytes.count
    }
    connection.output.removeFirst(count)
    broker.outputTaken(client.id, now: Loop.monotonicNow())
    onChange()
    settle(client)
  }

  private func drained(_ client: Client) {
    if client.isEnding { return }
    pump(client)
    settle(client)
  }

  /// Input that was refused is welcome.
  func resume(_ id: ConnectionID) {
    guard let client = clients[id] else { return }
    if client.isPaused {
      settle(client)
    } else {
      // The rest is offered anew, though nothing may come any more.
      client.socket.pause()
      client.socket.resume()
    }
  }

  /// Holds all reading, or lets it go on.
  func hold(_ hold: Bool) {
    guard hold != isHeld else { return }
    isHeld = hold
    for id in clients.keys.sorted() { if let client = clients[id] { settle(client) } }
  }

  /// Writes the rest, then waits a moment for the client's own end, so that it can still read why.
  func finish(_ id: ConnectionID) {
    guard let client = clients[id], !client.isEnding else { return }
    if let connection = broker.connection(id), !connection.output.isEmpty {
      connection.output.withUnsafeBytes { bytes in client.socket.write { $0.append(contentsOf: bytes) } }
      connection.output.removeFirst(connection.output.count)
    }
    client.isEnding = true
    client.isPaused = false
    client.socket.resume()
    loop.timer(after: Nanoseconds.second / 2) { client.socket.close() }
    loop.timer(after: 3 * Nanoseconds.second) { client.socket.abort() }
  }

  /// The orderly end of the node: tells every client.
  func closeAll() {
    for id in clients.keys.sorted() {
      broker.connection(id)?.closeConnection(code: .connectionForced, text: "CONNECTION_FORCED - the node stops")
      if let client = clients[id] { pump(client) }
    }
  }

  private func closed(_ client: Client) {
    clients[client.id] = nil
    broker.connectionClosed(client.id, now: Loop.monotonicNow())
    onChange()
  }
}
