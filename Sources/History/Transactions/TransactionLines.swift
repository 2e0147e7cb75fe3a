// Transactions on logs as JSON lines: Jepsen's notation in JSON. A mistake is told with its line, its byte and what was
// expected there.

import Base

extension TransactionHistory {
  /// The history in `bytes`: one line for each invocation and each completion,
  ///
  ///     {"time": 12, "process": 3, "type": "ok", "f": "txn",
  ///      "value": [["send", "x", [7, 41]], ["poll", {"x": [[5, 39], [6, 40]]}]], "rebalance-log": [{"keys": ["x"]}]}
  ///
  /// `f` is `txn`, `send` or `poll`; the value is a list of micro-operations or a single one. A send names key and value,
  /// or key and [offset, value]; a poll lists [offset, value] by key, and nothing in an invocation. Offsets may be null.
  /// Keys are strings or integers. `assign` and `subscribe` have a list of keys as value; with `seek-to-beginning` no
  /// position is kept. Lines of other functions, and those whose process is no number, are passed over.
  /// - Parameter file: Only for errors.
  public static func parse(_ bytes: [UInt8], file: String) throws(HistoryError) -> TransactionHistory {
    try read(ByteWindow(bytes, file: file), progress: nil)
  }

  /// The history in a file, of JSON lines or of EDN, plain or compressed.
  /// - Parameters:
  ///   - path: `-` is standard input.
  ///   - name: What errors call it; nil: its path.
  ///   - progress: Called after each piece of about a megabyte, with the lines or forms so far as events.
  public static func read(
    _ path: String, name: String? = nil, progress: ((HistoryInput.Progress) -> Void)? = nil
  ) throws(HistoryError) -> TransactionHistory {
    let stream = try FileStream(path, name: name)
    let tell: ((Int) -> Void)? = progress.map { progress in
      { progress(HistoryInput.Progress(bytes: stream.position, size: stream.size, events: $0)) }
    }
    var window = ByteWindow(stream)
    if let content = try CompressedFile.content(of: window) { window = ByteWindow(content) }
    try window.fill(4096)
    switch try HistoryInput.kind(of: window.bytes, file: window.stream.file) {
    case .jsonLines: return try read(window, progress: tell)
    case .edn: return try read(EDNReader(window), progress: tell)
    case .binary:
      throw HistoryError(
        file: window.stream.file, byte: 0, "expected transactions as JSON lines or EDN, found the history of a run")
    }
  }

  private static func read(
    _ window: ByteWindow, progress: ((Int) -> Void)?
  ) throws(HistoryError) -> TransactionHistory {
    var parser = TransactionLineParser(file: window.stream.file)
    try window.forEachPiece { bytes, end throws(HistoryError) in
      try parser.lines(bytes, end: end)
      progress?(parser.number + 1)
    }
    return parser.builder.close()
  }
}

private struct TransactionLineParser {
  typealias Access = TransactionHistory.Access
  typealias Failure = JSONScanner.Failure

  let file: String
  var builder = TransactionBuilder()
  private(set) var number = -1
  private var lastTime: Nanoseconds = .min

  private struct Fields {
    var time: Int64?
    var process: Int64?
    var hasProcess = false
    var outcome: Outcome?
    var function: String?
    /// Where the value begins: what it means depends on the function.
    var value: Int?
    var rebalanced: [UInt32] = []
    var seeksToBeginning = false
  }

  init(file: String) { self.file = file }

  /// All lines before `end`, where a line ends or the file does; a newline stands there or behind it.
  mutating func lines(_ bytes: UnsafeBufferPointer<UInt8>, end: Int) throws(HistoryError) {
    var scanner = JSONScanner(bytes)
    while scanner.position < end {
      number += 1
      let start = scanner.position
      scanner.skipSpace()
      if !scanner.isAtEnd {
        do throws(Failure) {
          let fields = try object(&scanner)
          let lineEnd = scanner.position
          try append(fields, &scanner, end: lineEnd)
          scanner.position = lineEnd
        } catch {
          throw HistoryError(file: file, line: number + 1, byte: error.byte - start, error.message)
        }
      }
      scanner.position += 1
    }
  }

  private mutating func object(_ scanner: inout JSONScanner) throws(Failure) -> Fields {
    var fields = Fields()
    try scanner.expect(0x7b, "an opening brace")
    if !scanner.take(0x7d) {
      repeat {
        scanner.skipSpace()
        let key = try scanner.string("a key")
        try scanner.expect(0x3a, "a colon")
        try value(of: key, &scanner, &fields)
      } while scanner.take(0x2c)
      try scanner.expect(0x7d, "a comma or a closing brace")
    }
    scanner.skipSpace()
    guard scanner.isAtEnd else { throw Failure(byte: scanner.position, message: "expected the end of the line") }
    return fields
  }

  private mutating func value(
    of key: String, _ scanner: inout JSONScanner, _ fields: inout Fields
  ) throws(Failure) {
    scanner.skipSpace()
    switch key {
    case "time": fields.time = try scanner.integer("a time in nanoseconds")
    case "process":
      fields.hasProcess = true
      if scanner.current == 0x22 || scanner.current == 0x6e {
        try scanner.skipValue()
      } else {
        fields.process = try scanner.integer("the number of a process, or a name")
      }
    case "type":
      let start = scanner.position
      let word = try scanner.string("invoke, ok, fail or info")
      guard let outcome = TransactionHistory.outcome(word) else {
        throw Failure(byte: start, message: "expected one of invoke, ok, fail or info")
      }
      fields.outcome = outcome
    case "f": fields.function = try scanner.string("the name of a function")
    case "value":
      fields.value = scanner.position
      try scanner.skipValue()
    case "rebalance-log": fields.rebalanced = try rebalanced(&scanner)
    case "seek-to-beginning", "seek-to-beginning?": fields.seeksToBeginning = try scanner.boolean("a boolean")
    default: try scanner.skipValue()
    }
  }

  private mutating func append(_ fields: Fields, _ scanner: inout JSONScanner, end: Int) throws(Failure) {
    func need<T>(_ field: T?, _ key: StaticString) throws(Failure) -> T {
      guard let field else {
        throw Failure(byte: end, message: "expected the key \"\(key)\" in this line")
      }
      return field
    }
    var line = TransactionBuilder.Line()
    line.time = try need(fields.time, "time")
    line.outcome = try need(fields.outcome, "type")
    let function = try need(fields.function, "f")
    if !fields.hasProcess { _ = try need(fields.process, "process") }
    guard line.time >= lastTime else {
      throw Failure(
        byte: end,
        message: "expected a time not below \(lastTime), that of the line before: sort the file by time")
    }
    guard Event.times.contains(line.time) else {
      throw Failure(
        byte: end, message: "expected \"time\" between \(Event.times.lowerBound) and \(Event.times.upperBound)")
    }
    lastTime = line.time
    guard let process = fields.process else { return }
    guard let process = Int32(exactly: process) else {
      throw Failure(
        byte: end, message: "expected \"process\" between \(Int32.min) and \(Int32.max)")
    }
    line.process = process
    line.keys = fields.rebalanced
    switch function {
    case "txn", "send", "poll":
      if let value = fields.value {
        scanner.position = value
        if !scanner.null() { try operations(&scanner, &line) }
      } else if line.outcome == .invoke {
        _ = try need(fields.value, "value")
      }
    case "assign", "subscribe":
      line.kind = .assignment
      scanner.position = try need(fields.value, "value")
      let keys = scanner.null() ? [] : try keyList(&scanner)
      line.keys = fields.seeksToBeginning ? [] : keys
    default: return
    }
    builder.add(line, number: number)
  }

  /// A list of micro-operations, or one.
  private mutating func operations(
    _ scanner: inout JSONScanner, _ line: inout TransactionBuilder.Line
  ) throws(Failure) {
    var accesses: [Access] = []
    try scanner.expect(0x5b, "a list of micro-operations")
    scanner.skipSpace()
    if scanner.current == 0x22 {
      try operation(&scanner, 0, &accesses, &line)
    } else if !scanner.take(0x5d) {
      var step: UInt32 = 0
      repeat {
        try scanner.expect(0x5b, "a micro-operation such as [\"send\", key, value] or [\"poll\"]")
        try operation(&scanner, step, &accesses, &line)
        step += 1
      } while scanner.take(0x2c)
      try scanner.expect(0x5d, "a comma or a closing bracket")
    }
    line.accesses = accesses
  }

  /// What follows the opening bracket of a micro-operation, to its closing one.
  private mutating func operation(
    _ scanner: inout JSONScanner, _ step: UInt32, _ accesses: inout [Access], _ line: inout TransactionBuilder.Line
  ) throws(Failure) {
    scanner.skipSpace()
    let start = scanner.position
    switch try scanner.string("\"send\" or \"poll\"") {
    case "send":
      try scanner.expect(0x2c, "a comma and a key")
      let key = try key(&scanner)
      try scanner.expect(0x2c, "a comma and a value or [offset, value]")
      scanner.skipSpace()
      if scanner.current == 0x5b {
        try pair(&scanner, Access(isSend: true, step: step, key: key, value: .none), &accesses)
      } else {
        let value = try message(&scanner, "a value of 0 or more, or [offset, value]")
        accesses.append(Access(isSend: true, step: step, key: key, value: value))
      }
    case "poll":
      line.hasPoll = true
      guard scanner.take(0x2c), !scanner.null() else { break }
      try scanner.expect(0x7b, "an object of lists of [offset, value] by key")
      if scanner.take(0x7d) { break }
      repeat {
        scanner.skipSpace()
        let key = builder.key(try scanner.string("a key"))
        try scanner.expect(0x3a, "a colon")
        try scanner.expect(0x5b, "a list of [offset, value]")
        if scanner.take(0x5d) { continue }
        repeat {
          try pair(&scanner, Access(isSend: false, step: step, key: key, value: .none), &accesses)
        } while scanner.take(0x2c)
        try scanner.expect(0x5d, "a comma or a closing bracket")
      } while scanner.take(0x2c)
      try scanner.expect(0x7d, "a comma or a closing brace")
    default: throw Failure(byte: start, message: "expected \"send\" or \"poll\"")
    }
    try scanner.expect(0x5d, "a closing bracket")
  }

  /// `[offset, value]`. A message without a value says nothing, for a poll found something that no one sent as such.
  private func pair(
    _ scanner: inout JSONScanner, _ access: Access, _ accesses: inout [Access]
  ) throws(Failure) {
    var access = access
    try scanner.expect(0x5b, "[offset, value]")
    if !scanner.null() {
      let start = scanner.position
      access.offset = try scanner.integer("an offset or null")
      guard access.offset >= 0 else { throw Failure(byte: start, message: "expected an offset of 0 or more") }
    }
    try scanner.expect(0x2c, "a comma and a value")
    if !scanner.null() {
      access.value = try message(&scanner, "a value of 0 or more")
      accesses.append(access)
    }
    try scanner.expect(0x5d, "a closing bracket")
  }

  private func message(_ scanner: inout JSONScanner, _ what: StaticString) throws(Failure) -> MessageID {
    scanner.skipSpace()
    let start = scanner.position
    guard let value = UInt64(exactly: try scanner.integer(what)) else {
      throw Failure(byte: start, message: "expected \(what)")
    }
    return MessageID(rawValue: value)
  }

  private mutating func key(_ scanner: inout JSONScanner) throws(Failure) -> UInt32 {
    scanner.skipSpace()
    if scanner.current == 0x22 { return builder.key(try scanner.string("a key")) }
    return builder.key("\(try scanner.integer("a key, a string or an integer"))")
  }

  private mutating func keyList(_ scanner: inout JSONScanner) throws(Failure) -> [UInt32] {
    var keys: [UInt32] = []
    try scanner.expect(0x5b, "a list of keys")
    if scanner.take(0x5d) { return keys }
    repeat { keys.append(try key(&scanner)) } while scanner.take(0x2c)
    try scanner.expect(0x5d, "a comma or a closing bracket")
    return keys
  }

  /// `[{"keys": […]}, …]`
  private mutating func rebalanced(_ scanner: inout JSONScanner) throws(Failure) -> [UInt32] {
    var keys: [UInt32] = []
    if scanner.null() { return keys }
    try scanner.expect(0x5b, "a list of rebalances")
    if scanner.take(0x5d) { return keys }
    repeat {
      try scanner.expect(0x7b, "an object with \"keys\"")
      if scanner.take(0x7d) { continue }
      repeat {
        scanner.skipSpace()
        let name = try scanner.string("a key")
        try scanner.expect(0x3a, "a colon")
        if name == "keys" { keys += try keyList(&scanner) } else { try scanner.skipValue() }
      } while scanner.take(0x2c)
      try scanner.expect(0x7d, "a comma or a closing brace")
    } while scanner.take(0x2c)
    try scanner.expect(0x5d, "a comma or a closing bracket")
    return keys
  }
}

extension TransactionHistory {
  static func outcome(_ word: String) -> Outcome? {
    switch word {
    case "invoke": .invoke
    case "ok": .ok
    case "fail": .fail
    case "info": .info
    default: nil
    }
  }
}
