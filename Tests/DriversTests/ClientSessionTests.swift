// A client's connection over real sockets: how it opens and ends, and what it knows of the bytes that left.

import AMQP
import Base
import EventLoop
import Testing

@testable import Drivers

/// Writes down what a session tells.
private final class Diary: ClientSessionOwner {
  var lines: [String] = []
  var closed: [AMQP.CloseReason] = []
  var delivered: [Int] = []
  var onOpen: (ClientSession) -> Void = { _ in }
  var onChannel: (ClientSession) -> Void = { _ in }
  var onWrote: (ClientSession) -> Void = { _ in }
  var onClosed: () -> Void = {}

  func session(_ session: ClientSession, brought event: ClientEvent) {
    switch event {
    case .opened:
      lines.append("opened")
      onOpen(session)
    case .channelOpened(let channel):
      lines.append("channel \(channel)")
      onChannel(session)
    case .method(_, let method): lines.append("\(method.id)")
    case .delivery(_, _, let content): delivered.append(content.body.count)
    case .closed(let reason):
      closed.append(reason)
      onClosed()
    default: break
    }
  }
  func sessionRead(_ session: ClientSession) {}
  func sessionWrote(_ session: ClientSession) { onWrote(session) }
}

/// The other side: one connection, that answers as it is told.
private final class Server {
  let loop: Loop
  private var listener: TCPListener?
  var tcp: TCPConnection?
  let amqp: ServerConnection
  var onEvent: (ServerEvent) -> Void = { _ in }
  var isMute = false

  init(_ loop: Loop, heartbeat: UInt16 = 60) throws {
    self.loop = loop
    var config = ServerConfig { _, _ in true }
    config.heartbeat = heartbeat
    amqp = ServerConnection(config: config)
    listener = try TCPListener(loop, address: "127.0.0.1", port: 0) { [unowned self] tcp in
      self.tcp = tcp
      tcp.onInput = { [unowned self] bytes in
        if isMute { return bytes.count }
        let used = amqp.receive(bytes) { onEvent($0) }
        flush()
        return used
      }
    }
  }

  var port: UInt16 { listener?.port ?? 0 }

  func flush() {
    tcp?.write(amqp.output.takeAll())
    if amqp.isFinished { tcp?.close() }
  }

  func close() {
    tcp?.abort()
    listener?.close()
    loop.runOnce()
  }
}

@Suite(.serialized) struct ClientSessionTests {
  /// Runs until the diary is closed, or the test has failed.
  private func run(
    _ options: ClientSession.Options = ClientSession.Options(), heartbeat: UInt16 = 60, port: UInt16? = nil,
    _ setUp: (Diary, Server) -> Void
  ) throws -> (Diary, ClientSession) {
    let loop = try Loop()
    let server = try Server(loop, heartbeat: heartbeat)
    defer { server.close() }
    let diary = Diary()
    setUp(diary, server)
    let session = ClientSession(
      loop: loop, address: "127.0.0.1", port: port ?? server.port, name: "test", options: options)
    session.owner = diary
    diary.onClosed = { loop.stop() }
    loop.timer(after: 20 * .second) { loop.stop() }
    loop.run()
    #expect(diary.closed.count == 1)
    return (diary, session)
  }

  @Test func openedAndClosedInOrder() throws {
    let (diary, session) = try run { diary, _ in
      diary.onOpen = { $0.openChannel() }
      diary.onChannel = { $0.close() }
    }
    #expect(diary.lines == ["opened", "channel 1"])
    #expect(session.ending == nil)
    #expect(diary.closed.first?.code == .success)
    #expect(session.position.written == session.position.appended)
  }

  @Test func refused() throws {
    let loop = try Loop()
    let free = try TCPListener(loop, address: "127.0.0.1", port: 0) { _ in }
    let port = free.port
    free.close()
    loop.runOnce()
    let (diary, session) = try run(port: port) { _, _ in }
    #expect(diary.lines.isEmpty)
    #expect(session.ending?.contains("ECONNREFUSED") == true)
  }

  @Test func nobodyLetsUsIn() throws {
    var options = ClientSession.Options()
    options.openTimeout = 300 * .millisecond
    let (diary, session) = try run(options) { _, server in server.isMute = true }
    #expect(diary.lines.isEmpty)
    #expect(session.ending?.hasPrefix("no login") == true)
  }

  @Test func aSilentPeerIsDead() throws {
    let (diary, session) = try run(heartbeat: 1) { diary, server in diary.onOpen = { _ in server.isMute = true } }
    #expect(diary.lines == ["opened"])
    #expect(session.ending == "no sign of life for 2 s")
  }

  @Test func noAnswerToOurClose() throws {
    var options = ClientSession.Options()
    options.closeTimeout = 300 * .millisecond
    let (_, session) = try run(options) { diary, server in
      diary.onOpen = {
        server.isMute = true
        $0.close()
      }
    }
    #expect(session.ending == "no answer to connection.close")
  }

  @Test func closedByTheBroker() throws {
    let (diary, session) = try run { diary, server in
      diary.onOpen = { _ in
        server.loop.timer(after: 0) {
          server.amqp.closeConnection(code: .connectionForced, text: "shutting down")
          server.flush()
        }
      }
    }
    #expect(session.ending == nil)
    #expect(diary.closed.first?.code == .connectionForced)
    #expect(diary.closed.first?.byPeer == true)
  }

  @Test func cutOff() throws {
    let (diary, _) = try run { diary, server in
      diary.onOpen = { _ in server.loop.timer(after: 0) { server.tcp?.abort() } }
    }
    #expect(diary.lines == ["opened"])
    #expect(diary.closed.first?.byPeer == true)
  }

  /// A peer that does not read: some bytes are with the kernel, some may be, some certainly never left.
  @Test func bytesThatNeverLeft() throws {
    var seen: [OutputPosition] = []
    let body = [UInt8](repeating: 7, count: 100_000)
    let (_, session) = try run { diary, server in
      diary.onOpen = { $0.openChannel() }
      diary.onChannel = { session in
        server.tcp?.pause()
        func publish(_ count: Int) {
          for _ in 0..<count {
            let isSent = [UInt8]([0, 0]).withUnsafeBytes { properties in
              body.withUnsafeBytes {
                session.publish(exchange: "", routingKey: "q", mandatory: false, rawProperties: properties, body: $0)
              }
            }
            #expect(isSent)
          }
          seen.append(session.position)
        }
        publish(100)
        server.loop.timer(after: 100 * .millisecond) {
          seen.append(session.position)
          publish(10)
          server.loop.timer(after: 100 * .millisecond) { session.abort("enough") }
        }
      }
    }
    #expect(seen.count == 3)
    #expect(seen[0].handed < 10_000, "appended, and kept until the end of the turn")
    #expect(seen[0].appended > 10_000_000)
    #expect(seen[1].handed == seen[0].appended)
    #expect(seen[1].written < seen[1].handed, "ten megabytes are more than the kernel takes")
    let last = session.position
    #expect(last.handed == seen[1].handed && last.appended == seen[2].appended)
    #expect(last.appended - last.handed > 1_000_000)
    #expect(last.written < last.handed)
  }
}
