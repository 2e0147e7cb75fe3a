// Command lines by GNU's conventions.

import Testing

@testable import Arguments

struct ParserTests {
  static let program = ProgramSpec(
    "stormproof", summary: "Tests brokers.",
    commands: [
      Commands.runScenario, Commands.check, Commands.export, Commands.plan, Commands.doctor, Commands.completions,
    ])

  private func parse(_ line: String) throws(UsageError) -> Request {
    try Self.program.parse(line.split(separator: " ").map(String.init))
  }

  @Test func optionsStandAnywhere() throws {
    let expected = Request.run(
      Invocation(command: "run", operands: ["a.yaml"], options: ["seed": "7", "levels": "low,high", "json": ""]))
    for line in [
      "run a.yaml --seed 7 --levels low,high --json", "run --seed=7 --levels=low,high --json a.yaml",
      "run --json --seed 1 a.yaml --levels low,high --seed 7", "run --se 7 --lev low,high --js a.yaml",
      "run --seed 7 --levels low,high --json -- a.yaml",
    ] {
      #expect(try parse(line) == expected, "\(line)")
    }
    #expect(try parse("run -- --seed") == .run(Invocation(command: "run", operands: ["--seed"])))
    #expect(try parse("run -") == .run(Invocation(command: "run", operands: ["-"])))
    #expect(
      try Self.program.parse(["run", "a", "--out="])
        == .run(.init(command: "run", operands: ["a"], options: ["out": ""])))
  }

  @Test func helpAndVersion() throws {
    for line in ["--help", "-h", "help"] { #expect(try parse(line) == .help(nil)) }
    for line in ["run --help", "run -h", "help run", "run x --seed 7 --help"] {
      #expect(try parse(line) == .help("run"))
    }
    #expect(try parse("--version") == .version)
  }

  @Test(arguments: [
    ("", "no command", ""), ("rum a", "unknown command 'rum', did you mean 'run'?", ""),
    ("frobnicate", "unknown command 'frobnicate'", ""), ("--bogus", "unknown option '--bogus'", ""),
    ("help frob", "unknown command 'frob'", ""), ("run", "FILE is missing", "run "),
    ("run a b", "'b' is one operand too many", "run "), ("run a --bogus", "unknown option '--bogus'", "run "),
    ("run a --sed 7", "unknown option '--sed', did you mean '--seed'?", "run "),
    ("run a -x", "unknown option '-x'", "run "), ("run a --seed", "--seed needs a value: N", "run "),
    ("run a --json=yes", "--json takes no value, but has 'yes'", "run "),
    (
      "check a --model tree",
      "--model is 'tree', expected one of fifo, queue, bag, at-least-once, register, kv, log, kafka, saga, transform",
      "check "
    ),
    ("completions csh", "SHELL is 'csh', expected one of bash, zsh, fish", "completions "),
    ("run a --", "", ""), ("check a --l x", "", ""),
  ])
  func mistakes(line: String, message: String, command: String) throws {
    if message.isEmpty {
      _ = try parse(line)
      return
    }
    let error = #expect(throws: UsageError.self) { try parse(line) }
    #expect(error == UsageError(message, hint: "try 'stormproof \(command)--help'"))
  }

  @Test func ambiguousBeginning() {
    let program = ProgramSpec(
      "p", summary: "", commands: [.init("c", summary: "", options: [.init("format", ""), .init("force", "")])])
    let error = #expect(throws: UsageError.self) { try program.parse(["c", "--fo"]) }
    #expect(error?.message == "option '--fo' could be one of --format, --force")
  }

  @Test func typedOptions() throws {
    func options(_ values: [String: String]) throws(UsageError) -> RunOptions {
      try RunOptions(Invocation(command: "run", operands: ["f"], options: values), hint: "h")
    }
    let all = try options(["seed": "18446744073709551615", "levels": "a,b", "out": "d", "defect": "x", "json": ""])
    #expect(all.seed == .max && all.levels == ["a", "b"] && all.out == "d" && all.defect == "x" && all.json)
    #expect(try !all.abortsOnViolation && options(["abort-on": "violation"]).abortsOnViolation)
    let none = try options([:])
    #expect(none.seed == nil && none.levels == nil && none.out == nil && !none.json)
    for bad in [["seed": "-1"], ["seed": "x"], ["seed": ""], ["levels": ""], ["levels": "a,,b"]] {
      #expect(throws: UsageError.self) { try options(bad) }
    }
  }

  @Test func optionsOfOneModelAreRefusedByOthers() throws {
    func options(_ values: [String: String]) throws(UsageError) -> CheckOptions {
      try CheckOptions(Invocation(command: "check", operands: ["f"], options: values), hint: "h")
    }
    #expect(try options(["model": "kafka", "allow": "rebalances,unread-ends"]).allow == ["rebalances", "unread-ends"])
    #expect(try options(["model": "kafka", "allow": "none", "full-polls": ""]).allow == [])
    #expect(try options(["model": "log", "sparse": ""]).sparse && options([:]).allow == nil)
    let letters = try options(["model": "at-least-once", "dead-letter": "a=b,c=b"]).deadLetters
    #expect(try letters == ["a": "b", "c": "b"] && options([:]).deadLetters.isEmpty)
    for bad in ["a", "a=", "=b", "a=b=c", "a=b,", "a=b,a=c", ""] {
      let error = #expect(throws: UsageError.self) { try options(["model": "at-least-once", "dead-letter": bad]) }
      #expect(error?.message.hasPrefix("--dead-letter ") == true, "\(bad)")
    }
    for bad in [
      ["allow": "none"], ["model": "log", "full-polls": ""], ["model": "kafka", "sparse": ""],
      ["model": "fifo", "dead-letter": "a=b"], ["dead-letter": "a=b"],
    ] {
      let error = #expect(throws: UsageError.self) { try options(bad) }
      #expect(error?.message.contains(" goes with --model ") == true)
    }
  }

  @Test func helpNamesEverything() {
    let text = Self.program.help()
    for command in Self.program.commands {
      #expect(text.contains("  \(command.name) "))
      let own = Self.program.help(command.name)
      #expect(own.hasPrefix("Usage: stormproof \(command.name)"))
      for option in command.options {
        #expect(own.contains("--\(option.name)") && own.contains(option.help.prefix(20)))
      }
      for operand in command.operands { #expect(own.contains(operand.name)) }
    }
    #expect((text + Self.program.help("run")).split(separator: "\n").allSatisfy { $0.count <= 120 })
  }
}
