// What the judge is given of one level: everything that the level's directory holds, and what the checkers found in it.

import Base
import Checkers
import History
import Scenario

/// One level of a run, complete or cut off.
public struct LevelRecord: Sendable {
  public var plan: LevelPlan
  public var history: RecordedHistory
  /// With `history` checked under the options that the level asks for.
  public var result: DeliveryResult
  public var events: [RunEvent]
  public var series: [SeriesRow]
  /// `latency.hlog`, entry by entry.
  public var latency: [HistogramLog.Entry]
  /// From the manifest; nil where it was not written yet.
  public var settings: LevelSettings?

  /// The violation on which the supervisor ended the level, as it was told; nil: it did not.
  var aborted: String? {
    events.first { $0.kind == .aborted }.map { "\($0.name ?? "?"): \($0.text ?? "")" }
  }

  public init(
    plan: LevelPlan, history: RecordedHistory, result: DeliveryResult, events: [RunEvent] = [],
    series: [SeriesRow] = [],
    latency: [HistogramLog.Entry] = [], settings: LevelSettings? = nil
  ) {
    self.plan = plan
    self.history = history
    self.result = result
    self.events = events
    self.series = series
    self.latency = latency
    self.settings = settings
  }
}

/// What the judge makes of one level.
public struct LevelJudgement: Sendable, Equatable {
  public var verdict: LevelVerdict
  public var faults: [FaultVerdict]
  public var findings: [FindingVerdict]

  public init(verdict: LevelVerdict, faults: [FaultVerdict], findings: [FindingVerdict]) {
    self.verdict = verdict
    self.faults = faults
    self.findings = findings
  }
}
