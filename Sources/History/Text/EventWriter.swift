// Events as lines of text, in the notation of JSON or of EDN: the same keys in both.

import Base

/// Makes lines from events. The keys stand in a fixed order, and only where they say something.
struct EventWriter {
  enum Notation {
    case json
    /// Numbered by `:index`, as Jepsen numbers its operations.
    case edn
  }

  private let names: Names
  private let notation: Notation
  private var count: Int64 = 0
  var bytes: [UInt8] = []
  /// The words of the names and the texts of the routes, quoted once; the escapes of JSON are EDN's too.
  private var quoted: [[UInt8]] = []
  /// Reads and writes say their offset or key. A history in which all of them are 0 is one of a register.
  private let isKeyed: Bool

  /// Writes the whole history through `write`, some 64 KiB at a time.
  static func export(
    _ history: RecordedHistory, _ notation: Notation, write: ([UInt8]) throws -> Void
  ) rethrows {
    var line = EventWriter(history, notation)
    for event in history.events {
      line.append(event)
      if line.bytes.count >= 64 << 10 {
        try write(line.bytes)
        line.bytes.removeAll(keepingCapacity: true)
      }
    }
    if !line.bytes.isEmpty { try write(line.bytes) }
  }

  init(_ history: RecordedHistory, _ notation: Notation) {
    names = history.names
    self.notation = notation
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
    if notation == .json {
      text("{\"time\":")
      number(event.time)
    } else {
      text("{:index ")
      number(count)
      count += 1
      key("time", event.time)
    }
    key("process", Int64(event.process))
    key("type", word: JSONLines.outcomes[Int(event.outcome.rawValue)])
    key("f", word: JSONLines.functions[Int(event.function.rawValue)])
    if event.op != 0 { key("op", Int64(bitPattern: event.op)) }
    switch event.function {
    case .publish:
      attempt(of: event, orNull: false)
      if event.outcome == .invoke {
        key("to")
        if isRoute(event.place) { bytes += quoted[Int(event.place)] } else { text("[]") }
        if event.tag != 0 { key("key", Int64(bitPattern: event.tag)) }
      }
      if event.session != 0 { key("channel", Int64(event.session)) }
      transaction(of: event)
      intended(of: event)
      if event.flags.contains(.sent) { key("sent", true) }
      if event.flags.contains(.nack) { key("nack", true) }
    case .subscribe:
      name("queue", event.place)
      key("session", Int64(event.session))
      if event.outcome == .invoke {
        key("mode", word: event.flags.contains(.autoAck) ? "auto" : "manual")
        key("prefetch", Int64(bitPattern: event.tag))
      }
    case .deliver:
      attempt(of: event, orNull: true)
      name("queue", event.place)
      key("session", Int64(event.session))
      key("tag", Int64(bitPattern: event.tag))
      key("redelivered", event.flags.contains(.redelivered))
      if event.flags.contains(.damaged) {
        key("bad", word: "damaged")
      } else if event.flags.contains(.foreign) {
        key("bad", word: "foreign")
      }
      intended(of: event)
    case .ack, .nack:
      key("session", Int64(event.session))
      key("tag", Int64(bitPattern: event.tag))
      if event.function == .nack {
        key("requeue", event.flags.contains(.requeue))
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
      key("value")
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
      key("value")
      text("[")
      number(Int64(bitPattern: event.message.rawValue))
      text(",")
      number(Int64(event.attempt))
      text("]")
    } else if orNull {
      key("value")
      null()
    }
  }

  /// A value, in `[key, value]` where there is a key.
  private mutating func under(_ key: UInt64?, _ write: (inout EventWriter) -> Void) {
    self.key("value")
    if let key {
      text("[")
      number(Int64(bitPattern: key))
      text(",")
    }
    write(&self)
    if key != nil { text("]") }
  }

  private mutating func value(_ message: MessageID) {
    if message == .none { null() } else { number(Int64(bitPattern: message.rawValue)) }
  }

  private mutating func transaction(of event: Event) {
    if event.transaction != 0 { key("tx", Int64(bitPattern: event.transaction)) }
  }

  private mutating func intended(of event: Event) {
    if event.intended != 0 { key("intended", event.intended) }
  }

  private mutating func name(_ key: StaticString, _ index: UInt16) {
    self.key(key)
    if Int(index) < quoted.count, !isRoute(index) { bytes += quoted[Int(index)] } else { text("\"?\"") }
  }

  private func isRoute(_ index: UInt16) -> Bool {
    guard Int(index) < names.entries.count, case .route = names.entries[Int(index)] else { return false }
    return true
  }

  private mutating func key(_ key: StaticString, _ value: Int64) {
    self.key(key)
    number(value)
  }

  private mutating func key(_ key: StaticString, _ value: Bool) {
    self.key(key)
    text(value ? "true" : "false")
  }

  /// One of a few words: a keyword in EDN.
  private mutating func key(_ key: StaticString, word: StaticString) {
    self.key(key)
    text(notation == .json ? "\"" : ":")
    text(word)
    if notation == .json { text("\"") }
  }

  private mutating func key(_ key: StaticString) {
    text(notation == .json ? ",\"" : ", :")
    text(key)
    text(notation == .json ? "\":" : " ")
  }

  private mutating func null() { text(notation == .json ? "null" : "nil") }

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
