// The files of a level that the supervisor writes while it runs: events and series, a line at a time, each written through
// at once, so that a killed run keeps what happened.

import Base
import Foundation
import History

final class LineFile {
  private let descriptor: Int32

  /// - Throws: `RunFailure` when the file cannot be made.
  init(path: String) throws(RunFailure) {
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
    if descriptor < 0 { throw RunFailure(.environment, "cannot write \(path): \(String(cString: strerror(errno)))") }
  }

  deinit { close(descriptor) }

  func write(_ line: String) { write(bytes: Array(line.utf8)) }

  /// One line, with its end or without.
  func write(bytes line: [UInt8]) {
    var bytes = (line.last == UInt8(ascii: "\n") ? line : line + [UInt8(ascii: "\n")])[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count <= 0 { return }
      bytes = bytes.dropFirst(count)
    }
  }
}

/// Why a run could not go on: the exit code of the command line, and a sentence.
public struct RunFailure: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: Int32, Sendable {
    case usage = 2
    case environment = 5
    case internalError = 70
    case interrupted = 130
  }
  public var code: Code
  public var description: String

  public init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}
