// `export`: a history, recorded or somebody else's, in a format that other tools read.

import Arguments
import Glibc
import History

enum ExportCommand {
  static func run(_ invocation: Invocation) throws(UsageError) -> Int32 {
    let options = ExportOptions(invocation)
    do {
      if options.model != nil { return try transactions(options) }
      let history = try history(options)
      if options.format == "bin" {
        guard let path = options.output else {
          throw UsageError("--format bin needs --output FILE, expected a file", hint: Program.spec.hint("export"))
        }
        try history.write(to: RunCommands.absolute(path))
        return 0
      }
      let output = try HistoryOutput(options.output.map(RunCommands.absolute))
      if options.format == "edn" {
        try JepsenHistory.export(history) { try output.write($0) }
      } else {
        try JSONLines.export(history) { try output.write($0) }
      }
      try output.finish()
      return 0
    } catch let error as UsageError {
      throw error
    } catch {
      Terminal.note("\(error)")
      return 2
    }
  }

  private static func transactions(_ options: ExportOptions) throws -> Int32 {
    let hint = Program.spec.hint("export")
    if options.level != nil { throw UsageError("--level is for a run, which has no transactions on logs", hint: hint) }
    if options.format == "bin" {
      throw UsageError("--format is bin, expected jsonl or edn with --model kafka", hint: hint)
    }
    if try HistoryInputs.isRun(options.path) {
      throw UsageError("\(options.path) is a run, expected a file with --model kafka", hint: hint)
    }
    let history = try HistoryInputs.transactions(options.path)
    let output = try HistoryOutput(options.output.map(RunCommands.absolute))
    if options.format == "edn" {
      try history.exportEDN { try output.write($0) }
    } else {
      try history.exportJSONLines { try output.write($0) }
    }
    try output.finish()
    return 0
  }

  private static func history(_ options: ExportOptions) throws -> RecordedHistory {
    guard try HistoryInputs.isRun(options.path) else {
      if options.level != nil {
        throw UsageError("--level is for a run, expected none for a file", hint: Program.spec.hint("export"))
      }
      return try HistoryInputs.read(options.path)
    }
    let directory = RunDirectory(path: RunCommands.absolute(options.path))
    let level = try RunCommands.level(options.level, of: directory, command: "export")
    return try HistoryReader.read(directory.level(level).history)
  }
}
