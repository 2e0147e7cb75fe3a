// JSON whose keys keep the order in which they are given, for files that people read.

/// A JSON value to be written.
indirect enum JSONText: Equatable, Sendable {
  case string(String)
  case number(String)
  case boolean(Bool)
  case null
  case array([JSONText])
  case object([(String, JSONText)])

  static func == (a: JSONText, b: JSONText) -> Bool { a.text() == b.text() }

  static func whole(_ number: Int) -> JSONText { .number("\(number)") }
  static func strings(_ list: [String]) -> JSONText { .array(list.map { .string($0) }) }

  /// Two spaces a level; what has no inner lists or maps stays on one line while it is short.
  func text(indent: Int = 0) -> String {
    let one = line
    if one.utf8.count + indent <= 110, isFlat { return one }
    let pad = String(repeating: " ", count: indent)
    switch self {
    case .array(let items) where !items.isEmpty:
      return "[\n" + items.map { "\(pad)  \($0.text(indent: indent + 2))" }.joined(separator: ",\n") + "\n\(pad)]"
    case .object(let pairs) where !pairs.isEmpty:
      let lines = pairs.map { "\(pad)  \(JSONText.quote($0)): \($1.text(indent: indent + 2))" }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(pad)}"
    default: return one
    }
  }

  private var isFlat: Bool {
    switch self {
    case .array(let items): items.allSatisfy(\.isScalar)
    case .object(let pairs): pairs.allSatisfy { $0.1.isScalar }
    default: true
    }
  }

  private var isScalar: Bool {
    switch self {
    case .array(let items): items.isEmpty
    case .object(let pairs): pairs.isEmpty
    default: true
    }
  }

  private var line: String {
    switch self {
    case .string(let text): JSONText.quote(text)
    case .number(let text): text
    case .boolean(let flag): flag ? "true" : "false"
    case .null: "null"
    case .array(let items): "[" + items.map(\.line).joined(separator: ", ") + "]"
    case .object(let pairs): "{" + pairs.map { "\(JSONText.quote($0)): \($1.line)" }.joined(separator: ", ") + "}"
    }
  }

  private static func quote(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
