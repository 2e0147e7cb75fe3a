// The words of a picture: what an operation did, who did it, and one sentence for each kind of contradiction.

import Base
import History

enum LaneWords {
  /// Who did it; in a history of deliveries processes are numbered by what they are (`Event.process`), or, where it was
  /// recorded by somebody else, known by what they do.
  static func client(_ process: Int32, _ functions: [Function]) -> String {
    let isPlain = functions.contains { function in
      switch function {
      case .publish, .subscribe, .deliver, .ack, .nack, .recover, .commit, .rollback, .alive, .release, .drained: false
      default: true
      }
    }
    if isPlain { return "process \(process)" }
    switch process {
    case 0..<10_000:
      let (puts, takes) = (functions.contains(.publish), functions.contains(.deliver))
      return "\(puts == takes ? "client" : puts ? "producer" : "consumer") \(process)"
    case 10_000..<20_000: return "consumer \(process - 10_000)"
    case 20_000...: return "drain \(process - 20_000)"
    default: return "drain"
    }
  }

  static func role(_ function: Function) -> Lanes.Role {
    switch function {
    case .publish, .enqueue: .put
    case .deliver, .dequeue: .take
    case .commit, .rollback: .transaction
    case .drained: .drain
    case .fault: .fault
    case .read: .take
    case .append, .write, .compareAndSet: .put
    default: .other
    }
  }

  /// What the operation did and how it ended.
  /// - Parameter end: Its completion; nil where there is none.
  static func operation(_ begin: Event, _ end: Event?, _ names: Names) -> String {
    let outcome = end?.outcome ?? .info
    switch begin.function {
    case .publish: return publish(begin, end, names)
    case .commit, .rollback:
      return "\(begin.function) tx \(begin.transaction)" + Self.outcome(outcome, ok: "")
    case .drained:
      let queue = names.text(begin.place)
      if outcome == .ok { return "drain \(queue): empty" }
      return end.map { "drain \(queue): \($0.tag) left" } ?? "drain \(queue): no end"
    case .dequeue:
      let message = end?.message ?? .none
      if message != .none { return "dequeue → \(message)" + Self.outcome(outcome, ok: "") }
      return outcome == .ok ? "dequeue → empty" : "dequeue" + Self.outcome(outcome, ok: "")
    case .append:
      // The answer names the offset.
      let place = end.map { $0.outcome == .ok ? " at \($0.tag)" : "" } ?? ""
      return "append \(begin.message)\(place)" + Self.outcome(outcome, ok: "")
    case .read:
      // At an offset of a log, or under a key.
      let message = end?.message ?? .none
      let what = outcome != .ok ? Self.outcome(outcome, ok: "") : message == .none ? " → nothing" : " → \(message)"
      return "read" + key(begin) + what
    case .write: return "write" + key(begin) + " \(begin.message)" + Self.outcome(outcome, ok: "")
    case .compareAndSet:
      let values = "\(MessageID(rawValue: begin.transaction)) by \(begin.message)"
      return "replace" + key(begin) + " \(values)" + Self.outcome(outcome, ok: "")
    default:
      let message = begin.message == .none ? "" : " \(begin.message)"
      let place = begin.function == .subscribe ? " to \(names.text(begin.place))" : ""
      return "\(begin.function)" + place + message + Self.outcome(outcome, ok: "")
    }
  }

  /// The key of a store or the offset in a log; a register has none.
  private static func key(_ event: Event) -> String { event.tag == 0 ? "" : " [\(event.tag)]" }

  private static func publish(_ begin: Event, _ end: Event?, _ names: Names) -> String {
    var text = "publish \(begin.message)"
    if begin.attempt > 1 { text += " again (attempt \(begin.attempt))" }
    let queues = names.queues(begin.place).map(names.text)
    if !queues.isEmpty { text += " to \(queues.prefix(3).joined(separator: ", "))\(queues.count > 3 ? ", …" : "")" }
    if begin.transaction != 0 { text += " in tx \(begin.transaction)" }
    guard let end else { return begin.transaction == 0 ? text + ": unknown" : text }
    switch end.outcome {
    case .ok:
      let node = end.node == Names.none ? begin.node : end.node
      return text + (node == Names.none ? ": confirmed" : ": confirmed by \(names.text(node))")
    case .fail: return text + ": failed"
    default:
      if end.flags.contains(.nack) { return text + ": refused, so unknown" }
      return text + (end.flags.contains(.sent) ? ": sent, unconfirmed" : ": unknown")
    }
  }

  static func outcome(_ outcome: Outcome, ok: String) -> String {
    switch outcome {
    case .ok: ok
    case .fail: ": failed"
    case .info, .invoke: ": unknown"
    }
  }

  static func delivery(_ event: Event, _ names: Names) -> String {
    if event.flags.contains(.damaged) { return "deliver (damaged) from \(names.text(event.place))" }
    if event.flags.contains(.foreign) { return "deliver (of another run) from \(names.text(event.place))" }
    var text = "deliver \(event.message)"
    if event.attempt > 1 { text += " (attempt \(event.attempt))" }
    text += " from \(names.text(event.place))"
    return text + (event.flags.contains(.redelivered) ? " as redelivery" : "")
  }

  /// Why the operations of the case contradict each other.
  /// - Parameter isConfirmed: The message has a confirm, its own or its transaction's.
  static func sentence(_ item: LaneCase, isConfirmed: Bool, isDrained: Bool) -> String {
    let what = item.id ?? (item.transaction == 0 ? "it" : "transaction \(item.transaction)")
    let queue = item.queue.map { " from \($0)" } ?? ""
    let node = item.acknowledgedBy.map { " by \($0)" } ?? ""
    switch (item.name, item.reason) {
    case ("lost", let reason) where reason.hasPrefix("never dequeued"):
      return "\(what) went in, and was \(reason): first in, first out has no place for that."
    case ("lost", let reason) where reason.hasPrefix("never delivered") || isRead(reason):
      let taken = isConfirmed ? "was confirmed\(node)" : "was sent\(node.isEmpty ? "" : " to \(node.dropFirst(4))")"
      let end = isDrained ? ", and \(item.queue ?? "the queue") was drained to the last message" : ""
      let owed = isConfirmed ? "somebody must have got it, and nobody did" : "nobody got it"
      return "\(what) \(taken) and \(reason)\(end): \(owed)."
    case ("unexpected", let reason) where item.id == nil && item.queue != nil:
      return "What came\(queue) cannot have been put there: \(reason)."
    case ("unexpected", let reason) where item.queue != nil || isRead(reason):
      return "\(what) came\(queue), and was \(clause(reason)): nothing explains it."
    case ("aborted-read", let reason) where isRead(reason):
      return "\(what) was \(reason): what has failed must never be seen."
    case ("duplicated", "dequeued twice"): return "\(what) was dequeued twice, and put in once."
    case ("duplicated", let reason) where isRead(reason):
      return "\(what) was \(reason): the broker cannot have had it back when the second was read."
    case ("wrong-redelivered-flag", _):
      return "\(what) was delivered twice\(queue), and neither says that it is a redelivery: the second must."
    case ("duplicated-by-retry", _):
      return "\(what) was sent more than once, and more than one of these attempts was delivered."
    case ("torn-transaction", let reason) where reason.hasPrefix("some of what"):
      return
        "Transaction \(item.transaction) must take effect as a whole or not at all: some of it came, \(what) never did."
    case ("torn-transaction", let reason):
      return "Transaction \(item.transaction) must take effect as a whole or not at all: \(reason)."
    case ("out-of-order", let reason) where isRead(reason): return "\(what) was \(reason)."
    case ("false-empty", _):
      return "The answer \"empty\" is wrong: at every moment of it something was certainly inside."
    case (_, let reason):
      guard let first = reason.first else { return "\(what) contradicts the model." }
      guard let id = item.id else { return first.uppercased() + reason.dropFirst() + "." }
      return "\(id): \(reason)."
    }
  }

  /// The reasons of deliveries and of plain queues continue "it was"; those of other models stand by themselves.
  private static func isRead(_ reason: String) -> Bool {
    reason.hasPrefix("delivered") || reason.hasPrefix("dequeued")
  }

  private static func clause(_ reason: String) -> String {
    reason.hasPrefix("dequeued, and ") ? String(reason.dropFirst("dequeued, and ".count)) : reason
  }
}
