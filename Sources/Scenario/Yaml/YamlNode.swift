// A YAML document as a tree that knows where each of its nodes stands.

/// One node, with the place where it begins.
struct YamlNode: Sendable {
  struct Entry: Sendable {
    var key: String
    var keyMark: Mark
    var value: YamlNode
  }
  indirect enum Content: Sendable {
    /// `isPlain`: written without quotes, so that `3` is a number and `true` a truth value.
    case scalar(String, isPlain: Bool)
    case sequence([YamlNode])
    /// In the order of the file, each key once.
    case mapping([Entry])
  }

  var mark: Mark
  var content: Content
  /// Nodes of the tree below and with this one, aliases expanded.
  var count = 1
  /// Levels of the tree below and with this one.
  var depth = 1

  /// What a plain scalar means, by YAML 1.2's core schema.
  enum Meaning: Equatable {
    case text(String)
    case whole(String)
    case fraction(String)
    case boolean(Bool)
    case null
  }

  /// nil for a sequence or a mapping.
  var meaning: Meaning? {
    guard case .scalar(let text, let isPlain) = content else { return nil }
    if !isPlain { return .text(text) }
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .boolean(true)
    case "false", "False", "FALSE": return .boolean(false)
    default: break
    }
    let digits = text.utf8.first.map { $0 == 0x2b || $0 == 0x2d } == true ? text.dropFirst() : text[...]
    if !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return .whole(text) }
    if let first = digits.utf8.first, first == 0x2e || (0x30...0x39).contains(first), Double(digits) != nil {
      return .fraction(text)
    }
    return .text(text)
  }

  /// How a message names what stands here.
  var description: String {
    switch content {
    case .sequence(let items): return items.isEmpty ? "an empty list" : "a list"
    case .mapping(let entries): return entries.isEmpty ? "an empty map" : "a map"
    case .scalar(let text, _):
      switch meaning {
      case .null: return "nothing"
      case .whole, .fraction, .boolean: return quoted(text).dropFirst().dropLast().description
      default: return quoted(text)
      }
    }
  }
}
