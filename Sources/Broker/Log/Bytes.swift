// Writing and reading the numbers, strings and byte runs of which records and frames are made: little-endian, strict.

/// Why bytes are not what they should be.
public struct DecodingError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  init(_ description: String) { self.description = description }
}

/// Appends to an array.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  mutating func put(_ value: UInt8) { bytes.append(value) }
  mutating func put(_ value: Bool) { bytes.append(value ? 1 : 0) }

  @inline(__always)
  mutating func put<Number: FixedWidthInteger>(_ value: Number) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// A length in four bytes, then the bytes.
  mutating func put(run: UnsafeRawBufferPointer) {
    put(UInt32(truncatingIfNeeded: run.count))
    bytes.append(contentsOf: run)
  }

  mutating func put(run: [UInt8]) {
    put(UInt32(truncatingIfNeeded: run.count))
    bytes.append(contentsOf: run)
  }

  /// Overwrites a number or truth value written before.
  mutating func patch<Number: FixedWidthInteger>(_ value: Number, at place: Int) {
    withUnsafeBytes(of: value.littleEndian) { new in
      for (index, byte) in new.enumerated() { bytes[place + index] = byte }
    }
  }

  mutating func patch(_ value: Bool, at place: Int) { bytes[place] = value ? 1 : 0 }

  var isEmpty: Bool { bytes.isEmpty }
  var count: Int { bytes.count }

  /// Hands the array to a writer of another module.
  mutating func append(_ write: (inout [UInt8]) -> Void) { write(&bytes) }

  /// What `write` writes, with its length in four bytes before it.
  mutating func withLength(_ write: (inout ByteWriter) -> Void) {
    let place = bytes.count
    put(UInt32(0))
    write(&self)
    patch(UInt32(truncatingIfNeeded: bytes.count - place - 4), at: place)
  }

  /// All that was written; the writer is empty afterwards.
  mutating func takeBytes() -> [UInt8] {
    defer { bytes = [] }
    return bytes
  }

  mutating func put(raw: [UInt8]) { bytes.append(contentsOf: raw) }

  /// A length in two bytes, then UTF-8.
  mutating func put(_ string: String) {
    var string = string
    string.withUTF8 {
      put(UInt16(truncatingIfNeeded: $0.count))
      bytes.append(contentsOf: $0)
    }
  }
}

/// Reads what `ByteWriter` wrote; never beyond the end.
struct ByteScanner {
  let bytes: UnsafeRawBufferPointer
  private(set) var position: Int

  init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0) {
    self.bytes = bytes
    self.position = position
  }

  var remaining: Int { bytes.count - position }

  @inline(__always)
  mutating func take<Number: FixedWidthInteger>(_: Number.Type = Number.self) throws(DecodingError) -> Number {
    guard remaining >= MemoryLayout<Number>.size else { throw DecodingError("cut short") }
    defer { position += MemoryLayout<Number>.size }
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Number.self))
  }

  mutating func takeBool() throws(DecodingError) -> Bool {
    switch try take(UInt8.self) {
    case 0: return false
    case 1: return true
    default: throw DecodingError("a truth value that is neither 0 nor 1")
    }
  }

  /// Where the next run lies.
  mutating func takeRun() throws(DecodingError) -> Range<Int> {
    let count = Int(try take(UInt32.self))
    guard remaining >= count else { throw DecodingError("cut short") }
    defer { position += count }
    return position..<position + count
  }

  mutating func takeArray() throws(DecodingError) -> [UInt8] { Array(bytes[try takeRun()]) }

  /// Everything up to the end.
  mutating func takeRest() -> [UInt8] {
    defer { position = bytes.count }
    return Array(bytes[position...])
  }

  /// Everything up to the end, not copied.
  mutating func takeRemaining() -> UnsafeRawBufferPointer {
    defer { position = bytes.count }
    return UnsafeRawBufferPointer(rebasing: bytes[position...])
  }

  mutating func takeString() throws(DecodingError) -> String {
    let count = Int(try take(UInt16.self))
    guard remaining >= count else { throw DecodingError("cut short") }
    defer { position += count }
    guard let string = String(validating: bytes[position..<position + count], as: UTF8.self) else {
      throw DecodingError("a string that is not UTF-8")
    }
    return string
  }

  /// A count of things that take at least `size` bytes each, so that no length buys memory that its bytes did not bring.
  mutating func takeCount(of size: Int) throws(DecodingError) -> Int {
    let count = Int(try take(UInt32.self))
    guard count <= remaining / max(1, size) else { throw DecodingError("a count beyond the end") }
    return count
  }

  func finish() throws(DecodingError) {
    guard remaining == 0 else { throw DecodingError("\(remaining) bytes too many") }
  }
}
