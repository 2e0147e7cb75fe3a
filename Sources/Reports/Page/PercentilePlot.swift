// Latency over percentiles, a line a level: the nines at equal distances, so that the tail is seen.

import Base
import History

#if canImport(Glibc)
  import Glibc
#endif

enum PercentilePlot {
  private static let marks: [(share: Double, text: String)] = [
    (0, "0"), (0.5, "50"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (0.9999, "99.99"),
  ]
  private static let styles = ["p50", "p99", "backlog", "unacked", "offered"]
  private static let textStyles = ["t-p50", "t-p99", "t-backlog", "t-unacked", "t-offered"]

  static func render(_ view: RunView) -> String {
    let lines = view.levels.compactMap { level -> (name: String, histogram: Histogram)? in
      let histogram = HistogramLog.merged(level.latency.filter { $0.tag == "end-to-end" })["end-to-end"] ?? Histogram()
      return histogram.count > 0 ? (level.name, histogram) : nil
    }
    guard !lines.isEmpty else { return "" }
    return "<figure>" + draw(lines, width: 1240, "wide") + draw(lines, width: 440, "narrow")
      + "<figcaption>End-to-end latency by percentile, from the intended send time to the first delivery.</figcaption>"
      + "</figure>\n"
  }

  private static func draw(_ lines: [(name: String, histogram: Histogram)], width: Double, _ style: String) -> String {
    var svg = SVG(width: width)
    let isWide = width > 700
    let left = isWide ? 78.0 : 58
    let right = width - (isWide ? 100 : 52)
    let (top, bottom) = (10.0, isWide ? 230.0 : 200)
    let most = lines.map { Double($0.histogram.count) }.max() ?? 1
    // To where ten samples lie above.
    let shown = marks.filter { (1 - $0.share) * most >= 10 || $0.share == 0 }
    let x = Scale(from: 0, to: Double(max(shown.count - 1, 1)), start: left, end: right)
    let values = lines.flatMap { line in
      [0, (shown.last?.share ?? 0) * 100].map { max(line.histogram.percentile($0).milliseconds, 1e-3) }
    }
    let y = Scale.log(values.min() ?? 1, values.max() ?? 10, start: bottom, end: top)
    for tick in y.logTicks {
      svg.line(left, y(tick), right, y(tick), "grid")
      svg.text(left - 8, y(tick) + 4, Words.latency(tick, trims: true), "dim end small")
    }
    for (index, mark) in shown.enumerated() {
      svg.line(x(Double(index)), top, x(Double(index)), bottom, "grid")
      svg.text(x(Double(index)), bottom + 16, mark.text + (index == 0 ? " %" : ""), "dim mid small")
    }
    var taken: [Double] = []
    for (index, line) in lines.enumerated() {
      var points: [(x: Double, y: Double)?] = []
      for step in 0...max(shown.count - 1, 0) * 12 where shown.count > 1 {
        let at = Double(step) / 12
        let lower = min(Int(at), shown.count - 2)
        // Between two marks by what lies above, which shrinks by the same factor with every step.
        let above = 1 - shown[lower].share
        let share = 1 - above * pow((1 - shown[lower + 1].share) / above, at - Double(lower))
        guard (1 - share) * Double(line.histogram.count) >= 9.99 || share == 0 else { break }
        points.append((x(at), y(line.histogram.percentile(share * 100).milliseconds)))
      }
      svg.path(points, "l \(styles[index % styles.count])")
      guard let last = points.last.flatMap({ $0 }) else { continue }
      var labelY = last.y + 4
      while taken.contains(where: { abs($0 - labelY) < 13 }) { labelY += 13 }
      taken.append(labelY)
      let name = isWide ? line.name : String(line.name.prefix(7))
      svg.text(right + 6, labelY, name, "small \(textStyles[index % textStyles.count])")
    }
    return svg.render(height: bottom + 24, style, label: "End-to-end latency by percentile")
  }
}
