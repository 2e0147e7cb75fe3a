// What stands in a simulated message: who it is, a checksum over it all, and padding that can be checked.

import Base
import History

struct VirtualPayload: Equatable {
  var id: MessageID
  var attempt: UInt32
  var transaction: UInt64

  private static let headerSize = 24

  func encoded(padding: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.headerSize + padding)
    func put(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    put(UInt32(0))
    put(attempt)
    put(id.rawValue)
    put(transaction)
    for at in 0..<padding { bytes.append(UInt8(truncatingIfNeeded: at &* 31 &+ Int(truncatingIfNeeded: id.rawValue))) }
    let checksum = bytes.withUnsafeBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[4...])) }
    withUnsafeBytes(of: checksum.littleEndian) { bytes.replaceSubrange(0..<4, with: $0) }
    return bytes
  }

  /// nil: not a message of ours, or not as it was written.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.headerSize else { return nil }
    let checksum = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
    guard checksum == CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[4...])) else { return nil }
    attempt = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    id = MessageID(rawValue: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    transaction = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
  }

  init(id: MessageID, attempt: UInt32, transaction: UInt64) {
    self.id = id
    self.attempt = attempt
    self.transaction = transaction
  }
}
