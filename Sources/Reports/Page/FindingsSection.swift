// Findings, each a short story with a small picture of the first case, all ids, and how to see it again.

import Base
import Checkers

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
    out += pictures(finding.lanes ?? [])
    out += "<p class=\"ids\">First: \(escapeXML(finding.ids.prefix(8).joined(separator: ", ")))</p>\n"
    if finding.ids.count > 8 {
      let all = finding.ids.joined(separator: " ")
      let title = finding.ids.count < finding.count ? "the first \(Words.count(finding.ids.count)) ids" : "all ids"
      out += "<details><summary>\(title)</summary><p class=\"ids\">\(escapeXML(all))</p></details>\n"
    }
    let command = "stormproof check \(view.directory) --level \(finding.level) --explain"
    return out + "<p class=\"small\">See it again: <code>\(escapeXML(command))</code></p></div>\n"
  }

  /// The first case, and two more behind a fold.
  private static func pictures(_ lanes: [Lanes]) -> String {
    guard let first = lanes.first else { return "" }
    let more = lanes.dropFirst()
    guard !more.isEmpty else { return LanePicture.render(first) }
    let title = more.count == 1 ? "one more case" : "\(Words.small(more.count)) more cases"
    return LanePicture.render(first) + "<details><summary>\(title)</summary>\n"
      + more.map(LanePicture.render).joined() + "</details>\n"
  }
}
