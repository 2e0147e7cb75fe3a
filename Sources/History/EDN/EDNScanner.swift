// A scanner of EDN forms over bytes: one form at a time, nesting bounded, every mistake with its place.

#if canImport(Glibc)
  import Glibc
#endif

/// Scans forms out of `bytes`. What is beyond the notation and still printed by Clojure is taken: hexadecimal integers,
/// `##Inf`, namespaced maps (`#:db{:id 1}`), octal escapes. Ratios, radix integers, regular expressions and integers of
/// more than 64 bits are refused.
struct EDNScanner {
  struct Failure: Error {
    /// Offset in `bytes`.
    var byte: Int
    var message: String
    /// The mistake may be that the bytes end here.
    var isAtEnd: Bool
  }

  static let deepest = 128

  let bytes: UnsafeBufferPointer<UInt8>
  var position: Int

  init(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int = 0) {
    self.bytes = bytes
    self.position = position
  }

  var current: UInt8 { position < bytes.count ? bytes[position] : 0 }
  var isAtEnd: Bool { position >= bytes.count }

  func failure(at byte: Int? = nil, _ message: String) -> Failure {
    // Nothing that is read as one piece and can be cut in a misleading way is longer than this.
    Failure(byte: byte ?? position, message: message, isAtEnd: position + 12 >= bytes.count)
  }

  /// Passes over blanks, commas, comments and discarded forms.
  mutating func skipBlanks(depth: Int = 0) throws(Failure) {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x2c, 0x09...0x0d: position += 1
      case 0x3b: while position < bytes.count, bytes[position] != 0x0a { position += 1 }
      case 0x23 where position + 1 < bytes.count && bytes[position + 1] == 0x5f:
        let start = position
        position += 2
        guard depth < Self.deepest else { throw tooDeep(start) }
        guard try form(depth: depth + 1) != nil else { throw failure(at: start, "expected a form behind #_") }
      default: return
      }
    }
  }

  /// The next form; nil where a closing bracket or the end of the bytes comes first.
  mutating func form(depth: Int = 0) throws(Failure) -> EDN? {
    try skipBlanks(depth: depth)
    let start = position
    guard depth < Self.deepest else { throw tooDeep(start) }
    switch current {
    case 0 where isAtEnd: return nil
    case 0x29, 0x5d, 0x7d: return nil
    case 0x28: return .list(try forms(closedBy: 0x29, depth: depth))
    case 0x5b: return .vector(try forms(closedBy: 0x5d, depth: depth))
    case 0x7b: return .map(try entries(depth: depth, namespace: nil))
    case 0x22: return .string(try string())
    case 0x5c: return .character(try character())
    case 0x3a:
      position += 1
      let name = try token()
      guard !name.isEmpty, name.first != 0x3a else { throw failure(at: start, "expected a keyword such as :type") }
      return .keyword(try text(name, "a keyword", at: start))
    case 0x23: return try dispatched(depth: depth)
    case 0x30...0x39: return try number()
    case 0x2b, 0x2d:
      let next = position + 1 < bytes.count ? bytes[position + 1] : 0
      if case 0x30...0x39 = next { return try number() }
      return try symbol()
    default: return try symbol()
    }
  }

  private func tooDeep(_ start: Int) -> Failure {
    Failure(byte: start, message: "expected at most \(Self.deepest) levels of nesting", isAtEnd: false)
  }

  private mutating func forms(closedBy close: UInt8, depth: Int) throws(Failure) -> [EDN] {
    let start = position
    position += 1
    var forms: [EDN] = []
    while let form = try form(depth: depth + 1) { forms.append(form) }
    try closeBracket(close, openedAt: start)
    return forms
  }

  private mutating func closeBracket(_ close: UInt8, openedAt start: Int) throws(Failure) {
    guard current == close else {
      let what = "expected \(Character(Unicode.Scalar(close)))"
      throw isAtEnd
        ? failure(at: start, what + " to close what is opened here, found the end of the file") : failure(what)
    }
    position += 1
  }

  /// - Parameter namespace: Of `#:name{…}`, put before the keys that have none.
  private mutating func entries(depth: Int, namespace: String?) throws(Failure) -> [EDN.Entry] {
    let start = position
    position += 1
    var entries: [EDN.Entry] = []
    var keys: [UnsafeBufferPointer<UInt8>] = []
    var isChecked = true
    entries.reserveCapacity(8)
    keys.reserveCapacity(8)
    while true {
      try skipBlanks(depth: depth + 1)
      let place = position
      guard var key = try form(depth: depth + 1) else { break }
      let raw = UnsafeBufferPointer(rebasing: bytes[place..<position])
      guard let value = try form(depth: depth + 1) else {
        throw failure("expected a value behind the key in a map")
      }
      if let namespace, case .keyword(let name) = key, !name.contains("/") { key = .keyword("\(namespace)/\(name)") }
      // Nobody could say which of two is meant. Keywords are spelled in one way only.
      if keys.count < 16 {
        for other in keys where other.count == raw.count {
          if let a = other.baseAddress, let b = raw.baseAddress, memcmp(a, b, raw.count) == 0 {
            throw failure(at: place, "expected every key once in a map")
          }
        }
        keys.append(raw)
      }
      if case .keyword = key {} else { isChecked = false }
      entries.append(EDN.Entry(key, value))
    }
    try closeBracket(0x7d, openedAt: start)
    if !isChecked || entries.count > 16, Set(entries.map(\.key)).count < entries.count {
      throw failure(at: start, "expected every key once in a map")
    }
    return entries
  }

  /// What begins with `#`.
  private mutating func dispatched(depth: Int) throws(Failure) -> EDN {
    let start = position
    position += 1
    switch current {
    case 0x7b:
      let forms = try forms(closedBy: 0x7d, depth: depth)
      guard Set(forms).count == forms.count else { throw failure(at: start, "expected every element once in a set") }
      return .set(forms)
    case 0x23:
      position += 1
      let name = try token()
      switch String(decoding: name, as: UTF8.self) {
      case "Inf": return .float(.infinity)
      case "-Inf": return .float(-.infinity)
      case "NaN": return .float(.nan)
      default: throw failure(at: start, "expected ##Inf, ##-Inf or ##NaN")
      }
    case 0x3a:
      position += 1
      let name = try text(token(), "a namespace", at: start)
      try skipBlanks(depth: depth)
      guard !name.isEmpty, current == 0x7b else { throw failure(at: start, "expected a map behind #:namespace") }
      return .map(try entries(depth: depth, namespace: name))
    case 0x41...0x5a, 0x61...0x7a:
      let tag = try text(token(), "a tag", at: start)
      guard let form = try form(depth: depth + 1) else { throw failure("expected a form behind the tag #\(tag)") }
      return .tagged(tag, form)
    default: throw failure(at: start, "expected #{, #_, ##Inf or a tag such as #inst")
    }
  }

  /// Everything up to the next blank, bracket, quote or comment.
  private mutating func token() throws(Failure) -> UnsafeBufferPointer<UInt8> {
    let start = position
    loop: while position < bytes.count {
      switch bytes[position] {
      case 0x00...0x20, 0x7f, 0x2c, 0x22, 0x28, 0x29, 0x3b, 0x5b, 0x5d, 0x7b, 0x7d, 0x5c, 0x40, 0x5e, 0x60, 0x7e:
        break loop
      default: position += 1
      }
    }
    return UnsafeBufferPointer(rebasing: bytes[start..<position])
  }

  private func text(
    _ raw: UnsafeBufferPointer<UInt8>, _ what: String, at start: Int
  ) throws(Failure) -> String {
    // Validation is ten times as slow as this, and hardly anything needs it.
    if raw.allSatisfy({ $0 < 0x80 }) { return String(decoding: raw, as: UTF8.self) }
    guard let text = String(validating: raw, as: UTF8.self) else {
      throw failure(at: start, "expected \(what) in UTF-8")
    }
    return text
  }

  private mutating func symbol() throws(Failure) -> EDN {
    let start = position
    let raw = try token()
    guard !raw.isEmpty else { throw failure(at: start, "expected an EDN form") }
    switch try text(raw, "a symbol", at: start) {
    case "nil": return .null
    case "true": return .boolean(true)
    case "false": return .boolean(false)
    case let name: return .symbol(name)
    }
  }

  private mutating func number() throws(Failure) -> EDN {
    let start = position
    let isNegative = current == 0x2d
    if isNegative || current == 0x2b { position += 1 }
    let first = position
    if current == 0x30, position + 1 < bytes.count, bytes[position + 1] | 0x20 == 0x78 {
      position += 2
      let digits = try text(token(), "an integer", at: start)
      guard let value = Int64((isNegative ? "-" : "") + digits, radix: 16), digits.first?.isHexDigit == true else {
        throw failure(at: start, "expected a hexadecimal integer of at most 64 bits")
      }
      return .integer(value)
    }
    var value: Int64 = 0
    var isTooLarge = false
    while case 0x30...0x39 = current {
      let digit = Int64(current - 0x30)
      let (scaled, over) = value.multipliedReportingOverflow(by: 10)
      let (sum, overToo) =
        isNegative ? scaled.subtractingReportingOverflow(digit) : scaled.addingReportingOverflow(digit)
      isTooLarge = isTooLarge || over || overToo
      value = sum
      position += 1
    }
    let end = position
    let rest = try token()
    if rest.isEmpty || rest.count == 1 && rest[0] == 0x4e {
      guard !isTooLarge else { throw failure(at: start, "expected an integer of at most 64 bits") }
      guard end == first + 1 || bytes[first] != 0x30 else {
        throw failure(at: start, "expected an integer without leading zeros")
      }
      return .integer(value)
    }
    switch rest[0] {
    case 0x2f: throw failure(at: start, "expected an integer or a decimal fraction, found a ratio")
    case 0x2e, 0x45, 0x65, 0x4d:
      let end = rest.last == 0x4d ? position - 1 : position
      let raw = UnsafeBufferPointer(rebasing: bytes[start..<end])
      // "1." and "1.0e5" are Clojure's; what else Double takes (nan, 0x1p2) cannot stand here.
      let isPlain = raw.allSatisfy { (0x30...0x39).contains($0) || [0x2b, 0x2d, 0x2e, 0x45, 0x65].contains($0) }
      var digits = String(decoding: raw, as: UTF8.self)
      if digits.hasSuffix(".") { digits += "0" }
      if isPlain, let value = Double(digits) { return .float(value) }
    default: break
    }
    throw failure(at: start, "expected a number")
  }

  private mutating func string() throws(Failure) -> String {
    let start = position
    position += 1
    // Mostly there is nothing to resolve.
    let first = position
    while position < bytes.count, bytes[position] != 0x22, bytes[position] != 0x5c { position += 1 }
    if current == 0x22 {
      let raw = UnsafeBufferPointer(rebasing: bytes[first..<position])
      position += 1
      return try text(raw, "a string", at: start)
    }
    var out = Array(bytes[first..<position])
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case 0x22:
        guard let text = String(validating: out, as: UTF8.self) else {
          throw failure(at: start, "expected a string in UTF-8")
        }
        return text
      case 0x5c: out += Array(String(Character(try escape())).utf8)
      default: out.append(byte)
      }
    }
    throw failure(at: start, "expected a quote to end the string that begins here")
  }

  /// Behind a backslash in a string.
  private mutating func escape() throws(Failure) -> Unicode.Scalar {
    let start = position - 1
    let byte = current
    position += 1
    switch byte {
    case 0x22, 0x5c, 0x2f: return Unicode.Scalar(byte)
    case 0x6e: return "\n"
    case 0x72: return "\r"
    case 0x74: return "\t"
    case 0x62: return "\u{8}"
    case 0x66: return "\u{c}"
    case 0x30...0x37:
      var value = UInt32(byte - 0x30)
      while case 0x30...0x37 = current, value < 0o40 {
        value = value << 3 | UInt32(current - 0x30)
        position += 1
      }
      if let scalar = Unicode.Scalar(value) { return scalar }
    case 0x75:
      // Java prints what lies beyond 16 bits as two.
      let high = try hex(4)
      if high & 0xfc00 == 0xd800, position + 1 < bytes.count, bytes[position] == 0x5c, bytes[position + 1] == 0x75 {
        position += 2
        let low = try hex(4)
        if low & 0xfc00 == 0xdc00, let scalar = Unicode.Scalar(0x1_0000 + (high & 0x3ff) << 10 + low & 0x3ff) {
          return scalar
        }
      } else if let scalar = Unicode.Scalar(high) {
        return scalar
      }
    default: break
    }
    throw failure(at: start, "expected an escape such as \\n or \\u00e9")
  }

  private mutating func hex(_ count: Int) throws(Failure) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<count {
      guard let digit = Character(Unicode.Scalar(current)).hexDigitValue, current < 0x80 else {
        throw failure("expected a hexadecimal digit")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  /// `\a`, `\newline`, `\u00e9`.
  private mutating func character() throws(Failure) -> Unicode.Scalar {
    let start = position
    position += 1
    guard !isAtEnd else { throw failure(at: start, "expected a character behind \\") }
    // The first is taken whatever it is: \( and \; are characters.
    position += 1
    while position < bytes.count, bytes[position] & 0xc0 == 0x80 { position += 1 }
    _ = try token()
    let name = try text(UnsafeBufferPointer(rebasing: bytes[start + 1..<position]), "a character", at: start)
    if let scalar = name.unicodeScalars.first, name.unicodeScalars.count == 1 { return scalar }
    if let named = EDN.namedCharacters.first(where: { $0.name == name }) { return named.scalar }
    let digits = name.dropFirst()
    let value: UInt32? =
      switch name.first {
      case "u" where digits.count == 4: UInt32(digits, radix: 16)
      case "o" where (1...3).contains(digits.count): UInt32(digits, radix: 8)
      default: nil
      }
    if let value, let scalar = Unicode.Scalar(value) { return scalar }
    throw failure(at: start, "expected a character such as \\a, \\newline or \\u00e9")
  }
}
