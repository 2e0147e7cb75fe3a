// From Jepsen's operations to events: one map, one event, but for drains, which are as many dequeues as they took.

import Base

struct OperationMapper {
  private typealias Failure = EventAssembler.Failure

  private struct Drain {
    /// Where its invocation stands among the events.
    var position: Int
    var time: Nanoseconds
    var process: Int32
  }

  private var assembler = EventAssembler()
  /// Maps so far, those passed over included: what `:time` is where there is none.
  private var count: Int64 = 0
  private var lastTime: Nanoseconds = .min
  /// What each process is enqueueing: completions need not say it again.
  private var enqueueing: [Int32: EventFields.Value] = [:]
  private var draining: [Int32: Drain] = [:]
  /// Invocations of dequeues by drains, each to stand at the drain's own.
  private var invocations: [(position: Int, event: Event)] = []
  /// The drain that ended last, and where: the queue was empty then.
  private var lastDrain: (drain: Drain, end: Int, time: Nanoseconds)?
  /// Drains of which nobody knows what they took.
  private var unknown: [Drain] = []

  init() {}

  /// - Throws: what is wrong with the map.
  mutating func append(_ form: EDN) throws(EventAssembler.Failure) {
    guard let entries = form.entries else {
      throw Failure(message: "expected a map such as {:process 0, :type :invoke, :f :enqueue, :value 1}")
    }
    defer { count += 1 }
    var (process, type, function, time, value) = (EDN?.none, EDN?.none, EDN?.none, EDN?.none, EDN?.none)
    var rest: [EDN.Entry] = []
    for entry in entries {
      guard case .keyword(let key) = entry.key else { continue }
      switch key {
      case "process": process = entry.value
      case "type": type = entry.value
      case "f": function = entry.value
      case "time": time = entry.value
      case "value": value = entry.value
      case "index": break
      default: rest.append(entry)
      }
    }
    guard let process else { throw Failure(message: "expected the key :process") }
    guard let number = process.integer else { return }
    var fields = EventFields()
    guard let exact = Int32(exactly: number) else { throw Failure(message: "expected :process of 32 bits") }
    fields.event.process = exact
    fields.keys.formUnion([.process, .type, .function, .time])
    fields.event.outcome = try outcome(type)
    fields.event.time = try self.time(time)
    let word = function?.keyword
    if word == "drain" { return try drain(fields, value) }
    guard let word, let index = Self.numbers[word], let function = Function(rawValue: index) else {
      let isTransaction = ["txn", "send", "poll", "assign", "subscribe"].contains(word)
      throw Failure(
        message: "expected :f as :enqueue, :dequeue, :drain or another that is known here"
          + (isTransaction ? "; transactions are read for the model kafka" : ""))
    }
    fields.event.function = function
    let isPlain = function.rawValue >= Function.enqueue.rawValue
    // In a plain history a key of ours may be somebody else's word for something else.
    for entry in rest {
      guard let key = entry.key.keyword else { continue }
      if !isPlain || key == "op" && entry.value.integer != nil { try set(key, entry.value, &fields) }
      if key == "node", case .string(let node) = entry.value { fields.event.node = try name(node) }
    }
    fields.value = try self.value(value, of: fields.event)
    try assembler.append(fields)
  }

  private static let numbers = Dictionary(
    uniqueKeysWithValues: JSONLines.functions.enumerated().map { ($1.description, UInt8($0)) })

  private func outcome(_ type: EDN?) throws(Failure) -> Outcome {
    switch type?.keyword {
    case "invoke": return .invoke
    case "ok": return .ok
    case "fail": return .fail
    case "info": return .info
    default: throw Failure(message: "expected :type as :invoke, :ok, :fail or :info")
    }
  }

  /// Never before that of the map before: two clocks may disagree, but the order of the file is that of what happened.
  private mutating func time(_ time: EDN?) throws(Failure) -> Nanoseconds {
    switch time {
    case nil, .null: lastTime = max(lastTime, count)
    case .integer(let time): lastTime = max(lastTime, time)
    default: throw Failure(message: "expected :time in whole nanoseconds")
    }
    return lastTime
  }

  private mutating func name(_ text: String) throws(Failure) -> UInt16 {
    let index = assembler.names.word(text)
    guard index != Names.none else { throw Failure(message: "expected at most 65534 different names") }
    return index
  }

  private mutating func set(_ key: String, _ value: EDN, _ fields: inout EventFields) throws(Failure) {
    func number<T: FixedWidthInteger>(_: T.Type) throws(Failure) -> T {
      guard let number = value.integer.flatMap(T.init(exactly:)) else {
        throw Failure(message: "expected :\(key) as an integer between \(T.min) and \(T.max)")
      }
      return number
    }
    func text() throws(Failure) -> String {
      guard case .string(let text) = value else { throw Failure(message: "expected :\(key) as a string") }
      return text
    }
    func flag(_ flag: Event.Flags) throws(Failure) {
      guard case .boolean(let isSet) = value else { throw Failure(message: "expected :\(key) as true or false") }
      if isSet { fields.event.flags.insert(flag) }
    }
    switch key {
    case "op":
      fields.event.op = try number(UInt64.self)
      fields.keys.insert(.op)
    case "to":
      var queues: [String] = []
      for queue in value.elements ?? [.null] {
        guard case .string(let name) = queue else { throw Failure(message: "expected :to as a vector of strings") }
        queues.append(name)
      }
      fields.route = assembler.names.route(to: queues)
      guard fields.route != Names.none else { throw Failure(message: "expected at most 65534 different names") }
      fields.keys.insert(.route)
    case "queue":
      fields.queue = try name(text())
      fields.keys.insert(.queue)
    case "channel", "session":
      fields.event.session = try number(UInt32.self)
      fields.keys.insert(.session)
    case "tx":
      fields.event.transaction = try number(UInt64.self)
      fields.keys.insert(.transaction)
    case "tag":
      fields.event.tag = try number(UInt64.self)
      fields.keys.insert(.tag)
    case "prefetch", "count", "key": fields.event.tag = try number(UInt64.self)
    case "intended": fields.event.intended = try number(Int64.self)
    case "redelivered": try flag(.redelivered)
    case "requeue": try flag(.requeue)
    case "sent": try flag(.sent)
    case "nack": try flag(.nack)
    case "mode":
      guard let mode = value.keyword, mode == "auto" || mode == "manual" else {
        throw Failure(message: "expected :mode as :manual or :auto")
      }
      if mode == "auto" { fields.event.flags.insert(.autoAck) }
    case "bad":
      guard let bad = value.keyword, bad == "damaged" || bad == "foreign" else {
        throw Failure(message: "expected :bad as :damaged or :foreign")
      }
      fields.event.flags.insert(bad == "damaged" ? .damaged : .foreign)
    default: break
    }
  }

  private mutating func value(_ form: EDN?, of event: Event) throws(Failure) -> EventFields.Value {
    let isOver = event.outcome == .fail || event.outcome == .info
    switch event.function {
    case .enqueue:
      if event.outcome == .invoke {
        let value = try plain(form)
        enqueueing[event.process] = value
        return value
      }
      let known = enqueueing.removeValue(forKey: event.process)
      if form?.integer == nil, let known { return known }
    case .dequeue:
      // What is asked for is not known when it is asked for; some fill it in afterwards.
      if event.outcome == .invoke || isOver && form?.integer == nil { return .null }
    case .read:
      // Why it failed is sometimes said here.
      if isOver, form?.integer == nil, form?.elements == nil { return .null }
    default: break
    }
    return try plain(form)
  }

  private mutating func plain(_ form: EDN?) throws(Failure) -> EventFields.Value {
    guard let form else { return .none }
    switch form {
    case .null: return .null
    case .integer(let number): return .number(number)
    case .string(let text): return .word(try name(text))
    default: break
    }
    if let pair = form.elements, pair.count == 2, let first = pair[0].integer {
      if let second = pair[1].integer { return .pair(first, second) }
      if pair[1] == .null { return .half(first) }
      if let swap = pair[1].elements, swap.count == 2, let old = swap[0].integer, let new = swap[1].integer {
        return .swap(first, old: old, new: new)
      }
    }
    throw Failure(message: "expected :value as an integer, nil or a vector of two")
  }

  /// A drain dequeues until it finds nothing. Each dequeue may have begun as early as the drain did.
  private mutating func drain(_ fields: EventFields, _ value: EDN?) throws(Failure) {
    let process = fields.event.process
    if fields.event.outcome == .invoke {
      draining[process] = Drain(position: assembler.events.count, time: fields.event.time, process: process)
      return
    }
    guard let drain = draining.removeValue(forKey: process) else {
      throw Failure(message: "expected the invocation of this :drain before it")
    }
    switch fields.event.outcome {
    case .ok:
      guard let taken = value?.elements ?? (value == .null ? [] : nil) else {
        throw Failure(message: "expected :value of a :drain that is :ok as a vector of integers")
      }
      try take(taken, by: drain, fields)
      lastDrain = (drain, assembler.events.count, fields.event.time)
    case .info:
      try take((value?.elements ?? []).filter { $0.integer != nil }, by: drain, fields)
      unknown.append(drain)
    default: break
    }
  }

  private mutating func take(_ taken: [EDN], by drain: Drain, _ fields: EventFields) throws(Failure) {
    var fields = fields
    fields.event.function = .dequeue
    fields.event.outcome = .ok
    fields.keys.insert(.op)
    for form in taken {
      guard let number = form.integer else {
        throw Failure(message: "expected :value of a :drain that is :ok as a vector of integers")
      }
      fields.value = .number(number)
      fields.event.op = assembler.newOp()
      invocations.append((drain.position, dequeue(of: drain, op: fields.event.op)))
      try assembler.append(fields)
    }
  }

  private func dequeue(of drain: Drain, op: UInt64, _ outcome: Outcome = .invoke) -> Event {
    var event = Event()
    (event.time, event.process, event.op) = (drain.time, drain.process, op)
    (event.function, event.outcome) = (.dequeue, outcome)
    return event
  }

  /// The history; nothing can be appended any more.
  mutating func history() -> RecordedHistory {
    unknown += draining.values
    draining = [:]
    if let first = unknown.min(by: { $0.position < $1.position }) {
      // It may have taken everything that nobody else took; the first can explain what any of them can.
      var inside: Set<MessageID> = []
      for event in assembler.events where event.function == .enqueue { inside.insert(event.message) }
      for event in assembler.events where event.function == .dequeue && event.outcome == .ok {
        inside.remove(event.message)
      }
      for _ in inside { invocations.append((first.position, dequeue(of: first, op: assembler.newOp()))) }
    } else if let (drain, end, time) = lastDrain {
      let op = assembler.newOp()
      invocations.append((drain.position, dequeue(of: drain, op: op)))
      var empty = dequeue(of: drain, op: op, .ok)
      empty.time = time
      invocations.append((end, empty))
    }
    return RecordedHistory(names: assembler.names, events: merged(), isComplete: true)
  }

  private func merged() -> [Event] {
    guard !invocations.isEmpty else { return assembler.events }
    var all: [Event] = []
    all.reserveCapacity(assembler.events.count + invocations.count)
    // By position, then by time, and as they came where both are the same.
    let order = invocations.indices.sorted { a, b in
      let (x, y) = (invocations[a], invocations[b])
      return (x.position, x.event.time, a) < (y.position, y.event.time, b)
    }
    var next = 0
    for at in 0...assembler.events.count {
      while next < order.count, invocations[order[next]].position == at {
        all.append(invocations[order[next]].event)
        next += 1
      }
      if at < assembler.events.count { all.append(assembler.events[at]) }
    }
    return all
  }
}
