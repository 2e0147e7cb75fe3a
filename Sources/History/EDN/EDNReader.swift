// EDN forms out of a stream, one by one: a file of any length is read in the memory of its largest form.

#if canImport(Glibc)
  import Glibc
#endif

/// Reads the forms of a file, or those of the one vector or list that the file is: histories are printed either way.
public struct EDNReader {
  private let window: ByteWindow
  /// Of the begin of the window.
  private var line = 1
  private var lineBegin = 0
  /// The form returned last: its begin and end in the window.
  private var begin = 0
  private var end = 0
  private enum Place {
    case before
    case inside(close: UInt8)
    case outside, behind
  }
  private var place = Place.before

  public init(_ bytes: [UInt8], file: String) {
    self.init(ByteWindow(bytes, file: file))
  }

  /// - Parameter path: May be compressed; `-` is standard input.
  public init(path: String) throws(HistoryError) {
    let window = ByteWindow(try FileStream(path))
    self.init(try CompressedFile.content(of: window).map { ByteWindow($0) } ?? window)
  }

  init(_ window: ByteWindow) { self.window = window }

  /// The next form; nil behind the last.
  public mutating func next() throws(HistoryError) -> EDN? {
    drop(end)
    (begin, end) = (0, 0)
    while true {
      var scanner = EDNScanner(window.bytes)
      var failure: EDNScanner.Failure?
      do throws(EDNScanner.Failure) {
        try scanner.skipBlanks()
        begin = scanner.position
        if enter(scanner) { continue }
        if let form = try scanner.form() {
          // What touches the end of the window may go on behind it.
          if !scanner.isAtEnd || window.isFinal {
            if case .behind = place { throw scanner.failure(at: begin, "expected the end of the file") }
            end = scanner.position
            return form
          }
        } else if try leave(scanner) {
          continue
        } else if window.isFinal {
          return nil
        }
      } catch {
        failure = error
      }
      if let failure, !failure.isAtEnd || window.isFinal { throw self.error(at: failure.byte, failure.message) }
      try window.more()
    }
  }

  /// An error about the form that `next` returned last.
  public func error(_ message: String) -> HistoryError { error(at: begin, message) }

  /// Decides by its first byte what the file is, and goes into the vector or list.
  private mutating func enter(_ scanner: EDNScanner) -> Bool {
    guard case .before = place, !scanner.isAtEnd else { return false }
    guard scanner.current == 0x5b || scanner.current == 0x28 else {
      place = .outside
      return false
    }
    place = .inside(close: scanner.current == 0x5b ? 0x5d : 0x29)
    drop(scanner.position + 1)
    return true
  }

  /// Where no form came: goes out of the vector or list.
  private mutating func leave(_ scanner: EDNScanner) throws(EDNScanner.Failure) -> Bool {
    if scanner.isAtEnd {
      if case .inside(let close) = place {
        let bracket = Character(Unicode.Scalar(close))
        throw scanner.failure("expected \(bracket) at the end of the history, found the end of the file")
      }
      return false
    }
    guard case .inside(let close) = place, scanner.current == close else {
      throw scanner.failure("expected a form, found a closing bracket")
    }
    place = .behind
    drop(scanner.position + 1)
    return true
  }

  private mutating func drop(_ count: Int) {
    let (lines, last) = newlines(count)
    line += lines
    if let last { lineBegin = window.offset + last + 1 }
    window.drop(count)
  }

  /// How many there are among the first `count` bytes of the window, and where the last of them is.
  private func newlines(_ count: Int) -> (count: Int, last: Int?) {
    let bytes = window.bytes
    guard let base = bytes.baseAddress else { return (0, nil) }
    var (lines, last, at) = (0, Int?.none, 0)
    while at < count, let found = memchr(base + at, 0x0a, count - at) {
      at = found.assumingMemoryBound(to: UInt8.self) - UnsafeMutablePointer(mutating: base)
      last = at
      lines += 1
      at += 1
    }
    return (lines, last)
  }

  private func error(at byte: Int, _ message: String) -> HistoryError {
    let (lines, last) = newlines(byte)
    let begin = last.map { window.offset + $0 + 1 } ?? lineBegin
    return HistoryError(
      file: window.stream.file, line: line + lines, byte: window.offset + byte - begin, message)
  }
}
