// Damage to binary histories that their checksums do not tell of: these are put right after it.

import Base

public enum Checksums {
  /// Recomputes the checksums of all blocks along the lengths that the file claims.
  public static func repair(_ bytes: inout [UInt8]) {
    var offset = 0
    while offset + 32 <= bytes.count {
      let length = (0..<4).reduce(0) { $0 | Int(bytes[offset + 20 + $1]) << (8 * $1) }
      let end = offset + 32 + length
      guard end <= bytes.count else { return }
      put(offset + 32..<end, at: offset + 24, &bytes)
      put(offset..<offset + 28, at: offset + 28, &bytes)
      offset = end
    }
  }

  private static func put(_ range: Range<Int>, at place: Int, _ bytes: inout [UInt8]) {
    let sum = bytes.withUnsafeBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[range])) }
    for k in 0..<4 { bytes[place + k] = UInt8(truncatingIfNeeded: sum >> (8 * UInt32(k))) }
  }
}
