// `export`: a recorded history in a format that other tools read.

import Arguments
import History
import Reports

enum ExportCommand {
  static func run(_ invocation: Invocation) throws(UsageError) -> Int32 {
    let options = ExportOptions(invocation)
    let directory = RunDirectory(path: RunCommands.absolute(options.run))
    do {
      let level = try RunCommands.level(options.level, of: directory, command: "export")
      let history = try HistoryReader.read(directory.level(level).history)
      JSONLines.export(history) { Terminal.write(bytes: $0) }
      return 0
    } catch let error as UsageError {
      throw error
    } catch {
      Terminal.note("\(error)")
      return 2
    }
  }
}
