// What stands in a message: who sent it when, and bytes behind it that can be checked. No I/O, no clock.

import Base
import History

/// What a payload says of its message.
struct Payload: Equatable, Sendable {
  var id: MessageID
  var attempt: UInt32
  /// 0: none.
  var transaction: UInt64 = 0
  /// When the schedule meant it to be sent; 0: there is none.
  var intended: Nanoseconds = 0
  /// When it was appended to the output.
  var sent: Nanoseconds
}

/// Writes and reads payloads of one run. Little endian:
///
/// | offset | bytes | |
/// | --- | --- | --- |
/// | 0 | 4 | magic `SPM1` |
/// | 4 | 4 | CRC-32C of the bytes 8 to 55 |
/// | 8 | 8 | nonce of the run |
/// | 16 | 8 | message id |
/// | 24 | 4 | attempt |
/// | 28 | 4 | size of the whole payload |
/// | 32 | 8 | transaction |
/// | 40 | 8 | intended send time |
/// | 48 | 8 | real send time |
/// | 56 | … | padding: a stretch of the run's own random bytes that begins at a place chosen by the id |
///
/// The padding is compared with what it must be, which finds at least what a checksum over it would, at a tenth of the cost.
struct PayloadCodec: Sendable {
  static let headerSize = 56
  private static let magic: UInt32 = 0x314d_5053
  /// How many places a padding can begin at.
  private static let places = 256

  enum Reading: Equatable {
    case message(Payload)
    /// Not a payload of ours, or not as it was written.
    case damaged
    /// Well-formed, of another run.
    case foreign
  }

  let nonce: UInt64
  /// Bytes of every payload.
  let size: Int
  private let pattern: [UInt8]

  /// - Parameter size: bytes of a payload; a smaller one than the header becomes the header alone.
  init(nonce: UInt64, size: Int) {
    self.nonce = nonce
    self.size = max(Self.headerSize, size)
    var random = SeededGenerator(seed: nonce, label: "padding")
    var pattern: [UInt8] = []
    while pattern.count < self.size - Self.headerSize + Self.places {
      withUnsafeBytes(of: random.next().littleEndian) { pattern.append(contentsOf: $0) }
    }
    self.pattern = pattern
  }

  /// Writes `size` bytes; the buffer has room for them.
  func encode(_ payload: Payload, into buffer: UnsafeMutableRawBufferPointer) {
    precondition(buffer.count >= size)
    buffer.storeBytes(of: Self.magic.littleEndian, toByteOffset: 0, as: UInt32.self)
    buffer.storeBytes(of: nonce.littleEndian, toByteOffset: 8, as: UInt64.self)
    buffer.storeBytes(of: payload.id.rawValue.littleEndian, toByteOffset: 16, as: UInt64.self)
    buffer.storeBytes(of: payload.attempt.littleEndian, toByteOffset: 24, as: UInt32.self)
    buffer.storeBytes(of: UInt32(size).littleEndian, toByteOffset: 28, as: UInt32.self)
    buffer.storeBytes(of: payload.transaction.littleEndian, toByteOffset: 32, as: UInt64.self)
    buffer.storeBytes(of: payload.intended.littleEndian, toByteOffset: 40, as: Int64.self)
    buffer.storeBytes(of: payload.sent.littleEndian, toByteOffset: 48, as: Int64.self)
    let checksum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: buffer[8..<Self.headerSize]))
    buffer.storeBytes(of: checksum.littleEndian, toByteOffset: 4, as: UInt32.self)
    pattern.withUnsafeBytes { pattern in
      let place = Self.place(payload.id.rawValue)
      UnsafeMutableRawBufferPointer(rebasing: buffer[Self.headerSize..<size]).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: pattern[place..<place + size - Self.headerSize]))
    }
  }

  func decode(_ bytes: UnsafeRawBufferPointer) -> Reading {
    guard bytes.count >= Self.headerSize, load(bytes, 0, UInt32.self) == Self.magic,
      load(bytes, 4, UInt32.self) == CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[8..<Self.headerSize]))
    else { return .damaged }
    guard load(bytes, 8, UInt64.self) == nonce else { return .foreign }
    let id = load(bytes, 16, UInt64.self)
    guard bytes.count == size, load(bytes, 28, UInt32.self) == UInt32(size), paddingIsWhole(bytes, id) else {
      return .damaged
    }
    return .message(
      Payload(
        id: MessageID(rawValue: id), attempt: load(bytes, 24, UInt32.self), transaction: load(bytes, 32, UInt64.self),
        intended: load(bytes, 40, Int64.self), sent: load(bytes, 48, Int64.self)))
  }

  private func paddingIsWhole(_ bytes: UnsafeRawBufferPointer, _ id: UInt64) -> Bool {
    pattern.withUnsafeBytes { pattern in
      let place = Self.place(id)
      let expected = UnsafeRawBufferPointer(rebasing: pattern[place..<place + size - Self.headerSize])
      return areEqual(expected, UnsafeRawBufferPointer(rebasing: bytes[Self.headerSize...]))
    }
  }

  private static func place(_ id: UInt64) -> Int { Int(truncatingIfNeeded: (id ^ id >> 40) & UInt64(places - 1)) }

  @inline(__always)
  private func load<Number: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, _ offset: Int, _: Number.Type) -> Number
  {
    Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
  }
}

/// Eight bytes at a time.
private func areEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
  guard a.count == b.count else { return false }
  var difference: UInt64 = 0
  var offset = 0
  while offset &+ 8 <= a.count {
    difference |=
      a.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      ^ b.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    offset &+= 8
  }
  while offset < a.count {
    difference |= UInt64(a[offset] ^ b[offset])
    offset &+= 1
  }
  return difference == 0
}
