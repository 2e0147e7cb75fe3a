// The first case of a finding, in words: made while the history is at hand, drawn when it no longer is.

import Base
import Checkers
import History

/// The few events that show one finding.
public struct FindingSample: Sendable, Equatable {
  public struct Line: Sendable, Equatable {
    /// Seconds since the begin of the load.
    public var time: Double
    public var text: String
    /// `deliver`, `wait` (an unknown or failed outcome), or nothing.
    public var style: String
  }
  public struct Band: Sendable, Equatable {
    public var text: String
    public var began: Double
    public var healed: Double?
  }

  static let mostEvents = 14

  public var name: String
  public var events: [Line]
  public var faults: [Band]

  init(_ finding: Finding, history: RecordedHistory, timeline: LevelTimeline) {
    name = finding.name.rawValue
    let shown = finding.events.filter(history.events.indices.contains).prefix(Self.mostEvents)
    events = shown.map { index in
      let event = history.events[index]
      return Line(
        time: timeline.seconds(event.time), text: Self.words(event, history.names),
        style: event.function == .deliver ? "deliver" : event.outcome == .info || event.outcome == .fail ? "wait" : "")
    }
    let begin = min(finding.begin, shown.first.map { history.events[$0].time } ?? finding.begin)
    let end = max(finding.end, shown.last.map { history.events[$0].time } ?? finding.end)
    // Those that stood meanwhile; where none did, the next that began, if it was soon.
    var near = timeline.faults.filter { $0.overlaps(begin, end) }
    if near.isEmpty {
      let later = timeline.faults.filter { $0.began.map { $0 > end && $0 - end < 2 * .second } ?? false }
      near = later.min { ($0.began ?? .max) < ($1.began ?? .max) }.map { [$0] } ?? []
    }
    faults = near.compactMap { fault in
      guard let began = fault.began else { return nil }
      return Band(
        text: "\(fault.plan.id) \(fault.nodes.joined(separator: ", "))", began: timeline.seconds(began),
        healed: fault.healed.map(timeline.seconds))
    }
  }

  /// `producer 3: publish 3:1041, attempt 2, to q, through n2`
  private static func words(_ event: Event, _ names: Names) -> String {
    var text = who(event.process) + ": "
    switch event.outcome {
    case .invoke: text += "\(event.function)"
    case .ok: text += event.function == .deliver ? "deliver" : "\(event.function) ok"
    case .fail: text += "\(event.function) failed"
    case .info: text += event.function == .release ? "connection lost" : "\(event.function) of unknown outcome"
    }
    if event.message != .none { text += " \(event.message)" }
    if event.attempt > 1 { text += ", attempt \(event.attempt)" }
    if event.transaction != 0 { text += ", transaction \(event.transaction)" }
    switch event.function {
    case .publish where event.outcome == .invoke:
      text += ", to " + names.queues(event.place).map(names.text).joined(separator: ", ")
    case .deliver:
      text += " from \(names.text(event.place))" + (event.flags.contains(.redelivered) ? ", as a redelivery" : "")
    case .subscribe: text += " to \(names.text(event.place))"
    case .nack: text += event.flags.contains(.requeue) ? ", requeue" : ", no requeue"
    case .drained: text += " \(names.text(event.place)): \(event.tag) left"
    default: break
    }
    return event.node == Names.none ? text : text + ", on \(names.text(event.node))"
  }

  private static func who(_ process: Int32) -> String {
    switch process {
    case 0..<10_000: "producer \(process)"
    case 10_000..<20_000: "consumer \(process - 10_000)"
    case 20_000...: "drain \(process - 20_000)"
    case -1: "fault"
    default: "drain"
    }
  }
}
