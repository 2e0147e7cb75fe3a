// Findings, each a short story with a small picture of the first case, all ids, and how to see it again.

import Base

enum FindingsSection {
  static func render(_ view: RunView) -> String {
    guard !view.verdict.findings.isEmpty else {
      return section("findings", "Findings", "<p>None: nothing was lost, duplicated, torn, misordered or stuck.</p>\n")
    }
    return section("findings", "Findings", view.verdict.findings.map { story($0, view) }.joined())
  }

  private static func story(_ finding: FindingVerdict, _ view: RunView) -> String {
    let guarantee = view.verdict.levels.first { $0.level == finding.level }?.guarantees.first {
      $0.name == finding.name
    }
    var out =
      "<div class=\"finding\"><h3>\(escapeXML(finding.name)) at \(escapeXML(finding.level)): \(Words.count(finding.count))"
    if guarantee?.verdict == .violated {
      out += " \(Page.badge(.violated))"
    } else {
      out += " <small>allowed at this level</small>"
    }
    out += "</h3>\n<p>\(escapeXML(finding.story))"
    if guarantee?.verdict == .violated {
      switch guarantee?.promised {
      case true: out += " The broker's manual promises that this does not happen."
      case false: out += " The broker's manual does not promise this; the scenario does."
      default: break
      }
    }
    out += "</p>\n"
    if let sample = view.levels.first(where: { $0.name == finding.level })?.samples.first(where: {
      $0.name == finding.name
    }) {
      out += SamplePicture.render(sample)
    }
    out += "<p class=\"ids\">First: \(escapeXML(finding.ids.prefix(8).joined(separator: ", ")))</p>\n"
    if finding.ids.count > 8 {
      let all = finding.ids.joined(separator: " ")
      let title = finding.ids.count < finding.count ? "the first \(Words.count(finding.ids.count)) ids" : "all ids"
      out += "<details><summary>\(title)</summary><p class=\"ids\">\(escapeXML(all))</p></details>\n"
    }
    let command = "stormproof check \(view.directory) --level \(finding.level)"
    return out + "<p class=\"small\">See it again: <code>\(escapeXML(command))</code></p></div>\n"
  }
}

/// The events of one case, a line an event, where it lies in time, with the faults behind it.
enum SamplePicture {
  static func render(_ sample: FindingSample) -> String {
    guard !sample.events.isEmpty else { return "" }
    return "<figure>" + draw(sample, width: 1100, "wide") + draw(sample, width: 400, "narrow") + "</figure>\n"
  }

  private static func draw(_ sample: FindingSample, width: Double, _ style: String) -> String {
    var svg = SVG(width: width)
    let isWide = width > 700
    let (left, right) = (10.0, isWide ? width * 0.62 : width - 10)
    let first = sample.events.map(\.time).min() ?? 0
    let last = max(sample.events.map(\.time).max() ?? 1, first + 0.001)
    // Room on both sides, and for a fault that begins a little later.
    let faults = sample.faults
    let room = max(last - first, 0.5)
    let end = max(last, faults.map { max($0.began + room / 4, min($0.healed ?? last, last + room)) }.max() ?? last)
    let margin = (end - first) * 0.06 + 0.0005
    let x = Scale(from: first - margin, to: end + margin, start: left, end: right)
    let step = isWide ? 19.0 : 34.0
    let top = faults.isEmpty ? 6.0 : 20.0
    let bottom = top + Double(sample.events.count) * step + 4
    for fault in faults {
      let from = max(x(fault.began), left)
      let to = min(fault.healed.map { x($0) } ?? right, right)
      svg.rect(from, top - 4, to - from, bottom - top + 4, "band")
      svg.line(from, top - 8, from, bottom, "edge")
      svg.text(min(from + 3, right - SVG.textWidth(fault.text)), 12, fault.text, "fault")
    }
    for (index, event) in sample.events.enumerated() {
      let y = top + Double(index) * step + (isWide ? 9 : 8)
      svg.line(left, y, right, y, "grid")
      svg.circle(x(event.time), y, 4.5, "event \(event.style)")
      let text = "\(Words.fixed(event.time, 3)) s  \(event.text)"
      if isWide { svg.text(right + 14, y + 4, text) } else { svg.text(left, y + 17, text, "small halo") }
    }
    for tick in x.ticks(isWide ? 8 : 4) {
      svg.text(x(tick), bottom + 13, "\(Words.number(tick)) s", "dim mid small")
    }
    return svg.render(height: bottom + 20, style, label: "The events of one case of \(sample.name)")
  }
}
