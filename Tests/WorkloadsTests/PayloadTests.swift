// Payloads: what is written is read, and nothing else is taken for it.

import Base
import History
import Testing

@testable import Workloads

@Suite struct PayloadTests {
  private func encoded(_ payload: Payload, _ codec: PayloadCodec) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xee, count: codec.size)
    bytes.withUnsafeMutableBytes { codec.encode(payload, into: $0) }
    return bytes
  }

  private func decoded(_ bytes: [UInt8], _ codec: PayloadCodec) -> PayloadCodec.Reading {
    bytes.withUnsafeBytes { codec.decode($0) }
  }

  private func sample(_ random: inout SeededGenerator) -> Payload {
    Payload(
      id: MessageID(producer: random.below(1 << 20), sequence: random.below(1 << 40)),
      attempt: UInt32(truncatingIfNeeded: random.next()), transaction: random.next(),
      intended: Int64(bitPattern: random.next()), sent: Int64(bitPattern: random.next()))
  }

  @Test(arguments: [0, 56, 57, 63, 64, 100, 1024, 70_001]) func whatIsWrittenIsRead(size: Int) {
    var random = SeededGenerator(seed: 7, label: "size \(size)")
    let codec = PayloadCodec(nonce: random.next(), size: size)
    #expect(codec.size == max(56, size))
    for _ in 0..<50 {
      let payload = sample(&random)
      #expect(decoded(encoded(payload, codec), codec) == .message(payload))
    }
  }

  @Test func anyDamageIsSeen() {
    let seed: UInt64 = 20
    var random = SeededGenerator(seed: seed, label: "damage")
    let codec = PayloadCodec(nonce: random.next(), size: 300)
    for round in 0..<5000 {
      let payload = sample(&random)
      let whole = encoded(payload, codec)
      var bytes = whole
      switch random.below(4) {
      case 0: bytes[random.below(bytes.count)] ^= UInt8(1 + random.below(255))
      case 1: bytes.removeLast(1 + random.below(bytes.count))
      case 2: bytes.append(UInt8(random.below(256)))
      default:
        // The head of one message with the tail of another, as a torn write leaves it.
        var other = payload
        other.id.rawValue ^= UInt64(1 + random.below(255))
        let cut = 1 + random.below(bytes.count - 1)
        let tail = encoded(other, codec)
        bytes = Array(whole[..<cut] + tail[cut...])
        if bytes == whole || bytes == tail { continue }
      }
      #expect(decoded(bytes, codec) == .damaged, "seed \(seed), round \(round)")
    }
  }

  @Test func noise() {
    var random = SeededGenerator(seed: 21, label: "noise")
    let codec = PayloadCodec(nonce: 1, size: 100)
    for _ in 0..<5000 {
      let bytes = (0..<random.below(200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      #expect(decoded(bytes, codec) == .damaged)
    }
  }

  @Test func anotherRunIsForeign() {
    let payload = Payload(id: MessageID(producer: 1, sequence: 2), attempt: 1, sent: 3)
    let other = PayloadCodec(nonce: 1, size: 200)
    #expect(decoded(encoded(payload, other), PayloadCodec(nonce: 2, size: 100)) == .foreign)
  }

  /// The layout is a format: other programs may read it.
  @Test func layout() {
    let codec = PayloadCodec(nonce: 0x0102_0304_0506_0708, size: 0)
    let payload = Payload(
      id: MessageID(producer: 3, sequence: 1041), attempt: 2, transaction: 9, intended: 1000, sent: 1001)
    let bytes = encoded(payload, codec)
    #expect(bytes.prefix(4) == [0x53, 0x50, 0x4d, 0x31])
    let expected: [[UInt8]] = [
      [8, 7, 6, 5, 4, 3, 2, 1], [0x11, 0x04, 0, 0, 0, 3, 0, 0], [2, 0, 0, 0], [56, 0, 0, 0], [9, 0, 0, 0, 0, 0, 0, 0],
      [0xe8, 3, 0, 0, 0, 0, 0, 0], [0xe9, 3, 0, 0, 0, 0, 0, 0],
    ]
    #expect(Array(bytes[8..<56]) == Array(expected.joined()))
    let checksum = CRC32C.checksum(Array(bytes[8..<56]))
    #expect(Array(bytes[4..<8]) == withUnsafeBytes(of: checksum.littleEndian) { Array($0) })
  }
}
