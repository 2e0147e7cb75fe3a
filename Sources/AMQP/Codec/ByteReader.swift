// The input side: reads fields from a span of received bytes, and throws where they end too early.

/// Reads numbers in network byte order and strings from a stretch of bytes that it does not own.
public struct ByteReader {
  let bytes: UnsafeRawBufferPointer
  private(set) var position = 0

  public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var remaining: Int { bytes.count - position }

  /// - Throws: 502 where fewer bytes are left than the number has.
  @inline(__always)
  mutating func read<Number: FixedWidthInteger>(_: Number.Type = Number.self) throws(AMQPError) -> Number {
    guard remaining >= MemoryLayout<Number>.size else { throw Self.truncated }
    defer { position += MemoryLayout<Number>.size }
    return Number(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: Number.self))
  }

  /// The next `count` bytes, not copied.
  @inline(__always)
  mutating func take(_ count: Int) throws(AMQPError) -> UnsafeRawBufferPointer {
    guard count >= 0, remaining >= count else { throw Self.truncated }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }

  @inline(__always)
  mutating func shortString() throws(AMQPError) -> String {
    let count = Int(try read(UInt8.self))
    if count == 0 { return "" }
    let bytes = try take(count)
    if Self.isASCII(bytes) { return String(decoding: bytes, as: UTF8.self) }  // much faster than to validate
    guard let string = String(validating: bytes, as: UTF8.self) else {
      throw AMQPError(.syntaxError, "a short string is not UTF-8")
    }
    return string
  }

  @inline(__always)
  private static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var seen: UInt64 = 0
    var index = 0
    while index + 8 <= bytes.count {
      seen |= bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      index += 8
    }
    while index < bytes.count {
      seen |= UInt64(bytes[index])
      index += 1
    }
    return seen & 0x8080_8080_8080_8080 == 0
  }

  mutating func longBytes() throws(AMQPError) -> UnsafeRawBufferPointer {
    try take(Int(try read(UInt32.self)))
  }

  /// - Throws: 502 where bytes are left behind the last field.
  func finish() throws(AMQPError) {
    guard remaining == 0 else { throw AMQPError(.syntaxError, "\(remaining) bytes behind the last field") }
  }

  static var truncated: AMQPError { AMQPError(.syntaxError, "a field reaches beyond the end of its frame") }
}
