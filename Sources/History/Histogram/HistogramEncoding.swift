// The published encoding of HdrHistogram, V2: counts as ZigZag LEB128 with runs of zeros, big endian header; and its
// compressed form, a zlib stream around it.

import Base

/// Encoded histograms, as every implementation of HdrHistogram reads and writes them.
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

  /// More content than any histogram has.
  private static let largest = 16 << 20

  static func encodeCompressed(_ histogram: Histogram) -> [UInt8] {
    let stream = Zlib.compress(encode(histogram))
    return bigEndian(compressedCookie) + bigEndian(UInt32(stream.count)) + stream
  }

  /// The histogram in `bytes`. One of another precision, or whose least value is not 1, is counted anew: every value as the
  /// greatest that its slot stands for, which is what percentiles are told by.
  static func decode(_ bytes: [UInt8]) throws(Failure) -> Histogram {
    var reader = Reader(bytes: bytes)
    let cookie = try reader.uint32()
    // The second byte from the right is the size of a word in other versions of the format; V2 has none.
    guard cookie & ~0xf0 == compressedCookie & ~0xf0 else { return try decodePlain(bytes) }
    let length = Int(try reader.uint32())
    guard length <= bytes.count - reader.position else {
      throw Failure(message: "expected \(length) bytes of zlib data")
    }
    let stream = bytes[reader.position..<reader.position + length]
    let content: [UInt8]
    do throws(Zlib.Failure) { content = try Zlib.decompress(stream, limit: largest) } catch {
      throw Failure(message: error.message)
    }
    return try decodePlain(content)
  }

  private static func decodePlain(_ bytes: [UInt8]) throws(Failure) -> Histogram {
    var reader = Reader(bytes: bytes)
    guard try reader.uint32() & ~0xf0 == plainCookie & ~0xf0 else { throw Failure(message: "expected a V2 histogram") }
    let length = Int(try reader.uint32())
    guard try reader.uint32() == 0 else { throw Failure(message: "expected a histogram that is not shifted") }
    let digits = Int(try reader.uint32())
    let least = try reader.uint64()
    guard let layout = Layout(digits: digits, least: least) else {
      throw Failure(message: "expected one to five significant digits from 1 or more upwards")
    }
    _ = try reader.uint64()
    guard try reader.uint64() == (1.0).bitPattern else { throw Failure(message: "expected a histogram of integers") }
    guard length == bytes.count - reader.position else { throw Failure(message: "expected \(length) bytes of counts") }
    var histogram = Histogram()
    var index: Int64 = 0
    while reader.position < bytes.count {
      let value = try reader.zigZag()
      let step = value < 0 ? 0 &- value : 1
      guard step >= 0, step <= layout.slots - index else {
        throw Failure(message: "expected at most \(layout.slots) counts")
      }
      if value > 0 {
        guard value <= Int64.max - histogram.count else { throw Failure(message: "expected counts of 63 bits in all") }
        histogram.record(layout.value(at: Int(index)), times: value)
      }
      index += step
    }
    return histogram
  }

  /// Which value a slot stands for: slots of one width up to twice a power of ten, then of twice the width each time that the
  /// value doubles.
  private struct Layout {
    private let halfMagnitude: Int
    private let unitMagnitude: Int
    private let isOurs: Bool
    /// Up to where values have 62 bits, or up to the largest where the layout is ours.
    let slots: Int64

    init?(digits: Int, least: UInt64) {
      guard (1...5).contains(digits), least > 0, least < 1 << 40 else { return nil }
      let single = 2 * [1, 10, 100, 1000, 10_000, 100_000][digits]
      halfMagnitude = (single - 1).bitWidth - (single - 1).leadingZeroBitCount - 1
      unitMagnitude = 63 - least.leadingZeroBitCount
      isOurs = digits == Histogram.significantDigits && unitMagnitude == 0
      let buckets = 62 - unitMagnitude - halfMagnitude
      slots =
        isOurs ? Int64(Histogram.index(of: Histogram.largest)) + 1 : Int64(buckets + 1) << Int64(halfMagnitude)
    }

    func value(at index: Int) -> Int64 {
      if isOurs { return Histogram.value(at: index) }
      let half = 1 << halfMagnitude
      let bucket = max((index >> halfMagnitude) - 1, 0)
      let inside = index < 2 * half ? index : (index & (half - 1)) + half
      let width = Int64(1) << Int64(bucket + unitMagnitude)
      return Int64(inside) * width + width - 1
    }
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

  private static func bigEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
  }
}
