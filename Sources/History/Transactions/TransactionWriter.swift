// Transactions on logs as lines of JSON or of EDN, in the notation in which they are read.

import Base

extension TransactionHistory {
  /// Writes a line for each invocation and each completion through `write`, some 64 KiB at a time. What was not kept is not
  /// written: lines of other functions, and what polls without a message returned.
  public func exportJSONLines(write: ([UInt8]) throws -> Void) rethrows {
    try TransactionWriter(self, .json).export(write)
  }

  /// The same as EDN, a map a line.
  public func exportEDN(write: ([UInt8]) throws -> Void) rethrows { try TransactionWriter(self, .edn).export(write) }
}

private struct TransactionWriter {
  private let history: TransactionHistory
  private let notation: EventWriter.Notation
  /// The names of the keys: of what stands in a list, and of what names the messages of a poll.
  private var keys: [[UInt8]] = []
  private var names: [[UInt8]] = []

  init(_ history: TransactionHistory, _ notation: EventWriter.Notation) {
    (self.history, self.notation) = (history, notation)
    for key in history.keys {
      var name: [UInt8] = []
      jsonQuoted(key, into: &name)
      names.append(name)
      // Jepsen's keys are numbers.
      let isNumber = Int64(key).map { "\($0)" == key } ?? false
      keys.append(isNumber ? Array(key.utf8) : name)
    }
    if notation == .edn { names = keys }
  }

  /// An invocation or a completion, and where it stood in the file.
  private struct Place {
    var time: Nanoseconds
    var line: Int32
    var transaction: Int
    var isInvocation: Bool
  }

  func export(_ write: ([UInt8]) throws -> Void) rethrows {
    var places: [Place] = []
    for (k, transaction) in history.transactions.enumerated() {
      let isOpen = transaction.outcome == .invoke
      // One without an invocation is known by its completion alone.
      if transaction.invocation >= 0 || isOpen {
        places.append(Place(time: transaction.begin, line: transaction.invocation, transaction: k, isInvocation: true))
      }
      if !isOpen {
        places.append(Place(time: transaction.end, line: transaction.completion, transaction: k, isInvocation: false))
      }
    }
    places.sort { ($0.time, $0.line, $0.transaction) < ($1.time, $1.line, $1.transaction) }
    var bytes: [UInt8] = []
    for (number, place) in places.enumerated() {
      line(place, number, &bytes)
      if bytes.count >= 64 << 10 {
        try write(bytes)
        bytes.removeAll(keepingCapacity: true)
      }
    }
    if !bytes.isEmpty { try write(bytes) }
  }

  // MARK: A line

  private func line(_ place: Place, _ number: Int, _ out: inout [UInt8]) {
    let transaction = history.transactions[place.transaction]
    let isAssignment = transaction.kind == .assignment
    let isLast = !place.isInvocation || transaction.outcome == .invoke
    let outcome = place.isInvocation ? Outcome.invoke : transaction.outcome
    let type = JSONLines.outcomes[Int(outcome.rawValue)].description
    let function = isAssignment ? "assign" : "txn"
    switch notation {
    case .json:
      text(
        "{\"time\":\(place.time),\"process\":\(transaction.process),\"type\":\"\(type)\",\"f\":\"\(function)\",\"value\":",
        &out)
    case .edn:
      text(
        "{:index \(number), :time \(place.time), :process \(transaction.process), :type :\(type), :f :\(function), :value ",
        &out)
    }
    let own = history.keyLists[transaction.keyList]
    if isAssignment {
      list(own, &out)
    } else {
      operations(transaction, isLast: isLast, &out)
      if isLast, !own.isEmpty {
        text(notation == .json ? ",\"rebalance-log\":[{\"keys\":" : ", :rebalance-log [{:keys ", &out)
        list(own, &out)
        text("}]", &out)
      }
    }
    text("}\n", &out)
  }

  private func list(_ own: ArraySlice<UInt32>, _ out: inout [UInt8]) {
    text("[", &out)
    for (k, key) in own.enumerated() {
      if k > 0 { separate(&out) }
      out += keys[Int(key)]
    }
    text("]", &out)
  }

  /// The micro-operations: as they were to be, or, in the last line of the transaction, with what is known of them.
  private func operations(_ transaction: TransactionHistory.Transaction, isLast: Bool, _ out: inout [UInt8]) {
    text("[", &out)
    var written = 0
    func next(_ body: (inout [UInt8]) -> Void, _ out: inout [UInt8]) {
      if written > 0 { separate(&out) }
      written += 1
      body(&out)
    }
    var hasPoll = false
    var at = transaction.accesses.lowerBound
    while at < transaction.accesses.upperBound {
      let access = history.accesses[at]
      // A step that left nothing was a poll that found nothing.
      while transaction.hasPoll, written < Int(access.step) {
        hasPoll = true
        next({ text("[\(word("poll"))]", &$0) }, &out)
      }
      if access.isSend {
        next({ send(access, isKnown: isLast, &$0) }, &out)
        at += 1
      } else {
        let end = history.accesses[at..<transaction.accesses.upperBound].firstIndex {
          $0.isSend || $0.step != access.step
        }
        let messages = at..<(end ?? transaction.accesses.upperBound)
        hasPoll = true
        next({ poll(messages, isKnown: isLast, &$0) }, &out)
        at = messages.upperBound
      }
    }
    if transaction.hasPoll, !hasPoll { next({ text("[\(word("poll"))]", &$0) }, &out) }
    text("]", &out)
  }

  private func send(_ access: TransactionHistory.Access, isKnown: Bool, _ out: inout [UInt8]) {
    text("[\(word("send"))", &out)
    separate(&out)
    out += keys[Int(access.key)]
    separate(&out)
    if isKnown { message(access, &out) } else { text("\(access.value.rawValue)", &out) }
    text("]", &out)
  }

  /// What one poll returned, by key.
  private func poll(_ messages: Range<Int>, isKnown: Bool, _ out: inout [UInt8]) {
    text("[\(word("poll"))", &out)
    if isKnown {
      separate(&out)
      text("{", &out)
      var order: [UInt32] = []
      for access in history.accesses[messages] where !order.contains(access.key) { order.append(access.key) }
      for (k, key) in order.enumerated() {
        if k > 0 { separate(&out) }
        out += names[Int(key)]
        text(notation == .json ? ":[" : " [", &out)
        for (j, access) in history.accesses[messages].filter({ $0.key == key }).enumerated() {
          if j > 0 { separate(&out) }
          message(access, &out)
        }
        text("]", &out)
      }
      text("}", &out)
    }
    text("]", &out)
  }

  private func message(_ access: TransactionHistory.Access, _ out: inout [UInt8]) {
    let null = notation == .json ? "null" : "nil"
    text("[\(access.offset == TransactionHistory.Access.unknown ? null : "\(access.offset)")", &out)
    separate(&out)
    text("\(access.value.rawValue)]", &out)
  }

  private func word(_ word: String) -> String { notation == .json ? "\"\(word)\"" : ":\(word)" }
  private func separate(_ out: inout [UInt8]) { out.append(notation == .json ? 0x2c : 0x20) }
  private func text(_ text: String, _ out: inout [UInt8]) { out += text.utf8 }
}
