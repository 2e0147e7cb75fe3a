// CRC-32C (Castagnoli), the checksum of payloads, log records and history blocks. Slicing by eight, in plain Swift.

/// CRC-32C as of RFC 3720, appendix B.4: polynomial 0x1EDC6F41, reflected, initial value and final xor all ones.
public enum CRC32C {
  /// The checksum of `bytes`; `seed` is the checksum of what came before, to go on over several pieces.
  public static func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
    table.withUnsafeBufferPointer { table in
      var crc = ~seed
      var offset = 0
      while offset &+ 8 <= bytes.count {
        let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian ^ UInt64(crc)
        crc =
          table[1792 &+ Int(word & 0xff)] ^ table[1536 &+ Int(word >> 8 & 0xff)]
          ^ table[1280 &+ Int(word >> 16 & 0xff)] ^ table[1024 &+ Int(word >> 24 & 0xff)]
          ^ table[768 &+ Int(word >> 32 & 0xff)] ^ table[512 &+ Int(word >> 40 & 0xff)]
          ^ table[256 &+ Int(word >> 48 & 0xff)] ^ table[Int(word >> 56)]
        offset &+= 8
      }
      while offset < bytes.count {
        crc = table[Int((crc ^ UInt32(bytes[offset])) & 0xff)] ^ (crc >> 8)
        offset &+= 1
      }
      return ~crc
    }
  }

  public static func checksum(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { checksum($0, seed: seed) }
  }

  /// Eight tables of 256 entries, one behind the other.
  private static let table: [UInt32] = {
    var table = [UInt32](repeating: 0, count: 8 * 256)
    for i in 0..<256 {
      var c = UInt32(i)
      for _ in 0..<8 { c = c & 1 == 1 ? (c >> 1) ^ 0x82f6_3b78 : c >> 1 }
      table[i] = c
    }
    for i in 0..<256 {
      for k in 1..<8 {
        let c = table[(k - 1) * 256 + i]
        table[k * 256 + i] = table[Int(c & 0xff)] ^ (c >> 8)
      }
    }
    return table
  }()
}
