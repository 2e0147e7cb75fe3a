// Transactions on logs as EDN: the `history.edn` of Jepsen's Kafka workload.

import Base

extension TransactionHistory {
  /// The history in `bytes`. `file` is only for errors.
  public static func parseEDN(_ bytes: [UInt8], file: String) throws(HistoryError) -> TransactionHistory {
    try read(EDNReader(bytes, file: file))
  }

  /// One map, or record, for each invocation and each completion, with `:time`, `:process`, `:type`, `:f`, `:value` and,
  /// where there is one, `:rebalance-log`; they mean what they do in JSON lines. Keys may be integers, strings, keywords or
  /// symbols, and are known by their text. Operations of other functions or of no numbered process are passed over. A
  /// mistake is told at the operation in which it is. As in all histories of Jepsen's, a clock that steps back is taken to
  /// stand still.
  static func read(
    _ reader: EDNReader, progress: ((Int) -> Void)? = nil
  ) throws(HistoryError) -> TransactionHistory {
    var reader = reader
    var builder = TransactionBuilder()
    var lastTime = Nanoseconds.min
    var number = 0
    while let form = try reader.next() {
      do throws(TransactionForms.Failure) {
        if let line = try TransactionForms.line(form, &builder, &lastTime) { builder.add(line, number: number) }
      } catch {
        throw reader.error(error.message)
      }
      number += 1
      if number % 8192 == 0 { progress?(number) }
    }
    return builder.close()
  }
}

private enum TransactionForms {
  typealias Access = TransactionHistory.Access

  struct Failure: Error {
    var message: String

    init(_ what: String, found form: EDN?) {
      message = "expected \(what), found " + (form.map(Self.short) ?? "nothing")
    }

    private static func short(_ form: EDN) -> String {
      let text = form.description
      return text.count > 40 ? text.prefix(40) + "…" : text
    }
  }

  /// Nil: nothing of a client.
  static func line(
    _ form: EDN, _ builder: inout TransactionBuilder, _ lastTime: inout Nanoseconds
  ) throws(Failure) -> TransactionBuilder.Line? {
    guard form.entries != nil else { throw Failure("an operation, a map", found: form) }
    var line = TransactionBuilder.Line()
    guard let time = form["time"]?.integer else { throw Failure("a :time in nanoseconds", found: form["time"]) }
    guard Event.times.contains(time) else {
      throw Failure(
        "a :time between \(Event.times.lowerBound) and \(Event.times.upperBound)", found: .integer(time))
    }
    lastTime = max(lastTime, time)
    line.time = lastTime
    guard let type = form["type"]?.keyword, let outcome = TransactionHistory.outcome(type) else {
      throw Failure(":type :invoke, :ok, :fail or :info", found: form["type"])
    }
    line.outcome = outcome
    guard let function = form["f"]?.keyword else { throw Failure("a keyword as :f", found: form["f"]) }
    guard let process = form["process"] else { throw Failure("a :process", found: nil) }
    guard let process = process.integer else { return nil }
    guard let process = Int32(exactly: process) else {
      throw Failure("a :process between \(Int32.min) and \(Int32.max)", found: .integer(process))
    }
    line.process = process
    let value = form["value"] ?? .null
    switch function {
    case "txn", "send", "poll":
      line.keys = try rebalanced(form["rebalance-log"] ?? .null, &builder)
      // What did not succeed may have anything as its value, such as a reason.
      let isKnown = value != .null && (value.elements != nil || outcome == .invoke || outcome == .ok)
      if isKnown { try operations(value, &line, &builder) }
    case "assign", "subscribe":
      line.kind = .assignment
      let keys = value == .null ? [] : try keyList(value, &builder)
      line.keys = form["seek-to-beginning?"] == .boolean(true) ? [] : keys
    default: return nil
    }
    return line
  }

  /// A list of micro-operations, or one.
  private static func operations(
    _ value: EDN, _ line: inout TransactionBuilder.Line, _ builder: inout TransactionBuilder
  ) throws(Failure) {
    guard let forms = value.elements else { throw Failure("a vector of micro-operations", found: value) }
    var accesses: [Access] = []
    if forms.first?.keyword != nil {
      try operation(value, 0, &accesses, &line, &builder)
    } else {
      for (step, form) in forms.enumerated() {
        try operation(form, UInt32(truncatingIfNeeded: step), &accesses, &line, &builder)
      }
    }
    line.accesses = accesses
  }

  private static func operation(
    _ form: EDN, _ step: UInt32, _ accesses: inout [Access], _ line: inout TransactionBuilder.Line,
    _ builder: inout TransactionBuilder
  ) throws(Failure) {
    let parts = form.elements ?? []
    switch (parts.first?.keyword, parts.count) {
    case ("send", 3):
      let key = builder.key(text(parts[1]))
      if parts[2].elements == nil {
        accesses.append(Access(isSend: true, step: step, key: key, value: try message(parts[2])))
      } else {
        try pair(parts[2], Access(isSend: true, step: step, key: key, value: .none), &accesses)
      }
    case ("poll", 1), ("poll", 2):
      line.hasPoll = true
      guard parts.count == 2, parts[1] != .null else { return }
      guard let entries = parts[1].entries else {
        throw Failure("a map of vectors of [offset value] by key", found: parts[1])
      }
      for entry in entries {
        let key = builder.key(text(entry.key))
        guard let pairs = entry.value.elements else {
          throw Failure("a vector of [offset value]", found: entry.value)
        }
        for form in pairs { try pair(form, Access(isSend: false, step: step, key: key, value: .none), &accesses) }
      }
    default: throw Failure("[:send key value], [:send key [offset value]], [:poll] or [:poll {…}]", found: form)
    }
  }

  /// `[offset value]`. A message without a value says nothing.
  private static func pair(_ form: EDN, _ access: Access, _ accesses: inout [Access]) throws(Failure) {
    guard let parts = form.elements, parts.count == 2 else { throw Failure("[offset value]", found: form) }
    var access = access
    if parts[0] != .null {
      guard let offset = parts[0].integer, offset >= 0 else {
        throw Failure("an offset of 0 or more, or nil", found: parts[0])
      }
      access.offset = offset
    }
    guard parts[1] != .null else { return }
    access.value = try message(parts[1])
    accesses.append(access)
  }

  private static func message(_ form: EDN) throws(Failure) -> MessageID {
    guard let value = form.integer, value >= 0 else { throw Failure("a value of 0 or more", found: form) }
    return MessageID(rawValue: UInt64(value))
  }

  private static func keyList(_ form: EDN, _ builder: inout TransactionBuilder) throws(Failure) -> [UInt32] {
    guard let forms = elements(form) else { throw Failure("a vector of keys", found: form) }
    return forms.map { builder.key(text($0)) }
  }

  /// `[{:keys […]} …]`
  private static func rebalanced(_ form: EDN, _ builder: inout TransactionBuilder) throws(Failure) -> [UInt32] {
    if form == .null { return [] }
    guard let events = form.elements else { throw Failure("a vector of rebalances", found: form) }
    var keys: [UInt32] = []
    for event in events { keys += try event["keys"].map { form throws(Failure) in try keyList(form, &builder) } ?? [] }
    return keys
  }

  private static func elements(_ form: EDN) -> [EDN]? {
    if case .set(let forms) = form { forms } else { form.elements }
  }

  /// What a key is known by.
  private static func text(_ form: EDN) -> String {
    switch form {
    case .string(let text), .keyword(let text), .symbol(let text): text
    default: form.description
    }
  }
}
