// `check`: judge again what a run recorded, whole or cut off, or a history of somebody else's.

import Arguments
import Checkers
import FoundationEssentials
import Glibc
import History
import Reports

enum CheckCommand {
  static func run(_ invocation: Invocation) throws(UsageError) -> Int32 {
    let options = CheckOptions(invocation)
    let path = RunCommands.absolute(options.path)
    var info = stat()
    guard stat(path, &info) == 0 else {
      Terminal.note("\(options.path): \(String(cString: strerror(errno))), expected a run directory or a history")
      return 2
    }
    if info.st_mode & S_IFMT == S_IFDIR { return directory(path, options) }
    let word = options.level ?? ReliabilityLevel.medium.rawValue
    guard let level = ReliabilityLevel(rawValue: word) else {
      let words = ReliabilityLevel.allCases.map(\.rawValue).joined(separator: ", ")
      throw UsageError("--level is '\(word)', expected one of \(words) for a file", hint: Program.spec.hint("check"))
    }
    do {
      return try file(path, options, level)
    } catch {
      Terminal.note("\(error)")
      return 2
    }
  }

  private static func directory(_ path: String, _ options: CheckOptions) -> Int32 {
    do {
      let view = try RunReader.read(path, only: options.level)
      if options.json {
        Terminal.write(Report.json(view.verdict) + "\n")
      } else {
        Terminal.write(Report.terminalTable(view.verdict, colour: Terminal.hasColorOut))
      }
      return view.verdict.exitCode
    } catch {
      Terminal.note("\(error)")
      return 2
    }
  }

  private static func file(
    _ path: String, _ options: CheckOptions, _ level: ReliabilityLevel
  ) throws(HistoryError) -> Int32 {
    let history = try JSONLines.parse(CompressedFile.read(path), file: options.path)
    let report = CheckCommandCore.run(history, model: options.model.flatMap(CheckModel.init(name:)), level: level)
    if options.json { Terminal.write(bytes: report.json + [UInt8(ascii: "\n")]) } else { Terminal.write(report.text()) }
    return report.exitCode
  }
}
