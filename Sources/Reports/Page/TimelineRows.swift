// The rows of a timeline: nodes, rates, latency, backlog, fates, and the time axis under them.

import Base
import History

struct TimelineRows {
  let level: LevelView
  let x: Scale
  let left: Double
  let right: Double
  let isWide: Bool
  private var nodesTop = 0.0
  private var rateTop = 0.0
  private var latencyTop = 0.0
  private var backlogTop = 0.0
  private var fateTop = 0.0
  private var bottom = 0.0

  private static let strip = 16.0
  private static let rateHeight = 96.0
  private static let latencyHeight = 96.0
  private static let backlogHeight = 64.0
  private static let gap = 18.0

  init(level: LevelView, x: Scale, left: Double, right: Double, isWide: Bool) {
    self.level = level
    self.x = x
    self.left = left
    self.right = right
    self.isWide = isWide
  }

  private var nodes: [String] { level.series.first?.nodes.map(\.name) ?? [] }
  /// The middle of a row's second.
  private func middle(_ row: SeriesRow) -> Double { x(level.timeline.seconds(row.time) - 0.5) }

  /// Where each row lies; answers where the last one ends.
  mutating func layout(top: Double) -> Double {
    nodesTop = top + 4
    rateTop = nodesTop + Double(nodes.count) * Self.strip + Self.gap
    latencyTop = rateTop + Self.rateHeight + Self.gap
    backlogTop = latencyTop + Self.latencyHeight + Self.gap
    fateTop = backlogTop + Self.backlogHeight + Self.gap - 4
    bottom = fateTop + Double(fates.count) * Self.strip
    return bottom
  }

  func draw(_ svg: inout SVG) {
    axis(&svg)
    strips(&svg)
    rates(&svg)
    latencies(&svg)
    backlog(&svg)
    fateTicks(&svg)
  }

  // MARK: Time

  private func axis(_ svg: inout SVG) {
    svg.line(left, bottom, right, bottom, "grid")
    for tick in x.ticks(isWide ? 12 : 5) {
      svg.line(x(tick), nodesTop, x(tick), bottom, "grid")
      svg.text(x(tick), bottom + 15, Words.number(tick) + (tick == 0 ? " s" : ""), "dim mid small")
    }
    var lastEnd = -1e9
    for phase in level.timeline.phases where ["load", "settle", "drain"].contains(phase.name) {
      let begin = x(level.timeline.seconds(phase.begin))
      guard begin >= left - 1, begin <= right else { continue }
      svg.line(begin, nodesTop - 4, begin, bottom + 20, "phase")
      guard begin > lastEnd else { continue }
      svg.text(begin + 2, bottom + 31, phase.name, "dim small")
      lastEnd = begin + SVG.textWidth(phase.name)
    }
  }

  // MARK: Nodes

  private enum State: Equatable {
    case leader, follower, alive, paused, down
    var style: String {
      switch self {
      case .leader: "leader"
      case .follower: "follower"
      case .alive: "alive"
      case .paused: "paused"
      case .down: "down"
      }
    }
  }

  private func state(_ node: NodeSample) -> State {
    if !node.alive { return .down }
    if node.paused { return .paused }
    return node.role == "leader" ? .leader : node.role == "follower" ? .follower : .alive
  }

  private func strips(_ svg: inout SVG) {
    for (index, name) in nodes.enumerated() {
      let y = nodesTop + Double(index) * Self.strip
      svg.text(left - 8, y + 12, name, "end")
      // Runs of equal state in one piece.
      var start = 0
      while start < level.series.count {
        guard index < level.series[start].nodes.count else { break }
        let current = state(level.series[start].nodes[index])
        var end = start
        while end + 1 < level.series.count, index < level.series[end + 1].nodes.count,
          state(level.series[end + 1].nodes[index]) == current
        { end += 1 }
        let from = x(level.timeline.seconds(level.series[start].time) - 1)
        let to = x(level.timeline.seconds(level.series[end].time))
        piece(&svg, current, name, max(from, left), to, y)
        start = end + 1
      }
    }
  }

  private func piece(_ svg: inout SVG, _ state: State, _ name: String, _ from: Double, _ to: Double, _ y: Double) {
    let (offset, height) = state == .follower || state == .alive ? (5.0, 6.0) : (2.0, 12.0)
    svg.rect(from, y + offset, to - from, height, state.style, title: "\(name): \(state.style)")
    if state == .down {
      svg.line(from, y + 2, to, y + 14, "down")
      svg.line(from, y + 14, to, y + 2, "down")
    }
    if state == .leader, to - from > 48 { svg.text((from + to) / 2, y + 11.5, "leader", "onfill mid") }
  }

  // MARK: Rates

  private func rates(_ svg: inout SVG) {
    let rows = level.series
    let largest = rows.map { max($0.offered, $0.confirmed, $0.delivered) }.max() ?? 0
    let y = Scale.linear(Double(max(largest, 1)), start: rateTop + Self.rateHeight, end: rateTop)
    frame(&svg, isWide ? "messages per second" : "per second", rateTop, y)
    let offered = rows.map { (x: middle($0), y: y(Double($0.offered))) }
    let confirmed = rows.map { (x: middle($0), y: y(Double($0.confirmed))) }
    let delivered = rows.map { (x: middle($0), y: y(Double($0.delivered))) }
    svg.path(offered, "l offered")
    svg.path(confirmed, "l confirmed")
    svg.path(delivered, "l delivered")
    legend(&svg, rateTop, ["offered", "confirmed", "delivered"].map { ($0, "t-\($0)") })
  }

  // MARK: Latency

  private func latencies(_ svg: inout SVG) {
    // Where nothing is confirmed the way of a message is all there is to time.
    let isConfirm = level.series.contains { $0.confirmP50 != nil }
    let samples = level.series.map { row -> (p50: Double, p99: Double, max: Double)? in
      let triple =
        isConfirm
        ? (row.confirmP50, row.confirmP99, row.confirmMax) : (row.endToEndP50, row.endToEndP99, row.endToEndMax)
      guard let p50 = triple.0, let p99 = triple.1, let most = triple.2 else { return nil }
      return (p50, p99, most)
    }
    let known = samples.compactMap { $0 }
    let y = Scale.decades(
      known.map(\.p50).filter { $0 > 0 }.min() ?? 1, known.map(\.max).max() ?? 10,
      start: latencyTop + Self.latencyHeight, end: latencyTop)
    svg.text(left, latencyTop - 5, isConfirm ? "confirm latency" : "end-to-end latency", "small strong")
    let ticks = y.decadeTicks
    for (index, tick) in ticks.enumerated() {
      svg.line(left, y(tick), right, y(tick), "grid")
      if ticks.count <= 5 || index % 2 == 0 {
        svg.text(left - 8, y(tick) + 4, Words.latency(tick, trims: true), "dim end small")
      }
    }
    func points(_ value: ((p50: Double, p99: Double, max: Double)) -> Double) -> [(x: Double, y: Double)?] {
      zip(level.series, samples).map { row, sample in sample.map { (x: middle(row), y: y(value($0))) } }
    }
    svg.path(points { $0.p50 }, "l p50")
    svg.path(points { $0.p99 }, "l p99")
    for point in points({ $0.max }) { if let point { svg.circle(point.x, point.y, 1.8, "dot") } }
    legend(&svg, latencyTop, [("p50", "t-p50"), ("p99", "t-p99"), (isWide ? "max" : "• max", "t-max")])
  }

  // MARK: Backlog

  private func backlog(_ svg: inout SVG) {
    let largest = level.series.map { max($0.backlog, $0.unacknowledged) }.max() ?? 0
    let y = Scale.linear(Double(max(largest, 1)), start: backlogTop + Self.backlogHeight, end: backlogTop)
    frame(&svg, "messages waiting", backlogTop, y)
    let points = level.series.map { (x: middle($0), y: y(Double(max($0.backlog, 0)))) }
    svg.area(points, base: y(0), "area")
    svg.path(points, "l backlog")
    svg.path(level.series.map { (x: middle($0), y: y(Double(max($0.unacknowledged, 0)))) }, "l unacked")
    legend(&svg, backlogTop, [("backlog", "t-backlog"), ("unacked", "t-unacked")])
  }

  // MARK: Fates

  private var fates: [LevelView.Fate] {
    var all = level.fates.filter { $0.name != "redelivered" && $0.name != "recovered" }
    var unknown: [Int: Int] = [:]
    for row in level.series where row.unknown > 0 {
      unknown[Int((level.timeline.seconds(row.time) - 0.5).rounded(.down)), default: 0] += row.unknown
    }
    if !unknown.isEmpty { all.append(LevelView.Fate(name: "unknown", perSecond: unknown)) }
    return all
  }

  private func fateTicks(_ svg: inout SVG) {
    for (index, fate) in fates.enumerated() {
      let y = fateTop + Double(index) * Self.strip
      svg.text(left - 8, y + 12, isWide ? fate.name : String(fate.name.prefix(9)), "end small")
      let largest = Double(fate.perSecond.values.max() ?? 1)
      for second in fate.perSecond.keys.sorted() {
        let count = fate.perSecond[second, default: 0]
        let from = x(Double(second))
        guard from >= left - 1, from < right else { continue }
        let height = 3 + 10 * Double(count) / largest
        svg.rect(
          from + 0.5, y + 14 - height, max(x(Double(second + 1)) - from - 1, 1.5), height,
          fate.name == "unknown" ? "fate mild" : "fate",
          title: "\(fate.name): \(Words.count(count)) in second \(second)")
      }
    }
  }

  // MARK: Common

  private func frame(_ svg: inout SVG, _ unit: String, _ top: Double, _ y: Scale) {
    svg.text(left, top - 5, unit, "small strong")
    for tick in y.ticks(3) {
      svg.line(left, y(tick), right, y(tick), "grid")
      svg.text(left - 8, y(tick) + 4, Words.number(tick), "dim end small")
    }
  }

  /// The names of the lines: to the right of the row where there is room, else above it.
  private func legend(_ svg: inout SVG, _ top: Double, _ entries: [(text: String, style: String)]) {
    if isWide {
      for (index, entry) in entries.enumerated() {
        let y = top + 12 + Double(index) * 15
        if entry.style == "t-max" {
          svg.circle(right + 17, y - 4, 2, "dot")
        } else {
          svg.line(right + 8, y - 4, right + 26, y - 4, "l \(entry.style.dropFirst(2))")
        }
        svg.text(right + 31, y, entry.text, "small \(entry.style)")
      }
    } else {
      var at = right
      for entry in entries.reversed() {
        svg.text(at, top - 5, entry.text, "small end \(entry.style)")
        at -= SVG.textWidth(entry.text) + 8
      }
    }
  }
}
