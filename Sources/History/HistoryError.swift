// What is wrong with a file of a run, and exactly where.

/// A file that cannot be read or does not say what it should.
public struct HistoryError: Error, Equatable, Sendable, CustomStringConvertible {
  public var file: String
  /// From 1, in files of lines.
  public var line: Int?
  /// Offset from 0 of the first byte that is wrong: in the file, or in the line where there is one.
  public var byte: Int?
  /// What was expected there, or what the system said.
  public var message: String

  public init(file: String, line: Int? = nil, byte: Int? = nil, _ message: String) {
    self.file = file
    self.line = line
    self.byte = byte
    self.message = message
  }

  /// `h.jsonl:12: byte 40: expected a string`
  public var description: String {
    var text = file
    if let line { text += ":\(line)" }
    if let byte { text += ": byte \(byte)" }
    return text + ": " + message
  }
}
