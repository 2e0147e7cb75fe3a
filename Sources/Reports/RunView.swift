// What the renderers read: the verdict, and of each level what pictures are drawn from. No history: that is read once,
// level by level, and let go.

import Base
import Checkers
import History
import Scenario

/// A whole run as a report shows it.
public struct RunView: Sendable {
  public var verdict: RunVerdict
  public var plan: Plan
  /// Nil where the run ended before it was written.
  public var manifest: Manifest?
  /// Levels that left something, in the order of the plan.
  public var levels: [LevelView]
  /// The run directory as the command line named it, for the commands that a report prints.
  public var directory: String

  public init(verdict: RunVerdict, plan: Plan, manifest: Manifest?, levels: [LevelView], directory: String) {
    self.verdict = verdict
    self.plan = plan
    self.manifest = manifest
    self.levels = levels
    self.directory = directory
  }
}

/// One level as a report shows it.
public struct LevelView: Sendable {
  public var name: String
  public var timeline: LevelTimeline
  public var series: [SeriesRow]
  public var latency: [HistogramLog.Entry]
  public var events: [RunEvent]
  public var settings: LevelSettings?
  public var fates: [Fate]
  /// Latency before, during and after faults.
  public var phases: [LatencyPart]

  /// How many findings of one name lie in each second since the begin of the load.
  public struct Fate: Sendable, Equatable {
    public var name: String
    public var perSecond: [Int: Int]
  }

  public init(_ record: LevelRecord, plan: Plan) {
    name = record.plan.name
    timeline = LevelTimeline(plan: plan.faults, events: record.events, history: record.history)
    series = record.series
    latency = record.latency
    events = record.events
    settings = record.settings
    let timeline = timeline
    var fates: [Fate] = []
    for name in FindingName.allCases {
      var perSecond: [Int: Int] = [:]
      for finding in record.result.findings where finding.name == name {
        perSecond[Int(timeline.seconds(finding.begin).rounded(.down)), default: 0] += 1
      }
      if !perSecond.isEmpty { fates.append(Fate(name: name.rawValue, perSecond: perSecond)) }
    }
    self.fates = fates
    phases = LatencyPart.split(record.history, timeline: timeline, hasConfirms: record.result.hasConfirms)
  }
}
