// A history as JSON lines, one event a line, for other tools and from them: the format of delivery accounting, and the
// plain ones of queues (`enqueue`, `dequeue`), logs (`append`, `read`), registers and key-value stores (`write`, `read`,
// `cas`).

import Base

/// Export and import of histories as text.
///
/// Every line has `time` (nanoseconds), `process`, `type` (invoke, ok, fail, info) and `f`. The rest depends on `f`:
/// `publish` {op, value: [id, attempt], to: [queues], channel, tx, intended, sent, nack}, `subscribe` {op, queue, session,
/// mode, prefetch}, `deliver` {value, queue, session, tag, redelivered, bad, intended}, `ack` and `nack` {op, session, tag,
/// requeue, tx}, `recover`, `alive`, `release` {op, session}, `commit`, `rollback` {op, tx, channel}, `fault` {value: name},
/// `drained` {op, queue, count}, `enqueue`, `dequeue` {op, value}; `node` anywhere. An id is its raw value: a histories' own
/// small numbers are ids of producer 0.
///
/// The rest have {op, value} too, and their value is: `append` v, when ok [offset, v]; `read` of a log [offset, null], when
/// ok [offset, v], or [offset, null] past its end; of a register `write` v, `read` null, when ok v, `cas` [old, new]; of a
/// key-value store the same under a key: [key, v], [key, null], [key, [old, new]]. A log's read and a store's look alike:
/// the reader of the history knows which it is.
public enum JSONLines {
  /// In the order of the cases.
  static let functions: [StaticString] = [
    "publish", "subscribe", "deliver", "ack", "nack", "recover", "commit", "rollback", "alive", "release", "fault",
    "drained", "enqueue", "dequeue", "append", "read", "write", "cas",
  ]
  static let outcomes: [StaticString] = ["invoke", "ok", "fail", "info"]

  /// Writes the history through `write`, some 64 KiB at a time.
  public static func export(_ history: RecordedHistory, write: ([UInt8]) throws -> Void) rethrows {
    var line = LineWriter(history)
    for event in history.events {
      line.append(event)
      if line.bytes.count >= 64 << 10 {
        try write(line.bytes)
        line.bytes.removeAll(keepingCapacity: true)
      }
    }
    if !line.bytes.isEmpty { try write(line.bytes) }
  }

  /// The whole text at once.
  public static func export(_ history: RecordedHistory) -> [UInt8] {
    var bytes: [UInt8] = []
    export(history) { bytes += $0 }
    return bytes
  }
}

/// Makes lines from events. The keys stand in a fixed order, and only where they say something.
private struct LineWriter {
  let names: Names
  var bytes: [UInt8] = []
  /// The words of the names and the texts of the routes, quoted once.
  private var quoted: [[UInt8]] = []
  /// Reads and writes say their offset or key. A history in which all of them are 0 is one of a register.
  private let isKeyed: Bool

  init(_ history: RecordedHistory) {
    names = history.names
    isKeyed = history.events.contains { event in
      switch event.function {
      case .append: true
      case .read, .write, .compareAndSet: event.tag != 0
      default: false
      }
    }
    bytes.reserveCapacity(66 << 10)
    for entry in names.entries {
      var text: [UInt8] = []
      switch entry {
      case .word(let word): jsonQuoted(word, into: &text)
      case .route(let queues):
        // By name: the numbers of the words are this file's own business.
        text.append(0x5b)
        for (index, queue) in queues.map({ names.text($0) }).sorted().enumerated() {
          if index > 0 { text.append(0x2c) }
          jsonQuoted(queue, into: &text)
        }
        text.append(0x5d)
      }
      quoted.append(text)
    }
  }

  mutating func append(_ event: Event) {
    text("{\"time\":")
    number(event.time)
    key("process", Int64(event.process))
    text(",\"type\":\"")
    text(JSONLines.outcomes[Int(event.outcome.rawValue)])
    text("\",\"f\":\"")
    text(JSONLines.functions[Int(event.function.rawValue)])
    text("\"")
    if event.op != 0 { key("op", Int64(bitPattern: event.op)) }
    switch event.function {
    case .publish:
      attempt(of: event, orNull: false)
      if event.outcome == .invoke {
        text(",\"to\":")
        if isRoute(event.place) { bytes += quoted[Int(event.place)] } else { text("[]") }
      }
      if event.session != 0 { key("channel", Int64(event.session)) }
      transaction(of: event)
      intended(of: event)
      if event.flags.contains(.sent) { text(",\"sent\":true") }
      if event.flags.contains(.nack) { text(",\"nack\":true") }
    case .subscribe:
      name("queue", event.place)
      key("session", Int64(event.session))
      if event.outcome == .invoke {
        text(event.flags.contains(.autoAck) ? ",\"mode\":\"auto\"" : ",\"mode\":\"manual\"")
        key("prefetch", Int64(bitPattern: event.tag))
      }
    case .deliver:
      attempt(of: event, orNull: true)
      name("queue", event.place)
      key("session", Int64(event.session))
      key("tag", Int64(bitPattern: event.tag))
      text(event.flags.contains(.redelivered) ? ",\"redelivered\":true" : ",\"redelivered\":false")
      if event.flags.contains(.damaged) {
        text(",\"bad\":\"damaged\"")
      } else if event.flags.contains(.foreign) {
        text(",\"bad\":\"foreign\"")
      }
      intended(of: event)
    case .ack, .nack:
      key("session", Int64(event.session))
      key("tag", Int64(bitPattern: event.tag))
      if event.function == .nack {
        text(event.flags.contains(.requeue) ? ",\"requeue\":true" : ",\"requeue\":false")
      }
      transaction(of: event)
    case .commit, .rollback:
      transaction(of: event)
      if event.session != 0 { key("channel", Int64(event.session)) }
    case .recover, .alive, .release:
      key("session", Int64(event.session))
    case .fault:
      name("value", event.place)
    case .drained:
      name("queue", event.place)
      if event.outcome != .invoke { key("count", Int64(bitPattern: event.tag)) }
    case .enqueue, .dequeue:
      text(",\"value\":")
      value(event.message)
    case .append: under(event.outcome == .ok ? event.tag : nil) { $0.value(event.message) }
    case .read, .write: under(isKeyed ? event.tag : nil) { $0.value(event.message) }
    case .compareAndSet:
      under(isKeyed ? event.tag : nil) { line in
        line.text("[")
        line.number(Int64(bitPattern: event.transaction))
        line.text(",")
        line.value(event.message)
        line.text("]")
      }
    }
    if event.node != Names.none { name("node", event.node) }
    text("}\n")
  }

  private mutating func attempt(of event: Event, orNull: Bool) {
    if event.message != .none {
      text(",\"value\":[")
      number(Int64(bitPattern: event.message.rawValue))
      text(",")
      number(Int64(event.attempt))
      text("]")
    } else if orNull {
      text(",\"value\":null")
    }
  }

  /// A value, in `[key, value]` where there is a key.
  private mutating func under(_ key: UInt64?, _ write: (inout LineWriter) -> Void) {
    text(",\"value\":")
    if let key {
      text("[")
      number(Int64(bitPattern: key))
      text(",")
    }
    write(&self)
    if key != nil { text("]") }
  }

  private mutating func value(_ message: MessageID) {
    if message == .none { text("null") } else { number(Int64(bitPattern: message.rawValue)) }
  }

  private mutating func transaction(of event: Event) {
    if event.transaction != 0 { key("tx", Int64(bitPattern: event.transaction)) }
  }

  private mutating func intended(of event: Event) {
    if event.intended != 0 { key("intended", event.intended) }
  }

  private mutating func name(_ key: StaticString, _ index: UInt16) {
    text(",\"")
    text(key)
    text("\":")
    if Int(index) < quoted.count, !isRoute(index) { bytes += quoted[Int(index)] } else { text("\"?\"") }
  }

  private func isRoute(_ index: UInt16) -> Bool {
    guard Int(index) < names.entries.count, case .route = names.entries[Int(index)] else { return false }
    return true
  }

  private mutating func key(_ key: StaticString, _ value: Int64) {
    text(",\"")
    text(key)
    text("\":")
    number(value)
  }

  private mutating func text(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private mutating func number(_ value: Int64) {
    var rest = value.magnitude
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var index = 20
      repeat {
        index -= 1
        digits.initializeElement(at: index, to: 0x30 + UInt8(rest % 10))
        rest /= 10
      } while rest > 0
      if value < 0 { bytes.append(0x2d) }
      bytes.append(contentsOf: digits[index..<20])
    }
  }
}
