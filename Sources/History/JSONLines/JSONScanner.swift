// A scanner over lines of JSON: it makes no tree, and no string where a comparison of bytes is enough.

#if canImport(Glibc)
  import Glibc
#endif

/// Scans one line. Behind the line stands a newline and behind that some bytes that may be read (`ByteWindow.padding`): the
/// scanner never moves over the newline, so nothing here asks where the bytes end.
struct JSONScanner {
  struct Failure: Error {
    /// Offset in `bytes`.
    var byte: Int
    var message: String
  }

  let bytes: UnsafeBufferPointer<UInt8>
  var position: Int

  init(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int = 0) {
    self.bytes = bytes
    self.position = position
  }

  var current: UInt8 { bytes[position] }
  var isAtEnd: Bool { bytes[position] == 0x0a }

  @inline(__always)
  mutating func skipSpace() {
    while bytes[position] <= 0x20, bytes[position] == 0x20 || bytes[position] == 0x09 || bytes[position] == 0x0d {
      position += 1
    }
  }

  /// Takes `byte` where it stands next.
  @inline(__always)
  mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard bytes[position] == byte else { return false }
    position += 1
    return true
  }

  @inline(__always)
  mutating func expect(_ byte: UInt8, _ what: StaticString) throws(Failure) {
    guard take(byte) else { throw Failure(byte: position, message: "expected \(what)") }
  }

  /// A string of at most seven bytes without escapes as a number, its first byte the lowest (`JSONWord`); nil, and nothing
  /// is taken, where something else stands next.
  @inline(__always)
  mutating func shortWord() -> UInt64? {
    skipSpace()
    guard bytes[position] == 0x22, let base = bytes.baseAddress else { return nil }
    let eight = UInt64(littleEndian: UnsafeRawPointer(base + position + 1).loadUnaligned(as: UInt64.self))
    // Which bytes are a quote: Mycroft's test for a zero byte, exact for the lowest.
    let differs = eight ^ 0x2222_2222_2222_2222
    let quotes = (differs &- 0x0101_0101_0101_0101) & ~differs & 0x8080_8080_8080_8080
    guard quotes != 0 else { return nil }
    let bits = UInt64(quotes.trailingZeroBitCount & ~7)
    position += Int(bits >> 3) + 2
    return eight & (1 << bits &- 1)
  }

  /// The bytes between the quotes, escapes not resolved.
  mutating func rawString(_ what: StaticString = "a string") throws(Failure) -> UnsafeBufferPointer<UInt8> {
    try expect(0x22, what)
    let start = position
    while true {
      switch bytes[position] {
      case 0x22:
        position += 1
        return UnsafeBufferPointer(rebasing: bytes[start..<position - 1])
      case 0x5c: position += bytes[position + 1] < 0x20 ? 1 : 2
      case 0x0a: throw Failure(byte: position, message: "expected the end of a string")
      case 0..<0x20: throw Failure(byte: position, message: "expected no control character in a string")
      default: position += 1
      }
    }
  }

  mutating func string(_ what: StaticString = "a string") throws(Failure) -> String {
    skipSpace()
    let start = position
    let raw = try rawString(what)
    guard let text = Self.unescape(raw) else {
      throw Failure(byte: start, message: "expected a string in UTF-8 with valid escapes")
    }
    return text
  }

  @inline(__always)
  mutating func integer(_ what: StaticString) throws(Failure) -> Int64 {
    skipSpace()
    let start = position
    let isNegative = bytes[position] == 0x2d
    if isNegative { position += 1 }
    let first = position
    var value: Int64 = 0
    while true {
      let digit = bytes[position] &- 0x30
      guard digit < 10 else { break }
      value = value &* 10 &+ Int64(digit)
      position += 1
    }
    // Eighteen digits always fit.
    guard position > first, position - first <= 18, bytes[position] != 0x2e, bytes[position] | 0x20 != 0x65 else {
      return try longInteger(what, start, first)
    }
    return isNegative ? -value : value
  }

  private func longInteger(_ what: StaticString, _ start: Int, _ first: Int) throws(Failure) -> Int64 {
    guard position > first, bytes[position] != 0x2e, bytes[position] | 0x20 != 0x65 else {
      throw Failure(byte: start, message: "expected \(what)")
    }
    guard let value = Int64(String(decoding: bytes[start..<position], as: UTF8.self)) else {
      throw Failure(byte: start, message: "expected \(what) of at most 63 bits")
    }
    return value
  }

  mutating func boolean(_ what: StaticString) throws(Failure) -> Bool {
    skipSpace()
    if takeWord("true") { return true }
    if takeWord("false") { return false }
    throw Failure(byte: position, message: "expected \(what), true or false")
  }

  @inline(__always)
  mutating func null() -> Bool {
    skipSpace()
    return bytes[position] == 0x6e && takeWord("null")
  }

  /// Takes exactly these bytes where they stand here.
  @inline(__always)
  mutating func takeWord(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    for index in 0..<count where bytes[position + index] != word.utf8Start[index] { return false }
    position += count
    return true
  }

  /// Whether `text` stands here; it holds no newline.
  func isNext(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let base = bytes.baseAddress, let start = text.baseAddress, position + text.count <= bytes.count else {
      return false
    }
    return memcmp(base + position, start, text.count) == 0
  }

  /// Passes over any value; nesting is bounded.
  mutating func skipValue(depth: Int = 0) throws(Failure) {
    skipSpace()
    guard depth < 32 else { throw Failure(byte: position, message: "expected at most 32 levels of nesting") }
    switch current {
    case 0x22: _ = try rawString()
    case 0x7b, 0x5b:
      let isObject = current == 0x7b
      let close: UInt8 = isObject ? 0x7d : 0x5d
      position += 1
      if take(close) { return }
      repeat {
        if isObject {
          skipSpace()
          _ = try rawString("a key")
          try expect(0x3a, "a colon")
        }
        try skipValue(depth: depth + 1)
      } while take(0x2c)
      try expect(close, isObject ? "a comma or a closing brace" : "a comma or a closing bracket")
    case 0x74, 0x66: _ = try boolean("a value")
    case 0x6e: guard null() else { throw Failure(byte: position, message: "expected a value") }
    case 0x2d, 0x30...0x39:
      position += 1
      while true {
        switch current {
        case 0x30...0x39, 0x2e, 0x65, 0x45, 0x2b, 0x2d: position += 1
        default: return
        }
      }
    default: throw Failure(byte: position, message: "expected a value")
    }
  }

  /// Nil where the bytes are no UTF-8 or an escape is none of JSON's.
  static func unescape(_ raw: UnsafeBufferPointer<UInt8>) -> String? {
    guard raw.contains(0x5c) else { return String(validating: raw, as: UTF8.self) }
    var out: [UInt8] = []
    var position = 0
    func hex() -> UInt32? {
      guard position + 4 <= raw.count else { return nil }
      var value: UInt32 = 0
      for _ in 0..<4 {
        guard let digit = Character(UnicodeScalar(raw[position])).hexDigitValue else { return nil }
        value = value << 4 | UInt32(digit)
        position += 1
      }
      return value
    }
    while position < raw.count {
      let byte = raw[position]
      position += 1
      guard byte == 0x5c else {
        out.append(byte)
        continue
      }
      guard position < raw.count else { return nil }
      let escape = raw[position]
      position += 1
      switch escape {
      case 0x22, 0x5c, 0x2f: out.append(escape)
      case 0x62: out.append(8)
      case 0x66: out.append(12)
      case 0x6e: out.append(10)
      case 0x72: out.append(13)
      case 0x74: out.append(9)
      case 0x75:
        guard var value = hex() else { return nil }
        if value >> 10 == 0x36 {
          guard position + 2 <= raw.count, raw[position] == 0x5c, raw[position + 1] == 0x75 else { return nil }
          position += 2
          guard let low = hex(), low >> 10 == 0x37 else { return nil }
          value = 0x1_0000 + (value & 0x3ff) << 10 + low & 0x3ff
        }
        guard let scalar = UnicodeScalar(value) else { return nil }
        out += Array(String(Character(scalar)).utf8)
      default: return nil
      }
    }
    return String(validating: out, as: UTF8.self)
  }
}

/// A string as a JSON literal.
func jsonQuoted(_ text: String, into out: inout [UInt8]) {
  out.append(0x22)
  for byte in text.utf8 {
    switch byte {
    case 0x22, 0x5c: out += [0x5c, byte]
    case 0x0a: out += [0x5c, 0x6e]
    case 0x09: out += [0x5c, 0x74]
    case 0x0d: out += [0x5c, 0x72]
    case 0..<0x20:
      let digits = Array("0123456789abcdef".utf8)
      out += [0x5c, 0x75, 0x30, 0x30, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    default: out.append(byte)
    }
  }
  out.append(0x22)
}
