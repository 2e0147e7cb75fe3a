// Counts the findings about a queue, keeps the first of each name, and says which events show them.

import Base
import History

struct QueueBook {
  let events: [Event]
  let order: EventOrder
  let limit: Int
  private var counts: [QueueFindingName: Int] = [:]
  private var findings: [QueueFinding] = []

  init(events: [Event], order: EventOrder, limit: Int) {
    self.events = events
    self.order = order
    self.limit = limit
  }

  var hasFindings: Bool { !counts.isEmpty }

  private mutating func add(
    _ name: QueueFindingName, _ value: QueueLedger.Value?, _ positions: [Int32], _ reason: String
  ) {
    counts[name, default: 0] += 1
    guard counts[name, default: 0] <= limit else { return }
    var finding = QueueFinding(name)
    if let value { (finding.message, finding.attempt) = (value.message, value.attempt) }
    finding.reason = reason
    finding.events = order.events(positions)
    if let first = finding.events.first, let last = finding.events.last {
      (finding.begin, finding.end) = (events[first].time, events[last].time)
    }
    findings.append(finding)
  }

  mutating func duplicated(_ value: QueueLedger.Value, _ invoke: Int32, _ at: Int32) {
    add(.duplicated, value, [value.enqueue, value.dequeue, value.dequeued, invoke, at], "dequeued twice")
  }

  mutating func unexpected(_ value: QueueLedger.Value, _ invoke: Int32, _ at: Int32) {
    add(.unexpected, value, [invoke, at], "dequeued, and not enqueued before")
  }

  mutating func aborted(_ value: QueueLedger.Value, _ at: Int32) {
    add(
      .abortedRead, value, [value.enqueue, value.dequeued, value.sighted, at],
      "dequeued though its enqueue failed for certain")
  }

  mutating func late(_ value: QueueLedger.Value) {
    let other = value.overtaken < 0 ? nil : events[order.event(value.overtaken)]
    add(
      .outOfOrder, value, [value.enqueue, value.enqueued, value.dequeue, value.dequeued, value.overtaken],
      "dequeued after " + (other.map { "\($0.message), which was enqueued later" } ?? "one that was enqueued later"))
  }

  mutating func lost(_ value: QueueLedger.Value, _ deadline: Int32) {
    add(
      .lost, value, [value.enqueue, value.enqueued, deadline],
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
