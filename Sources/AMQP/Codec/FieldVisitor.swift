// Each method says the order of its fields once; a visitor walks them, reading or writing.

/// Walks the fields of a method: `ByteReader` fills them in, `ByteBuffer` writes them. One description serves both, so
/// reading and writing cannot drift apart.
protocol FieldVisitor: ~Copyable {
  mutating func octet(_ value: inout UInt8) throws(AMQPError)
  mutating func short(_ value: inout UInt16) throws(AMQPError)
  mutating func long(_ value: inout UInt32) throws(AMQPError)
  mutating func longLong(_ value: inout UInt64) throws(AMQPError)
  mutating func shortString(_ value: inout String) throws(AMQPError)
  mutating func longString(_ value: inout [UInt8]) throws(AMQPError)
  mutating func table(_ value: inout Table) throws(AMQPError)
}

/// The arguments of one method, in the order of the specification.
protocol MethodFields: Equatable, Sendable {
  init()
  mutating func visit<Visitor: FieldVisitor & ~Copyable>(_ visitor: inout Visitor) throws(AMQPError)
}

extension FieldVisitor where Self: ~Copyable {
  /// A field that the specification has reserved: written as zero, read and forgotten.
  mutating func reservedShort() throws(AMQPError) {
    var zero: UInt16 = 0
    try short(&zero)
  }

  mutating func reservedShortString() throws(AMQPError) {
    var empty = ""
    try shortString(&empty)
  }

  mutating func replyCode(_ value: inout ReplyCode) throws(AMQPError) {
    var raw = value.rawValue
    try short(&raw)
    value = ReplyCode(rawValue: raw)
  }

  // Consecutive bits share one octet, the first in the lowest place (section 4.2.5.2).
  mutating func bit(_ a: inout Bool) throws(AMQPError) {
    var packed: UInt8 = a ? 1 : 0
    try octet(&packed)
    a = packed & 1 != 0
  }

  mutating func bits(_ a: inout Bool, _ b: inout Bool) throws(AMQPError) {
    var packed: UInt8 = (a ? 1 : 0) | (b ? 2 : 0)
    try octet(&packed)
    (a, b) = (packed & 1 != 0, packed & 2 != 0)
  }

  mutating func bits(_ a: inout Bool, _ b: inout Bool, _ c: inout Bool) throws(AMQPError) {
    var packed: UInt8 = (a ? 1 : 0) | (b ? 2 : 0) | (c ? 4 : 0)
    try octet(&packed)
    (a, b, c) = (packed & 1 != 0, packed & 2 != 0, packed & 4 != 0)
  }

  mutating func bits(_ a: inout Bool, _ b: inout Bool, _ c: inout Bool, _ d: inout Bool) throws(AMQPError) {
    var packed: UInt8 = (a ? 1 : 0) | (b ? 2 : 0) | (c ? 4 : 0) | (d ? 8 : 0)
    try octet(&packed)
    (a, b, c, d) = (packed & 1 != 0, packed & 2 != 0, packed & 4 != 0, packed & 8 != 0)
  }

  mutating func bits(
    _ a: inout Bool, _ b: inout Bool, _ c: inout Bool, _ d: inout Bool, _ e: inout Bool
  ) throws(AMQPError) {
    var packed: UInt8 = (a ? 1 : 0) | (b ? 2 : 0) | (c ? 4 : 0) | (d ? 8 : 0) | (e ? 16 : 0)
    try octet(&packed)
    (a, b, c, d, e) = (packed & 1 != 0, packed & 2 != 0, packed & 4 != 0, packed & 8 != 0, packed & 16 != 0)
  }
}

extension ByteReader: FieldVisitor {
  mutating func octet(_ value: inout UInt8) throws(AMQPError) { value = try read() }
  mutating func short(_ value: inout UInt16) throws(AMQPError) { value = try read() }
  mutating func long(_ value: inout UInt32) throws(AMQPError) { value = try read() }
  mutating func longLong(_ value: inout UInt64) throws(AMQPError) { value = try read() }
  mutating func shortString(_ value: inout String) throws(AMQPError) { value = try shortString() }
  mutating func longString(_ value: inout [UInt8]) throws(AMQPError) { value = Array(try longBytes()) }
  mutating func table(_ value: inout Table) throws(AMQPError) { value = try table() }
}

extension ByteBuffer: FieldVisitor {
  mutating func octet(_ value: inout UInt8) { append(value) }
  mutating func short(_ value: inout UInt16) { append(value) }
  mutating func long(_ value: inout UInt32) { append(value) }
  mutating func longLong(_ value: inout UInt64) { append(value) }
  mutating func shortString(_ value: inout String) { append(shortString: value) }
  mutating func longString(_ value: inout [UInt8]) {
    append(UInt32(truncatingIfNeeded: value.count))
    append(bytes: value)
  }
  mutating func table(_ value: inout Table) { append(table: value) }

  mutating func append(shortString value: String) {
    let count = value.utf8.count
    guard count <= Limits.shortString else {
      failure = failure ?? AMQPError(.syntaxError, "a short string has \(count) bytes, more than 255")
      return
    }
    append(UInt8(truncatingIfNeeded: count))
    append(utf8: value)
  }
}
