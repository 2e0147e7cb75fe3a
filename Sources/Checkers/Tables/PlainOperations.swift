// Events of a plain history joined into operations: what logs, registers and key-value stores are judged by.

import History

/// An operation from its invocation to its return, in positions of an `EventOrder`.
struct PlainOperation {
  static let never = Int32.max

  var function: Function
  var invoke: Int32
  /// `never`: unknown, so that it may take effect at any later time, or not at all.
  var complete = never
  /// `ok`, `fail`, or `info` where nothing better is known.
  var outcome = Outcome.info
  /// Key or offset.
  var tag: UInt64
  /// What was written or read; `MessageID.none`: nothing, or not known.
  var value: MessageID
  /// Of a compare-and-set.
  var expected: UInt64
}

enum PlainOperations {
  /// The operations of the functions asked for, by invocation. A completion without its invocation, or a second one, is
  /// passed over; an unknown result can still become known.
  static func join(_ events: [Event], _ order: EventOrder, where isOurs: (Function) -> Bool) -> [PlainOperation] {
    var operations: [PlainOperation] = []
    operations.reserveCapacity(events.count / 2)
    var table = NumberTable(limit: 2 * events.count + 1024)
    for at in 0..<order.count {
      let event = events[order.event(at)]
      guard isOurs(event.function) else { continue }
      if event.outcome == .invoke {
        table.set(event.op, to: Int32(operations.count))
        operations.append(
          PlainOperation(
            function: event.function, invoke: at, tag: event.tag, value: event.message, expected: event.transaction))
        continue
      }
      let known = table.find(event.op)
      guard known >= 0, event.outcome != .info else { continue }
      let k = Int(known)
      guard operations[k].outcome == .info, operations[k].function == event.function else { continue }
      operations[k].outcome = event.outcome
      guard event.outcome == .ok else { continue }
      operations[k].complete = at
      if event.function == .read { operations[k].value = event.message }
      if event.function == .append { operations[k].tag = event.tag }
    }
    return operations
  }
}
