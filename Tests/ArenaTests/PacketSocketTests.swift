// The packets of the control pair: long messages, order, heartbeats, the end.

import Glibc
import Testing

@testable import Arena

@Suite struct PacketSocketTests {
  @Test func carriesLongMessagesInOrder() throws {
    let (a, b) = try PacketSocket.pair()
    defer { close(b) }
    var (left, right) = (PacketSocket(descriptor: a), PacketSocket(descriptor: b))
    let sizes = [0, 1, PacketSocket.packetSize, PacketSocket.packetSize + 1, 200_000, 2_000_000, 3]
    for size in sizes { left.enqueue((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) }) }
    var got: [[UInt8]] = []
    while got.count < sizes.count {
      #expect(left.flush() == 0)
      while case .message(let bytes) = right.receive() { got.append(bytes) }
    }
    #expect(got.map(\.count) == sizes)
    #expect(got[5] == (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 2_000_000) })
    left.enqueueHeartbeat()
    #expect(left.flush() == 0)
    #expect(right.receive() == .heartbeat)
    #expect(right.receive() == .nothing)
    close(a)
    #expect(right.receive() == .closed(0))
  }

  @Test func lastWordsArriveAlthoughTheSpeakerDidNotListen() throws {
    let (a, b) = try PacketSocket.pair()
    defer { close(b) }
    var (left, right) = (PacketSocket(descriptor: a), PacketSocket(descriptor: b))
    right.enqueueHeartbeat()  // stays unread
    left.enqueue([1, 2, 3])
    #expect(right.flush() == 0 && left.flush() == 0)
    close(a)
    #expect(right.receive() == .message([1, 2, 3]))
    #expect(right.receive() == .closed(0))
  }

  @Test func refusesWhatIsNotOurs() throws {
    let (a, b) = try PacketSocket.pair()
    defer { for end in [a, b] { close(end) } }
    _ = [UInt8](repeating: 9, count: 4).withUnsafeBytes { send(a, $0.baseAddress, 4, 0) }
    var right = PacketSocket(descriptor: b)
    #expect(right.receive() == .closed(EPROTO))
  }
}
