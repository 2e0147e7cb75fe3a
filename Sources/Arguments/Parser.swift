// Parsing by GNU's conventions: options anywhere, `--name=value` or `--name value`, unique prefixes, `--` ends them.

/// A command line that makes no sense: one sentence and where to read on.
public struct UsageError: Error, Equatable, Sendable {
  public var message: String
  /// `try 'stormproof run --help'`
  public var hint: String

  public init(_ message: String, hint: String) {
    self.message = message
    self.hint = hint
  }
}

/// A command with what was given to it.
public struct Invocation: Equatable, Sendable {
  public var command: String
  public var operands: [String]
  /// By name; the last one counts. A switch has the value "".
  public var options: [String: String]

  public init(command: String, operands: [String] = [], options: [String: String] = [:]) {
    self.command = command
    self.operands = operands
    self.options = options
  }

  public func has(_ switchName: String) -> Bool { options[switchName] != nil }

  /// A whole number without a sign.
  public func number(_ name: String, hint: String) throws(UsageError) -> UInt64? {
    guard let text = options[name] else { return nil }
    guard let number = UInt64(text) else {
      throw UsageError("--\(name) is '\(text)', expected a whole number from 0 to \(UInt64.max)", hint: hint)
    }
    return number
  }

  /// Words with commas between them.
  public func list(_ name: String, hint: String) throws(UsageError) -> [String]? {
    guard let text = options[name] else { return nil }
    let words = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    if words.contains("") {
      throw UsageError("--\(name) is '\(text)', expected names with commas between them", hint: hint)
    }
    return words
  }
}

/// What a command line asks for.
public enum Request: Equatable, Sendable {
  /// Help of a command, or of the program.
  case help(String?)
  case version
  case run(Invocation)
}

extension ProgramSpec {
  /// - Parameter arguments: without the program's name.
  public func parse(_ arguments: [String]) throws(UsageError) -> Request {
    var rest = arguments[...]
    guard let first = rest.popFirst() else { throw UsageError("no command", hint: hint()) }
    if first.utf8.first == 0x2d {
      let (option, _) = try match(first, among: ProgramSpec.global, hint: hint())
      return option.name == "version" ? .version : .help(nil)
    }
    if first == "help" {
      guard let name = rest.first else { return .help(nil) }
      return .help(try command(name).name)
    }
    return try parse(rest, of: try command(first))
  }

  /// Where to read on.
  public func hint(_ command: String? = nil) -> String {
    "try '\(name) \(command.map { $0 + " " } ?? "")--help'"
  }

  private func command(_ name: String) throws(UsageError) -> CommandSpec {
    if let command = self[name] { return command }
    let meant = nearest(name, among: commands.map(\.name)).map { ", did you mean '\($0)'?" } ?? ""
    throw UsageError("unknown command '\(name)'\(meant)", hint: hint())
  }

  private func parse(_ arguments: ArraySlice<String>, of command: CommandSpec) throws(UsageError) -> Request {
    let hint = hint(command.name)
    var invocation = Invocation(command: command.name)
    var rest = arguments
    var onlyOperands = false
    while let word = rest.popFirst() {
      if onlyOperands || word == "-" || word.utf8.first != 0x2d {
        invocation.operands.append(word)
      } else if word == "--" {
        onlyOperands = true
      } else {
        var (option, value) = try match(word, among: command.allOptions, hint: hint)
        if option.name == "help" { return .help(command.name) }
        if option.value != nil, value == nil { value = rest.popFirst() }
        try check(value, of: option, hint: hint)
        invocation.options[option.name] = value ?? ""
      }
    }
    if invocation.operands.count > command.operands.count {
      throw UsageError("'\(invocation.operands[command.operands.count])' is one operand too many", hint: hint)
    }
    for (index, operand) in command.operands.enumerated() {
      if index >= invocation.operands.count {
        if operand.isRequired { throw UsageError("\(operand.name) is missing", hint: hint) }
      } else if case .words(let words) = operand.kind, !words.contains(invocation.operands[index]) {
        throw UsageError(
          "\(operand.name) is '\(invocation.operands[index])', expected one of \(words.joined(separator: ", "))",
          hint: hint)
      }
    }
    return .run(invocation)
  }

  /// The option that a word means, by its full name, a unique beginning of it, or its letter; and the value after `=`.
  private func match(
    _ word: String, among options: [OptionSpec], hint: String
  ) throws(UsageError) -> (OptionSpec, String?) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let shown = String(parts[0])
    let value = parts.count > 1 ? String(parts[1]) : nil
    if shown.hasPrefix("--") {
      let name = shown.dropFirst(2)
      if let option = options.first(where: { $0.name == name }) { return (option, value) }
      let starting = name.isEmpty ? [] : options.filter { $0.name.hasPrefix(name) }
      if starting.count == 1 { return (starting[0], value) }
      if starting.count > 1 {
        let names = starting.map { "--" + $0.name }.joined(separator: ", ")
        throw UsageError("option '\(shown)' could be one of \(names)", hint: hint)
      }
      let meant = nearest(String(name), among: options.map(\.name)).map { ", did you mean '--\($0)'?" } ?? ""
      throw UsageError("unknown option '\(shown)'\(meant)", hint: hint)
    }
    guard let option = options.first(where: { $0.short.map { "-\($0)" } == word }) else {
      throw UsageError("unknown option '\(word)'", hint: hint)
    }
    return (option, nil)
  }

  private func check(_ value: String?, of option: OptionSpec, hint: String) throws(UsageError) {
    guard let placeholder = option.value else {
      if let value { throw UsageError("--\(option.name) takes no value, but has '\(value)'", hint: hint) }
      return
    }
    guard let value else { throw UsageError("--\(option.name) needs a value: \(placeholder)", hint: hint) }
    if case .words(let words) = option.kind, !words.contains(value) {
      throw UsageError("--\(option.name) is '\(value)', expected one of \(words.joined(separator: ", "))", hint: hint)
    }
  }
}

/// The word that shares most with a misspelt one: at most two letters wrong, missing, or too many.
private func nearest(_ word: String, among words: [String]) -> String? {
  var best: (distance: Int, word: String)?
  for candidate in words {
    let distance = distance(Array(word.utf8.prefix(40)), Array(candidate.utf8))
    if distance <= min(2, candidate.utf8.count / 2), best.map({ distance < $0.distance }) ?? true {
      best = (distance, candidate)
    }
  }
  return best?.word
}

private func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
  var last = Array(0...b.count)
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices { row.append(min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))) }
    last = row
  }
  return last[b.count]
}
