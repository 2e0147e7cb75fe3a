// Reading the history that a command is given: a file or standard input, with a word on stderr where it takes long.

import Glibc
import History

enum HistoryInputs {
  /// - Parameter operand: As the user wrote it; `-` is standard input.
  static func read(_ operand: String) throws(HistoryError) -> RecordedHistory {
    let isInput = operand == "-"
    let name = isInput ? "standard input" : operand
    let progress = ReadingProgress(name)
    defer { progress.end() }
    return try HistoryInput.read(isInput ? "-" : RunCommands.absolute(operand), name: name) { progress.tell($0) }
  }

  /// The same of transactions on keyed logs.
  static func transactions(_ operand: String) throws(HistoryError) -> TransactionHistory {
    let isInput = operand == "-"
    let name = isInput ? "standard input" : operand
    let progress = ReadingProgress(name)
    defer { progress.end() }
    return try TransactionHistory.read(isInput ? "-" : RunCommands.absolute(operand), name: name) { progress.tell($0) }
  }

  /// The same of sagas.
  static func sagas(_ operand: String) throws(HistoryError) -> SagaHistory {
    try operand == "-"
      ? SagaHistory.read("-", name: "standard input")
      : SagaHistory.read(RunCommands.absolute(operand), name: operand)
  }

  /// The same of what a transformer did.
  static func transforms(_ operand: String) throws(HistoryError) -> TransformHistory {
    try operand == "-"
      ? TransformHistory.read("-", name: "standard input")
      : TransformHistory.read(RunCommands.absolute(operand), name: operand)
  }

  /// Whether the operand is a run directory and not a history.
  /// - Throws: there is nothing of that name.
  static func isRun(_ operand: String) throws(HistoryError) -> Bool {
    if operand == "-" { return false }
    var info = stat()
    guard stat(RunCommands.absolute(operand), &info) == 0 else {
      throw HistoryError(
        file: operand, "\(String(cString: strerror(errno))), expected a run directory or a history")
    }
    return info.st_mode & S_IFMT == S_IFDIR
  }
}

/// How far the reading of a long file is: a line that changes where a person looks on, one every few seconds elsewhere, and
/// nothing at all of what is over in two.
final class ReadingProgress {
  private let name: String
  private let isLive: Bool
  private let start = ReadingProgress.seconds()
  private var next = 2.0
  private var isShown = false

  init(_ name: String) {
    self.name = name
    let isDumb = getenv("TERM").map { String(cString: $0) == "dumb" } ?? true
    isLive = isatty(STDERR_FILENO) == 1 && !isDumb
    if isLive { next = 0.5 }
  }

  func tell(_ progress: HistoryInput.Progress) {
    let spent = Self.seconds() - start
    guard spent >= next else { return }
    next = spent + (isLive ? 0.1 : 5)
    isShown = true
    var text = "reading \(name): "
    if let size = progress.size, size > 0 { text += "\(100 * progress.bytes / size) %, " }
    text +=
      "\(Self.millions(Double(progress.events))) events, \(Self.millions(Double(progress.events) / spent)) a second"
    if isLive { Terminal.raw("\r\u{1b}[K" + text) } else { Terminal.note(text) }
  }

  func end() { if isShown, isLive { Terminal.raw("\r\u{1b}[K") } }

  /// `1.3 M`, `17 k`, `12`.
  private static func millions(_ value: Double) -> String {
    if value >= 1e6 { return "\(Double(Int(value / 1e5)) / 10) M" }
    return value >= 1e4 ? "\(Int(value / 1e3)) k" : "\(Int(value))"
  }

  private static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
