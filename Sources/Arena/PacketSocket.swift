// Messages of any length over one SOCK_SEQPACKET descriptor, with heartbeats between them. Never blocks.

import Glibc

/// One end of a SOCK_SEQPACKET pair. A message is cut into packets of at most 32 KiB, each with one byte before it that
/// says what it is, so that a message may be longer than the socket's buffer.
struct PacketSocket {
  enum Event: Equatable {
    /// Nothing more to read now.
    case nothing
    case heartbeat
    case message([UInt8])
    /// The other end is gone (errno, 0: end of file) or speaks something else (EPROTO, EMSGSIZE).
    case closed(Int32)
  }

  static let packetSize = 32 << 10
  static let messageLimit = 16 << 20

  let descriptor: Int32
  /// Packets that the socket's buffer did not take yet, the first at `sent`.
  private var outgoing: [[UInt8]] = []
  private var sent = 0
  private var incoming: [UInt8] = []
  private var buffer = [UInt8](repeating: 0, count: packetSize + 1)

  private enum Kind {
    static let heartbeat: UInt8 = 0
    static let part: UInt8 = 1
    static let last: UInt8 = 2
  }

  init(descriptor: Int32) { self.descriptor = descriptor }

  /// A connected pair, both close-on-exec.
  static func pair() throws(ArenaError) -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    if socketpair(AF_UNIX, type, 0, &ends) != 0 { throw ArenaError("make a control socket", code: errno) }
    return (ends[0], ends[1])
  }

  var hasOutgoing: Bool { sent < outgoing.count }

  /// Queues a message; `flush` sends it.
  mutating func enqueue(_ message: [UInt8]) {
    var rest = message[...]
    repeat {
      let part = rest.prefix(Self.packetSize)
      rest = rest.dropFirst(part.count)
      outgoing.append([rest.isEmpty ? Kind.last : Kind.part] + part)
    } while !rest.isEmpty
  }

  /// Queues a heartbeat, unless packets wait: those say as much.
  mutating func enqueueHeartbeat() {
    if !hasOutgoing { outgoing.append([Kind.heartbeat]) }
  }

  /// Sends what the socket takes. Returns 0, or the errno when the other end is gone.
  mutating func flush() -> Int32 {
    while hasOutgoing {
      let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
      let n = outgoing[sent].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, flags) }
      if n < 0 {
        if errno == EINTR { continue }
        return errno == EAGAIN || errno == ENOBUFS ? 0 : errno
      }
      sent += 1
    }
    outgoing.removeAll(keepingCapacity: true)
    sent = 0
    return 0
  }

  mutating func discardOutgoing() {
    outgoing = []
    sent = 0
  }

  /// The next thing that has arrived.
  mutating func receive() -> Event {
    while true {
      let n = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT)) }
      if n < 0 {
        // ECONNRESET comes first, and once, when the other end closed without reading all of ours; its last words follow.
        if errno == EINTR || errno == ECONNRESET { continue }
        return errno == EAGAIN ? .nothing : .closed(errno)
      }
      if n == 0 { return .closed(0) }
      switch buffer[0] {
      case Kind.heartbeat: return .heartbeat
      case Kind.part, Kind.last:
        incoming += buffer[1..<n]
        if incoming.count > Self.messageLimit { return .closed(EMSGSIZE) }
        if buffer[0] == Kind.part { continue }
        defer { incoming = [] }
        return .message(incoming)
      default: return .closed(EPROTO)
      }
    }
  }
}
