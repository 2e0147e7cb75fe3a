// The JSON Schema of scenario files, for editors, made from the same table that checks them.

/// `stormproof schema`, and `scenarios/schema.json`.
public enum Schema {
  /// JSON Schema, draft 7 (what editors' YAML servers know best), with a newline at the end.
  public static let text: String = {
    guard case .object(let root) = schema(of: ScenarioKeys.root) else { return "{}\n" }
    let head: [(String, JSONText)] = [
      ("$schema", .string("http://json-schema.org/draft-07/schema#")), ("title", .string("Stormproof scenario")),
    ]
    return JSONText.object(head + root).text() + "\n"
  }()

  static func schema(of shape: Shape) -> JSONText {
    func string(_ pattern: String) -> JSONText {
      .object([("type", .string("string")), ("pattern", .string(pattern))])
    }
    switch shape {
    // JSON Schema counts characters, we count bytes: the schema is a little more generous than the check.
    case .text(let limit): return .object([("type", .string("string")), ("maxLength", .whole(limit))])
    case .name(let name): return string(name.pattern)
    case .whole(let range):
      if range.count == 1 { return .object([("const", .whole(range.lowerBound))]) }
      return .object([
        ("type", .string("integer")), ("minimum", .whole(range.lowerBound)), ("maximum", .whole(range.upperBound)),
      ])
    case .seed:
      return .object([
        ("type", .string("integer")), ("minimum", .whole(0)), ("maximum", .number("\(UInt64.max)")),
      ])
    case .boolean: return .object([("type", .string("boolean"))])
    case .word(let words):
      return words.count == 1 ? .object([("const", .string(words[0]))]) : .object([("enum", .strings(words))])
    case .quantity(let quantity, _): return string(quantity.pattern)
    case .bound: return string("^< ?" + Quantity.duration.pattern.dropFirst())
    case .list(let inner, let count):
      return .object([
        ("type", .string("array")), ("items", schema(of: inner)), ("minItems", .whole(count.lowerBound)),
        ("maxItems", .whole(count.upperBound)),
      ])
    case .table(let table): return schema(of: table)
    case .variants(let variants): return .object([("oneOf", .array(variants.map { schema(of: $0.table) }))])
    case .byName(let name, let inner):
      return .object([
        ("type", .string("object")), ("propertyNames", .object([("pattern", .string(name.pattern))])),
        ("additionalProperties", schema(of: inner)),
      ])
    case .either(let shapes): return .object([("anyOf", .array(shapes.map { schema(of: $0) }))])
    }
  }

  private static func schema(of table: Table) -> JSONText {
    var properties: [(String, JSONText)] = []
    var required: [String] = []
    for key in table.keys {
      guard case .object(var pairs) = schema(of: key.shape) else { continue }
      pairs.insert(("description", .string(key.help)), at: 0)
      switch key.presence {
      case .required: required.append(key.name)
      case .optional: break
      case .otherwise(let text):
        if let (root, _) = try? YamlParser.parse(Array(text.utf8)) { pairs.append(("default", json(root))) }
      }
      properties.append((key.name, .object(pairs)))
    }
    var result: [(String, JSONText)] = [("type", .string("object")), ("properties", .object(properties))]
    if !required.isEmpty { result.append(("required", .strings(required))) }
    result.append(("additionalProperties", .boolean(false)))
    return .object(result)
  }

  /// The same value in JSON.
  static func json(_ node: YamlNode) -> JSONText {
    switch node.content {
    case .sequence(let items): return .array(items.map(json))
    case .mapping(let entries): return .object(entries.map { ($0.key, json($0.value)) })
    case .scalar:
      switch node.meaning {
      case .text(let text)?: return .string(text)
      case .whole(let text)?, .fraction(let text)?: return .number(text.first == "+" ? String(text.dropFirst()) : text)
      case .boolean(let flag)?: return .boolean(flag)
      case .null?, nil: return .null
      }
    }
  }
}
