// libyaml in Swift: one document from bytes that nobody trusts. The only file that imports the C library.

import CYaml

/// Bounds that no scenario needs to pass, and a bomb would.
enum YamlLimits {
  static let bytes = 256 << 10
  static let depth = 64
  static let aliases = 64
  /// With every alias expanded.
  static let nodes = 10_000
}

/// Reads one YAML document.
struct YamlParser: ~Copyable {
  /// What was wrong but did not stop the reading: keys twice, keys that are no text, tags.
  private var mistakes: [Mistake] = []
  /// What libyaml reads from, until the last event.
  private let bytes: UnsafeMutableBufferPointer<UInt8>
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private var anchors: [String: YamlNode] = [:]
  private var aliases = 0
  private var nodes = 0

  /// - Throws: what makes it impossible to read on: no UTF-8, no YAML, no document or several, or beyond a limit.
  static func parse(_ bytes: [UInt8]) throws(Mistakes) -> (root: YamlNode, mistakes: [Mistake]) {
    if bytes.count > YamlLimits.bytes {
      throw Mistakes([
        Mistake(Mark(line: 1, column: 1), "the file has \(bytes.count) bytes", expected: "at most \(YamlLimits.bytes)")
      ])
    }
    try checkUTF8(bytes)
    let body = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes[...]
    guard var parser = YamlParser(body) else {
      throw Mistakes([Mistake(Mark(line: 1, column: 1), "no memory for the YAML parser", expected: "more memory")])
    }
    let root = try parser.document()
    return (root, parser.mistakes)
  }

  private init?(_ text: ArraySlice<UInt8>) {
    parser = .allocate(capacity: 1)
    // One byte more, since libyaml wants an address even for no bytes.
    bytes = .allocate(capacity: text.count + 1)
    _ = bytes.initialize(from: Array(text) + [0])
    if yaml_parser_initialize(parser) == 0 {
      parser.deallocate()
      bytes.deallocate()
      return nil
    }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, bytes.baseAddress, text.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
    bytes.deallocate()
  }

  private enum Event {
    case end
    case documentStart, documentEnd
    case scalar(String, isPlain: Bool)
    case sequence, mapping, close
    case alias(String)
  }

  private struct Step {
    var event: Event
    var mark: Mark
    var anchor: String?
    var tag: String?
  }

  private mutating func document() throws(Mistakes) -> YamlNode {
    let first = try next()
    guard case .documentStart = first.event else {
      throw fatal(Mark(line: 1, column: 1), "the file is empty", "a scenario, such as `version: 1` and more")
    }
    let root = try node(try next(), depth: 1)
    _ = try next()
    let after = try next()
    guard case .end = after.event else { throw fatal(after.mark, "a second document begins", "one document in a file") }
    return root
  }

  private mutating func node(
    _ step: Step, depth: Int,
  ) throws(Mistakes) -> YamlNode {
    if case .alias(let name) = step.event { return try expanded(name, at: step.mark, depth: depth) }
    try count(1, at: step.mark)
    if depth > YamlLimits.depth { throw fatal(step.mark, "this is too deep", "at most \(YamlLimits.depth) levels") }
    if let tag = step.tag {
      mistakes.append(Mistake(step.mark, "tag \(quoted(tag))", expected: "a value without a tag"))
    }
    var result = YamlNode(mark: step.mark, content: .sequence([]))
    switch step.event {
    case .scalar(let text, let isPlain): result.content = .scalar(text, isPlain: isPlain)
    case .sequence:
      var items: [YamlNode] = []
      while true {
        let inner = try next()
        if case .close = inner.event { break }
        let item = try node(inner, depth: depth + 1)
        result.count += item.count
        result.depth = max(result.depth, item.depth + 1)
        items.append(item)
      }
      result.content = .sequence(items)
    case .mapping: try fill(&result, depth: depth)
    // libyaml's grammar never brings another event here.
    case .end, .documentStart, .documentEnd, .close, .alias: throw fatal(step.mark, "this is no value", "valid YAML")
    }
    if let anchor = step.anchor { anchors[anchor] = result }
    return result
  }

  private mutating func fill(
    _ result: inout YamlNode, depth: Int,
  ) throws(Mistakes) {
    var entries: [YamlNode.Entry] = []
    var lines: [String: Int] = [:]
    while true {
      let inner = try next()
      if case .close = inner.event { break }
      let key = try node(inner, depth: depth + 1)
      let value = try node(try next(), depth: depth + 1)
      result.count += key.count + value.count
      result.depth = max(result.depth, key.depth + 1, value.depth + 1)
      guard case .scalar(let name, _) = key.content else {
        mistakes.append(Mistake(key.mark, "a key that is \(key.description)", expected: "a word"))
        continue
      }
      if let line = lines[name] {
        mistakes.append(
          Mistake(key.mark, "key \(quoted(name)) again", expected: "each key once (the first is in line \(line))"))
        continue
      }
      lines[name] = key.mark.line
      entries.append(.init(key: name, keyMark: key.mark, value: value))
    }
    result.content = .mapping(entries)
  }

  private mutating func expanded(_ name: String, at mark: Mark, depth: Int) throws(Mistakes) -> YamlNode {
    aliases += 1
    if aliases > YamlLimits.aliases {
      throw fatal(mark, "alias number \(aliases)", "at most \(YamlLimits.aliases) aliases")
    }
    // Inside of itself an anchor is not known yet, so no tree contains itself.
    guard let target = anchors[name] else {
      throw fatal(mark, "alias of the unknown anchor \(quoted(name))", "an anchor that stands above and is complete")
    }
    try count(target.count, at: mark)
    if depth + target.depth - 1 > YamlLimits.depth {
      throw fatal(mark, "with this alias it is too deep", "at most \(YamlLimits.depth) levels")
    }
    return target
  }

  private mutating func count(_ more: Int, at mark: Mark) throws(Mistakes) {
    nodes += more
    if nodes > YamlLimits.nodes {
      throw fatal(mark, "the file has too many values", "at most \(YamlLimits.nodes), aliases expanded")
    }
  }

  private func next() throws(Mistakes) -> Step {
    while true {
      var event = yaml_event_t()
      if yaml_parser_parse(parser, &event) == 0 { throw problem() }
      defer { yaml_event_delete(&event) }
      let mark = Mark(line: event.start_mark.line + 1, column: event.start_mark.column + 1)
      var step = Step(event: .close, mark: mark)
      switch event.type {
      case YAML_STREAM_START_EVENT: continue
      // After the end of the stream libyaml answers with no event for ever.
      case YAML_STREAM_END_EVENT, YAML_NO_EVENT: step.event = .end
      case YAML_DOCUMENT_START_EVENT: step.event = .documentStart
      case YAML_DOCUMENT_END_EVENT: step.event = .documentEnd
      case YAML_ALIAS_EVENT: step.event = .alias(text(event.data.alias.anchor) ?? "")
      case YAML_SCALAR_EVENT:
        let scalar = event.data.scalar
        let content = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
        step.event = .scalar(
          String(decoding: content, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
        (step.anchor, step.tag) = (text(scalar.anchor), text(scalar.tag))
      case YAML_SEQUENCE_START_EVENT:
        step.event = .sequence
        (step.anchor, step.tag) = (text(event.data.sequence_start.anchor), text(event.data.sequence_start.tag))
      case YAML_MAPPING_START_EVENT:
        step.event = .mapping
        (step.anchor, step.tag) = (text(event.data.mapping_start.anchor), text(event.data.mapping_start.tag))
      default: break
      }
      return step
    }
  }

  private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    pointer.map { String(cString: $0) }
  }

  private func fatal(_ mark: Mark, _ what: String, _ expected: String) -> Mistakes {
    Mistakes(mistakes + [Mistake(mark, what, expected: expected)])
  }

  /// libyaml's own words, in our form.
  private func problem() -> Mistakes {
    let what = parser.pointee.problem.map { String(cString: $0) } ?? "unreadable"
    let context = parser.pointee.context.map { " " + String(cString: $0) } ?? ""
    let at = parser.pointee.problem_mark
    // The reader (bytes that may not stand in YAML) knows an offset only.
    let mark =
      parser.pointee.error == YAML_READER_ERROR
      ? place(of: parser.pointee.problem_offset, in: bytes) : Mark(line: at.line + 1, column: at.column + 1)
    return fatal(mark, what + context, "valid YAML")
  }
}

private func place(of offset: Int, in bytes: UnsafeMutableBufferPointer<UInt8>) -> Mark {
  var mark = Mark(line: 1, column: 1)
  for byte in bytes.prefix(offset) {
    if byte == 0x0a {
      mark = Mark(line: mark.line + 1, column: 1)
    } else if byte & 0xc0 != 0x80 {
      mark.column += 1
    }
  }
  return mark
}

private func checkUTF8(_ bytes: [UInt8]) throws(Mistakes) {
  if String(validating: bytes, as: UTF8.self) != nil { return }
  var decoder = UTF8()
  var iterator = bytes.makeIterator()
  var mark = Mark(line: 1, column: 1)
  decoding: while true {
    switch decoder.decode(&iterator) {
    case .scalarValue("\n"): mark = Mark(line: mark.line + 1, column: 1)
    case .scalarValue: mark.column += 1
    case .emptyInput, .error: break decoding
    }
  }
  throw Mistakes([Mistake(mark, "bytes that are not UTF-8", expected: "text in UTF-8")])
}
