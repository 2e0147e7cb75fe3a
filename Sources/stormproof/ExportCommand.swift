// `export`: a history, recorded or somebody else's, in a format that other tools read.

import Arguments
import Glibc
import History

enum ExportCommand {
  static func run(_ invocation: Invocation) throws(UsageError) -> Int32 {
    let options = ExportOptions(invocation)
    do {
      let history = try history(options)
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
