// CRC-32C (Castagnoli), the checksum of every file and frame of ours; by libisal, with the processor's instruction.

import CIsal

/// CRC-32C as in RFC 3720, appendix B.4: reflected, initial value and final xor all ones.
public enum CRC32C {
  /// The checksum of `bytes`; with `seed` the checksum of what came before, the one of both together.
  public static func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
    var crc = ~seed
    // The library counts in C's int.
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
      guard let base = piece.baseAddress else { break }
      crc = crc32c_isal(
        UnsafeMutablePointer(mutating: base.assumingMemoryBound(to: UInt8.self)), Int32(piece.count), crc)
      rest = rest.dropFirst(piece.count)
    }
    return ~crc
  }

  public static func checksum(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { checksum($0, seed: seed) }
  }
}
