// A form of EDN (extensible data notation, edn-format.org) as a tree: what Clojure programs such as Jepsen print.

/// One EDN form. Maps and sets keep the order of the file; equal forms are equal whatever their order of appearance only
/// where they are lists or vectors.
public enum EDN: Hashable, Sendable {
  case null
  case boolean(Bool)
  /// Of 64 bits; what is larger is refused by the scanner, with or without the suffix `N`.
  case integer(Int64)
  /// With or without the suffix `M`.
  case float(Double)
  case string(String)
  case character(Unicode.Scalar)
  /// Without its colon: `nemesis`, `db/id`.
  case keyword(String)
  case symbol(String)
  case list([EDN])
  case vector([EDN])
  case map([Entry])
  case set([EDN])
  /// `#jepsen.history.Op{…}`, `#inst "…"`: the tag without its `#`, and the form behind it.
  indirect case tagged(String, EDN)

  public struct Entry: Hashable, Sendable {
    public var key: EDN
    public var value: EDN

    public init(_ key: EDN, _ value: EDN) {
      self.key = key
      self.value = value
    }
  }

  /// The value under the keyword in a map, a tagged one (a record) included; nil where there is none.
  public subscript(_ keyword: String) -> EDN? {
    guard let entries else { return nil }
    return entries.first { $0.key == .keyword(keyword) }?.value
  }

  /// The entries of a map, a tagged one (a record) included.
  public var entries: [Entry]? {
    switch self {
    case .map(let entries): entries
    case .tagged(_, let form): form.entries
    default: nil
    }
  }

  /// What a list or a vector holds.
  public var elements: [EDN]? {
    switch self {
    case .list(let forms), .vector(let forms): forms
    default: nil
    }
  }

  /// The number, where it is an integer.
  public var integer: Int64? {
    if case .integer(let value) = self { value } else { nil }
  }

  /// The keyword without its colon, where it is one.
  public var keyword: String? {
    if case .keyword(let name) = self { name } else { nil }
  }
}

extension EDN: CustomStringConvertible {
  /// The form as EDN text: what the scanner reads back as an equal form.
  public var description: String {
    switch self {
    case .null: "nil"
    case .boolean(let value): value ? "true" : "false"
    case .integer(let value): "\(value)"
    case .float(let value): Self.text(value)
    case .string(let text): Self.quoted(text)
    case .character(let scalar): Self.text(scalar)
    case .keyword(let name): ":" + name
    case .symbol(let name): name
    case .list(let forms): "(" + Self.joined(forms) + ")"
    case .vector(let forms): "[" + Self.joined(forms) + "]"
    case .set(let forms): "#{" + Self.joined(forms) + "}"
    case .map(let entries): "{" + entries.map { "\($0.key) \($0.value)" }.joined(separator: ", ") + "}"
    case .tagged(let tag, let form): "#\(tag) \(form)"
    }
  }

  static let namedCharacters: [(name: String, scalar: Unicode.Scalar)] = [
    ("newline", "\n"), ("return", "\r"), ("space", " "), ("tab", "\t"), ("formfeed", "\u{c}"), ("backspace", "\u{8}"),
  ]

  private static func joined(_ forms: [EDN]) -> String { forms.map(\.description).joined(separator: " ") }

  private static func text(_ value: Double) -> String {
    if value.isNaN { return "##NaN" }
    if value.isInfinite { return value < 0 ? "##-Inf" : "##Inf" }
    return "\(value)"
  }

  private static func text(_ scalar: Unicode.Scalar) -> String {
    if let named = namedCharacters.first(where: { $0.scalar == scalar }) { return "\\" + named.name }
    if scalar.value > 0x20, scalar.value != 0x7f { return "\\" + String(Character(scalar)) }
    let digits = String(scalar.value, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }

  static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
