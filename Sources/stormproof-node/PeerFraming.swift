// What goes over a link between two nodes: a hello, then frames with length and checksum; an empty frame says "still here".

import Base

/// The first bytes of either side: who it is, and that both mean the same cluster.
struct Hello: Equatable {
  static let size = 32
  private static let magic: UInt64 = 0x3130_5245_4550_5053  // "SPPEER01"

  /// Differs where the members, or their order, differ.
  var cluster: UInt64
  var node: Int

  /// The mark of a cluster, from its members' names in order.
  static func cluster(_ members: [String]) -> UInt64 {
    SeededGenerator.derive(seed: 0, label: members.joined(separator: "\n"))
  }

  func append(to bytes: inout [UInt8]) {
    let begin = bytes.count
    for number in [Self.magic, cluster, UInt64(node)] {
      withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
    let crc = UInt64(bytes[begin...].withUnsafeBytes { CRC32C.checksum($0) })
    withUnsafeBytes(of: crc.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Nil for bytes that are no hello.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.size else { return nil }
    func number(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    guard number(0) == Self.magic, number(24) == UInt64(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<24])))
    else { return nil }
    cluster = number(8)
    guard let node = Int(exactly: number(16)) else { return nil }
    self.node = node
  }

  init(cluster: UInt64, node: Int) {
    self.cluster = cluster
    self.node = node
  }
}

/// A frame: length of the payload, CRC-32C of the payload, payload. Length 0 is a sign of life.
enum PeerFraming {
  static let overhead = 8
  static let limit = 128 << 20

  static func append(_ payload: [UInt8], to bytes: inout [UInt8]) {
    bytes.reserveCapacity(bytes.count + overhead + payload.count)
    withUnsafeBytes(of: UInt32(payload.count).littleEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: CRC32C.checksum(payload).littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: payload)
  }

  enum Next {
    case frame(UnsafeRawBufferPointer, end: Int)
    case incomplete
    case broken(String)
  }

  static func next(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Next {
    guard bytes.count - offset >= overhead else { return .incomplete }
    let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    guard length <= limit else { return .broken("a frame of \(length) bytes") }
    guard bytes.count - offset - overhead >= length else { return .incomplete }
    let end = offset + overhead + length
    let payload = UnsafeRawBufferPointer(rebasing: bytes[(offset + overhead)..<end])
    let crc = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self))
    guard CRC32C.checksum(payload) == crc else { return .broken("a frame whose checksum does not fit") }
    return .frame(payload, end: end)
  }
}
