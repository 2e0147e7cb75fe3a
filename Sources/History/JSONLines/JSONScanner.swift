// A scanner over the bytes of one line of JSON: it makes no tree, and no string where a comparison of bytes is enough.

/// Positions are offsets from the begin of the line. Every read past the end gives 0, which no JSON byte is.
struct JSONScanner {
  struct Failure: Error {
    var byte: Int
    var message: String
  }

  let bytes: UnsafeBufferPointer<UInt8>
  var position = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  var current: UInt8 { position < bytes.count ? bytes[position] : 0 }
  var isAtEnd: Bool { position >= bytes.count }

  mutating func skipSpace() {
    while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 || bytes[position] == 0x0d {
      position += 1
    }
  }

  /// Takes `byte` where it stands next.
  mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard current == byte else { return false }
    position += 1
    return true
  }

  mutating func expect(_ byte: UInt8, _ what: StaticString) throws(Failure) {
    guard take(byte) else { throw Failure(byte: position, message: "expected \(what)") }
  }

  /// The bytes between the quotes, escapes not resolved.
  mutating func rawString(_ what: StaticString = "a string") throws(Failure) -> UnsafeBufferPointer<UInt8> {
    try expect(0x22, what)
    let start = position
    while position < bytes.count {
      switch bytes[position] {
      case 0x22:
        position += 1
        return UnsafeBufferPointer(rebasing: bytes[start..<position - 1])
      case 0x5c: position += 2
      case 0..<0x20: throw Failure(byte: position, message: "expected no control character in a string")
      default: position += 1
      }
    }
    position = bytes.count
    throw Failure(byte: position, message: "expected the end of a string")
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

  mutating func integer(_ what: StaticString) throws(Failure) -> Int64 {
    skipSpace()
    let start = position
    let isNegative = current == 0x2d
    if isNegative { position += 1 }
    var value: Int64 = 0
    let first = position
    while case 0x30...0x39 = current {
      let (scaled, over) = value.multipliedReportingOverflow(by: 10)
      let digit = Int64(current - 0x30)
      let (sum, overToo) =
        isNegative ? scaled.subtractingReportingOverflow(digit) : scaled.addingReportingOverflow(digit)
      guard !over, !overToo else { throw Failure(byte: start, message: "expected \(what) of at most 63 bits") }
      value = sum
      position += 1
    }
    guard position > first, current != 0x2e, current | 0x20 != 0x65 else {
      throw Failure(byte: start, message: "expected \(what)")
    }
    return value
  }

  mutating func boolean(_ what: StaticString) throws(Failure) -> Bool {
    skipSpace()
    if takeWord("true") { return true }
    if takeWord("false") { return false }
    throw Failure(byte: position, message: "expected \(what), true or false")
  }

  mutating func null() -> Bool {
    skipSpace()
    return takeWord("null")
  }

  private mutating func takeWord(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard position + count <= bytes.count else { return false }
    for index in 0..<count where bytes[position + index] != word.utf8Start[index] { return false }
    position += count
    return true
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
