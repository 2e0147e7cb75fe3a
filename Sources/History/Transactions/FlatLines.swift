// Lines of JSON that each state one fact: the reading that histories of sagas and of transformers have in common.

import Base

/// Where a history says something: what a finding points at.
public struct LineMark: Equatable, Sendable, BitwiseCopyable {
  /// From 0.
  public var line: Int
  public var time: Nanoseconds

  public init(line: Int, time: Nanoseconds) { (self.line, self.time) = (line, time) }
}

/// One object; where its keys stand, before it is known which of them matter. A key that is null counts as left out.
struct FlatLine {
  typealias Failure = JSONScanner.Failure

  let mark: LineMark
  /// Where the line ends.
  let end: Int
  private let scanner: JSONScanner
  private let places: [(key: String, at: Int)]

  fileprivate init(_ scanner: JSONScanner, _ places: [(key: String, at: Int)], _ mark: LineMark) {
    (self.scanner, self.places, self.mark) = (scanner, places, mark)
    end = scanner.position
  }

  /// Something is wrong with the line as a whole.
  func failure(_ message: String) -> Failure { Failure(byte: end, message: message) }

  func need<T>(_ value: T?, _ key: String) throws(Failure) -> T {
    guard let value else { throw failure("expected the key \"\(key)\" in this line") }
    return value
  }

  func integer<T: FixedWidthInteger>(_ key: String, _ what: StaticString) throws(Failure) -> T? {
    guard var scanner = value(of: key) else { return nil }
    let start = scanner.position
    guard let value = T(exactly: try scanner.integer(what)) else {
      throw Failure(byte: start, message: "expected \(what)")
    }
    return value
  }

  /// The raw value of a message's id, as in other histories.
  func id(_ what: StaticString) throws(Failure) -> MessageID {
    MessageID(rawValue: try need(integer("value", what) as UInt64?, "value"))
  }

  func text(_ key: String, _ what: StaticString) throws(Failure) -> String? {
    guard var scanner = value(of: key) else { return nil }
    return try scanner.string(what)
  }

  /// A name, or an integer that is one.
  func name(_ key: String, _ what: StaticString) throws(Failure) -> String? {
    guard var scanner = value(of: key) else { return nil }
    if scanner.current == 0x22 { return try scanner.string(what) }
    return "\(try scanner.integer(what))"
  }

  /// At least one string, each once.
  func list(_ key: String, _ what: StaticString) throws(Failure) -> [String]? {
    guard var scanner = value(of: key) else { return nil }
    let start = scanner.position
    var items: [String] = []
    var known: Set<String> = []
    try scanner.expect(0x5b, what)
    if scanner.take(0x5d) { throw Failure(byte: start, message: "expected \(what), at least one") }
    repeat {
      scanner.skipSpace()
      let start = scanner.position
      let item = try scanner.string(what)
      guard known.insert(item).inserted else { throw Failure(byte: start, message: "expected \(what), each once") }
      items.append(item)
    } while scanner.take(0x2c)
    try scanner.expect(0x5d, "a comma or a closing bracket")
    return items
  }

  func outcome() throws(Failure) -> Outcome? {
    guard var scanner = value(of: "type") else { return nil }
    let start = scanner.position
    guard let outcome = TransactionHistory.outcome(try scanner.string("invoke, ok, fail or info")) else {
      throw Failure(byte: start, message: "expected one of invoke, ok, fail or info")
    }
    return outcome
  }

  /// Refuses all types but ok, which need not be written.
  func expectFact(_ what: String) throws(Failure) {
    guard let type = try outcome(), type != .ok else { return }
    throw failure("expected the type ok in this line: \(what) has no other")
  }

  /// A line of a function that the history does not have.
  func stranger(_ functions: String) -> Failure {
    Failure(byte: value(of: "f")?.position ?? end, message: "expected one of \(functions)")
  }

  /// A scanner that stands before the value.
  private func value(of key: String) -> JSONScanner? {
    guard let place = places.last(where: { $0.key == key }) else { return nil }
    var scanner = scanner
    scanner.position = place.at
    scanner.skipSpace()
    return scanner.null() ? nil : scanner
  }
}

/// Makes a history of lines.
protocol FlatLineBuilder {
  /// What such a history holds, for who has given another file.
  static var content: StaticString { get }
  mutating func add(_ line: FlatLine, _ function: String) throws(FlatLine.Failure)
}

/// Reads lines and hands them to a builder, in their order.
struct FlatLineReader<Builder: FlatLineBuilder> {
  private let file: String
  private var builder: Builder
  private var number = 0
  private var lastTime: Nanoseconds = .min

  /// - Parameters:
  ///   - path: `-` is standard input. The file may be compressed.
  ///   - name: What errors call it; nil: its path.
  static func read(_ path: String, name: String?, _ builder: Builder) throws(HistoryError) -> Builder {
    try read(ByteWindow(try FileStream(path, name: name)), builder)
  }

  /// The same of what is in memory.
  static func read(_ window: ByteWindow, _ builder: Builder) throws(HistoryError) -> Builder {
    let content = try CompressedFile.content(of: window)
    let window = content.map { ByteWindow($0) } ?? window
    try window.fill(4096)
    let kind = try HistoryInput.kind(of: window.bytes, file: window.stream.file)
    guard kind == .jsonLines else {
      let found = kind == .binary ? "the history of a run" : "EDN"
      throw HistoryError(
        file: window.stream.file, byte: 0, "expected \(Builder.content) as JSON lines, found \(found)")
    }
    var reader = FlatLineReader(file: window.stream.file, builder: builder)
    try window.forEachPiece { bytes, end throws(HistoryError) in try reader.lines(bytes, end: end) }
    return reader.builder
  }

  private init(file: String, builder: Builder) { (self.file, self.builder) = (file, builder) }

  /// All lines before `end`, where a line ends or the file does; a newline stands there or behind it.
  private mutating func lines(_ bytes: UnsafeBufferPointer<UInt8>, end: Int) throws(HistoryError) {
    var scanner = JSONScanner(bytes)
    while scanner.position < end {
      let start = scanner.position
      scanner.skipSpace()
      if !scanner.isAtEnd {
        do throws(FlatLine.Failure) { try line(&scanner) } catch {
          throw HistoryError(file: file, line: number + 1, byte: error.byte - start, error.message)
        }
      }
      scanner.position += 1
      number += 1
    }
  }

  private mutating func line(_ scanner: inout JSONScanner) throws(FlatLine.Failure) {
    var places: [(key: String, at: Int)] = []
    try scanner.expect(0x7b, "an opening brace")
    if !scanner.take(0x7d) {
      repeat {
        scanner.skipSpace()
        let key = try scanner.string("a key")
        try scanner.expect(0x3a, "a colon")
        places.append((key, scanner.position))
        try scanner.skipValue()
      } while scanner.take(0x2c)
      try scanner.expect(0x7d, "a comma or a closing brace")
    }
    scanner.skipSpace()
    guard scanner.isAtEnd else {
      throw FlatLine.Failure(byte: scanner.position, message: "expected the end of the line")
    }
    var line = FlatLine(scanner, places, LineMark(line: number, time: 0))
    if let time = try line.integer("time", "a time in nanoseconds") as Int64? {
      guard time >= lastTime else {
        throw line.failure("expected a time not below \(lastTime), that of the line before: sort the file by time")
      }
      guard Event.times.contains(time) else {
        throw line.failure("expected a time between \(Event.times.lowerBound) and \(Event.times.upperBound)")
      }
      lastTime = time
    } else {
      // Without times the order of the lines is all there is.
      lastTime = max(lastTime, Int64(number))
    }
    line = FlatLine(scanner, places, LineMark(line: number, time: lastTime))
    try builder.add(line, line.need(line.text("f", "the name of a function"), "f"))
  }
}

/// Something that was begun and ended in one of three ways, each told in a line of its own; the first may be missing.
public struct FlatOperation: Equatable, Sendable {
  /// `invoke`: its end was not told, which is the same as `info`.
  public var outcome: Outcome
  public var invocation: LineMark?
  public var completion: LineMark?

  public init(_ outcome: Outcome) { self.outcome = outcome }

  public var marks: [LineMark] { [invocation, completion].compactMap { $0 } }

  /// Takes what the line says of it.
  mutating func add(_ line: FlatLine, _ outcome: Outcome, _ what: String) throws(FlatLine.Failure) {
    if let completion {
      throw line.failure("expected no more of \(what), whose end was told in line \(completion.line + 1)")
    }
    if outcome == .invoke {
      if let invocation {
        throw line.failure("expected the end of \(what), which was begun in line \(invocation.line + 1)")
      }
      invocation = line.mark
    } else {
      completion = line.mark
    }
    self.outcome = outcome
  }
}
