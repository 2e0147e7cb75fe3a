// When the load of a level began and ended and when each fault stood, as events and history tell it.

import Base
import History
import Scenario

/// The phases and fault windows of one level, in nanoseconds of CLOCK_MONOTONIC.
public struct LevelTimeline: Sendable, Equatable {
  public struct Phase: Sendable, Equatable {
    public var name: String
    public var begin: Nanoseconds
    public var end: Nanoseconds
  }

  /// What became of one planned fault.
  public struct Window: Sendable, Equatable {
    public var plan: FaultPlan
    /// The nodes that it hit, as the nemesis said; empty: unknown.
    public var nodes: [String] = []
    /// The act began after this; nil: it never began.
    public var began: Nanoseconds?
    /// Healed before this; nil: never.
    public var healed: Nanoseconds?
    public var firstTraffic: Nanoseconds?
    public var inForce = false
    public var felt = false
    public var evidence = ""

    /// Whether it stood at some time in `begin...end`.
    public func overlaps(_ begin: Nanoseconds, _ end: Nanoseconds) -> Bool {
      guard let began else { return false }
      return began <= end && (healed ?? .max) >= begin
    }
  }

  public var phases: [Phase]
  /// In the order of the plan.
  public var faults: [Window]
  /// Begin and end of the load phase, or of all that there is where no phase was recorded.
  public var loadBegin: Nanoseconds
  public var loadEnd: Nanoseconds
  /// The load phase was seen to begin and to end.
  public var hasWholeLoad: Bool

  public init(plan faults: [FaultPlan], events: [RunEvent], history: RecordedHistory) {
    let last = max(history.events.last?.time ?? 0, events.last?.time ?? 0)
    var phases: [Phase] = []
    for event in events where event.kind == .phase {
      if let previous = phases.indices.last { phases[previous].end = event.time }
      phases.append(Phase(name: event.name ?? "", begin: event.time, end: max(last, event.time)))
    }
    self.phases = phases
    let load = phases.firstIndex { $0.name == "load" }
    loadBegin = load.map { phases[$0].begin } ?? history.events.first?.time ?? events.first?.time ?? 0
    loadEnd = load.map { phases[$0].end } ?? last
    hasWholeLoad = load.map { $0 + 1 < phases.count } ?? false
    self.faults = faults.map { Self.window($0, events: events, history: history) }
  }

  /// Seconds since the begin of the load.
  public func seconds(_ time: Nanoseconds) -> Double { (time - loadBegin).seconds }

  private static func window(_ plan: FaultPlan, events: [RunEvent], history: RecordedHistory) -> Window {
    var window = Window(plan: plan)
    for event in events where event.fault == plan.id {
      // Several nodes are told as one text, separated by commas.
      for node in (event.node ?? "").split(separator: ",").map({ String($0.drop { $0 == " " }) })
      where !window.nodes.contains(node) { window.nodes.append(node) }
      switch event.kind {
      case .faultBegan: window.began = event.before ?? event.time
      case .faultHealed: window.healed = event.after ?? event.time
      case .firstTraffic: window.firstTraffic = event.time
      case .faultEvidence:
        window.inForce = event.inForce ?? false
        window.felt = event.felt ?? false
        window.evidence = evidence(event)
      default: break
      }
    }
    // The history knows the faults as well: it is what remains where the events were cut off. Where they were not, they know
    // better: a fault that was called off stands in the history all the same.
    if events.contains(where: { $0.fault == plan.id && $0.kind == .faultEvidence }) { return window }
    for event in history.events where event.function == .fault && history.names.text(event.place) == plan.id {
      switch event.outcome {
      case .invoke: window.began = window.began ?? event.time
      case .ok: window.healed = window.healed ?? event.time
      default: break
      }
    }
    return window
  }

  private static func evidence(_ event: RunEvent) -> String {
    let counts = (event.counts ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key) \(Words.number($0.value))" }
    return [event.text ?? "", counts.joined(separator: ", ")].filter { !$0.isEmpty }.joined(separator: "; ")
  }
}
