// Results to stdout, everything else to stderr; colour only where a person looks at it and did not forbid it.

import Glibc

enum Terminal {
  /// Whether stderr may be coloured: a terminal, TERM is not dumb, and NO_COLOR is not set (https://no-color.org).
  static let hasColor: Bool = isColourful(STDERR_FILENO)

  /// Whether stdout may be coloured, by the same rules.
  static let hasColorOut: Bool = isColourful(STDOUT_FILENO)

  private static func isColourful(_ file: Int32) -> Bool {
    if let forbidden = getenv("NO_COLOR"), forbidden.pointee != 0 { return false }
    if let term = getenv("TERM"), String(cString: term) == "dumb" { return false }
    return isatty(file) == 1
  }

  /// Columns of the terminal that stdout is; nil where it is none.
  static var width: Int? {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// A result. Written at once, so that nothing is lost when the process is killed.
  static func write(_ text: String) { put(text, to: STDOUT_FILENO) }

  /// An error of the program: `stormproof: …` in one line.
  static func say(_ message: String) { put(strong("stormproof:") + " \(message)\n", to: STDERR_FILENO) }

  /// A message that names its own origin, such as a place in a file.
  static func note(_ line: String) { put(line + "\n", to: STDERR_FILENO) }

  /// To stderr as it is: a line that will be written over.
  static func raw(_ text: String) { put(text, to: STDERR_FILENO) }

  private static func strong(_ text: String) -> String { hasColor ? "\u{1b}[1;31m\(text)\u{1b}[0m" : text }

  /// A result that is bytes already.
  static func write(bytes: [UInt8]) { put(bytes, to: STDOUT_FILENO) }

  private static func put(_ text: String, to file: Int32) { put(Array(text.utf8), to: file) }

  private static func put(_ bytes: [UInt8], to file: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if written > 0 {
        rest = rest.dropFirst(written)
      } else if errno != EINTR {
        return
      }
    }
  }
}
