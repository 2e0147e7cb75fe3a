// JSON lines to a history. A mistake is told with its line, its byte and what was expected there.

import Base

#if canImport(Glibc)
  import Glibc
#endif

extension JSONLines {
  /// The history in `bytes`, which are of the format that `export` writes, or of a plain format without `op`.
  /// `file` is only for errors. Unknown keys are passed over.
  public static func parse(_ bytes: [UInt8], file: String) throws(HistoryError) -> RecordedHistory {
    var parser = LineParser(file: file)
    let result: Result<Void, HistoryError> = bytes.withUnsafeBufferPointer { all in
      Result { () throws(HistoryError) in
        var start = 0
        while start < all.count {
          var end = start
          while end < all.count, all[end] != 0x0a { end += 1 }
          try parser.line(UnsafeBufferPointer(rebasing: all[start..<end]))
          start = end + 1
        }
      }
    }
    try result.get()
    return RecordedHistory(names: parser.names, events: parser.events, isComplete: true)
  }
}

private struct LineParser {
  let file: String
  var names = Names()
  var events: [Event] = []
  private var number = 0
  private var lastTime: Nanoseconds = .min
  /// Words and lists of queues as they stand in the file, with their numbers: most lines repeat a few of them.
  private var known: [(raw: [UInt8], index: UInt16)] = []
  private var knownRoutes: [(raw: [UInt8], index: UInt16)] = []
  /// Of histories without `op`: each process's operation under way.
  private var open: [Int32: UInt64] = [:]
  private var nextOp: UInt64 = 0

  /// What a line said, before it is known what it is about.
  private struct Fields {
    var time: Int64?
    var process: Int64?
    var outcome: Outcome?
    var function: Function?
    var op: Int64?
    /// An id, or `[id, number]`; the number of `[id, null]` and `[key, [old, new]]` is nil.
    var ids: (Int64, Int64?)?
    var isPair = false
    /// Of `[key, [old, new]]`.
    var swap: (old: Int64, new: Int64)?
    var isNull = false
    var word: UInt16?
    var queue: UInt16?
    var node: UInt16?
    var route: UInt16?
    var channel: Int64?
    var session: Int64?
    var transaction: Int64?
    var tag: Int64?
    var prefetch: Int64?
    var count: Int64?
    var intended: Int64?
    var flags: Event.Flags = []
  }

  private static let modes: [StaticString] = ["manual", "auto"]
  private static let kindsOfBad: [StaticString] = ["damaged", "foreign"]

  init(file: String) { self.file = file }

  mutating func line(_ bytes: UnsafeBufferPointer<UInt8>) throws(HistoryError) {
    number += 1
    var scanner = JSONScanner(bytes)
    scanner.skipSpace()
    if scanner.isAtEnd { return }
    do throws(JSONScanner.Failure) {
      let fields = try object(&scanner)
      try append(fields, end: bytes.count)
    } catch {
      throw HistoryError(file: file, line: number, byte: error.byte, error.message)
    }
  }

  private mutating func object(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> Fields {
    var fields = Fields()
    try scanner.expect(0x7b, "an opening brace")
    if !scanner.take(0x7d) {
      repeat {
        scanner.skipSpace()
        let key = try scanner.rawString("a key")
        try scanner.expect(0x3a, "a colon")
        try value(of: key, &scanner, &fields)
      } while scanner.take(0x2c)
      try scanner.expect(0x7d, "a comma or a closing brace")
    }
    scanner.skipSpace()
    guard scanner.isAtEnd else { throw .init(byte: scanner.position, message: "expected the end of the line") }
    return fields
  }

  private mutating func value(
    of key: UnsafeBufferPointer<UInt8>, _ scanner: inout JSONScanner, _ fields: inout Fields
  ) throws(JSONScanner.Failure) {
    switch key {
    case "time": fields.time = try scanner.integer("a time in nanoseconds")
    case "process": fields.process = try scanner.integer("the number of a process")
    case "type":
      let index = try oneOf(JSONLines.outcomes, &scanner, "invoke, ok, fail or info")
      fields.outcome = Outcome(rawValue: UInt8(index))
    case "f":
      let index = try oneOf(
        JSONLines.functions, &scanner, "a function such as publish, deliver, ack, enqueue, append, read or write")
      fields.function = Function(rawValue: UInt8(index))
    case "op": fields.op = try scanner.integer("the number of an operation")
    case "value": try readValue(&scanner, &fields)
    case "to": fields.route = try route(&scanner)
    case "queue": fields.queue = try word(&scanner)
    case "node": fields.node = try word(&scanner)
    case "channel": fields.channel = try scanner.integer("the number of a channel")
    case "session": fields.session = try scanner.integer("the number of a session")
    case "tx": fields.transaction = scanner.null() ? nil : try scanner.integer("the number of a transaction")
    case "tag": fields.tag = try scanner.integer("a delivery tag")
    case "prefetch": fields.prefetch = try scanner.integer("a number of messages")
    case "count": fields.count = try scanner.integer("a number of messages")
    case "intended": fields.intended = try scanner.integer("a time in nanoseconds")
    case "redelivered": try flag(.redelivered, &scanner, &fields)
    case "requeue": try flag(.requeue, &scanner, &fields)
    case "sent": try flag(.sent, &scanner, &fields)
    case "nack": try flag(.nack, &scanner, &fields)
    case "mode":
      if try oneOf(Self.modes, &scanner, "manual or auto") == 1 { fields.flags.insert(.autoAck) }
    case "bad":
      if scanner.null() { break }
      fields.flags.insert(try oneOf(Self.kindsOfBad, &scanner, "damaged or foreign") == 0 ? .damaged : .foreign)
    default: try scanner.skipValue()
    }
  }

  private func flag(
    _ flag: Event.Flags, _ scanner: inout JSONScanner, _ fields: inout Fields
  ) throws(JSONScanner.Failure) {
    if try scanner.boolean("a boolean") { fields.flags.insert(flag) }
  }

  private func oneOf(
    _ words: [StaticString], _ scanner: inout JSONScanner, _ what: StaticString
  ) throws(JSONScanner.Failure) -> Int {
    scanner.skipSpace()
    let start = scanner.position
    let raw = try scanner.rawString(what)
    for index in words.indices where words[index] ~= raw { return index }
    throw .init(byte: start, message: "expected one of \(what)")
  }

  /// `null`, an id, `[id, attempt]` or `[key, value]` (the value null or `[old, new]`), or the name of a fault.
  private mutating func readValue(_ scanner: inout JSONScanner, _ fields: inout Fields) throws(JSONScanner.Failure) {
    if scanner.null() {
      fields.isNull = true
    } else if scanner.current == 0x22 {
      fields.word = try word(&scanner)
    } else if scanner.take(0x5b) {
      let first = try scanner.integer("the id of a message, an offset or a key")
      try scanner.expect(0x2c, "a comma and the number of the attempt, or a value")
      fields.isPair = true
      if scanner.null() {
        fields.ids = (first, nil)
      } else if scanner.take(0x5b) {
        fields.ids = (first, nil)
        let old = try scanner.integer("the value before")
        try scanner.expect(0x2c, "a comma and the value after")
        fields.swap = (old, try scanner.integer("the value after"))
        try scanner.expect(0x5d, "a closing bracket")
      } else {
        fields.ids = (first, try scanner.integer("the number of an attempt, or a value"))
      }
      try scanner.expect(0x5d, "a closing bracket")
    } else {
      fields.ids = (try scanner.integer("null, an id, a list of two or a name"), nil)
    }
  }

  private mutating func word(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> UInt16 {
    scanner.skipSpace()
    let start = scanner.position
    let raw = try scanner.rawString("a name")
    for index in known.indices where isSame(known[index].raw, raw) { return known[index].index }
    guard let text = JSONScanner.unescape(raw) else {
      throw .init(byte: start, message: "expected a name in UTF-8 with valid escapes")
    }
    let index = names.word(text)
    guard index != Names.none else { throw .init(byte: start, message: "expected at most 65534 different names") }
    if known.count < 64 { known.append((Array(raw), index)) }
    return index
  }

  private mutating func route(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> UInt16 {
    scanner.skipSpace()
    let start = scanner.position
    try scanner.skipValue()
    let raw = UnsafeBufferPointer(rebasing: scanner.bytes[start..<scanner.position])
    for index in knownRoutes.indices where isSame(knownRoutes[index].raw, raw) { return knownRoutes[index].index }
    scanner.position = start
    var queues: [String] = []
    try scanner.expect(0x5b, "a list of queues")
    if !scanner.take(0x5d) {
      repeat {
        scanner.skipSpace()
        queues.append(try scanner.string("the name of a queue"))
      } while scanner.take(0x2c)
      try scanner.expect(0x5d, "a comma or a closing bracket")
    }
    let index = names.route(to: queues)
    guard index != Names.none else { throw .init(byte: start, message: "expected at most 65534 different names") }
    if knownRoutes.count < 64 { knownRoutes.append((Array(raw), index)) }
    return index
  }

  /// Checks what each function needs and makes the event.
  private mutating func append(_ fields: Fields, end: Int) throws(JSONScanner.Failure) {
    func need<T>(_ field: T?, _ key: StaticString) throws(JSONScanner.Failure) -> T {
      guard let field else { throw .init(byte: end, message: "expected the key \"\(key)\" in this line") }
      return field
    }
    func small<T: FixedWidthInteger>(_ field: Int64, _ key: StaticString) throws(JSONScanner.Failure) -> T {
      guard let value = T(exactly: field) else {
        throw .init(byte: end, message: "expected \"\(key)\" between \(T.min) and \(T.max)")
      }
      return value
    }
    var event = Event()
    event.time = try need(fields.time, "time")
    event.process = try small(try need(fields.process, "process"), "process")
    event.outcome = try need(fields.outcome, "type")
    event.function = try need(fields.function, "f")
    event.flags = fields.flags
    guard event.time >= lastTime else {
      throw .init(
        byte: end, message: "expected a time not below \(lastTime), that of the line before: sort the file by time")
    }
    lastTime = event.time
    event.op = try small(fields.op ?? 0, "op")
    event.transaction = try small(fields.transaction ?? 0, "tx")
    event.tag = try small(fields.tag ?? fields.prefetch ?? fields.count ?? 0, "tag")
    event.session = try small(fields.session ?? fields.channel ?? 0, "session")
    event.intended = fields.intended ?? 0
    event.node = fields.node ?? Names.none
    if let (id, attempt) = fields.ids, event.function.rawValue < Function.append.rawValue {
      event.message = MessageID(rawValue: try small(id, "value"))
      event.attempt = try small(attempt ?? 0, "attempt")
    }
    let isInvocation = event.outcome == .invoke
    switch event.function {
    case .publish:
      if isInvocation {
        _ = try need(fields.ids?.1, "value")
        event.place = try need(fields.route, "to")
      }
      _ = try need(fields.op, "op")
    case .subscribe:
      event.place = try need(fields.queue, "queue")
      _ = try need(fields.session, "session")
    case .deliver:
      guard event.outcome == .ok else {
        throw .init(byte: end, message: "expected the type ok: a delivery has no other")
      }
      if event.flags.isDisjoint(with: [.damaged, .foreign]) { _ = try need(fields.ids?.1, "value") }
      event.place = try need(fields.queue, "queue")
      _ = try need(fields.session, "session")
      _ = try need(fields.tag, "tag")
    case .ack, .nack:
      _ = try need(fields.session, "session")
      _ = try need(fields.tag, "tag")
    case .recover, .alive, .release: _ = try need(fields.session, "session")
    case .commit, .rollback: _ = try need(fields.transaction, "tx")
    case .fault: event.place = try need(fields.word, "value")
    case .drained: event.place = try need(fields.queue, "queue")
    case .enqueue, .dequeue:
      guard fields.ids != nil || (fields.isNull && event.function == .dequeue) else {
        throw .init(byte: end, message: "expected the key \"value\" with an id in this line")
      }
      if fields.op == nil { event.op = pair(event.process, isInvocation: isInvocation) }
    case .append, .read, .write, .compareAndSet:
      try fill(&event, fields, end: end)
      if fields.op == nil { event.op = pair(event.process, isInvocation: isInvocation) }
    }
    events.append(event)
  }

  /// Offset or key and value of what is done to a log, a register or a key-value store.
  private func fill(_ event: inout Event, _ fields: Fields, end: Int) throws(JSONScanner.Failure) {
    func number(_ field: Int64?, _ what: StaticString) throws(JSONScanner.Failure) -> UInt64 {
      guard let field, let value = UInt64(exactly: field) else {
        throw .init(byte: end, message: "expected the key \"value\" with \(what) in this line")
      }
      return value
    }
    let (first, second) = (fields.ids?.0, fields.ids?.1)
    (event.tag, event.transaction) = (0, 0)
    switch event.function {
    case .append where event.outcome == .ok:
      event.tag = try number(fields.isPair ? first : nil, "[offset, value]")
      event.message = MessageID(rawValue: try number(second, "[offset, value]"))
    case .append:
      event.message = MessageID(rawValue: try number(fields.isPair ? nil : first, "a value of 0 or more"))
    case .compareAndSet where fields.swap != nil:
      event.tag = try number(first, "[key, [old, new]]")
      event.transaction = try number(fields.swap?.old, "[key, [old, new]]")
      event.message = MessageID(rawValue: try number(fields.swap?.new, "[key, [old, new]]"))
    case .compareAndSet:
      event.transaction = try number(first, "[old, new] or [key, [old, new]]")
      event.message = MessageID(rawValue: try number(second, "[old, new] or [key, [old, new]]"))
    default:
      let isRead = event.function == .read
      let what: StaticString = isRead ? "null, a value or [key, value]" : "a value or [key, value]"
      if fields.isPair { event.tag = try number(first, what) }
      let value = fields.isPair ? second : first
      if value == nil, isRead, fields.isPair || fields.isNull, fields.swap == nil { return }
      event.message = MessageID(rawValue: try number(value, what))
    }
  }

  /// An operation's number where the file gives none: a process does one thing at a time.
  private mutating func pair(_ process: Int32, isInvocation: Bool) -> UInt64 {
    if !isInvocation { return open.removeValue(forKey: process) ?? 0 }
    nextOp += 1
    open[process] = nextOp
    return nextOp
  }
}

private func ~= (text: StaticString, raw: UnsafeBufferPointer<UInt8>) -> Bool {
  guard raw.count == text.utf8CodeUnitCount, let base = raw.baseAddress else { return false }
  return memcmp(base, text.utf8Start, raw.count) == 0
}

private func isSame(_ a: [UInt8], _ b: UnsafeBufferPointer<UInt8>) -> Bool {
  guard a.count == b.count, let base = b.baseAddress else { return false }
  return a.withUnsafeBytes { memcmp($0.baseAddress!, base, b.count) == 0 }
}
