// JSON lines to a history. A mistake is told with its line, its byte and what was expected there.

import Base

#if canImport(Glibc)
  import Glibc
#endif

extension JSONLines {
  /// The history in `bytes`, which are of the format that `export` writes, or of a plain format without `op`.
  /// `file` is only for errors. Unknown keys are passed over.
  public static func parse(_ bytes: [UInt8], file: String) throws(HistoryError) -> RecordedHistory {
    try read(ByteWindow(bytes, file: file), size: bytes.count)
  }

  /// The history in the rest of a stream.
  /// - Parameters:
  ///   - size: Bytes of the whole, where that is known: makes room for its events at once.
  ///   - progress: Told now and then how many events there are.
  static func read(
    _ window: ByteWindow, size: Int?, progress: ((Int) -> Void)? = nil
  ) throws(HistoryError) -> RecordedHistory {
    var parser = LineParser(file: window.stream.file)
    try window.forEachPiece { bytes, end throws(HistoryError) in
      try parser.lines(bytes, end: end)
      if window.offset == 0, let size { parser.makeRoom(for: size, seen: end) }
      progress?(parser.events)
    }
    return parser.history
  }
}

private struct LineParser {
  private let file: String
  private var assembler = EventAssembler()
  private var number = 0
  /// Words and lists of queues as they stand in the file, with their numbers: most lines repeat a few of them.
  private var words = KnownTexts()
  private var routes = KnownTexts()

  init(file: String) { self.file = file }

  var events: Int { assembler.events.count }
  var history: RecordedHistory {
    RecordedHistory(names: assembler.names, events: assembler.events, isComplete: true)
  }

  mutating func makeRoom(for size: Int, seen: Int) {
    guard size > seen else { return }
    let expected = Double(assembler.events.count) * Double(size) / Double(seen) * 1.02
    assembler.events.reserveCapacity(min(Int(expected), size / 16))
  }

  /// All lines before `end`, where a line ends or the file does; a newline stands there or behind it.
  mutating func lines(_ bytes: UnsafeBufferPointer<UInt8>, end: Int) throws(HistoryError) {
    var scanner = JSONScanner(bytes)
    while scanner.position < end {
      number += 1
      let start = scanner.position
      scanner.skipSpace()
      if !scanner.isAtEnd {
        do throws(JSONScanner.Failure) { try line(&scanner) } catch {
          throw HistoryError(file: file, line: number, byte: error.byte - start, error.message)
        }
      }
      scanner.position += 1
    }
  }

  private mutating func line(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
    var fields = EventFields()
    try scanner.expect(0x7b, "an opening brace")
    if !scanner.take(0x7d) {
      repeat { try member(&scanner, &fields) } while scanner.take(0x2c)
      try scanner.expect(0x7d, "a comma or a closing brace")
    }
    scanner.skipSpace()
    guard scanner.isAtEnd else { throw .init(byte: scanner.position, message: "expected the end of the line") }
    do throws(EventAssembler.Failure) { try assembler.append(fields) } catch {
      throw .init(byte: scanner.position, message: error.message + " in this line")
    }
  }

  private mutating func member(
    _ scanner: inout JSONScanner, _ fields: inout EventFields
  ) throws(JSONScanner.Failure) {
    scanner.skipSpace()
    let start = scanner.position
    if let key = scanner.shortWord() {
      if scanner.take(0x3a) {
        if try value(of: key, &scanner, &fields) { return }
      }
      // Unknown, or no key at all: say so after a look at every byte of it.
      scanner.position = start
    }
    if scanner.takeWord("\"redelivered\":") { return try flag(.redelivered, &scanner, &fields) }
    if scanner.takeWord("\"intended\":") {
      fields.event.intended = try scanner.integer("a time in nanoseconds")
      return
    }
    let key = try scanner.rawString("a key")
    try scanner.expect(0x3a, "a colon")
    switch key {
    case "prefetch": fields.event.tag = try natural("prefetch", &scanner)
    case "intended": fields.event.intended = try scanner.integer("a time in nanoseconds")
    case "redelivered": try flag(.redelivered, &scanner, &fields)
    default: try scanner.skipValue()
    }
  }

  /// False where the key is none of the short ones; nothing of the value is taken then.
  @inline(__always)
  private mutating func value(
    of key: UInt64, _ scanner: inout JSONScanner, _ fields: inout EventFields
  ) throws(JSONScanner.Failure) -> Bool {
    switch key {
    case JSONWord.time:
      fields.event.time = try scanner.integer("a time in nanoseconds")
      fields.keys.insert(.time)
    case JSONWord.process:
      fields.event.process = try number("process", &scanner)
      fields.keys.insert(.process)
    case JSONWord.type:
      fields.event.outcome = try outcome(&scanner)
      fields.keys.insert(.type)
    case JSONWord.f:
      fields.event.function = try function(&scanner)
      fields.keys.insert(.function)
    case JSONWord.op:
      fields.event.op = try natural("op", &scanner)
      fields.keys.insert(.op)
    case JSONWord.value: fields.value = try readValue(&scanner)
    case JSONWord.to:
      fields.route = try route(&scanner)
      fields.keys.insert(.route)
    case JSONWord.queue:
      fields.queue = try word(&scanner)
      fields.keys.insert(.queue)
    case JSONWord.node: fields.event.node = try word(&scanner)
    case JSONWord.channel, JSONWord.session:
      fields.event.session = try number(key == JSONWord.session ? "session" : "channel", &scanner)
      fields.keys.insert(.session)
    case JSONWord.tx:
      if scanner.null() { break }
      fields.event.transaction = try natural("tx", &scanner)
      fields.keys.insert(.transaction)
    case JSONWord.tag:
      fields.event.tag = try natural("tag", &scanner)
      fields.keys.insert(.tag)
    case JSONWord.key: fields.event.tag = try natural("key", &scanner)
    case JSONWord.count: fields.event.tag = try natural("count", &scanner)
    case JSONWord.requeue: try flag(.requeue, &scanner, &fields)
    case JSONWord.sent: try flag(.sent, &scanner, &fields)
    case JSONWord.nack: try flag(.nack, &scanner, &fields)
    case JSONWord.mode:
      if try isFirst(JSONWord.auto, of: JSONWord.manual, &scanner, "manual or auto") {
        fields.event.flags.insert(.autoAck)
      }
    case JSONWord.bad:
      if scanner.null() { break }
      let isDamaged = try isFirst(JSONWord.damaged, of: JSONWord.foreign, &scanner, "damaged or foreign")
      fields.event.flags.insert(isDamaged ? .damaged : .foreign)
    default: return false
    }
    return true
  }

  @inline(__always)
  private func natural(_ key: StaticString, _ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> UInt64 {
    try number(key, &scanner)
  }

  @inline(__always)
  private func number<T: FixedWidthInteger>(
    _ key: StaticString, _ scanner: inout JSONScanner
  ) throws(JSONScanner.Failure) -> T {
    scanner.skipSpace()
    let start = scanner.position
    if let value = T(exactly: try scanner.integer("an integer")) { return value }
    throw .init(byte: start, message: "expected \"\(key)\" between \(T.min) and \(T.max)")
  }

  private func flag(
    _ flag: Event.Flags, _ scanner: inout JSONScanner, _ fields: inout EventFields
  ) throws(JSONScanner.Failure) {
    if try scanner.boolean("a boolean") { fields.event.flags.insert(flag) }
  }

  private func isFirst(
    _ first: UInt64, of second: UInt64, _ scanner: inout JSONScanner, _ what: StaticString
  ) throws(JSONScanner.Failure) -> Bool {
    scanner.skipSpace()
    let start = scanner.position
    let word = scanner.shortWord()
    guard word == first || word == second else { throw .init(byte: start, message: "expected one of \(what)") }
    return word == first
  }

  @inline(__always)
  private func outcome(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> Outcome {
    scanner.skipSpace()
    let start = scanner.position
    switch scanner.shortWord() {
    case JSONWord.invoke: return .invoke
    case JSONWord.ok: return .ok
    case JSONWord.fail: return .fail
    case JSONWord.info: return .info
    default: throw .init(byte: start, message: "expected one of invoke, ok, fail or info")
    }
  }

  @inline(__always)
  private func function(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> Function {
    scanner.skipSpace()
    let start = scanner.position
    switch scanner.shortWord() {
    case JSONWord.publish: return .publish
    case JSONWord.deliver: return .deliver
    case JSONWord.ack: return .ack
    case JSONWord.enqueue: return .enqueue
    case JSONWord.dequeue: return .dequeue
    case JSONWord.nack: return .nack
    case JSONWord.recover: return .recover
    case JSONWord.commit: return .commit
    case JSONWord.alive: return .alive
    case JSONWord.release: return .release
    case JSONWord.fault: return .fault
    case JSONWord.drained: return .drained
    case JSONWord.append: return .append
    case JSONWord.read: return .read
    case JSONWord.write: return .write
    case JSONWord.cas: return .compareAndSet
    default: break
    }
    scanner.position = start
    switch try scanner.rawString("the name of a function") {
    case "subscribe": return .subscribe
    case "rollback": return .rollback
    default:
      throw .init(
        byte: start, message: "expected a function such as publish, deliver, ack, enqueue, append, read or write")
    }
  }

  /// `null`, an id, `[id, attempt]` or `[key, value]` (the value null or `[old, new]`), or the name of a fault.
  @inline(__always)
  private mutating func readValue(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> EventFields.Value {
    scanner.skipSpace()
    switch scanner.current {
    case 0x6e where scanner.null(): return .null
    case 0x22: return .word(try word(&scanner))
    case 0x5b: break
    default: return .number(try scanner.integer("null, an id, a list of two or a name"))
    }
    scanner.position += 1
    let first = try scanner.integer("the id of a message, an offset or a key")
    try scanner.expect(0x2c, "a comma and the number of the attempt, or a value")
    let value: EventFields.Value
    if scanner.null() {
      value = .half(first)
    } else if scanner.take(0x5b) {
      let old = try scanner.integer("the value before")
      try scanner.expect(0x2c, "a comma and the value after")
      value = .swap(first, old: old, new: try scanner.integer("the value after"))
      try scanner.expect(0x5d, "a closing bracket")
    } else {
      value = .pair(first, try scanner.integer("the number of an attempt, or a value"))
    }
    try scanner.expect(0x5d, "a closing bracket")
    return value
  }

  private mutating func word(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> UInt16 {
    scanner.skipSpace()
    if let known = words.take(&scanner) { return known }
    let start = scanner.position
    let text = try scanner.string("a name")
    let index = assembler.names.word(text)
    guard index != Names.none else { throw .init(byte: start, message: "expected at most 65534 different names") }
    words.add(scanner.bytes[start..<scanner.position], index)
    return index
  }

  private mutating func route(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> UInt16 {
    scanner.skipSpace()
    if let known = routes.take(&scanner) { return known }
    let start = scanner.position
    var queues: [String] = []
    try scanner.expect(0x5b, "a list of queues")
    if !scanner.take(0x5d) {
      repeat { queues.append(try scanner.string("the name of a queue")) } while scanner.take(0x2c)
      try scanner.expect(0x5d, "a comma or a closing bracket")
    }
    let index = assembler.names.route(to: queues)
    guard index != Names.none else { throw .init(byte: start, message: "expected at most 65534 different names") }
    routes.add(scanner.bytes[start..<scanner.position], index)
    return index
  }
}

/// A few pieces of the file that came before, each whole as JSON: where one of them stands again, nothing can follow in it.
private struct KnownTexts {
  private static let most = 64
  private var bytes: [UInt8] = []
  private var entries: [(range: Range<Int>, index: UInt16)] = []

  @inline(__always)
  func take(_ scanner: inout JSONScanner) -> UInt16? {
    bytes.withUnsafeBufferPointer { known in
      for entry in entries where scanner.isNext(UnsafeBufferPointer(rebasing: known[entry.range])) {
        scanner.position += entry.range.count
        return entry.index
      }
      return nil
    }
  }

  mutating func add(_ text: Slice<UnsafeBufferPointer<UInt8>>, _ index: UInt16) {
    guard entries.count < Self.most else { return }
    entries.append((bytes.count..<bytes.count + text.count, index))
    bytes += text
  }
}

private func ~= (text: StaticString, raw: UnsafeBufferPointer<UInt8>) -> Bool {
  guard raw.count == text.utf8CodeUnitCount, let base = raw.baseAddress else { return false }
  return memcmp(base, text.utf8Start, raw.count) == 0
}
