// Every guarantee of every level: expected, observed, promised, bounded; and the faults with their evidence.

import Base
import Scenario

enum GuaranteesSection {
  static func render(_ view: RunView) -> String {
    let levels = view.verdict.levels.filter { !$0.guarantees.isEmpty }
    guard !levels.isEmpty else { return "" }
    var names: [String] = []
    for level in levels {
      for guarantee in level.guarantees where !names.contains(guarantee.name) { names.append(guarantee.name) }
    }
    var table = HTMLTable(columns: [.init("guarantee")] + levels.map { .init($0.level) })
    for name in names {
      table.rows.append(
        [escapeXML(name)]
          + levels.map { level in
            level.guarantees.first { $0.name == name }.map(cell) ?? "<small>does not apply</small>"
          })
    }
    let note =
      "Observed and, in small, expected; units as the checks define them, over the whole run of a level. At most: with n"
      + " faults felt and nothing seen, at most this share of such faults does it, at 95 %. Manual: what the broker's own"
      + " manual promises."
    return section("guarantees", "Guarantees", note: note, table.render())
  }

  private static func cell(_ guarantee: LevelVerdict.Guarantee) -> String {
    let isTime = Measure(rawValue: guarantee.name) != nil
    let observed = isTime ? Words.latency(guarantee.observed) : Words.number(guarantee.observed)
    let isReport = guarantee.expected == "report"
    let sign =
      switch guarantee.verdict {
      case .holds: isReport ? "" : "<span class=\"sign holds\" title=\"holds\">✔</span> "
      case .violated: "<span class=\"sign violated\" title=\"violated\">✘ violated</span> "
      case .inconclusive: "<span class=\"sign inconclusive\" title=\"inconclusive\">? inconclusive</span> "
      }
    var notes = [isReport ? "only counted" : "expected \(guarantee.expected)"]
    if let bound = guarantee.upper95PerFault {
      notes.append("at most \(Words.share(bound)) of faults, n = \(guarantee.faultsFelt)")
    }
    if let promised = guarantee.promised { notes.append(promised ? "manual promises it" : "not promised") }
    var out = "\(sign)<strong>\(observed)</strong><br/><small>\(escapeXML(notes.joined(separator: "; ")))</small>"
    if let why = guarantee.why { out += "<br/><small>\(escapeXML(why))</small>" }
    return out
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
