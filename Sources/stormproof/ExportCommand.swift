// `export`: a recorded history in a format that other tools read.

import Arguments
import History
import Reports
import Scenario

enum ExportCommand {
  static func run(_ invocation: Invocation) throws(UsageError) -> Int32 {
    let options = ExportOptions(invocation)
    let directory = RunDirectory(path: RunCommands.absolute(options.run))
    do {
      let plan = try JSONFile.read(Plan.self, directory.plan)
      let names = plan.levels.map(\.name)
      guard let level = options.level ?? (names.count == 1 ? names.first : nil), names.contains(level) else {
        let list = names.joined(separator: ", ")
        throw UsageError(
          "the run has the levels \(list), expected --level with one of them", hint: Program.spec.hint("export"))
      }
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
