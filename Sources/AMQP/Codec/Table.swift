// Field tables: named, typed values (section 4.2.5.5, with the types as RabbitMQ and its clients use them).

/// One typed value of a table or an array. The letter is the type's mark on the wire.
public enum FieldValue: Hashable, Sendable {
  case bool(Bool)  // t
  case int8(Int8)  // b
  case uint8(UInt8)  // B
  case int16(Int16)  // s; U is read as this, too
  case uint16(UInt16)  // u
  case int32(Int32)  // I
  case uint32(UInt32)  // i
  case int64(Int64)  // l; L is read as this, too
  case float(Float)  // f
  case double(Double)  // d
  /// value × 10^-scale.
  case decimal(scale: UInt8, value: UInt32)  // D
  /// A long string. One that is not UTF-8 is read as `bytes`.
  case string(String)  // S
  case array([FieldValue])  // A
  /// Seconds since 1970.
  case timestamp(UInt64)  // T
  case table(Table)  // F
  case void  // V
  case bytes([UInt8])  // x

  /// The value of any of the integer types.
  public var integer: Int64? {
    switch self {
    case .int8(let value): Int64(value)
    case .uint8(let value): Int64(value)
    case .int16(let value): Int64(value)
    case .uint16(let value): Int64(value)
    case .int32(let value): Int64(value)
    case .uint32(let value): Int64(value)
    case .int64(let value): value
    default: nil
    }
  }

  public var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  public var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  public var table: Table? {
    if case .table(let value) = self { value } else { nil }
  }
}

extension FieldValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral {
  public init(stringLiteral value: String) { self = .string(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// The signed 64-bit type, which every peer understands.
  public init(integerLiteral value: Int64) { self = .int64(value) }
}

/// Named values in the order they were sent.
public struct Table: Hashable, Sendable, ExpressibleByDictionaryLiteral {
  public struct Entry: Hashable, Sendable {
    public var name: String
    public var value: FieldValue
    public init(name: String, value: FieldValue) {
      self.name = name
      self.value = value
    }
  }

  public var entries: [Entry]

  public init(entries: [Entry] = []) { self.entries = entries }

  public init(dictionaryLiteral elements: (String, FieldValue)...) {
    entries = elements.map { Entry(name: $0.0, value: $0.1) }
  }

  public var isEmpty: Bool { entries.isEmpty }

  /// The first value of that name; setting replaces it, appends it, or (nil) removes every value of that name.
  public subscript(name: String) -> FieldValue? {
    get { entries.first { $0.name == name }?.value }
    set {
      guard let newValue else { return entries.removeAll { $0.name == name } }
      if let index = entries.firstIndex(where: { $0.name == name }) {
        entries[index].value = newValue
      } else {
        entries.append(Entry(name: name, value: newValue))
      }
    }
  }
}

extension ByteReader {
  /// - Throws: 502 for a table that is cut short, nested deeper than `Limits.tableDepth`, or of unknown types.
  mutating func table(depth: Int = 0) throws(AMQPError) -> Table {
    var inner = ByteReader(try longBytes())
    if inner.remaining == 0 { return Table() }
    guard depth < Limits.tableDepth else { throw AMQPError(.syntaxError, "tables are nested too deeply") }
    var entries: [Table.Entry] = []
    while inner.remaining > 0 {
      let name = try inner.shortString()
      entries.append(Table.Entry(name: name, value: try inner.fieldValue(depth: depth)))
    }
    return Table(entries: entries)
  }

  private mutating func array(depth: Int) throws(AMQPError) -> [FieldValue] {
    var inner = ByteReader(try longBytes())
    guard depth < Limits.tableDepth else { throw AMQPError(.syntaxError, "arrays are nested too deeply") }
    var values: [FieldValue] = []
    while inner.remaining > 0 { values.append(try inner.fieldValue(depth: depth)) }
    return values
  }

  private mutating func fieldValue(depth: Int) throws(AMQPError) -> FieldValue {
    let mark = try read(UInt8.self)
    switch UnicodeScalar(mark) {
    case "t": return .bool(try read(UInt8.self) != 0)
    case "b": return .int8(try read())
    case "B": return .uint8(try read())
    case "s", "U": return .int16(try read())
    case "u": return .uint16(try read())
    case "I": return .int32(try read())
    case "i": return .uint32(try read())
    case "l", "L": return .int64(try read())
    case "f": return .float(Float(bitPattern: try read()))
    case "d": return .double(Double(bitPattern: try read()))
    case "D": return .decimal(scale: try read(), value: try read())
    case "S":
      let bytes = try longBytes()
      return String(validating: bytes, as: UTF8.self).map { .string($0) } ?? .bytes(Array(bytes))
    case "A": return .array(try array(depth: depth + 1))
    case "T": return .timestamp(try read())
    case "F": return .table(try table(depth: depth + 1))
    case "V": return .void
    case "x": return .bytes(Array(try longBytes()))
    default: throw AMQPError(.syntaxError, "unknown field type \(mark) in a table")
    }
  }
}

extension ByteBuffer {
  mutating func append(table: Table) {
    let start = mark
    append(UInt32(0))
    for entry in table.entries {
      append(shortString: entry.name)
      append(field: entry.value)
    }
    patch(UInt32(truncatingIfNeeded: mark - start - 4), at: start)
  }

  private mutating func append(field: FieldValue) {
    switch field {
    case .bool(let value): append("t", UInt8(value ? 1 : 0))
    case .int8(let value): append("b", value)
    case .uint8(let value): append("B", value)
    case .int16(let value): append("s", value)
    case .uint16(let value): append("u", value)
    case .int32(let value): append("I", value)
    case .uint32(let value): append("i", value)
    case .int64(let value): append("l", value)
    case .float(let value): append("f", value.bitPattern)
    case .double(let value): append("d", value.bitPattern)
    case .decimal(let scale, let value):
      append("D", scale)
      append(value)
    case .string(let value):
      append("S", UInt32(truncatingIfNeeded: value.utf8.count))
      append(utf8: value)
    case .array(let values):
      append("A", UInt32(0))
      let start = mark - 4
      for value in values { append(field: value) }
      patch(UInt32(truncatingIfNeeded: mark - start - 4), at: start)
    case .timestamp(let value): append("T", value)
    case .table(let value):
      append(UInt8(ascii: "F"))
      append(table: value)
    case .void: append(UInt8(ascii: "V"))
    case .bytes(let value):
      append("x", UInt32(truncatingIfNeeded: value.count))
      append(bytes: value)
    }
  }

  private mutating func append<Number: FixedWidthInteger>(_ mark: UnicodeScalar, _ value: Number) {
    append(UInt8(ascii: mark))
    append(value)
  }
}
