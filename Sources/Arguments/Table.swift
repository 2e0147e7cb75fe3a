// A command line as a table: commands, operands, options. Parsing, help and completions all come from it.

/// What a value is, for help and completions; the parser takes any text but for `words`.
public enum ValueKind: Sendable, Equatable {
  case text
  case file
  case directory
  /// One of these.
  case words([String])
  /// Some of these, with commas between them.
  case list([String])
}

/// `--seed N`, or a switch without a value.
public struct OptionSpec: Sendable, Equatable {
  /// Without the dashes.
  public var name: String
  public var short: Character?
  /// Placeholder of the value in help, such as `N`; nil: a switch.
  public var value: String?
  public var kind: ValueKind
  public var help: String

  public init(
    _ name: String, short: Character? = nil, value: String? = nil, kind: ValueKind = .text, _ help: String
  ) {
    self.name = name
    self.short = short
    self.value = value
    self.kind = kind
    self.help = help
  }
}

/// `FILE`: a word that is no option.
public struct OperandSpec: Sendable, Equatable {
  public var name: String
  public var isRequired: Bool
  public var kind: ValueKind
  public var help: String

  public init(_ name: String, isRequired: Bool = true, kind: ValueKind = .text, _ help: String) {
    self.name = name
    self.isRequired = isRequired
    self.kind = kind
    self.help = help
  }
}

/// One command.
public struct CommandSpec: Sendable, Equatable {
  public var name: String
  /// A few words for the list of commands.
  public var summary: String
  /// Sentences for the command's own help.
  public var about: String
  public var operands: [OperandSpec]
  public var options: [OptionSpec]

  public init(
    _ name: String, summary: String, about: String = "", operands: [OperandSpec] = [], options: [OptionSpec] = []
  ) {
    self.name = name
    self.summary = summary
    self.about = about
    self.operands = operands
    self.options = options
  }

  /// The command's own options and those that every command has.
  var allOptions: [OptionSpec] { options + ProgramSpec.common }
}

/// The whole program.
public struct ProgramSpec: Sendable, Equatable {
  public var name: String
  public var summary: String
  /// In the order of help.
  public var commands: [CommandSpec]
  /// Below the list of commands.
  public var closing: String

  public init(_ name: String, summary: String, commands: [CommandSpec], closing: String = "") {
    self.name = name
    self.summary = summary
    self.commands = commands
    self.closing = closing
  }

  public subscript(_ name: String) -> CommandSpec? { commands.first { $0.name == name } }

  static let common = [OptionSpec("help", short: "h", "Show this help and exit.")]
  static let global = [
    OptionSpec("help", short: "h", "Show this help and exit."), OptionSpec("version", "Show the version and exit."),
  ]
}
