// The layout of `history.bin`: blocks with a checksum each, so that a file cut anywhere is readable up to the cut.
//
//   block  = header payload, nothing between two blocks; numbers are little endian
//   header = magic u32, kind u16, version u16, sequence u64, count u32, length u32, crc of payload u32, crc of header u32
//   kinds: begin (once, first), names (before the first event that uses them), events (`EventColumns`), end (once, last)

import Base

enum HistoryFormat {
  enum Kind: UInt16 {
    case begin = 1
    case names, events, end
  }

  /// `SPhb` in the order of the file.
  static let magic: UInt32 = 0x6268_5053
  static let version: UInt16 = 3
  static let headerSize = 32
  static let functions = Function.allCases.count
  /// Events in a block, at most.
  static let largestBlock = 1 << 20
  /// A longer payload is a damaged length, not a block of ours.
  static let largestPayload = 128 << 20

  struct Header: Equatable {
    var kind: Kind
    var sequence: UInt64
    var count: Int
    var length: Int
    var checksum: UInt32
  }

  static func store(_ header: Header, at base: UnsafeMutableRawPointer) {
    base.storeBytes(of: magic.littleEndian, as: UInt32.self)
    base.storeBytes(of: header.kind.rawValue.littleEndian, toByteOffset: 4, as: UInt16.self)
    base.storeBytes(of: version.littleEndian, toByteOffset: 6, as: UInt16.self)
    base.storeBytes(of: header.sequence.littleEndian, toByteOffset: 8, as: UInt64.self)
    base.storeBytes(of: UInt32(truncatingIfNeeded: header.count).littleEndian, toByteOffset: 16, as: UInt32.self)
    base.storeBytes(of: UInt32(truncatingIfNeeded: header.length).littleEndian, toByteOffset: 20, as: UInt32.self)
    base.storeBytes(of: header.checksum.littleEndian, toByteOffset: 24, as: UInt32.self)
    let sum = CRC32C.checksum(UnsafeRawBufferPointer(start: base, count: 28))
    base.storeBytes(of: sum.littleEndian, toByteOffset: 28, as: UInt32.self)
  }

  /// Payload of the begin block: what a reader must know to understand the rest.
  static func beginPayload() -> [UInt8] { littleEndian(UInt32(EventColumns.count)) + littleEndian(UInt32(0)) }
  /// Payload of the end block: how many events and names the file holds.
  static func endPayload(events: Int, names: Int) -> [UInt8] {
    littleEndian(UInt64(events)) + littleEndian(UInt64(names))
  }

  static func namesPayload(_ entries: ArraySlice<Names.Entry>) -> [UInt8] {
    var bytes: [UInt8] = []
    for entry in entries {
      switch entry {
      case .word(let text):
        let utf8 = Array(text.utf8)
        bytes += [0] + littleEndian(UInt32(utf8.count)) + utf8
      case .route(let queues):
        bytes += [1] + littleEndian(UInt32(queues.count))
        for queue in queues { bytes += littleEndian(queue) }
      }
    }
    return bytes
  }

  static func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
