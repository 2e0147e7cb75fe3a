// The bytes of a log segment: a header, then records, then zeros. All integers are little-endian.

import Base

/// The format of one segment file, `000001.wal`.
///
/// Header (32 bytes): magic, segment number, sequence of its first record, version, CRC-32C of these.
/// Record: length of what follows the checksum (its highest bit marks the first record after a sync), CRC-32C over
/// length, sequence and payload, sequence, payload. A zero length is the end.
///
/// The mark of the first record after a sync is what tells a torn tail from damage: whatever stands in front of such a
/// record had been synced before it was written, so that nothing in front of it can be torn.
public enum LogFormat {
  static let magic: UInt64 = 0x4c41_574d_524f_5453  // "STORMWAL"
  static let version: UInt32 = 1
  public static let headerSize = 32
  /// Length, checksum, sequence.
  public static let recordOverhead = 16
  /// The largest payload of a record.
  public static let payloadLimit = 1 << 30
  static let afterSync: UInt32 = 1 << 31

  /// `000001.wal` for 1.
  public static func name(_ segment: UInt64) -> String {
    let digits = String(segment)
    return String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".wal"
  }

  /// The number of a segment's name; nil for other files.
  public static func number(_ name: String) -> UInt64? {
    guard name.hasSuffix(".wal"), let number = UInt64(name.dropLast(4)), number > 0 else { return nil }
    return Self.name(number) == name ? number : nil
  }

  static func appendHeader(_ bytes: inout [UInt8], segment: UInt64, firstSequence: UInt64) {
    let begin = bytes.count
    append(&bytes, magic)
    append(&bytes, segment)
    append(&bytes, firstSequence)
    append(&bytes, version)
    let crc = bytes[begin...].withUnsafeBytes { CRC32C.checksum($0) }
    append(&bytes, crc)
  }

  /// The sequence of the segment's first record, or nil for a header that is not whole.
  static func readHeader(_ bytes: UnsafeRawBufferPointer, segment: UInt64) -> UInt64? {
    guard bytes.count >= headerSize, load(bytes, 0) == magic, load(bytes, 8) == segment else { return nil }
    guard load32(bytes, 24) == version else { return nil }
    guard load32(bytes, 28) == CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<28])) else { return nil }
    return load(bytes, 16)
  }

  /// Appends one record whose payload `encode` appends.
  static func appendRecord(
    _ bytes: inout [UInt8], sequence: UInt64, afterSync first: Bool, encode: (inout [UInt8]) -> Void
  ) {
    let begin = bytes.count
    append(&bytes, UInt64(0))
    append(&bytes, sequence)
    encode(&bytes)
    let word = UInt32(truncatingIfNeeded: bytes.count - begin - 8) | (first ? afterSync : 0)
    bytes.withUnsafeMutableBytes { bytes in
      let payload = UnsafeRawBufferPointer(rebasing: bytes[(begin + recordOverhead)...])
      bytes.storeBytes(of: word.littleEndian, toByteOffset: begin, as: UInt32.self)
      bytes.storeBytes(of: checksum(word, sequence, payload).littleEndian, toByteOffset: begin + 4, as: UInt32.self)
    }
  }

  /// One whole record at `offset`, or nil where there is none.
  static func readRecord(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Record? {
    guard bytes.count - offset >= recordOverhead else { return nil }
    let word = load32(bytes, offset)
    let length = Int(word & ~afterSync)
    guard length >= 8, length <= bytes.count - offset - 8 else { return nil }
    let sequence = load(bytes, offset + 8)
    let payload = (offset + recordOverhead)..<(offset + 8 + length)
    guard load32(bytes, offset + 4) == checksum(word, sequence, UnsafeRawBufferPointer(rebasing: bytes[payload])) else {
      return nil
    }
    return Record(sequence: sequence, payload: payload, afterSync: word & afterSync != 0)
  }

  struct Record {
    var sequence: UInt64
    var payload: Range<Int>
    var afterSync: Bool
    var end: Int { payload.upperBound }
  }

  /// The offset of a record behind `offset` that begins a later batch than the one `next` belongs to.
  static func laterBatch(_ bytes: UnsafeRawBufferPointer, behind offset: Int, next: UInt64) -> Int? {
    guard offset < bytes.count else { return nil }
    // Every record takes 16 bytes or more, which bounds the sequences that can stand here; the test by sequence spares
    // the checksum nearly everywhere.
    let bound = next + UInt64((bytes.count - offset) / recordOverhead) + 1
    var at = offset + 1
    while at + recordOverhead <= bytes.count {
      let sequence = load(bytes, at + 8)
      if sequence > next, sequence <= bound, let record = readRecord(bytes, at: at), record.afterSync { return at }
      at += 1
    }
    return nil
  }

  private static func checksum(_ word: UInt32, _ sequence: UInt64, _ payload: UnsafeRawBufferPointer) -> UInt32 {
    let head = withUnsafeBytes(of: (sequence.littleEndian, word.littleEndian)) {
      CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[..<12]))
    }
    return CRC32C.checksum(payload, seed: head)
  }

  @inline(__always)
  private static func append<T: FixedWidthInteger>(_ bytes: inout [UInt8], _ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  @inline(__always)
  private static func load(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inline(__always)
  private static func load32(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
    UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
}
