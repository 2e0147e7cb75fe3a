// The text of `--help`, from the table.

extension ProgramSpec {
  /// Help of one command, or of the program.
  public func help(_ command: String? = nil) -> String {
    if let command = command.flatMap({ self[$0] }) { return help(of: command) }
    var text = "Usage: \(name) COMMAND [OPERANDS] [OPTIONS]\n\n\(summary)\n\nCommands:\n"
    text += columns(commands.map { ($0.name, $0.summary) })
    text += "\nOptions:\n" + columns(ProgramSpec.global.map { (label($0), $0.help) })
    text += "\n'\(name) COMMAND --help' explains a command.\n"
    return closing.isEmpty ? text : text + "\n" + closing + "\n"
  }

  private func help(of command: CommandSpec) -> String {
    let operands = command.operands.map { $0.isRequired ? " \($0.name)" : " [\($0.name)]" }.joined()
    var text = "Usage: \(name) \(command.name)\(operands) [OPTIONS]\n\n\(command.summary)\n"
    if !command.about.isEmpty { text += "\n\(command.about)\n" }
    if !command.operands.isEmpty {
      text += "\nOperands:\n" + columns(command.operands.map { ($0.name, $0.help) })
    }
    return text + "\nOptions:\n" + columns(command.allOptions.map { (label($0), $0.help) })
  }

  private func label(_ option: OptionSpec) -> String {
    let short = option.short.map { "-\($0), " } ?? "    "
    return short + "--" + option.name + (option.value.map { " \($0)" } ?? "")
  }

  /// Two columns; the right one is broken between words at 100 characters.
  private func columns(_ rows: [(String, String)]) -> String {
    let width = (rows.map(\.0.count).max() ?? 0) + 4
    return rows.map { left, right in
      var lines: [String] = []
      var line = ""
      for word in right.split(separator: " ") {
        if !line.isEmpty, width + line.count + word.count >= 100 {
          lines.append(line)
          line = ""
        }
        line += (line.isEmpty ? "" : " ") + word
      }
      lines.append(line)
      let pad = String(repeating: " ", count: width)
      let first = "  " + left + String(repeating: " ", count: width - 2 - left.count)
      return first + lines.joined(separator: "\n" + pad) + "\n"
    }.joined()
  }
}
