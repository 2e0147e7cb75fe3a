// Findings of one name and level in one: ids, operations, window, faults, nodes, and a short story for people.

import Base
import Checkers
import History
import Scenario

enum FindingStories {
  /// Ids and operations listed of one finding.
  static let limit = 1000

  /// One for each name that was found and that somebody may want to hear of: what a sound broker does all the time
  /// (`redelivered`, `recovered`, allowed `duplicated-by-retry`) is only counted.
  static func make(_ record: LevelRecord, timeline: LevelTimeline) -> [FindingVerdict] {
    var verdicts: [FindingVerdict] = []
    // Of every name the first cases, explained in one pass over the history.
    var cases: [LaneCase] = []
    for name in FindingName.allCases {
      let count = record.result.counts[name, default: 0]
      guard count > 0, isTold(name, record.plan) else { continue }
      let findings = record.result.findings.filter { $0.name == name }
      verdicts.append(verdict(name, count: count, findings, record, timeline))
      cases += findings.prefix(Explainer.perName).map { LaneCase($0, names: record.history.names) }
    }
    let pictures = Explainer.explain(cases, in: record.history, origin: timeline.loadBegin)
    for k in verdicts.indices {
      verdicts[k].lanes = zip(cases, pictures).filter { $0.0.name == verdicts[k].name }.map(\.1)
    }
    return verdicts
  }

  private static func isTold(_ name: FindingName, _ level: LevelPlan) -> Bool {
    switch name {
    case .redelivered, .recovered, .duplicatedByRetry:
      level.expect.contains { expectation in
        if expectation.name == name.rawValue, case .atMost = expectation.rule { true } else { false }
      }
    default: true
    }
  }

  private static func verdict(
    _ name: FindingName, count: Int, _ findings: [Finding], _ record: LevelRecord, _ timeline: LevelTimeline
  ) -> FindingVerdict {
    let names = record.history.names
    let begin = findings.map(\.begin).min() ?? timeline.loadBegin
    let end = max(findings.map(\.end).max() ?? begin, begin)
    let faults = overlapping(findings, name, timeline)
    var nodes: [String: Int] = [:]
    for finding in findings where finding.acknowledgedBy != Names.none {
      nodes[names.text(finding.acknowledgedBy), default: 0] += 1
    }
    var ids: [String] = []
    for finding in findings where ids.count < limit {
      let id =
        finding.message != .none
        ? finding.message.description
        : finding.transaction != 0
          ? "transaction \(finding.transaction)" : finding.queue == Names.none ? "?" : names.text(finding.queue)
      if ids.last != id { ids.append(id) }
    }
    var result = FindingVerdict(
      name: name.rawValue, level: record.plan.name, count: count, ids: ids,
      operations: Array(findings.flatMap(\.events).prefix(limit)),
      window: [timeline.seconds(begin), timeline.seconds(end)], faults: faults.map(\.plan.id), acknowledgedBy: nodes,
      story: "")
    result.story = story(name, result, findings, faults, record, timeline)
    return result
  }

  /// The faults that stood during one of the findings. What is lost was in the broker until it was lost: where no fault
  /// stood while it was published, the next one that began is meant.
  private static func overlapping(
    _ findings: [Finding], _ name: FindingName, _ timeline: LevelTimeline
  ) -> [LevelTimeline.Window] {
    timeline.faults.filter { fault in
      findings.contains { finding in
        if fault.overlaps(finding.begin, finding.end) { return true }
        guard name == .lost, let began = fault.began, began > finding.end else { return false }
        return !timeline.faults.contains {
          $0.overlaps(finding.begin, finding.end) || ($0.began.map { $0 > finding.end && $0 < began } ?? false)
        }
      }
    }
  }

  private static func story(
    _ name: FindingName, _ verdict: FindingVerdict, _ findings: [Finding], _ faults: [LevelTimeline.Window],
    _ record: LevelRecord, _ timeline: LevelTimeline
  ) -> String {
    var sentences = [
      "\(headline(name, verdict.count)) at \(verdict.level)\(record.result.hasConfirms || name != .lost ? "" : ", of \(Words.count(record.result.acknowledged)) sent")."
    ]
    if name == .lost, verdict.count > 1, record.result.losses.total > 0 {
      sentences.append("Of these \(record.result.losses.words(Words.count)).")
    }
    if name == .outOfOrder, let words = record.result.order.words {
      sentences.append(words.prefix(1).uppercased() + words.dropFirst() + ".")
    }
    let took = verdict.acknowledgedBy.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    let window = "between \(Words.seconds(verdict.window[0])) and \(Words.seconds(verdict.window[1]))"
    if took.isEmpty {
      sentences.append("It happened \(window) of the load.")
    } else {
      let verb = record.result.hasConfirms ? "confirmed" : "took"
      let parts = took.map {
        took.count == 1 && $0.value == verdict.count ? "\($0.key)" : "\($0.key) (\(Words.count($0.value)))"
      }
      sentences.append("\(Words.list(parts)) \(verb) \(verdict.count == 1 ? "it" : "them") \(window) of the load.")
    }
    for fault in faults {
      let nodes = fault.nodes.isEmpty ? "" : " of \(Words.list(fault.nodes))"
      let began = Words.seconds(timeline.seconds(fault.began ?? timeline.loadBegin))
      let healed = fault.healed.map { " to \(Words.seconds(timeline.seconds($0)))" } ?? " and was never healed"
      sentences.append("\(fault.plan.id), a \(fault.plan.kind.rawValue)\(nodes), stood from \(began)\(healed).")
    }
    let calm = findings.count { finding in !timeline.faults.contains { $0.overlaps(finding.begin, finding.end) } }
    if faults.isEmpty, !timeline.faults.isEmpty {
      sentences.append("No fault stood at that time.")
    } else if calm > 0, calm < findings.count {
      sentences.append("\(Words.count(calm)) of \(Words.count(findings.count)) were while no fault stood.")
    }
    var reasons: [(text: String, count: Int)] = []
    for finding in findings where !finding.reason.isEmpty {
      let reason = general(finding.reason)
      if let known = reasons.firstIndex(where: { $0.text == reason }) {
        reasons[known].count += 1
      } else if reasons.count < 4 {
        reasons.append((reason, 1))
      }
    }
    if reasons.count == 1, let only = reasons.first {
      sentences.append("What is wrong: \(only.text).")
    } else if !reasons.isEmpty {
      let parts = reasons.map { "\($0.text) (\(Words.count($0.count)))" }
      sentences.append("What is wrong: \(parts.joined(separator: "; ")).")
    }
    return sentences.joined(separator: " ")
  }

  /// The reason without the id of the other message: the same for all that are alike.
  private static func general(_ reason: String) -> String {
    reason.split(separator: " ", omittingEmptySubsequences: false).map { word in
      let isID = word.contains(":") && word.allSatisfy { $0.isNumber || $0 == ":" || $0 == "," }
      return isID ? "another message" + (word.hasSuffix(",") ? "," : "") : String(word)
    }.joined(separator: " ")
  }

  private static func headline(_ name: FindingName, _ count: Int) -> String {
    switch name {
    case .lost: "\(Words.count(count, "message")) lost"
    case .unexpected: "\(Words.count(count, "delivery", "deliveries")) of what was never published there"
    case .abortedRead: "\(Words.count(count, "message")) delivered although the publish had failed"
    case .duplicated: "\(Words.count(count, "message")) delivered twice"
    case .duplicatedByRetry: "\(Words.count(count, "message")) duplicated by a retry"
    case .redelivered: "\(Words.count(count, "delivery", "deliveries")) came again"
    case .wrongRedeliveredFlag: "\(Words.count(count, "redelivery", "redeliveries")) without the flag that says so"
    case .recovered: "\(Words.count(count, "message")) of unknown outcome delivered"
    case .tornTransaction: "\(Words.count(count, "transaction")) torn"
    case .outOfOrder: "\(Words.count(count, "delivery", "deliveries")) out of order"
    case .stuckConfirm: "\(Words.count(count, "confirm")) never came"
    case .stuckMessage: "\(Words.count(count, "queue")) left with messages that nobody got"
    case .deadLetterLost: "\(Words.count(count, "message")) rejected and never got as a dead letter"
    }
  }
}
