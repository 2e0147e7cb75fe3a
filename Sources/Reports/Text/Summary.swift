// `summary.md`: the decision table for a page of continuous integration.

import Base

/// Pure: Markdown as GitHub renders it.
enum Summary {
  static func render(_ verdict: RunVerdict) -> String {
    var out = "## \(mark(verdict.verdict)) \(escape(verdict.name)): \(verdict.verdict.rawValue)\n\n"
    out += escape(Headline.sentence(verdict)) + "\n\n"
    out += line(DecisionTable.columns.map(\.title))
    out += line(DecisionTable.columns.map { $0.isNumber ? "--:" : "---" })
    for row in DecisionTable.rows(verdict) {
      out += line(row.map { VerdictWord(rawValue: $0).map { "\(mark($0)) \($0.rawValue)" } ?? escape($0) })
    }
    out += "\nLatencies in milliseconds; goodput and outage over the load phase.\n"
    let recovered = verdict.levels.filter { !$0.availability.recoveries.isEmpty }
    if !recovered.isEmpty {
      out += "\n" + line(["fault", "level", "first confirm", "first delivery"]) + line(["---", "---", "--:", "--:"])
      for level in recovered {
        for recovery in level.availability.recoveries {
          out += line([
            escape(recovery.fault), escape(level.level), recovery.confirmAfterHeal.map(Words.duration) ?? "never",
            recovery.deliveryAfterHeal.map(Words.duration) ?? "never",
          ])
        }
      }
    }
    if !verdict.reasons.isEmpty {
      out += "\n**Why it is \(verdict.verdict.rawValue)**\n\n"
      for reason in verdict.reasons { out += "- \(escape(reason))\n" }
    }
    if !verdict.findings.isEmpty {
      out += "\n**Findings**\n\n"
      for finding in verdict.findings {
        out += "- \(escape(finding.story)) First: \(escape(finding.ids.prefix(5).joined(separator: ", ")))\n"
      }
    }
    return out + "\nSeed \(verdict.seed).\n"
  }

  private static func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }

  private static func mark(_ word: VerdictWord) -> String {
    switch word {
    case .holds: "✔"
    case .violated: "✘"
    case .inconclusive: "?"
    }
  }

  /// What would be markup is text.
  private static func escape(_ text: String) -> String {
    var out = ""
    for character in text {
      switch character {
      case "<": out += "&lt;"
      case "&": out += "&amp;"
      case "|", "\\", "`", "*", "_", "[", "]": out += "\\\(character)"
      case "\n": out += " "
      default: out.append(character)
      }
    }
    return out
  }
}
