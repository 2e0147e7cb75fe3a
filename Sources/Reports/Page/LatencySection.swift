// The latency spectrum: percentiles to 99.99 with how many samples, and before, during and after faults.

import Base
import History

enum LatencySection {
  private static let series = [
    ("confirm", "confirm, from the intended time"), ("confirm-service", "confirm, from the real send"),
    ("end-to-end", "end to end, from the intended time"), ("end-to-end-service", "end to end, from the real send"),
  ]

  static func render(_ view: RunView) -> String {
    var table = HTMLTable(columns: [
      .init("level"), .init("latency"), .init("samples", number: true), .init("p50", number: true),
      .init("p90", number: true), .init("p99", number: true), .init("p99.9", number: true),
      .init("p99.99", number: true),
      .init("max", number: true),
    ])
    for level in view.verdict.levels {
      for (tag, title) in series {
        guard let latency = level.latency[tag] else { continue }
        // A percentile that rests on fewer than ten samples is left out.
        func known(_ value: Double, _ share: Double) -> String {
          Double(latency.count) * share >= 10 ? Words.latency(value) : "–"
        }
        table.rows.append([
          escapeXML(level.level), title, Words.count(latency.count), known(latency.p50, 0.5), known(latency.p90, 0.1),
          known(latency.p99, 0.01), known(latency.p999, 0.001), known(latency.p9999, 0.0001),
          Words.latency(latency.max),
        ])
      }
    }
    guard !table.rows.isEmpty else { return "" }
    return section(
      "latency", "Latency spectrum",
      note: "A percentile is shown where at least ten samples lie above it. All phases.", table.render() + phases(view))
  }

  private static func phases(_ view: RunView) -> String {
    var table = HTMLTable(columns: [
      .init("level"), .init("load"), .init("samples", number: true), .init("p50", number: true),
      .init("p99", number: true),
      .init("max", number: true),
    ])
    for level in view.levels {
      let split = LatencyPhases(level)
      for (name, histogram) in split.parts where histogram.count > 0 {
        table.rows.append([
          escapeXML(level.name), "\(name)", Words.count(Int(histogram.count)),
          Words.latency(histogram.percentile(50).milliseconds), Words.latency(histogram.percentile(99).milliseconds),
          Words.latency(histogram.max.milliseconds),
        ])
      }
    }
    guard !table.rows.isEmpty else { return "" }
    return
      "<h3>Before, during and after faults</h3>\n<p class=\"note\">By the second in which it ended; confirm from the"
      + " intended time, end to end where nothing is confirmed.</p>\n" + table.render()
  }
}

/// The entries of a level's log by where they lie to its faults. Entries that cover more than a few seconds tell nothing
/// of that and are left out.
struct LatencyPhases {
  var parts: [(name: String, histogram: Histogram)] = [
    ("before the first fault", Histogram()), ("while a fault stood", Histogram()), ("after a fault", Histogram()),
  ]

  init(_ level: LevelView) {
    let tag = level.latency.contains { $0.tag == "confirm" && $0.histogram.count > 0 } ? "confirm" : "end-to-end"
    let timeline = level.timeline
    guard let firstBegan = timeline.faults.compactMap(\.began).min() else { return }
    // Offsets of the log count from its own start; its first entry and the first row of the series end the same second.
    guard let first = level.series.first else { return }
    for entry in level.latency where entry.tag == tag && entry.length < 5 {
      let end = first.time + Nanoseconds((entry.start + entry.length - 1) * 1e9)
      let begin = end - Nanoseconds(entry.length * 1e9)
      guard end > timeline.loadBegin, begin < timeline.loadEnd else { continue }
      let isDuring = timeline.faults.contains { $0.overlaps(begin, end) }
      let index = isDuring ? 1 : end <= firstBegan ? 0 : 2
      parts[index].histogram.merge(entry.histogram)
    }
  }
}
