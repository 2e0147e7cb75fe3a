// How long the service took to come back after each fault, level by level.

import Base
import History

enum RecoverySection {
  static func render(_ view: RunView) -> String {
    var table = HTMLTable(columns: [
      .init("fault and level"), .init("first traffic", number: true), .init("first confirm", number: true),
      .init("first delivery", number: true), .init("latency back", number: true),
      .init("backlog drained", number: true),
    ])
    for fault in view.plan.faults {
      for level in view.verdict.levels {
        guard let recovery = level.availability.recoveries.first(where: { $0.fault == fault.id }) else { continue }
        let told = view.verdict.faults.first { $0.id == fault.id && $0.level == level.level }
        let shown = view.levels.first { $0.name == level.level }
        let back = shown.flatMap { Comeback($0, fault: fault.id) }
        table.rows.append([
          "\(escapeXML(fault.id)) <small>\(escapeXML(level.level))</small>",
          seconds(told.flatMap { told in after(told) }),
          seconds(recovery.firstConfirm), seconds(recovery.firstDelivery), whole(back?.latency), whole(back?.backlog),
        ])
      }
    }
    guard !table.rows.isEmpty else { return "" }
    let note =
      "Seconds after the heal. First confirm: of a publish invoked after it (without confirms: first send). Latency back:"
      + " the first second whose p99 is at most twice that of the load before the first fault; backlog drained: the first"
      + " second with no more waiting than then. Both by the second."
    return section("recovery", "Recovery", note: note, table.render())
  }

  private static func after(_ fault: FaultVerdict) -> Double? {
    guard let healed = fault.healed, let traffic = fault.firstTraffic else { return nil }
    return max(traffic - healed, 0)
  }

  private static func seconds(_ value: Double?) -> String {
    value.map(Words.duration) ?? "<span class=\"small\">none seen</span>"
  }
  private static func whole(_ value: Double?) -> String {
    value.map { "\(Words.fixed($0, 0)) s" } ?? "<span class=\"small\">not seen</span>"
  }
}

/// When the figures of a level were again as they had been before the first fault.
private struct Comeback {
  var latency: Double?
  var backlog: Double?

  init?(_ level: LevelView, fault: String) {
    let timeline = level.timeline
    guard let window = timeline.faults.first(where: { $0.plan.id == fault }), let healed = window.healed,
      let firstBegan = timeline.faults.compactMap(\.began).min()
    else { return nil }
    let before = level.series.filter { $0.time <= firstBegan && $0.time > timeline.loadBegin }
    let after = level.series.filter { $0.time - .second >= healed }
    func p99(_ row: SeriesRow) -> Double? { row.confirmP99 ?? row.endToEndP99 }
    let usual = before.compactMap(p99).sorted()
    if !usual.isEmpty {
      let bound = 2 * usual[usual.count / 2]
      latency = after.first { p99($0).map { $0 <= bound } ?? false }.map { ($0.time - healed).seconds }
    }
    let waiting = before.map(\.backlog).max() ?? 0
    backlog = after.first { $0.backlog <= waiting }.map { ($0.time - healed).seconds }
  }
}
