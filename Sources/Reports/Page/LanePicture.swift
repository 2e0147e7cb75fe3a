// The picture of one finding: a lane a client, time to the right, the faults as bands behind it.

import Base
import Checkers

enum LanePicture {
  static func render(_ lanes: Lanes) -> String {
    guard !lanes.rows.isEmpty else { return "" }
    let caption = "<figcaption class=\"why-lanes\">\(escapeXML(lanes.sentence))</figcaption>\n"
    return "<figure>\(caption)" + draw(lanes, width: 1100, "wide") + draw(lanes, width: 400, "narrow") + "</figure>\n"
  }

  private struct Placed {
    var from: Double
    var to: Double
    var text: Double
    /// The words stand below the bar.
    var isBelow = false
  }

  private static func draw(_ lanes: Lanes, width: Double, _ style: String) -> String {
    let isWide = width > 700
    let gutter = isWide ? 110.0 : 8.0
    let scale = LaneScale(lanes)
    let right = width - 18
    func x(_ moment: Double) -> Double { gutter + 6 + scale.position(moment) * (right - gutter - 12) }
    var svg = SVG(width: width)
    let clients = lanes.rows.filter { $0.intervals.first?.role != .fault }
    let faults = lanes.rows.flatMap(\.intervals).filter { $0.role == .fault }
    let top = faults.isEmpty ? 8.0 : 8 + 16 * Double(faults.count)

    // Lines first, so that the bands behind them know how far down they go.
    var lines: [(name: String, intervals: [(Lanes.Interval, Placed)])] = []
    for row in clients {
      var own: [[(Lanes.Interval, Placed)]] = []
      for interval in row.intervals {
        let placed = place(interval, x, gutter: gutter, right: right, isWide: isWide)
        let (from, to) = extent(interval, placed)
        let free = own.firstIndex { line in
          line.allSatisfy { other in
            let (a, b) = extent(other.0, other.1)
            return to + 8 < a || b + 8 < from
          }
        }
        if let free { own[free].append((interval, placed)) } else { own.append([(interval, placed)]) }
      }
      for (k, line) in own.enumerated() { lines.append((k == 0 ? row.name : "", line)) }
    }
    let heights = lines.map { line in isWide ? (line.intervals.contains { $0.1.isBelow } ? 36.0 : 24) : 40 }
    let bottom = top + heights.reduce(0, +) + 4

    for (k, fault) in faults.enumerated() {
      let from = x(fault.begin)
      let to = fault.end.map(x) ?? width - 4
      svg.rect(from, top - 6, max(to - from, 2), bottom - top + 6, "band")
      svg.line(from, top - 6, from, bottom, "edge")
      if fault.end != nil { svg.line(to, top - 6, to, bottom, "edge healed") }
      svg.text(min(from + 3, width - SVG.textWidth(fault.label)), 13 + 16 * Double(k), fault.label, "fault")
    }
    var above = top
    for (line, height) in zip(lines, heights) {
      let y = above + (isWide ? 12 : 20)
      above += height
      if !line.name.isEmpty {
        svg.line(0, y - (isWide ? 12 : 20), width, y - (isWide ? 12 : 20), "grid")
        svg.text(isWide ? 2 : 4, isWide ? y + 4 : y - 8, line.name, isWide ? "strong" : "strong small")
      }
      for (interval, placed) in line.intervals {
        bar(interval, placed, y, &svg)
        svg.text(placed.text, placed.isBelow ? y + 15 : y + 4, interval.label, placed.isBelow ? "small halo" : "halo")
      }
    }
    axis(scale, x, bottom, width, &svg)
    return svg.render(height: bottom + 20, style, label: lanes.sentence)
  }

  private static func extent(_ interval: Lanes.Interval, _ placed: Placed) -> (Double, Double) {
    (min(placed.from, placed.text), max(placed.to, placed.text + SVG.textWidth(interval.label)))
  }

  private static func place(
    _ interval: Lanes.Interval, _ x: (Double) -> Double, gutter: Double, right: Double, isWide: Bool
  ) -> Placed {
    let from = x(interval.begin)
    let to = interval.end.map(x) ?? right + 8
    let length = SVG.textWidth(interval.label)
    if isWide {
      if to + 10 + length <= right { return Placed(from: from, to: to, text: to + 10) }
      if from - 10 - length >= gutter { return Placed(from: from, to: to, text: from - 10 - length) }
    }
    return Placed(from: from, to: to, text: max(gutter, min(from, right - length)), isBelow: true)
  }

  private static func bar(_ interval: Lanes.Interval, _ placed: Placed, _ y: Double, _ svg: inout SVG) {
    let style = "bar \(interval.role.rawValue) \(interval.ending.rawValue)"
    if interval.end != nil, placed.to - placed.from < 0.5 {
      svg.line(placed.from, y - 5, placed.from, y + 5, "bar \(interval.role.rawValue)")
      return
    }
    svg.line(placed.from, y, placed.to, y, style)
    svg.line(placed.from, y - 6, placed.from, y + 6, "bar \(interval.role.rawValue)")
    switch interval.ending {
    case .ok: svg.line(placed.to, y - 6, placed.to, y + 6, "bar \(interval.role.rawValue)")
    case .failed:
      svg.line(placed.to - 5, y - 5, placed.to + 5, y + 5, style)
      svg.line(placed.to - 5, y + 5, placed.to + 5, y - 5, style)
    case .open:
      svg.path([(placed.to - 6, y - 5), (placed.to, y), (placed.to - 6, y + 5)], "bar \(interval.role.rawValue)")
    }
  }

  /// A tick for every moment, and times where there is room: the first as it is, the others from there on.
  private static func axis(
    _ scale: LaneScale, _ x: (Double) -> Double, _ y: Double, _ width: Double, _ svg: inout SVG
  ) {
    guard let first = scale.moments.first else { return }
    svg.line(0, y, width, y, "frame")
    if width > 700 { svg.text(2, y + 15, "not to scale", "dim small") }
    var taken: [(Double, Double)] = width > 700 ? [(0, 70)] : []
    let count = scale.moments.count
    for k in [0] + (count > 1 ? [count - 1] : []) + (count > 2 ? Array(1..<count - 1) : []) {
      let at = x(scale.moments[k])
      svg.line(at, y, at, y + 4, "frame")
      let text = k == 0 ? "\(Words.fixed(first, 3)) s" : "+\(Lanes.length(scale.moments[k] - first))"
      let half = SVG.textWidth(text) / 2
      let middle = min(max(at, half), width - half)
      guard taken.allSatisfy({ middle + half + 8 < $0.0 || $0.1 + 8 < middle - half }) else { continue }
      taken.append((middle - half, middle + half))
      svg.text(middle, y + 15, text, "dim mid small")
    }
  }
}
