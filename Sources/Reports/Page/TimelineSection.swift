// The timeline: one block a level, all rows and all levels on one time axis, fault bands through everything.

import Base
import History

enum TimelineSection {
  static func render(_ view: RunView) -> String {
    let levels = view.levels.filter { !$0.series.isEmpty }
    guard !levels.isEmpty else {
      return section("timeline", "Timeline", "<p>No per-second figures were recorded.</p>\n")
    }
    // The same axis for all, so that levels can be compared by eye; the drains may differ in length.
    let from = levels.map { TimelineChart.span($0).from }.min() ?? 0
    let to = levels.map { TimelineChart.span($0).to }.max() ?? 1
    var out = ""
    for level in levels {
      let chart = TimelineChart(level: level, from: from, to: to)
      out += "<figure><h3>\(escapeXML(level.name))</h3>"
      out += chart.draw(width: 1240, "wide") + chart.draw(width: 440, "narrow") + "</figure>\n"
    }
    let note =
      "Seconds since the begin of the load. Bands: a fault stood, from its solid to its dashed edge; grey where the broker"
      + " did not feel it. Nodes: tall and dark leads, low follows, a crossed frame is down, orange is paused. Waiting: sent and not delivered yet; what was"
      + " lost waits for ever."
    return section("timeline", "Timeline", note: note, out)
  }
}

/// One level's rows.
struct TimelineChart {
  let level: LevelView
  let from: Double
  let to: Double

  static func span(_ level: LevelView) -> (from: Double, to: Double) {
    let times = level.series.map { level.timeline.seconds($0.time) }
    return ((times.first ?? 0) - 1, times.last ?? 1)
  }

  func draw(width: Double, _ style: String) -> String {
    var svg = SVG(width: width)
    let isWide = width > 700
    let left = isWide ? 78.0 : 58.0
    let right = width - (isWide ? 100 : 14)
    let x = Scale(from: from, to: to, start: left, end: right)
    var labels = FaultLabels(x: x, isWide: isWide)
    let labelLines = labels.place(level.timeline)
    let top = Double(labelLines) * 14 + 4
    var rows = TimelineRows(level: level, x: x, left: left, right: right, isWide: isWide)
    let bottom = rows.layout(top: top)
    // Bands lie behind everything.
    for fault in level.timeline.faults {
      guard let began = fault.began else { continue }
      let unfelt = fault.inForce && fault.felt ? "" : " unfelt"
      let begin = max(x(level.timeline.seconds(began)), left)
      let end = min(fault.healed.map { x(level.timeline.seconds($0)) } ?? right, right)
      svg.rect(
        begin, top, end - begin, bottom - top, "band\(unfelt)",
        title: "\(fault.plan.id) \(fault.nodes.joined(separator: ", ")): \(fault.evidence)")
      svg.line(begin, top - 2, begin, bottom, "edge\(unfelt)")
      if fault.healed != nil { svg.line(end, top, end, bottom, "edge healed\(unfelt)") }
    }
    rows.draw(&svg)
    labels.draw(&svg)
    return svg.render(height: bottom + 40, style, label: "Timeline of level \(level.name)")
  }
}

/// Names of faults above their bands, on as many lines as keep them apart.
struct FaultLabels {
  let x: Scale
  let isWide: Bool
  private var placed: [(x: Double, end: Double, line: Int, text: String, isFelt: Bool)] = []

  init(x: Scale, isWide: Bool) {
    self.x = x
    self.isWide = isWide
  }

  /// How many lines are taken.
  mutating func place(_ timeline: LevelTimeline) -> Int {
    for fault in timeline.faults {
      guard let began = fault.began else { continue }
      let nodes = fault.nodes.joined(separator: ",")
      let what = fault.plan.shape.map { "\($0.rawValue)" } ?? fault.plan.kind.rawValue
      let text = isWide ? "\(what) \(nodes)" : "\(fault.plan.id)"
      let width = SVG.textWidth(text) + 8
      let start = min(max(x(timeline.seconds(began)), x.start) + 2, max(x.end - width, x.start))
      var line = 0
      while placed.contains(where: { $0.line == line && $0.x < start + width && start < $0.end }) { line += 1 }
      placed.append((start, start + width, line, text, fault.inForce && fault.felt))
    }
    return (placed.map(\.line).max() ?? -1) + 1
  }

  func draw(_ svg: inout SVG) {
    for label in placed {
      svg.text(label.x, Double(label.line) * 14 + 12, label.text, label.isFelt ? "fault" : "fault unfelt")
    }
  }
}
