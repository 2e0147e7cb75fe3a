// What one line or map of a text history said, and the events that are made of it: the same for JSON lines and EDN.

import Base

/// The fields of one event as they come, before it is known what it is about.
struct EventFields {
  struct Keys: OptionSet {
    let rawValue: UInt32
    static let time = Keys(rawValue: 1)
    static let process = Keys(rawValue: 2)
    static let type = Keys(rawValue: 4)
    static let function = Keys(rawValue: 8)
    static let op = Keys(rawValue: 16)
    static let queue = Keys(rawValue: 32)
    static let route = Keys(rawValue: 64)
    /// The key `session` or `channel`.
    static let session = Keys(rawValue: 128)
    static let transaction = Keys(rawValue: 256)
    static let tag = Keys(rawValue: 512)
  }

  /// What stands under `value`.
  enum Value: Equatable {
    case none
    case null
    case number(Int64)
    /// `[id, attempt]`, `[offset, value]`, `[key, value]` or `[old, new]`.
    case pair(Int64, Int64)
    /// `[offset, null]`, `[key, null]`.
    case half(Int64)
    /// `[key, [old, new]]`.
    case swap(Int64, old: Int64, new: Int64)
    /// A fault's name, by its index.
    case word(UInt16)
  }

  /// Everything that a key says by itself.
  var event = Event()
  var keys: Keys = []
  var value = Value.none
  var queue: UInt16 = 0
  var route: UInt16 = 0
}

/// Makes events of fields: checks what each function needs, joins completions to invocations, keeps the order of time.
struct EventAssembler {
  /// What is missing or wrong in the fields as a whole.
  struct Failure: Error { var message: String }

  var names = Names()
  var events: [Event] = []
  private var lastTime: Nanoseconds = .min
  /// Of histories without `op`: each process's operation under way, 0 where there is none.
  private var open: [UInt64] = []
  private var openFar: [Int32: UInt64] = [:]
  private var nextOp: UInt64 = 0

  init() {}

  mutating func append(_ fields: borrowing EventFields) throws(Failure) {
    let keys = fields.keys
    if !keys.isSuperset(of: [.time, .process, .type, .function]) {
      try need(keys, .time, "time")
      try need(keys, .process, "process")
      try need(keys, .type, "type")
      try need(keys, .function, "f")
    }
    var event = fields.event
    guard event.time >= lastTime else {
      throw Failure(
        message: "expected a time not below \(lastTime), that of the event before: sort the file by time")
    }
    guard Event.times.contains(event.time) else {
      throw Failure(message: "expected a time between \(Event.times.lowerBound) and \(Event.times.upperBound)")
    }
    lastTime = event.time
    switch event.function {
    case .enqueue, .dequeue:
      switch fields.value {
      case .number(let id) where id >= 0: event.message = MessageID(rawValue: UInt64(id))
      case .null where event.function == .dequeue: break
      default: throw Failure(message: "expected the key \"value\" with an id of 0 or more")
      }
    case .append, .read, .write, .compareAndSet: try fill(&event, fields.value)
    case .publish:
      try message(&event, fields.value, isNeeded: event.outcome == .invoke)
      if event.outcome == .invoke {
        try need(keys, .route, "to")
        event.place = fields.route
      }
      try need(keys, .op, "op")
    case .deliver:
      guard event.outcome == .ok else { throw Failure(message: "expected the type ok: a delivery has no other") }
      try message(&event, fields.value, isNeeded: event.flags.isDisjoint(with: [.damaged, .foreign]))
      try need(keys, .queue, "queue")
      event.place = fields.queue
      try need(keys, .session, "session")
      try need(keys, .tag, "tag")
    case .ack, .nack:
      try need(keys, .session, "session")
      try need(keys, .tag, "tag")
    case .subscribe:
      try need(keys, .queue, "queue")
      event.place = fields.queue
      try need(keys, .session, "session")
    case .recover, .alive, .release: try need(keys, .session, "session")
    case .commit, .rollback: try need(keys, .transaction, "tx")
    case .fault:
      guard case .word(let name) = fields.value else {
        throw Failure(message: "expected the key \"value\" with the name of a fault")
      }
      event.place = name
    case .drained:
      try need(keys, .queue, "queue")
      event.place = fields.queue
    }
    if event.op == 0, event.function.rawValue >= Function.enqueue.rawValue {
      event.op = pair(event.process, isInvocation: event.outcome == .invoke)
    }
    events.append(event)
  }

  private func need(_ keys: EventFields.Keys, _ key: EventFields.Keys, _ name: StaticString) throws(Failure) {
    guard keys.contains(key) else { throw Failure(message: "expected the key \"\(name)\"") }
  }

  private func message(
    _ event: inout Event, _ value: EventFields.Value, isNeeded: Bool
  ) throws(Failure) {
    switch value {
    case .pair(let id, let attempt):
      guard id >= 0, let attempt = UInt32(exactly: attempt) else {
        throw Failure(message: "expected the key \"value\" with an id of 0 or more and an attempt below 2^32")
      }
      event.message = MessageID(rawValue: UInt64(id))
      event.attempt = attempt
    case .none where !isNeeded, .null where !isNeeded: break
    default: throw Failure(message: "expected the key \"value\" with [id, attempt]")
    }
  }

  /// Offset or key and value of what is done to a log, a register or a key-value store.
  private func fill(_ event: inout Event, _ value: EventFields.Value) throws(Failure) {
    func wrong(_ what: StaticString) -> Failure { Failure(message: "expected the key \"value\" with \(what)") }
    func set(key: Int64, old: Int64 = 0, _ id: Int64?, _ what: StaticString) throws(Failure) {
      guard key >= 0, old >= 0, id ?? 0 >= 0 else { throw wrong(what) }
      event.tag = UInt64(key)
      event.transaction = UInt64(old)
      if let id { event.message = MessageID(rawValue: UInt64(id)) }
    }
    switch (event.function, value) {
    case (.append, .pair(let offset, let id)) where event.outcome == .ok:
      try set(key: offset, id, "[offset, value] of 0 or more")
    case (.append, _) where event.outcome == .ok: throw wrong("[offset, value]")
    case (.append, .number(let id)): try set(key: 0, id, "a value of 0 or more")
    case (.append, _): throw wrong("a value of 0 or more")
    case (.compareAndSet, .swap(let key, let old, let new)):
      try set(key: key, old: old, new, "[key, [old, new]] of 0 or more")
    case (.compareAndSet, .pair(let old, let new)): try set(key: 0, old: old, new, "[old, new] of 0 or more")
    case (.compareAndSet, _): throw wrong("[old, new] or [key, [old, new]]")
    case (.read, .half(let key)): try set(key: key, nil, "null, a value or [key, value], 0 or more")
    case (.read, .null): break
    default:
      let what: StaticString =
        event.function == .read ? "null, a value or [key, value], 0 or more" : "a value or [key, value], 0 or more"
      switch value {
      case .number(let id): try set(key: 0, id, what)
      case .pair(let key, let id): try set(key: key, id, what)
      default: throw wrong(what)
      }
    }
  }

  /// A number for an operation that the file gives none.
  mutating func newOp() -> UInt64 {
    nextOp += 1
    return nextOp
  }

  /// The operation's number where the file gives none: a process does one thing at a time.
  private mutating func pair(_ process: Int32, isInvocation: Bool) -> UInt64 {
    let op = isInvocation ? newOp() : 0
    // Processes are numbered from 0, and anew after each unknown result.
    let near = Int(process)
    guard (0..<1 << 22).contains(near) else {
      let before = openFar.updateValue(op, forKey: process) ?? 0
      return isInvocation ? op : before
    }
    if near >= open.count { open += [UInt64](repeating: 0, count: near + 1024 - open.count) }
    let before = open[near]
    open[near] = op
    return isInvocation ? op : before
  }
}
