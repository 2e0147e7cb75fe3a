// The reports of a run directory: written beside what they were made from, the verdict last.

import Base
import History

/// Making reports. What is in them is decided by pure code; this writes the files.
public enum Report {
  /// Reads the run, judges it and writes `report.html`, `junit.xml`, `summary.md` and, last, `verdict.json`, whose
  /// presence says that the run directory is complete.
  /// - Parameter directory: a run directory, complete or cut off.
  /// - Returns: what was shown, for the terminal and the exit code.
  @discardableResult
  public static func write(_ directory: String) throws(HistoryError) -> RunView {
    let view = try RunReader.read(directory)
    try write(view, to: RunDirectory(path: directory))
    return view
  }

  static func write(_ view: RunView, to directory: RunDirectory) throws(HistoryError) {
    try FileBytes.replace(directory.report, with: Array(Page.render(view).utf8))
    try FileBytes.replace(directory.junit, with: Array(JUnit.render(view.verdict).utf8))
    try FileBytes.replace(directory.summary, with: Array(Summary.render(view.verdict).utf8))
    try JSONFile.write(view.verdict, to: directory.verdict)
  }

  /// `verdict.json` as it is written, for `--json`.
  public static func json(_ verdict: RunVerdict) -> String { String(decoding: JSONFile.encode(verdict), as: UTF8.self) }

  /// The table for a terminal; see `Terminal`.
  /// - Parameter explains: Whether the first cases of every finding are drawn.
  public static func terminalTable(
    _ verdict: RunVerdict, width: Int = 100, colour: Bool, report: String? = nil, explains: Bool = false
  ) -> String {
    Terminal.render(verdict, width: width, colour: colour, report: report, explains: explains)
  }
}

extension RunVerdict {
  /// The exit code that the verdict asks for: 0, 1 or 3.
  public var exitCode: Int32 {
    switch verdict {
    case .holds: 0
    case .violated: 1
    case .inconclusive: 3
    }
  }
}
