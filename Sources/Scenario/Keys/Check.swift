// A YAML tree against a shape: typed values with defaults filled in, and every mistake on the way.

/// Checks and remembers what was wrong.
struct Check {
  var mistakes: [Mistake] = []

  /// - Parameter path: how messages name the place, `faults[0].target`; empty for the whole file.
  mutating func value(_ node: YamlNode, _ shape: Shape, _ path: String) -> Value {
    switch shape {
    case .list(let inner, let count):
      guard case .sequence(let nodes) = node.content, count.contains(nodes.count) else { break }
      return Value(mark: node.mark, content: .list(nodes.enumerated().map { value($1, inner, "\(path)[\($0)]") }))
    case .table(let keys):
      guard case .mapping(let entries) = node.content else { break }
      return table(entries, keys, path, at: node.mark)
    case .variants(let variants):
      guard case .mapping(let entries) = node.content else { break }
      return variant(entries, variants, path, at: node.mark)
    case .byName(let name, let inner):
      guard case .mapping(let entries) = node.content else { break }
      return Value(mark: node.mark, content: .names(entries.compactMap { named($0, name, inner, path) }))
    case .either(let shapes):
      if let fitting = shapes.first(where: { $0.takesKind(of: node) }) { return value(node, fitting, path) }
    default:
      if let content = shape.scalar(node) { return Value(mark: node.mark, content: content) }
    }
    return invalid(node, shape, path)
  }

  private mutating func invalid(_ node: YamlNode, _ shape: Shape, _ path: String) -> Value {
    var hint = ""
    if case .scalar(let text, _) = node.content, let word = nearest(text, in: shape.words) {
      hint = "; did you mean \(word)?"
    }
    let place = path.isEmpty ? "the file" : path
    mistakes.append(Mistake(node.mark, "\(place) is \(node.description)", expected: shape.expectation + hint))
    return Value(mark: node.mark, content: .invalid)
  }

  private mutating func table(_ entries: [YamlNode.Entry], _ table: Table, _ path: String, at mark: Mark) -> Value {
    var values: [String: Value] = [:]
    var marks: [String: Mark] = [:]
    for entry in entries {
      guard let key = table[entry.key] else {
        let names = table.keys.map(\.name)
        let hint = nearest(entry.key, in: names).map { "; did you mean \($0)?" } ?? ""
        let place = path.isEmpty ? "" : " in \(path)"
        mistakes.append(
          Mistake(
            entry.keyMark, "unknown key \(quoted(entry.key))\(place)",
            expected: "one of \(names.joined(separator: ", "))\(hint)"))
        continue
      }
      values[key.name] = value(entry.value, key.shape, path.isEmpty ? key.name : "\(path).\(key.name)")
      marks[key.name] = entry.keyMark
    }
    for key in table.keys where values[key.name] == nil {
      switch key.presence {
      case .optional: break
      case .otherwise(let text): values[key.name] = Check.standard(text, key.shape, at: mark)
      case .required:
        let place = path.isEmpty ? "the file" : path
        mistakes.append(
          Mistake(mark, "\(place) has no \(key.name)", expected: "\(key.name): \(key.shape.expectation)"))
        values[key.name] = Value(mark: mark, content: .invalid)
      }
    }
    return Value(mark: mark, content: .table(values, marks: marks))
  }

  private mutating func variant(
    _ entries: [YamlNode.Entry], _ variants: [Variant], _ path: String, at mark: Mark
  ) -> Value {
    func fits(_ variant: Variant) -> Bool {
      switch variant.sign {
      case .key(let name): entries.contains { $0.key == name }
      case .value(let text, let name):
        entries.contains { entry in
          if case .scalar(text, _) = entry.value.content { return entry.key == name }
          return false
        }
      case .otherwise: true
      }
    }
    if let fitting = variants.first(where: fits) { return table(entries, fitting.table, path, at: mark) }
    // Which form is meant is unknown: the telling key is the mistake, the other keys are checked as far as they are known.
    var union: [Key] = []
    var words: [String] = []
    for variant in variants {
      if case .value(let word, _) = variant.sign { words.append(word) }
      union += variant.table.keys.filter { key in !union.contains { $0.name == key.name } }
    }
    let relaxed = union.map { key -> Key in
      guard case .value(_, key.name)? = variants.first?.sign else { return Key(key.name, key.shape, .optional, "") }
      return Key(key.name, .word(words), .required, "")
    }
    _ = table(entries, Table(relaxed), path, at: mark)
    return Value(mark: mark, content: .invalid)
  }

  private mutating func named(
    _ entry: YamlNode.Entry, _ name: Name, _ inner: Shape, _ path: String
  ) -> (name: String, mark: Mark, value: Value)? {
    guard name.takes(entry.key) else {
      mistakes.append(Mistake(entry.keyMark, "\(path) has the key \(quoted(entry.key))", expected: name.noun))
      return nil
    }
    return (entry.key, entry.keyMark, value(entry.value, inner, "\(path).\(entry.key)"))
  }

  /// What holds where a key is left out. The text is ours and a test reads all of them, so a mistake in it is a hole at
  /// most.
  private static func standard(_ text: String, _ shape: Shape, at mark: Mark) -> Value {
    guard let (root, _) = try? YamlParser.parse(Array(text.utf8)) else { return Value(mark: mark, content: .invalid) }
    var check = Check()
    return check.value(root, shape, "").moved(to: mark)
  }
}

extension Value {
  /// The same, but standing elsewhere: a default is found where the map is that lacks it.
  fileprivate func moved(to mark: Mark) -> Value {
    switch content {
    case .list(let items): Value(mark: mark, content: .list(items.map { $0.moved(to: mark) }))
    case .table(let values, _):
      Value(mark: mark, content: .table(values.mapValues { $0.moved(to: mark) }, marks: [:]))
    case .names(let items):
      Value(mark: mark, content: .names(items.map { ($0.name, mark, $0.value.moved(to: mark)) }))
    default: Value(mark: mark, content: content)
    }
  }
}

extension Shape {
  /// Whether this branch of an `either` is the one to be held against the node.
  fileprivate func takesKind(of node: YamlNode) -> Bool {
    switch (self, node.content) {
    case (.list, .sequence), (.table, .mapping), (.variants, .mapping), (.byName, .mapping): true
    case (.either(let shapes), _): shapes.contains { $0.takesKind(of: node) }
    default: scalar(node) != nil
    }
  }

  /// Words that somebody may have misspelt here.
  fileprivate var words: [String] {
    switch self {
    case .word(let words): words
    case .either(let shapes): shapes.flatMap(\.words)
    default: []
    }
  }

  /// The value of a scalar of this shape; nil where it is none.
  fileprivate func scalar(_ node: YamlNode) -> Value.Content? {
    guard let meaning = node.meaning else { return nil }
    switch (self, meaning) {
    case (.text(let limit), .text(let text)):
      return text.utf8.count <= limit && !text.utf8.contains(0) ? .text(text) : nil
    case (.name(let name), .text(let text)): return name.takes(text) ? .text(text) : nil
    case (.word(let words), .text(let text)): return words.contains(text) ? .text(text) : nil
    case (.whole(let range), .whole(let text)):
      return Int(text).flatMap { range.contains($0) ? .whole($0) : nil }
    case (.seed, .whole(let text)): return UInt64(text).map { .seed($0) }
    case (.boolean, .boolean(let value)): return .boolean(value)
    case (.quantity(let quantity, let range), .text(let text)):
      return quantity.read(text).flatMap { range.contains($0) ? .quantity($0) : nil }
    case (.bound, .text(let text)):
      guard case .below(let time)? = Expectation.Rule(text: text) else { return nil }
      return .quantity(Double(time))
    default: return nil
    }
  }
}
