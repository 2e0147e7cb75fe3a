// The published encoding of HdrHistogram, V2: counts as ZigZag LEB128 with runs of zeros, big endian header; and its
// "compressed" form, a zlib stream around it, in stored blocks.

import Base

/// Encoded histograms, as every implementation of HdrHistogram reads them. The zlib stream holds stored (uncompressed)
/// deflate blocks: valid for every reader, and no compression library is needed; histograms are small. Of streams of
/// others only those in stored blocks can be read back.
enum HistogramEncoding {
  static let plainCookie: UInt32 = 0x1c84_9303 | 0x10
  static let compressedCookie: UInt32 = 0x1c84_9304 | 0x10

  struct Failure: Error { var message: String }

  static func encode(_ histogram: Histogram) -> [UInt8] {
    var payload: [UInt8] = []
    let end = (histogram.counts.lastIndex { $0 != 0 } ?? -1) + 1
    var index = 0
    while index < end {
      var zeros = 0
      while index + zeros < end, histogram.counts[index + zeros] == 0 { zeros += 1 }
      if zeros > 0 {
        // A single zero is a zero; a run is its length, negative.
        append(zeros == 1 ? 0 : -Int64(zeros), to: &payload)
        index += zeros
      } else {
        append(histogram.counts[index], to: &payload)
        index += 1
      }
    }
    var bytes = bigEndian(plainCookie) + bigEndian(UInt32(payload.count)) + bigEndian(UInt32(0))
    bytes += bigEndian(UInt32(Histogram.significantDigits))
    // The least distinguishable value, the greatest trackable one, the ratio of integer to double: 1.0.
    bytes += bigEndian(Int64(1)) + bigEndian(Histogram.largest) + bigEndian((1.0).bitPattern)
    return bytes + payload
  }

  static func encodeCompressed(_ histogram: Histogram) -> [UInt8] {
    let stream = zlibStored(encode(histogram))
    return bigEndian(compressedCookie) + bigEndian(UInt32(stream.count)) + stream
  }

  static func decode(_ bytes: [UInt8]) throws(Failure) -> Histogram {
    var reader = Reader(bytes: bytes)
    let cookie = try reader.uint32()
    // The second byte from the right is the size of a word in other versions of the format; V2 has none.
    if cookie & ~0xf0 == compressedCookie & ~0xf0 {
      let length = Int(try reader.uint32())
      guard length <= bytes.count - reader.position else {
        throw Failure(message: "expected \(length) bytes of zlib data")
      }
      return try decode(unzlib(Array(bytes[reader.position..<reader.position + length])))
    }
    guard cookie & ~0xf0 == plainCookie & ~0xf0 else { throw Failure(message: "expected a V2 histogram") }
    let length = Int(try reader.uint32())
    _ = try reader.uint32()
    guard try reader.uint32() == UInt32(Histogram.significantDigits), try reader.uint64() == 1 else {
      throw Failure(message: "expected three significant digits from 1 upwards")
    }
    _ = try reader.uint64()
    _ = try reader.uint64()
    guard length == bytes.count - reader.position else { throw Failure(message: "expected \(length) bytes of counts") }
    var histogram = Histogram()
    let slots = Int64(Histogram.index(of: Histogram.largest)) + 1
    var index: Int64 = 0
    while reader.position < bytes.count {
      let value = try reader.zigZag()
      let step = value < 0 ? 0 &- value : 1
      guard step >= 0, step <= slots - index else { throw Failure(message: "expected at most \(slots) counts") }
      if value > 0 {
        guard value <= Int64.max - histogram.count else { throw Failure(message: "expected counts of 63 bits in all") }
        histogram.record(Histogram.value(at: Int(index)), times: value)
      }
      index += step
    }
    return histogram
  }

  /// ZigZag, then 7 bits a byte, the least first; a ninth byte has 8.
  private static func append(_ value: Int64, to bytes: inout [UInt8]) {
    var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
    for _ in 0..<8 {
      if rest < 0x80 {
        bytes.append(UInt8(rest))
        return
      }
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  private struct Reader {
    let bytes: [UInt8]
    var position = 0

    mutating func byte() throws(Failure) -> UInt8 {
      guard position < bytes.count else { throw Failure(message: "expected more bytes") }
      position += 1
      return bytes[position - 1]
    }
    mutating func uint32() throws(Failure) -> UInt32 {
      var value: UInt32 = 0
      for _ in 0..<4 { value = value << 8 | UInt32(try byte()) }
      return value
    }
    mutating func uint64() throws(Failure) -> UInt64 { UInt64(try uint32()) << 32 | UInt64(try uint32()) }
    mutating func zigZag() throws(Failure) -> Int64 {
      var value: UInt64 = 0
      for index in 0..<9 {
        let byte = try byte()
        value |= UInt64(index == 8 ? byte : byte & 0x7f) << UInt64(7 * index)
        if index == 8 || byte < 0x80 { break }
      }
      return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }
  }

  /// RFC 1950 and 1951: header, stored blocks, Adler-32.
  static func zlibStored(_ bytes: [UInt8]) -> [UInt8] {
    var out: [UInt8] = [0x78, 0x01]
    var start = 0
    repeat {
      let end = min(start + 0xffff, bytes.count)
      let length = UInt16(end - start)
      out.append(end == bytes.count ? 1 : 0)
      out += [UInt8(length & 0xff), UInt8(length >> 8), UInt8(~length & 0xff), UInt8(~length >> 8)]
      out += bytes[start..<end]
      start = end
    } while start < bytes.count
    return out + bigEndian(adler32(bytes[...]))
  }

  private static func unzlib(_ bytes: [UInt8]) throws(Failure) -> [UInt8] {
    guard bytes.count >= 2, bytes[0] & 0x0f == 8, (Int(bytes[0]) << 8 | Int(bytes[1])) % 31 == 0 else {
      throw Failure(message: "expected zlib data")
    }
    var out: [UInt8] = []
    var at = 2
    var isLast = false
    while !isLast {
      guard at + 5 <= bytes.count else { throw Failure(message: "expected a deflate block") }
      guard bytes[at] & 0x06 == 0 else {
        throw Failure(message: "expected a stored deflate block: compressed ones are not read here")
      }
      isLast = bytes[at] & 1 == 1
      let length = Int(bytes[at + 1]) | Int(bytes[at + 2]) << 8
      guard length ^ 0xffff == Int(bytes[at + 3]) | Int(bytes[at + 4]) << 8, at + 5 + length <= bytes.count else {
        throw Failure(message: "expected a stored deflate block of \(length) bytes")
      }
      out += bytes[at + 5..<at + 5 + length]
      at += 5 + length
    }
    guard bytes.count == at + 4, Array(bytes[at...]) == bigEndian(adler32(out[...])) else {
      throw Failure(message: "expected the checksum of the zlib data")
    }
    return out
  }

  private static func adler32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var a: UInt32 = 1
    var b: UInt32 = 0
    for byte in bytes {
      a = (a + UInt32(byte)) % 65521
      b = (b + a) % 65521
    }
    return b << 16 | a
  }

  private static func bigEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
  }
}
