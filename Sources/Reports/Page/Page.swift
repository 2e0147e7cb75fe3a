// `report.html`: one self-contained page. This file puts the sections in order; each section has its own.

import Base
import History

/// Pure: the same view gives the same bytes. No script, no outside resource; light and dark; for screen and paper.
enum Page {
  static func render(_ view: RunView) -> String {
    let title = "\(view.verdict.name): \(view.verdict.verdict.rawValue)"
    var out = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <meta name="color-scheme" content="light dark"/>
      <meta name="generator" content="stormproof"/>
      <title>\(escapeXML(title))</title>
      <style>\(Style.sheet)</style>
      </head>
      <body>

      """
    out += header(view)
    out += "<main>\n"
    out += DecisionSection.render(view)
    out += TimelineSection.render(view)
    out += RecoverySection.render(view)
    out += FindingsSection.render(view)
    out += GuaranteesSection.render(view)
    out += FaultsSection.render(view)
    out += LatencySection.render(view)
    out += SettingsSection.render(view)
    out += EnvironmentSection.render(view)
    out += "</main>\n</body>\n</html>\n"
    return out
  }

  private static func header(_ view: RunView) -> String {
    let verdict = view.verdict
    var facts = [
      "seed \(verdict.seed)", "\(view.manifest?.broker ?? view.plan.cluster.broker) × \(view.plan.cluster.nodes.count)",
    ]
    if let defect = view.plan.cluster.defect { facts.append("planted defect: \(defect)") }
    if let manifest = view.manifest { facts.append(manifest.started) }
    var out = "<header>\n<div class=\"top\"><h1>\(escapeXML(verdict.name))</h1>\(badge(verdict.verdict, isLarge: true))"
    out += "<p class=\"facts\">" + facts.map { "<span>\(escapeXML($0))</span>" }.joined(separator: " ") + "</p></div>\n"
    out += "<p class=\"sentence\">\(escapeXML(Headline.sentence(verdict)))</p>\n"
    if !view.plan.about.isEmpty { out += "<p class=\"about\">\(escapeXML(view.plan.about))</p>\n" }
    if !verdict.reasons.isEmpty {
      out += "<div class=\"why \(verdict.verdict.rawValue)\"><strong>Why it is \(verdict.verdict.rawValue)</strong><ul>"
      out += verdict.reasons.map { "<li>\(escapeXML($0))</li>" }.joined() + "</ul></div>\n"
    }
    return out + "</header>\n"
  }

  /// A verdict as word, sign and colour.
  static func badge(_ word: VerdictWord, isLarge: Bool = false) -> String {
    let sign =
      switch word {
      case .holds: "✔"
      case .violated: "✘"
      case .inconclusive: "?"
      }
    let text = isLarge ? word.rawValue.uppercased() : word.rawValue
    return "<span class=\"badge \(word.rawValue)\(isLarge ? " large" : "")\">\(sign) \(text)</span>"
  }
}

/// Tables that become cards where there is no room for columns.
struct HTMLTable {
  struct Column {
    var title: String
    var isNumber: Bool
    init(_ title: String, number: Bool = false) {
      self.title = title
      isNumber = number
    }
  }
  var columns: [Column]
  /// Cells are HTML.
  var rows: [[String]] = []

  func render() -> String {
    var out = "<table class=\"cards\"><thead><tr>"
    for column in columns {
      out += "<th\(column.isNumber ? " class=\"number\"" : "")>\(escapeXML(column.title))</th>"
    }
    out += "</tr></thead><tbody>\n"
    for row in rows {
      out += "<tr>"
      for (index, cell) in row.enumerated() {
        let column = columns[index]
        let attributes = "\(column.isNumber ? " class=\"number\"" : "") data-label=\"\(escapeXML(column.title))\""
        // The first cell names the row.
        let name = index == 0 ? "th" : "td"
        out += "<\(name)\(index == 0 ? " scope=\"row\"" : "")\(attributes)><span class=\"v\">\(cell)</span></\(name)>"
      }
      out += "</tr>\n"
    }
    return out + "</tbody></table>\n"
  }
}

/// A section with its heading.
func section(_ id: String, _ title: String, note: String = "", _ body: String) -> String {
  guard !body.isEmpty else { return "" }
  let note = note.isEmpty ? "" : "<p class=\"note\">\(escapeXML(note))</p>\n"
  return "<section id=\"\(id)\">\n<h2>\(escapeXML(title))</h2>\n\(note)\(body)</section>\n"
}
