// From what was planned and what was recorded to verdicts: violated before inconclusive before holds, never a silent pass.

import Base
import Checkers
import History
import Scenario

#if canImport(Glibc)
  import Glibc
#endif

/// Pure: the same records give the same verdict, on any machine.
public enum Judge {
  /// All levels of a run together. `levels` in the order of the plan; nil: the level left no history.
  public static func run(plan: Plan, levels: [LevelJudgement?]) -> RunVerdict {
    var run = RunVerdict(
      name: plan.name, seed: plan.seed, verdict: .holds, reasons: [], levels: [], faults: [], findings: [])
    for (index, level) in plan.levels.enumerated() {
      let judgement = index < levels.count ? levels[index] : nil
      let verdict = judgement?.verdict ?? missing(level, after: run.levels.first { $0.aborted != nil })
      run.levels.append(verdict)
      run.faults += judgement?.faults ?? []
      run.findings += judgement?.findings ?? []
      run.reasons += verdict.reasons.map { "\(level.name): \($0)" }
    }
    run.verdict = worst(run.levels.map(\.verdict))
    if run.levels.isEmpty {
      run.verdict = .inconclusive
      run.reasons = ["The plan has no level."]
    }
    return run
  }

  /// One level: its guarantees, its faults, its findings.
  public static func level(_ record: LevelRecord, plan: Plan) -> LevelJudgement {
    let timeline = LevelTimeline(plan: plan.faults, events: record.events, history: record.history)
    let measures = LevelMeasures(record.history, timeline: timeline, hasConfirms: record.result.hasConfirms)
    let doubts = Doubts(record, timeline: timeline, measures: measures)
    let guarantees = record.plan.expect.compactMap {
      guarantee($0, record: record, timeline: timeline, measures: measures, doubts: doubts)
    }
    var verdict = LevelVerdict(
      level: record.plan.name, verdict: worst(guarantees.map(\.verdict)), reasons: reasons(guarantees),
      counts: counts(record.result), guarantees: guarantees,
      throughput: throughput(record, timeline: timeline, measures: measures), latency: latency(record.latency),
      availability: AvailabilityFigures(measures.availability))
    verdict.aborted = record.aborted
    // Doubts count even where every expectation is only to report.
    if verdict.verdict == .holds, !doubts.all.isEmpty {
      verdict.verdict = .inconclusive
      verdict.reasons = doubts.all
    }
    return LevelJudgement(
      verdict: verdict, faults: faults(record.plan.name, timeline: timeline),
      findings: FindingStories.make(record, timeline: timeline))
  }

  static func worst(_ verdicts: [VerdictWord]) -> VerdictWord {
    verdicts.contains(.violated) ? .violated : verdicts.contains(.inconclusive) ? .inconclusive : .holds
  }

  private static func missing(_ level: LevelPlan, after aborted: LevelVerdict?) -> LevelVerdict {
    let reason =
      aborted.map { "The level was not run: the run was aborted on the violation at \($0.level)." }
      ?? "The level left no history: the run ended before it. Run it again."
    return LevelVerdict(
      level: level.name, verdict: .inconclusive, reasons: [reason], counts: [:], guarantees: [],
      throughput: .init(offered: 0, confirmed: 0, delivered: 0), latency: [:],
      availability: AvailabilityFigures())
  }

  private static func counts(_ result: DeliveryResult) -> [String: Int] {
    var counts = [
      "attempted": result.attempted, "acknowledged": result.acknowledged, "delivered": result.delivered,
      "unknown": result.unknown, "committed": result.committed, "unknown-transactions": result.unknownTransactions,
    ]
    for name in FindingName.allCases where name != .deadLetterLost || result.hasDeadLetters {
      counts[name.rawValue] = result.counts[name, default: 0]
    }
    return counts
  }

  private static func throughput(
    _ record: LevelRecord, timeline: LevelTimeline, measures: LevelMeasures
  ) -> LevelVerdict.Throughput {
    let seconds = (timeline.loadEnd - timeline.loadBegin).seconds
    guard seconds > 0 else { return .init(offered: 0, confirmed: 0, delivered: 0) }
    // What was due but could not even be begun is in no history: the series counts it.
    let due = record.series.filter { $0.phase == "load" }.reduce(0) { $0 + $1.offered }
    return .init(
      offered: Double(max(due, measures.offered)) / seconds, confirmed: Double(measures.confirmed) / seconds,
      delivered: Double(measures.delivered) / seconds)
  }

  private static func latency(_ entries: [HistogramLog.Entry]) -> [String: LevelVerdict.Latency] {
    HistogramLog.merged(entries).filter { $0.value.count > 0 }.mapValues { histogram in
      LevelVerdict.Latency(
        count: Int(histogram.count), p50: histogram.percentile(50).milliseconds,
        p90: histogram.percentile(90).milliseconds, p99: histogram.percentile(99).milliseconds,
        p999: histogram.percentile(99.9).milliseconds, p9999: histogram.percentile(99.99).milliseconds,
        max: histogram.max.milliseconds)
    }
  }

  private static func faults(_ level: String, timeline: LevelTimeline) -> [FaultVerdict] {
    timeline.faults.map { window in
      let evidence = window.began == nil ? "it never began" : "no evidence was recorded"
      return FaultVerdict(
        id: window.plan.id, level: level, kind: window.plan.kind.rawValue,
        target: window.nodes.isEmpty ? "unknown" : window.nodes.joined(separator: ", "),
        asked: window.plan.target.description, evidence: window.evidence.isEmpty ? evidence : window.evidence,
        inForce: window.inForce, felt: window.felt, began: window.began.map(timeline.seconds),
        healed: window.healed.map(timeline.seconds), firstTraffic: window.firstTraffic.map(timeline.seconds))
    }
  }

  /// A sentence for each guarantee that does not hold; the same doubt is told once.
  private static func reasons(_ guarantees: [LevelVerdict.Guarantee]) -> [String] {
    var all: [String] = []
    for guarantee in guarantees where guarantee.verdict == .violated {
      let promise = guarantee.promised == false ? " (not promised by the broker's manual)" : ""
      let isTime = Measure(rawValue: guarantee.name) != nil
      let observed = isTime ? Words.latency(guarantee.observed) : Words.number(guarantee.observed)
      let text = guarantee.why ?? "\(guarantee.name) is \(observed), expected \(guarantee.expected)"
      all.append("\(text)\(promise).")
    }
    for guarantee in guarantees where guarantee.verdict == .inconclusive {
      if let why = guarantee.why, !all.contains(why) { all.append(why) }
    }
    return all
  }
}
