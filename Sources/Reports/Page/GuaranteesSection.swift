// Every guarantee of every level: expected, observed, promised, bounded; and the faults with their evidence.

import Base
import Scenario

enum GuaranteesSection {
  static func render(_ view: RunView) -> String {
    var table = HTMLTable(columns: [
      .init("level"), .init("guarantee"), .init("expected"), .init("observed", number: true), .init("manual"),
      .init("bound at 95 %"), .init("verdict"),
    ])
    for level in view.verdict.levels {
      for guarantee in level.guarantees {
        let isTime = Measure(rawValue: guarantee.name) != nil
        let observed = isTime ? Words.latency(guarantee.observed) : Words.number(guarantee.observed)
        let promised = guarantee.promised.map { $0 ? "promised" : "not promised" } ?? "–"
        let bound =
          guarantee.upper95PerFault.map { "≤ \(Words.share($0)) of faults, n = \(guarantee.faultsFelt)" } ?? "–"
        let isReport = guarantee.expected == "report"
        var verdict = isReport ? "<span class=\"small\">only counted</span>" : Page.badge(guarantee.verdict)
        if let why = guarantee.why { verdict += "<br/><small>\(escapeXML(why))</small>" }
        table.rows.append([
          escapeXML(level.level), escapeXML(guarantee.name), escapeXML(guarantee.expected), observed, promised, bound,
          verdict,
        ])
      }
    }
    guard !table.rows.isEmpty else { return "" }
    return section(
      "guarantees", "Guarantees",
      note: "Counts over the whole run of a level, warm-up and drain included; units as the checks define them.",
      table.render())
  }
}

enum FaultsSection {
  static func render(_ view: RunView) -> String {
    var table = HTMLTable(columns: [
      .init("fault"), .init("level"), .init("asked"), .init("hit"), .init("begun", number: true),
      .init("healed", number: true), .init("first traffic", number: true), .init("in force"), .init("felt"),
      .init("evidence"),
    ])
    for fault in view.verdict.faults {
      table.rows.append([
        escapeXML(fault.id), escapeXML(fault.level), escapeXML("\(fault.kind), \(fault.asked)"),
        escapeXML(fault.target),
        time(fault.began), time(fault.healed), time(fault.firstTraffic), yes(fault.inForce), yes(fault.felt),
        "<span class=\"wrap\">\(escapeXML(fault.evidence))</span>",
      ])
    }
    guard !table.rows.isEmpty else { return section("faults", "Faults", "<p>The scenario has none.</p>\n") }
    return section(
      "faults", "Faults",
      note:
        "Seconds since the begin of the load. In force: a probe of ours through the same path was stopped or delayed, or"
        + " the process was gone. Felt: the broker's own packets, requests or processes were touched.", table.render())
  }

  private static func time(_ value: Double?) -> String { value.map(Words.seconds) ?? "–" }
  private static func yes(_ value: Bool) -> String { value ? "yes" : "<span class=\"bad\">no</span>" }
}
