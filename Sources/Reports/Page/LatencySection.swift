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
      note: "Of the load phase. A percentile is shown where at least ten samples lie above it.",
      PercentilePlot.render(view) + table.render() + phases(view))
  }

  private static func phases(_ view: RunView) -> String {
    var table = HTMLTable(columns: [
      .init("level"), .init("load"), .init("samples", number: true), .init("p50", number: true),
      .init("p99", number: true),
      .init("max", number: true),
    ])
    for level in view.levels {
      for part in level.phases where part.histogram.count > 0 {
        table.rows.append([
          escapeXML(level.name), escapeXML(part.name), Words.count(Int(part.histogram.count)),
          Words.latency(part.histogram.percentile(50).milliseconds),
          Words.latency(part.histogram.percentile(99).milliseconds), Words.latency(part.histogram.max.milliseconds),
        ])
      }
    }
    guard !table.rows.isEmpty else { return "" }
    return
      "<h3>Before, during and after faults</h3>\n<p class=\"note\">By the moment at which a message was to be sent;"
      + " to its confirm, or to its first delivery where nothing is confirmed.</p>\n" + table.render()
  }
}
