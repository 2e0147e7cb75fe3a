// What `stormproof check FILE` prints, as text and as JSON.

import Base
import History

/// The outcome of one check of one history. Encoded it is what `--json` prints.
public struct CheckReport: Encodable, Equatable, Sendable {
  /// One line of the findings' summary.
  public struct Line: Encodable, Equatable, Sendable {
    public var name: String
    public var count: Int
    public var isViolation: Bool
    /// What only an unfinished drain excuses.
    public var undecided: Int
  }

  /// One unit of a finding.
  public struct Example: Encodable, Equatable, Sendable {
    public var name: String
    /// `producer:sequence`; nil where it is about no message.
    public var id: String?
    public var attempt: UInt32?
    public var transaction: UInt64?
    public var queue: String?
    /// Of a key-value store.
    public var key: UInt64?
    public var acknowledgedBy: String?
    /// Seconds from the first event.
    public var window: [Double]
    /// Lines of the history, from 0.
    public var events: [Int]
    public var reason: String
    /// What it looks like in time; only of the first few of each name, and only where asked for.
    public var lanes: Lanes?

    enum CodingKeys: String, CodingKey {
      case name, id, attempt, transaction, queue, key, window, events, reason, lanes
      case acknowledgedBy = "acknowledged-by"
    }
  }

  public var model: CheckModel
  public var level: ReliabilityLevel?
  public var verdict = HistoryVerdict.undecided
  public var note: String?
  public var events: Int
  public var counts: [String: Int] = [:]
  public var summary: [Line] = []
  public var findings: [Example] = []
  /// Of deliveries of which some were lost, where the losses lie.
  public var losses: LossSplit?
  /// Of deliveries, what came out of order in a queue or under a key, where there is anything to say.
  public var order: OrderSplit?
  /// Of deliveries that were drained, what each 0 of the summary is worth.
  public var zeros: ZeroBound?
  /// Of deliveries, how long the service was away, as its clients saw it.
  public var availability: AvailabilityFigures?
  /// Of transactions, what the broker was allowed and which orders were claimed.
  public var transactions: TransactionOptions?

  init(model: CheckModel, events: Int) {
    self.model = model
    self.events = events
  }

  public var exitCode: Int32 { verdict.exitCode }
  public var json: [UInt8] { JSONFile.encode(self) }

  mutating func fill(_ result: DeliveryResult, level: ReliabilityLevel, of history: RecordedHistory) {
    let (names, start) = (history.names, history.start)
    self.level = level
    verdict = Violations.verdict(of: result, judgedAs: level)
    let violations = Violations.defaults(judgedAs: level)
    counts = [
      "attempted": result.attempted, "acknowledged": result.acknowledged, "delivered": result.delivered,
      "unknown": result.unknown, "committed": result.committed, "unknown-transactions": result.unknownTransactions,
    ]
    // Where nobody said which queues hold dead letters, a 0 would be no answer.
    summary = FindingName.allCases.filter { $0 != .deadLetterLost || result.hasDeadLetters }.map {
      Line(
        name: $0.rawValue, count: result.counts[$0, default: 0], isViolation: violations.contains($0),
        undecided: result.undecided[$0, default: 0])
    }
    if result.isDrained, result.acknowledged > 0 { zeros = ZeroBound(history, acknowledged: result.acknowledged) }
    if result.losses.total > 0 { losses = result.losses }
    if result.order.words != nil { order = result.order }
    availability = Availability(history, hasConfirms: result.hasConfirms).map(AvailabilityFigures.init)
    findings = result.findings.map { finding in
      Example(
        name: finding.name.rawValue, id: finding.message == .none ? nil : finding.message.description,
        attempt: finding.message == .none ? nil : finding.attempt,
        transaction: finding.transaction == 0 ? nil : finding.transaction,
        queue: finding.queue == Names.none ? nil : names.text(finding.queue),
        acknowledgedBy: finding.acknowledgedBy == Names.none ? nil : names.text(finding.acknowledgedBy),
        window: [(finding.begin - start).seconds, (finding.end - start).seconds], events: finding.events,
        reason: finding.reason)
    }
    if verdict == .undecided {
      if summary.contains(where: { $0.isViolation && $0.undecided > 0 }) {
        note = "The drain did not come to its end."
      } else if result.acknowledged == 0 {
        note = "Nothing was acknowledged."
      }
    }
  }

  mutating func fill(_ result: QueueResult, queue: String?, start: Nanoseconds) {
    for (name, count) in [
      ("enqueued", result.enqueued), ("dequeued", result.dequeued), ("empties", result.empties),
      ("unknown-dequeues", result.unknownDequeues),
    ] {
      counts[name, default: 0] += count
    }
    if summary.isEmpty {
      summary = QueueFindingName.allCases.map { Line(name: $0.rawValue, count: 0, isViolation: true, undecided: 0) }
    }
    for (k, name) in QueueFindingName.allCases.enumerated() { summary[k].count += result.counts[name, default: 0] }
    findings += result.findings.map { finding in
      Example(
        name: finding.name.rawValue, id: finding.message == .none ? nil : finding.message.description,
        attempt: finding.attempt == 0 ? nil : finding.attempt, queue: queue,
        window: [(finding.begin - start).seconds, (finding.end - start).seconds], events: finding.events,
        reason: finding.reason)
    }
    if result.isCorner, !result.isSearched, result.verdict == .undecided {
      note =
        "Unknown results, sightings and empty answers at once: the rules could miss a violation, and a search ran out of "
        + "time, steps or memory."
    }
  }

  mutating func fill(_ result: RegisterResult, start: Nanoseconds) {
    verdict = result.verdict
    counts = [
      "keys": result.keys, "writes": result.writes, "reads": result.reads, "searched-keys": result.searchedKeys,
      "undecided-keys": result.undecidedKeys,
    ]
    summary = RegisterFindingName.allCases.map {
      Line(name: $0.rawValue, count: result.counts[$0, default: 0], isViolation: true, undecided: 0)
    }
    findings = result.findings.map { finding in
      Example(
        name: finding.name.rawValue, id: finding.value == .none ? nil : finding.value.description,
        key: model == .keyValue ? finding.key : nil,
        window: [(finding.begin - start).seconds, (finding.end - start).seconds], events: finding.events,
        reason: finding.reason)
    }
    if result.undecidedKeys > 0, verdict == .undecided {
      note = "A search for an order of the operations ran out of time, steps or memory."
    }
  }

  /// Says why nothing was decided where nothing else does.
  mutating func noteCut(isComplete: Bool) {
    if verdict == .undecided, note == nil, !isComplete { note = "The history was cut short." }
  }

  /// For a terminal: the verdict, what was counted, and the first findings that break the promise.
  /// - Parameters:
  ///   - limit: Findings shown of each name.
  ///   - width: Columns for the pictures, where there are any.
  public func text(limit: Int = 10, width: Int = 100) -> String {
    var lines = ["\(verdict.rawValue): \(model.rawValue)" + (level.map { ", judged as \($0.rawValue)" } ?? "")]
    if let note { lines.append(note) }
    lines.append("")
    lines.append("\(pad("events"))\(events)")
    for name in counts.keys.sorted() { lines.append("\(pad(name))\(counts[name] ?? 0)") }
    lines.append("")
    for line in summary {
      let remark =
        line.count > 0 && line.isViolation
        ? "  violation" : line.undecided > 0 ? "  and \(line.undecided) undecided" : line.isViolation ? "" : "  allowed"
      lines.append("\(pad(line.name))\(line.count)\(remark)")
    }
    if let zeros, summary.contains(where: { $0.isViolation && $0.count == 0 }) { lines += [""] + zeros.words }
    if let losses {
      lines.append("")
      lines.append("of the lost messages \(losses.words())")
      if let first = losses.seconds.first, let last = losses.seconds.last {
        lines.append("published from second \(first.second) to second \(last.second) of the history")
      }
    }
    if let words = order?.words { lines += ["", words] }
    if let availability { lines += [""] + availability.words }
    for line in summary where line.count > 0 && line.isViolation {
      lines.append("")
      let shown = findings.filter { $0.name == line.name }.prefix(limit)
      for example in shown {
        lines.append(describe(example))
        if let lanes = example.lanes { lines += ["", lanes.text(width: width)] }
      }
      if line.count > shown.count { lines.append("… and \(line.count - shown.count) more of \(line.name)") }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func describe(_ example: Example) -> String {
    var text = example.name
    if let id = example.id { text += " \(id)" }
    if let attempt = example.attempt, attempt > 1 { text += " attempt \(attempt)" }
    if let transaction = example.transaction { text += " in transaction \(transaction)" }
    if let queue = example.queue { text += " in \(queue)" }
    if let key = example.key { text += " under the key \(key)" }
    text += ": \(example.reason)"
    if let node = example.acknowledgedBy { text += ", acknowledged by \(node)" }
    let window = example.window.map { "\(($0 * 1000).rounded() / 1000)" }.joined(separator: " to ")
    return "\(text) (\(window) s, events \(example.events.map(String.init).joined(separator: " ")))"
  }

  private func pad(_ text: String) -> String { text + String(repeating: " ", count: max(1, 24 - text.count)) }
}
