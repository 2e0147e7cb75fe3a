// One pass over a history that finds what belongs to a few of its events: completions, ends of deliveries, faults.

import Base
import History

/// What was found of everything that was asked for. Ask first (`want…`), then `run`.
struct LaneSearch {
  /// An operation's events; both -1 where it was not seen.
  struct Operation {
    var begin = -1
    var end = -1
  }
  /// What can end a delivery, as indices of events; -1: not seen.
  struct Held {
    var read: Int
    var ack = -1
    var answer = -1
  }
  struct Window {
    var begin: Int
    var end: Int?
  }

  private let events: [Event]
  private(set) var operations: [Operation] = []
  private var operationTable: NumberTable
  private(set) var held: [Held] = []
  /// By (tag, session).
  private var heldTable = PairTable()
  private var sessionTable: NumberTable
  private var isAuto: [Bool] = []
  /// By session: recovers and releases.
  private var returns: [[Int]] = []
  private var transactionTable: NumberTable
  private var ends: [[Int]] = []
  private var valueTable = PairTable()
  private var values: [[Int]] = []
  private(set) var faults: [Window] = []
  private var standing: [UInt16: Int] = [:]
  /// By queue, the operation that saw what is left, the last of them.
  private(set) var drains: [UInt16: Int] = [:]

  init(_ events: [Event]) {
    self.events = events
    let limit = 2 * events.count + 1024
    operationTable = NumberTable(limit: limit)
    sessionTable = NumberTable(limit: limit)
    transactionTable = NumberTable(limit: limit)
  }

  // MARK: Asking

  /// The operation that the event belongs to, as a position in `operations`.
  mutating func wantOperation(of at: Int) -> Int {
    let event = events[at]
    if event.op != 0 {
      let known = operationTable.find(event.op)
      if known >= 0 { return Int(known) }
      operationTable.set(event.op, to: Int32(operations.count))
    }
    var operation = Operation(begin: at)
    if event.outcome != .invoke, event.op != 0 {
      operation.begin = invocation(before: at) ?? at
      operation.end = at
    }
    operations.append(operation)
    return operations.count - 1
  }

  private func invocation(before at: Int) -> Int? {
    events[..<at].lastIndex { $0.op == events[at].op && $0.outcome == .invoke && $0.function == events[at].function }
  }

  mutating func wantDelivery(_ at: Int) -> Int {
    let event = events[at]
    let known = heldTable.find(event.tag, event.session)
    if known >= 0 { return Int(known) }
    heldTable.set(event.tag, event.session, to: Int32(held.count))
    held.append(Held(read: at))
    if sessionTable.find(UInt64(event.session)) < 0 {
      sessionTable.set(UInt64(event.session), to: Int32(returns.count))
      returns.append([])
      isAuto.append(false)
    }
    return held.count - 1
  }

  mutating func wantTransaction(_ number: UInt64) {
    guard transactionTable.find(number) < 0 else { return }
    transactionTable.set(number, to: Int32(ends.count))
    ends.append([])
  }

  /// All operations of a plain queue that name the value.
  mutating func wantValue(_ value: MessageID) {
    guard valueTable.find(value.rawValue) < 0 else { return }
    valueTable.set(value.rawValue, to: Int32(values.count))
    values.append([])
  }

  // MARK: Answers

  func hasDelivery(session: UInt32, tag: UInt64) -> Bool { heldTable.find(tag, session) >= 0 }

  func isAutomatic(_ session: UInt32) -> Bool {
    let known = sessionTable.find(UInt64(session))
    return known >= 0 && isAuto[Int(known)]
  }

  /// The first recover or release of the session after `moment`.
  func firstReturn(of session: UInt32, after moment: Int) -> Int? {
    let known = sessionTable.find(UInt64(session))
    return known < 0 ? nil : returns[Int(known)].first { $0 > moment }
  }

  /// Positions in `operations`: its commits and rollbacks.
  func ends(of transaction: UInt64) -> [Int] {
    let known = transactionTable.find(transaction)
    return known < 0 ? [] : ends[Int(known)]
  }

  func operations(on value: MessageID) -> [Int] {
    let known = valueTable.find(value.rawValue)
    return known < 0 ? [] : values[Int(known)]
  }

  // MARK: The pass

  mutating func run() {
    for at in events.indices {
      let event = events[at]
      switch event.function {
      case .fault: fault(event, at)
      case .deliver: continue
      case .ack, .nack: settle(event, at)
      case .subscribe, .recover, .release: session(event, at)
      case .commit, .rollback:
        let known = event.transaction == 0 ? -1 : transactionTable.find(event.transaction)
        if known >= 0, event.outcome == .invoke { ends[Int(known)].append(wantOperation(of: at)) }
      case .drained:
        if event.outcome == .invoke {
          drains[event.place] = wantOperation(of: at)
        } else if let drain = drains[event.place] {
          operations[drain].end = at
        }
      case .enqueue where event.outcome == .invoke, .dequeue where event.outcome != .invoke && event.message != .none:
        let known = valueTable.find(event.message.rawValue)
        if known >= 0 {
          let operation = wantOperation(of: at)
          if !values[Int(known)].contains(operation) { values[Int(known)].append(operation) }
        }
      default: break
      }
      if event.op != 0, event.outcome != .invoke { complete(event, at) }
    }
    for begin in standing.values.sorted() { faults.append(Window(begin: begin, end: nil)) }
  }

  /// A certain completion stands against an unknown one.
  private mutating func complete(_ event: Event, _ at: Int) {
    let known = operationTable.find(event.op)
    guard known >= 0 else { return }
    let operation = operations[Int(known)]
    guard events[operation.begin].function == event.function else { return }
    if operation.end < 0 || events[operation.end].outcome == .info { operations[Int(known)].end = at }
  }

  private mutating func settle(_ event: Event, _ at: Int) {
    let known = heldTable.find(event.tag, event.session)
    guard known >= 0, at > held[Int(known)].read else { return }
    if event.outcome == .invoke {
      // A second one means that the first came to nothing.
      held[Int(known)].ack = at
    } else if event.outcome != .info, held[Int(known)].ack >= 0 {
      held[Int(known)].answer = at
    }
  }

  private mutating func session(_ event: Event, _ at: Int) {
    let known = sessionTable.find(UInt64(event.session))
    guard known >= 0 else { return }
    switch (event.function, event.outcome) {
    case (.subscribe, .invoke): isAuto[Int(known)] = event.flags.contains(.autoAck)
    case (.recover, .invoke): returns[Int(known)].append(at)
    case (.release, let outcome) where outcome != .invoke: returns[Int(known)].append(at)
    default: break
    }
  }

  private mutating func fault(_ event: Event, _ at: Int) {
    if event.outcome == .invoke {
      if standing[event.place] == nil { standing[event.place] = at }
    } else if event.outcome == .ok, let begin = standing.removeValue(forKey: event.place) {
      faults.append(Window(begin: begin, end: at))
    }
  }
}
