// How long the service took to come back from each fault, level by level.

import Base
import Checkers
import History

enum RecoverySection {
  static func render(_ view: RunView) -> String {
    var table = HTMLTable(columns: [
      .init("fault and level"), .init("confirm after begin", number: true), .init("delivery after begin", number: true),
      .init("traffic after heal", number: true), .init("confirm", number: true), .init("delivery", number: true),
      .init("latency back", number: true), .init("backlog drained", number: true),
    ])
    for fault in view.plan.faults {
      for level in view.verdict.levels {
        guard let recovery = level.availability.recoveries.first(where: { $0.fault == fault.id }) else { continue }
        let told = view.verdict.faults.first { $0.id == fault.id && $0.level == level.level }
        let times = [
          recovery.confirmAfterBegin, recovery.deliveryAfterBegin, told.flatMap { told in after(told) },
          recovery.confirmAfterHeal, recovery.deliveryAfterHeal, recovery.latencyBack, recovery.backlogDrained,
        ]
        table.rows.append(
          ["\(escapeXML(fault.id)) <small>\(escapeXML(level.level))</small>"]
            + times.map { $0.map(Words.duration) ?? "<span class=\"small\">none seen</span>" })
      }
    }
    guard !table.rows.isEmpty else { return "" }
    let outages = view.verdict.levels.filter { !$0.counts.isEmpty }.map { level in
      "\(escapeXML(level.level)) \(Words.duration(level.availability.longestOutage)) and "
        + Words.duration(level.availability.longestDeliveryOutage)
    }
    let note =
      "Confirms, and deliveries after the begin, are of what was published later (without confirms: first send). Latency"
      + " back: from then on for a second, 99 % took at most twice the 99th percentile of the time before the first fault;"
      + " backlog drained: no more on its way than at most before it; both after the heal, to a tenth of a second. The"
      + " longest times of the load without a confirm and without a delivery: \(Words.list(outages))."
    return section("recovery", "Recovery", note: note, table.render())
  }

  private static func after(_ fault: FaultVerdict) -> Double? {
    guard let healed = fault.healed, let traffic = fault.firstTraffic else { return nil }
    return max(traffic - healed, 0)
  }
}
