// `run` and `report`: a scenario to its verdict, and a run directory to its reports.

import Arguments
import FoundationEssentials
import Glibc
import History
import Reports
import Runner
import Scenario

enum RunCommands {
  static func run(_ invocation: Invocation) throws(UsageError) -> Int32 {
    let options = try RunOptions(invocation, hint: Program.spec.hint("run"))
    guard let (yaml, plan) = ScenarioCommands.load(options) else { return 2 }
    let directory = options.out.map { RunDirectory(path: absolute($0)) } ?? Run.defaultDirectory(name: plan.name)
    var run = Run(
      plan: plan, scenario: String(decoding: yaml, as: UTF8.self), directory: directory, command: again(options, plan))
    run.abortsOnViolation = options.abortsOnViolation
    do {
      try run.execute()
    } catch {
      Terminal.say(error.description)
      if error.code != .usage { Terminal.note("what was recorded is in \(directory.path)") }
      return error.code.rawValue
    }
    return show(directory.path, json: options.json)
  }

  static func report(_ invocation: Invocation) -> Int32 { show(absolute(invocation.operands[0]), json: false) }

  /// The level of a run that a command is about: the only one, or the one asked for.
  static func level(_ name: String?, of directory: RunDirectory, command: String) throws -> String {
    let names = try JSONFile.read(Plan.self, directory.plan).levels.map(\.name)
    guard let level = name ?? (names.count == 1 ? names.first : nil), names.contains(level) else {
      let list = names.joined(separator: ", ")
      throw UsageError(
        "the run has the levels \(list), expected --level with one of them", hint: Program.spec.hint(command))
    }
    return level
  }

  /// Writes all reports of a run and prints the result.
  private static func show(_ directory: String, json: Bool) -> Int32 {
    do {
      let view = try Report.write(directory)
      if json {
        Terminal.write(Report.json(view.verdict) + "\n")
      } else {
        let report = RunDirectory(path: directory).report
        Terminal.write(Report.terminalTable(view.verdict, colour: Terminal.hasColorOut, report: report))
      }
      return view.verdict.exitCode
    } catch {
      Terminal.say("\(error)")
      return 2
    }
  }

  /// What a person types to see the same schedule again.
  private static func again(_ options: RunOptions, _ plan: Plan) -> String {
    var words = ["stormproof", "run", options.file, "--seed", "\(plan.seed)"]
    if let levels = options.levels { words += ["--levels", levels.joined(separator: ",")] }
    if options.abortsOnViolation { words += ["--abort-on", "violation"] }
    if let defect = options.defect { words += ["--defect", defect] }
    return words.joined(separator: " ")
  }

  static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }
}
