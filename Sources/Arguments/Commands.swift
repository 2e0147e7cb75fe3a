// Stormproof's commands. The program lists those that it can do: a spec alone promises nothing.

/// The table's rows.
public enum Commands {
  private static let scenario = OperandSpec("FILE", kind: .file, "Scenario file.")
  private static let run = OperandSpec("RUN", kind: .directory, "Directory of a run, such as reports/latest.")
  private static let history = OperandSpec(
    "RUN|FILE", kind: .file, "Directory of a run, or a history: a file, or - for standard input.")
  private static let histories =
    "A history is the history.bin of a run, JSON lines, or EDN as Jepsen prints queue workloads, each of them plain or "
    + "compressed by xz or gzip; its content says which, not its name."
  private static let json = OptionSpec("json", "Print JSON instead of text.")
  private static let seed = OptionSpec("seed", value: "N", "Seed instead of the scenario's.")
  private static let bundles = ["low", "medium", "high"]
  private static let levels = OptionSpec(
    "levels", value: "A,B", kind: .list(bundles), "Only these of the scenario's levels.")

  public static let runScenario = CommandSpec(
    "run", summary: "Run a scenario, check it, write its report.",
    about: """
      Progress goes to stderr, the result to stdout. Every level runs on a fresh cluster in a sandbox that ends with the
      run. Exit status: 0 all guarantees hold, 1 one is violated, 2 mistake in the scenario or the command line,
      3 inconclusive, 4 a threshold missed, 5 environment or broker failed to start, 70 internal error, 130 interrupted.
      """,
    operands: [scenario],
    options: [
      seed, levels,
      OptionSpec("out", value: "DIR", kind: .directory, "Run directory, new or empty; else reports/TIME-NAME."),
      OptionSpec(
        "abort-on", value: "EVENT", kind: .words(["violation"]),
        "violation: end the run when a broken guarantee is certain; what needs the drain stays undecided."),
      OptionSpec("defect", value: "NAME", "Start the embedded broker with a planted defect, to test the checkers."),
      json,
    ])

  public static let check = CommandSpec(
    "check", summary: "Judge again what a run recorded, or check a history file.",
    about:
      "A run directory is judged as by `run`, even when the run was killed. A file is checked against a model, and with "
      + "--model a level of a run as well. " + histories + " What --json prints of a file: `schema check`. "
      + "Exit status 3: not decided.",
    operands: [history],
    options: [
      OptionSpec(
        "model", value: "MODEL",
        kind: .words(["fifo", "queue", "bag", "at-least-once", "register", "kv", "log", "kafka", "saga", "transform"]),
        "What to check against: fifo (or queue), bag, at-least-once, register, kv, log, kafka, saga, transform."),
      OptionSpec("level", value: "LEVEL", "Level of the run, or the bundle that judges a file."),
      OptionSpec(
        "allow", value: "A,B",
        kind: .list([
          "rebalances", "interleaved-writes", "partial-polls", "overtaking-sends", "uncommitted-reads", "unread-ends",
          "none",
        ]),
        "With --model kafka, what the broker may do: rebalances, interleaved-writes, partial-polls, overtaking-sends, "
          + "uncommitted-reads, unread-ends, or none. Else what Kafka's manual says: the first three and the last."),
      OptionSpec(
        "dead-letter", value: "Q=D,...",
        "With --model at-least-once: what is rejected in queue Q goes into queue D, and must be delivered from there."),
      OptionSpec("full-polls", "With --model kafka: a poll returns all that is there, which gives anti-dependencies."),
      OptionSpec("sparse", "With --model log: offsets may be left out, as Kafka's transactions do."),
      OptionSpec("explain", "Draw the operations that contradict each other, for the first findings of each name."),
      OptionSpec("timeout", value: "SECONDS", kind: .text, "How long a search may take, where one is needed; else 30."),
      json,
    ])

  public static let report = CommandSpec(
    "report", summary: "Write a run's report again.", operands: [run])

  public static let export = CommandSpec(
    "export", summary: "Print a history in a format that other tools read.", about: histories, operands: [history],
    options: [
      OptionSpec(
        "format", value: "FORMAT", kind: .words(["jsonl", "edn", "bin"]),
        "jsonl: JSON lines, an event a line; edn: the same as Jepsen prints it; bin: as runs record it. Else jsonl."),
      OptionSpec("model", value: "MODEL", kind: .words(["kafka"]), "kafka: the file holds transactions on keyed logs."),
      OptionSpec("level", value: "LEVEL", kind: .text, "Level of the run; needed where it has several."),
      OptionSpec("output", value: "FILE", kind: .file, "Write to this file, whole or not at all, not to stdout."),
    ])

  public static let plan = CommandSpec(
    "plan", summary: "Print the plan of a scenario as JSON: every choice that is made before the run.",
    about: "The same file, seed and levels give the same bytes.", operands: [scenario], options: [seed, levels])

  public static let validate = CommandSpec(
    "validate", summary: "Check a scenario file and point at every mistake.",
    about: "Mistakes go to stderr as FILE:LINE:COLUMN: what, expected what; the exit status is 2 then.",
    operands: [scenario], options: [json])

  public static let schema = CommandSpec(
    "schema", summary: "Print the JSON Schema of scenario files, for editors, or of what a check prints.",
    operands: [
      OperandSpec(
        "WHAT", isRequired: false, kind: .words(["scenario", "check"]),
        "scenario (else), or check: the output of `check FILE --json`.")
    ])

  public static let doctor = CommandSpec(
    "doctor", summary: "Say which faults this machine can do, and how to get the rest.",
    about: "Tries everything in a sandbox that lives for some milliseconds. Exit status 5 where nothing can be run.",
    options: [json])

  public static let completions = CommandSpec(
    "completions", summary: "Print a completion script for a shell.",
    operands: [OperandSpec("SHELL", kind: .words(ProgramSpec.shells), "bash, zsh or fish.")])
}

/// Options of `run`.
public struct RunOptions: Equatable, Sendable {
  public var file: String
  public var seed: UInt64?
  public var levels: [String]?
  public var out: String?
  public var defect: String?
  /// End the run at the first violation that is certain.
  public var abortsOnViolation: Bool
  public var json: Bool

  /// Of `plan` too, which has fewer.
  /// - Throws: a value that is no number or no list.
  public init(_ invocation: Invocation, hint: String) throws(UsageError) {
    file = invocation.operands[0]
    seed = try invocation.number("seed", hint: hint)
    levels = try invocation.list("levels", hint: hint)
    out = invocation.options["out"]
    defect = invocation.options["defect"]
    abortsOnViolation = invocation.options["abort-on"] == "violation"
    json = invocation.has("json")
  }
}

/// Options of `check`.
public struct CheckOptions: Equatable, Sendable {
  /// A run directory, or a history.
  public var path: String
  public var model: String?
  public var level: String?
  /// Draw the first findings.
  public var explain: Bool
  /// Seconds.
  public var timeout: UInt64
  /// Words; `none` alone is an empty list. Nil: what the model says.
  public var allow: [String]?
  /// By queue the one into which it leads what is rejected; empty: nobody said.
  public var deadLetters: [String: String]
  public var fullPolls: Bool
  public var sparse: Bool
  public var json: Bool

  /// - Throws: a value that is no number or no list, an option of another model.
  public init(_ invocation: Invocation, hint: String) throws(UsageError) {
    path = invocation.operands[0]
    model = invocation.options["model"]
    level = invocation.options["level"]
    explain = invocation.has("explain")
    timeout = min(try invocation.number("timeout", hint: hint) ?? 30, 1_000_000_000)
    allow = try invocation.list("allow", hint: hint)
    if allow == ["none"] { allow = [] }
    deadLetters = try Self.deadLetters(invocation, hint: hint)
    fullPolls = invocation.has("full-polls")
    sparse = invocation.has("sparse")
    for (option, isGiven, owner) in [
      ("allow", allow != nil, "kafka"), ("full-polls", fullPolls, "kafka"), ("sparse", sparse, "log"),
      ("dead-letter", !deadLetters.isEmpty, "at-least-once"),
    ] where isGiven && model != owner {
      throw UsageError("--\(option) goes with --model \(owner) only", hint: hint)
    }
    json = invocation.has("json")
  }

  /// `Q=D`, with commas between several, each Q once.
  private static func deadLetters(_ invocation: Invocation, hint: String) throws(UsageError) -> [String: String] {
    var letters: [String: String] = [:]
    for pair in try invocation.list("dead-letter", hint: hint) ?? [] {
      let names = pair.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard names.count == 2, !names.contains("") else {
        throw UsageError(
          "--dead-letter has '\(pair)', expected QUEUE=QUEUE, with commas between several", hint: hint)
      }
      guard letters.updateValue(names[1], forKey: names[0]) == nil else {
        throw UsageError("--dead-letter names '\(names[0])' twice, expected one queue for its dead letters", hint: hint)
      }
    }
    return letters
  }
}

/// Options of `export`.
public struct ExportOptions: Equatable, Sendable {
  /// A run directory, or a history.
  public var path: String
  public var format: String
  /// `kafka`, or nil: events.
  public var model: String?
  public var level: String?
  public var output: String?

  public init(_ invocation: Invocation) {
    path = invocation.operands[0]
    format = invocation.options["format"] ?? "jsonl"
    model = invocation.options["model"]
    level = invocation.options["level"]
    output = invocation.options["output"]
  }
}
