// One sentence for each finding about transactions: why those in the picture contradict each other.

import Base
import History

struct TransactionWords {
  private let ledger: TransactionLedger
  private var history: TransactionHistory { ledger.history }

  init(_ ledger: TransactionLedger) { self.ledger = ledger }

  /// What pictures and reasons call a transaction: by its number in the order of invocations, from 0.
  static func name(_ transaction: Int) -> String { "T\(transaction)" }

  /// A message and where it stands.
  static func place(_ value: MessageID, _ offset: Int64) -> String {
    "\(value)" + (offset < 0 ? "" : " at \(offset)")
  }

  func sentence(_ finding: TransactionFinding, _ evidence: TransactionEvidence) -> String {
    if !finding.steps.isEmpty { return cycle(finding, evidence) }
    return pair(finding, evidence) ?? single(finding, evidence) ?? reason(finding)
  }

  // MARK: Two sends or polls against each other

  private func pair(_ finding: TransactionFinding, _ evidence: TransactionEvidence) -> String? {
    guard let own = evidence.own, let other = evidence.other else { return nil }
    let (a, b) = (Self.name(other.transaction), Self.name(own.transaction))
    let (x, value, key) = (message(other), finding.value, key(own))
    let (before, after) = (ledger.offset(other.access), ledger.offset(own.access))
    let process = "Process \(history.transactions[own.transaction].process)"
    switch finding.name {
    case .inconsistentOffsets:
      return
        "Offset \(finding.offset) of \(key) holds \(x) in \(a) and \(value) in \(b): there is room for one message."
    case .duplicated:
      return "\(value) stands in \(key) twice, at offset \(before) in \(a) and at offset \(after) in \(b): "
        + "a message has one place."
    case .unexpected:
      return "\(b) polled \(value) from \(key), and had returned before \(a), which sent it, began: "
        + "nothing can be polled before it is sent."
    case .abortedRead:
      return "\(b) polled \(value) from \(key), which \(a) sent, and \(a) failed: what has failed must never be seen."
    case .precommittedRead:
      return "\(b) polled \(value) from \(key), which it sent itself: nothing may be seen before it is committed."
    case .intermediateRead:
      return
        "The last that \(b) polled of \(key) is \(value), but \(a) sent \(x) after it: only a part of \(a) was seen."
    case .lostWrite:
      return "\(b) sent \(value) to \(key) at offset \(finding.offset), and \(a) polled as far as offset \(before): "
        + "somebody must have polled \(value), and nobody did." + committed(own.transaction)
    case .tornTransaction:
      let far = evidence.beyond.map {
        ", though \(Self.name($0.transaction)) polled as far as offset \(ledger.offset($0.access))"
      }
      return "\(b) must take effect as a whole or not at all: \(a) polled \(x) of it from \(self.key(other)), "
        + "and nobody ever polled \(value) from \(key)\(far ?? "")."
    case .internalPollSkip:
      return
        "\(b) polled offset \(before) of \(key) and then offset \(after): it left out \(leftOut(finding, evidence))."
    case .pollSkip:
      return "\(process) polled offset \(before) of \(key) in \(a) and went on with offset \(after) in \(b): "
        + "it left out \(leftOut(finding, evidence))."
    case .internalNonmonotonicPoll:
      let how = before == after ? "offset \(after) of \(key) twice" : "offset \(after) of \(key) after offset \(before)"
      return "\(b) polled \(how): polls only go forward."
    case .nonmonotonicPoll:
      let how = before == after ? "again" : "then offset \(after)"
      return "\(process) polled offset \(before) of \(key) in \(a), and \(how) in \(b): polls only go forward."
    case .internalNonmonotonicSend:
      return
        "\(b) sent \(x) to \(key) and then \(value), but \(x) stands at offset \(before) and \(value) at \(after): "
        + "what is sent later must stand later."
    case .nonmonotonicSend:
      return
        "\(process) sent \(x) to \(key) in \(a) and then \(value) in \(b), but \(x) stands at offset \(before) and "
        + "\(value) at \(after): what is sent later must stand later."
    default: return nil
    }
  }

  private func single(_ finding: TransactionFinding, _ evidence: TransactionEvidence) -> String? {
    guard let own = evidence.own else { return nil }
    let (name, value) = (Self.name(own.transaction), finding.value)
    switch finding.name {
    case .unexpected: return "\(name) polled \(value) from \(key(own)), and nobody ever sent it there."
    case .unseen:
      return "\(name) sent \(value) to \(key(own)), and was acknowledged: somebody must have polled it, and nobody did."
    default: return nil
    }
  }

  private func leftOut(_ finding: TransactionFinding, _ evidence: TransactionEvidence) -> String {
    "\(finding.value) at offset \(finding.offset)"
      + (evidence.send.map { ", which \(Self.name($0.transaction)) sent" } ?? ", which is committed")
  }

  /// Why one counts that was not acknowledged.
  private func committed(_ transaction: Int) -> String {
    history.transactions[transaction].outcome == .ok
      ? "" : " \(Self.name(transaction)) has no answer, but something else of it was polled, so it is committed."
  }

  private func reason(_ finding: TransactionFinding) -> String {
    let text = finding.value == .none ? finding.reason : "\(finding.value): \(finding.reason)"
    return text.prefix(1).uppercased() + text.dropFirst() + "."
  }

  private func message(_ item: TransactionEvidence.Item) -> MessageID { history.accesses[item.access].value }
  private func key(_ item: TransactionEvidence.Item) -> String { name(ofKey: history.accesses[item.access].key) }

  /// A number alone might be taken for a message.
  private func name(ofKey key: UInt32) -> String {
    let name = ledger.name(key)
    return name.first?.isNumber == true ? "key \(name)" : name
  }

  // MARK: Cycles

  /// Its edges in their order, of a long one those between transactions that are drawn.
  private func cycle(_ finding: TransactionFinding, _ evidence: TransactionEvidence) -> String {
    let drawn = Set(TransactionLanes.drawn(finding.transactions))
    var clauses: [String] = []
    var passed = 0
    for (step, pair) in zip(finding.steps, evidence.pairs) {
      guard drawn.contains(step.from), drawn.contains(step.to) else {
        passed += 1
        continue
      }
      if passed > 0 { clauses.append("so on over \(passed - 1) more to \(Self.name(step.from))") }
      passed = 0
      let verb = clauses.isEmpty ? "must come before" : "before"
      clauses.append("\(Self.name(step.from)) \(verb) \(Self.name(step.to)) (\(edge(step, pair)))")
    }
    let last = clauses.popLast() ?? ""
    let list = clauses.isEmpty ? last : clauses.joined(separator: ", ") + ", and " + last
    return "\(list): there is no such order."
  }

  private func edge(_ step: TransactionFinding.Step, _ pair: TransactionEvidence.Pair) -> String {
    let (a, b) = (Self.name(step.from), Self.name(step.to))
    let key = step.key.map { name(ofKey: UInt32($0)) } ?? ""
    switch step.kind {
    case .writeWrite:
      let before = pair.from.map { "\(message($0))" } ?? "something"
      return "ww: \(before) of \(a) stands directly before \(step.value) of \(b) in \(key)"
    case .writeRead: return "wr: \(a) sent \(step.value) to \(key), and \(b) polled it"
    case .readWrite:
      let end = pair.from.map { "as far as \(message($0))" } ?? "to its end"
      return "rw: \(a) polled \(key) \(end), and not yet \(step.value), which \(b) sent"
    case .process: return "process: process \(history.transactions[step.from].process) ran \(a) first"
    case .realtime: return "real-time: \(a) had returned before \(b) began"
    }
  }
}
