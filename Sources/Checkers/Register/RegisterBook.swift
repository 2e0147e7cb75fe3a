// Counts the findings about registers, keeps the first of each name, and says which events show them.

import Base
import History

struct RegisterBook {
  private let events: [Event]
  private let order: EventOrder
  private let operations: [PlainOperation]
  private let limit: Int
  private var counts: [RegisterFindingName: Int] = [:]
  private var findings: [RegisterFinding] = []

  init(events: [Event], order: EventOrder, operations: [PlainOperation], limit: Int) {
    self.events = events
    self.order = order
    self.operations = operations
    self.limit = limit
  }

  private mutating func add(_ finding: RegisterFinding, _ shown: [Int32]) {
    counts[finding.name, default: 0] += 1
    guard counts[finding.name, default: 0] <= limit else { return }
    var finding = finding
    finding.events = order.events(
      shown.filter { $0 >= 0 }.flatMap { [operations[Int($0)].invoke, operations[Int($0)].complete] })
    if let first = finding.events.first, let last = finding.events.last {
      (finding.begin, finding.end) = (events[first].time, events[last].time)
    }
    findings.append(finding)
  }

  /// A read of what was not there.
  mutating func impossible(_ operation: Int, key: UInt64, isAborted: Bool) {
    var finding = RegisterFinding(isAborted ? .abortedRead : .unexpected)
    (finding.key, finding.value) = (key, operations[operation].value)
    finding.reason =
      isAborted ? "read though its write failed for certain" : "read, and not written before that read returned"
    add(finding, [Int32(operation)])
  }

  /// Two values that each would have had to be there while the other was.
  mutating func stale(_ old: RegisterAudit.Value, _ new: RegisterAudit.Value, key: UInt64) {
    var finding = RegisterFinding(.staleRead)
    (finding.key, finding.value, finding.other) = (key, MessageID(rawValue: old.value), MessageID(rawValue: new.value))
    let isBetween = new.least >= new.greatest
    finding.reason =
      isBetween
      ? "there before \(finding.other) came and read again after \(finding.other) had taken its place"
      : "read again after \(finding.other) had taken its place, and \(finding.other) was read after it"
    add(finding, [old.leastOperation, old.greatestOperation, new.leastOperation, new.greatestOperation])
  }

  mutating func unexplained(_ operation: Int, key: UInt64) {
    var finding = RegisterFinding(.unexplained)
    finding.key = key
    finding.reason = "no order of the operations on it explains what had come by then"
    add(finding, [Int32(operation)])
  }

  /// Violated before undecided before valid.
  func close(_ result: inout RegisterResult, isComplete: Bool) {
    for name in RegisterFindingName.allCases { result.counts[name] = counts[name, default: 0] }
    result.findings = RegisterFindingName.allCases.flatMap { name in findings.filter { $0.name == name } }
    result.verdict = !counts.isEmpty ? .violated : result.undecidedKeys > 0 || !isComplete ? .undecided : .valid
  }
}
