// The first screen: what each level promised and kept, what it lost, what it costs.

import Base

enum DecisionSection {
  static func render(_ view: RunView) -> String {
    var table = HTMLTable(columns: [
      .init("level"), .init("promises kept"), .init("verdict"), .init("acknowledged", number: true),
      .init("delivered", number: true), .init("lost", number: true), .init("duplicated", number: true),
      .init("again", number: true), .init("unknown", number: true), .init("goodput", number: true),
      .init("confirm p50 / 99 / 99.9", number: true), .init("longest outage", number: true),
    ])
    for level in view.verdict.levels { table.rows.append(row(level)) }
    let note =
      "Acknowledged: confirmed by the broker (low: sent). Again: deliveries that came again, which every level allows. "
      + "Goodput: first deliveries per second of the load phase. Confirm: milliseconds from the intended send time (low: until it was written). "
      + "A zero says what it is worth: with n faults felt and nothing seen, at most that share of such faults does it, "
      + "at 95 %."
    return section(
      "decision", "Decision", table.render() + "<p class=\"note\">\(escapeXML(note))</p>\n" + PriceChart.render(view))
  }

  private static func row(_ level: LevelVerdict) -> [String] {
    func count(_ name: String, isBad: Bool = false) -> String {
      guard let value = level.counts[name] else { return "–" }
      let text = Words.count(value)
      return isBad && value > 0 ? "<span class=\"bad\">\(text)</span>" : text
    }
    func bounded(_ name: String) -> String {
      guard let guarantee = level.guarantees.first(where: { $0.name == name }) else { return count(name) }
      if let bound = guarantee.upper95PerFault {
        return "0<br/><small>≤ \(Words.share(bound)) of faults (n = \(guarantee.faultsFelt))</small>"
      }
      return count(name, isBad: guarantee.verdict == .violated)
    }
    let promises = level.guarantees.filter { $0.expected != "report" }
    let kept = promises.filter { $0.verdict == .holds }.count
    let promise = promises.isEmpty ? "none" : "\(kept) of \(promises.count)"
    let acknowledged = level.counts["acknowledged"].map { value -> String in
      let attempted = level.counts["attempted", default: 0]
      return "\(Words.count(value))<br/><small>of \(Words.count(attempted))</small>"
    }
    var duplicated = bounded("duplicated")
    if let retried = level.counts["duplicated-by-retry"], retried > 0 {
      let isBad = level.guarantees.contains { $0.name == "duplicated-by-retry" && $0.verdict == .violated }
      duplicated += "<br/><small\(isBad ? " class=\"bad\"" : "")>+ \(Words.count(retried)) by retry</small>"
    }
    return [
      escapeXML(level.level), escapeXML(promise), Page.badge(level.verdict), acknowledged ?? "–", count("delivered"),
      bounded("lost"), duplicated, count("redelivered"), Headline.hasConfirms(level) ? count("unknown") : "–",
      level.counts.isEmpty ? "–" : "\(Words.rate(level.throughput.delivered))/s",
      escapeXML(DecisionTable.latencies(level.latency["confirm"]).split(separator: "/").joined(separator: " / ")),
      level.counts.isEmpty ? "–" : Words.duration(level.availability.longestOutage),
    ]
  }
}

/// Goodput against the 99th percentile of confirms: a dot a level, hollow where another level is better in both.
enum PriceChart {
  private struct Point {
    var level: String
    var goodput: Double
    var p99: Double
  }

  static func render(_ view: RunView) -> String {
    let points = view.verdict.levels.compactMap { level -> Point? in
      guard let latency = level.latency["end-to-end"], level.throughput.delivered > 0 else { return nil }
      return Point(level: level.level, goodput: level.throughput.delivered, p99: latency.p99)
    }
    guard points.count > 1 else { return "" }
    return "<figure><h3>Price of safety</h3>" + draw(points, width: 1000, "wide") + draw(points, width: 420, "narrow")
      + "<figcaption>Goodput against the 99th percentile of end-to-end latency: right and low is better. Hollow: another "
      + "level is better in both.</figcaption></figure>\n"
  }

  private static func draw(_ points: [Point], width: Double, _ style: String) -> String {
    var svg = SVG(width: width)
    let (left, right, top, bottom) = (64.0, width - 20, 14.0, 190.0)
    let x = Scale.linear((points.map(\.goodput).max() ?? 1) * 1.08, start: left, end: right)
    let y = Scale.log(
      (points.map(\.p99).min() ?? 1) * 0.8, (points.map(\.p99).max() ?? 10) * 1.2, start: bottom, end: top)
    for tick in y.logTicks {
      svg.line(left, y(tick), right, y(tick), "grid")
      svg.text(left - 8, y(tick) + 4, Words.latency(tick, trims: true), "dim end small")
    }
    for tick in x.ticks(width > 600 ? 8 : 4) {
      svg.line(x(tick), top, x(tick), bottom, "grid")
      svg.text(x(tick), bottom + 16, Words.rate(tick), "dim mid small")
    }
    svg.text(right, bottom + 32, "messages delivered per second", "dim end small")
    for point in points {
      let isDominated = points.contains {
        $0.goodput >= point.goodput && $0.p99 <= point.p99 && ($0.goodput > point.goodput || $0.p99 < point.p99)
      }
      svg.circle(
        x(point.goodput), y(point.p99), 5.5, isDominated ? "point hollow" : "point",
        title: "\(point.level): \(Words.rate(point.goodput))/s, p99 \(Words.latency(point.p99))")
    }
    // Labels beside the dots, moved up where they would lie on each other.
    var placed: [(x: Double, y: Double, width: Double)] = []
    for point in points.sorted(by: { y($0.p99) < y($1.p99) }) {
      let label = "\(point.level): \(Words.rate(point.goodput))/s, \(Words.latency(point.p99))"
      let labelWidth = SVG.textWidth(label)
      let isLeft = x(point.goodput) + 12 + labelWidth > right
      let labelX = isLeft ? x(point.goodput) - 12 - labelWidth : x(point.goodput) + 12
      var labelY = y(point.p99) + 4
      while placed.contains(where: { abs($0.y - labelY) < 14 && $0.x < labelX + labelWidth && labelX < $0.x + $0.width }
      ) {
        labelY += 14
      }
      placed.append((labelX, labelY, labelWidth))
      svg.text(isLeft ? x(point.goodput) - 12 : labelX, labelY, label, isLeft ? "halo end" : "halo")
    }
    return svg.render(height: bottom + 40, style, label: "Goodput against latency of each level")
  }
}
