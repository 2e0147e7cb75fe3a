// What may stand at a place of a scenario file. One description, from which come the check, the typed values, the
// defaults and the JSON Schema.

import Base

/// The set of values a place takes.
indirect enum Shape: Sendable {
  case text(limit: Int)
  case name(Name)
  case whole(ClosedRange<Int>)
  /// 64 bits without a sign.
  case seed
  case boolean
  /// One of these words.
  case word([String])
  /// In base units: nanoseconds, messages per second, bytes, parts of one.
  case quantity(Quantity, ClosedRange<Double>)
  /// `"< 5s"`.
  case bound
  case list(Shape, ClosedRange<Int>)
  case table(Table)
  /// A map of several forms, told apart by a key.
  case variants([Variant])
  /// A map whose keys the writer chooses.
  case byName(Name, Shape)
  /// The first that takes the value.
  case either([Shape])

  /// What a message expects here.
  var expectation: String {
    switch self {
    case .text(let limit): "text of at most \(limit) bytes"
    case .name(let name): name.noun
    case .whole(let range):
      range.count == 1 ? "\(range.lowerBound)" : "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .seed: "a whole number from 0 to \(UInt64.max)"
    case .boolean: "true or false"
    case .word(let words): words.count == 1 ? words[0] : "one of \(words.joined(separator: ", "))"
    case .quantity(let quantity, let range):
      "\(quantity.noun), from \(quantity.write(range.lowerBound)) to \(quantity.write(range.upperBound))"
    case .bound: "a bound such as \"< 5s\""
    case .list(let inner, let count):
      "a list of \(count.lowerBound) to \(count.upperBound), each \(inner.brief)"
    case .table, .variants, .byName: brief
    case .either(let shapes): shapes.map(\.expectation).joined(separator: ", or ")
    }
  }

  private var brief: String {
    switch self {
    case .table(let table): "a map with \(table.keys.map(\.name).joined(separator: ", "))"
    case .variants(let variants): variants.map { Shape.table($0.table).brief }.joined(separator: ", or ")
    case .byName(let name, _): "a map from \(name.noun)"
    case .either(let shapes): shapes.map(\.brief).joined(separator: ", or ")
    default: expectation
    }
  }
}

/// Names that end in paths, commands and messages: few characters, one line.
struct Name: Sendable {
  var noun: String
  /// A letter and the like, as a character class of regular expressions without its brackets.
  var first: String
  var rest: String
  var length: ClosedRange<Int>

  var pattern: String { "^[\(first)][\(rest)]{\(length.lowerBound - 1),\(length.upperBound - 1)}$" }

  func takes(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard length.contains(bytes.count) else { return false }
    return Name.contains(first, bytes[0]) && bytes.dropFirst().allSatisfy { Name.contains(rest, $0) }
  }

  /// Whether the class holds the byte: single characters and ranges; `-` for itself stands last.
  private static func contains(_ characters: String, _ byte: UInt8) -> Bool {
    let all = Array(characters.utf8)
    var index = 0
    while index < all.count {
      if index + 2 < all.count, all[index + 1] == 0x2d {
        if (all[index]...max(all[index], all[index + 2])).contains(byte) { return true }
        index += 3
      } else {
        if all[index] == byte { return true }
        index += 1
      }
    }
    return false
  }
}

/// A map with known keys.
struct Table: Sendable {
  var keys: [Key]
  init(_ keys: [Key]) { self.keys = keys }
  subscript(_ name: String) -> Key? { keys.first { $0.name == name } }
}

/// One key: whether it may be left out, and what then holds.
struct Key: Sendable {
  enum Presence: Sendable {
    case required
    case optional
    /// YAML text, as somebody would have written it.
    case otherwise(String)
  }
  var name: String
  var shape: Shape
  var presence: Presence
  /// One sentence for editors.
  var help: String

  init(_ name: String, _ shape: Shape, _ presence: Presence, _ help: String) {
    self.name = name
    self.shape = shape
    self.presence = presence
    self.help = help
  }
}

/// One form of a map.
struct Variant: Sendable {
  enum Sign: Sendable {
    case key(String)
    case value(String, of: String)
    case otherwise
  }
  var sign: Sign
  var table: Table
  init(_ sign: Sign, _ keys: [Key]) {
    self.sign = sign
    table = Table(keys)
  }
}

/// A value that fits its shape, or a hole where one did not.
struct Value: Sendable {
  indirect enum Content: Sendable {
    /// A mistake was noted here.
    case invalid
    case text(String)
    case whole(Int)
    case seed(UInt64)
    case boolean(Bool)
    case quantity(Double)
    case list([Value])
    /// `marks`: of the keys that were written.
    case table([String: Value], marks: [String: Mark])
    case names([(name: String, mark: Mark, value: Value)])
  }
  var mark: Mark
  var content: Content

  var isInvalid: Bool { if case .invalid = content { true } else { false } }
}
