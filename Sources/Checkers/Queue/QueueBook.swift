// Counts the findings about a queue, keeps the first of each name, and says which events show them.

import Base
import History

struct QueueBook {
  struct Identity {
    var message: MessageID
    var attempt: UInt32
  }

  let source: any EventSource
  let limit: Int
  private var counts: [QueueFindingName: Int] = [:]
  private var findings: [QueueFinding] = []

  init(source: any EventSource, limit: Int) {
    self.source = source
    self.limit = limit
  }

  var hasFindings: Bool { !counts.isEmpty }

  private mutating func add(
    _ name: QueueFindingName, _ value: Identity?, _ positions: [Int32], _ reason: @autoclosure () -> String
  ) {
    counts[name, default: 0] += 1
    guard counts[name, default: 0] <= limit else { return }
    var finding = QueueFinding(name)
    if let value { (finding.message, finding.attempt) = (value.message, value.attempt) }
    finding.reason = reason()
    let shown = Set(positions.filter { $0 >= 0 && $0 < source.count }).sorted()
    let sorted = source as? SortedHistory
    finding.events = shown.map { sorted?.number(at: Int($0)) ?? Int($0) }.sorted()
    if let first = shown.first, let last = shown.last {
      (finding.begin, finding.end) = (source.event(Int(first)).time, source.event(Int(last)).time)
    }
    findings.append(finding)
  }

  mutating func duplicated(_ value: Identity, _ record: QueueLedger.Value, _ invoke: Int32, _ at: Int32) {
    add(.duplicated, value, [record.enqueue, record.dequeued, invoke, at], "dequeued twice")
  }

  mutating func unexpected(_ value: Identity, _ invoke: Int32, _ at: Int32) {
    add(.unexpected, value, [invoke, at], "dequeued, and not enqueued before")
  }

  mutating func aborted(_ value: Identity, _ record: QueueLedger.Value, _ invoke: Int32, _ at: Int32) {
    add(.abortedRead, value, [record.enqueue, invoke, at], "dequeued though its enqueue failed for certain")
  }

  mutating func late(_ value: Identity, _ record: QueueLedger.Value, _ late: QueueLedger.Late) {
    let other = source.event(Int(late.overtaken)).message
    add(
      .outOfOrder, value, [record.enqueue, record.enqueued, late.dequeue, record.dequeued, late.overtaken],
      "dequeued after \(other), which was enqueued later")
  }

  mutating func lost(_ value: Identity, _ record: QueueLedger.Value, _ deadline: Int32) {
    add(
      .lost, value, [record.enqueue, record.enqueued, deadline],
      "never dequeued, while one that was enqueued later was")
  }

  mutating func falseEmpty(_ empty: QueueLedger.Empty, _ inside: Int) {
    add(
      .falseEmpty, nil, [empty.begin, empty.end],
      "found nothing, though at its end \(inside) had gone in and not come out")
  }

  mutating func unexplained(_ at: Int32) {
    add(.unexplained, nil, [at], "no order of all operations explains what had come by then")
  }

  /// Violated before undecided before valid.
  func close(_ result: inout QueueResult, isComplete: Bool) {
    for name in QueueFindingName.allCases { result.counts[name] = counts[name, default: 0] }
    result.findings = QueueFindingName.allCases.flatMap { name in findings.filter { $0.name == name } }
    let isViolated = QueueFindingName.allCases.contains { counts[$0, default: 0] > 0 }
    result.verdict = isViolated ? .violated : result.isCorner && !result.isSearched || !isComplete ? .undecided : .valid
  }
}
