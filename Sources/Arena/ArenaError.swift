// What goes wrong between us and the kernel: the step, the errno and, where one is known, the remedy.

import EventLoop
import Glibc

/// A failed step of the arena. `description` is a whole sentence for people.
public struct ArenaError: Error, CustomStringConvertible, Equatable, Sendable {
  /// What was tried: "mount a fresh /proc".
  public let step: String
  /// errno, or 0 where no system call failed.
  public let code: Int32
  public let remedy: String?

  public init(_ step: String, code: Int32 = 0, remedy: String? = nil) {
    self.step = step
    self.code = code
    self.remedy = remedy
  }

  public var description: String {
    let reason = code == 0 ? "" : ": \(String(cString: strerror(code)))"
    return "\(step)\(reason)\(remedy.map { " (\($0))" } ?? "")"
  }

  /// Throws unless `code` (0 or an errno) is 0.
  static func check(_ code: Int32, _ step: @autoclosure () -> String, remedy: String? = nil) throws(ArenaError) {
    if code != 0 { throw ArenaError(step(), code: code, remedy: remedy) }
  }
}

/// CLOCK_MONOTONIC in nanoseconds.
@inline(__always)
func monotonicNow() -> Int64 { Loop.monotonicNow() }
