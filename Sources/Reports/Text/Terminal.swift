// The summary for a terminal: the table, recoveries, findings with their reasons, and the report's path last.

import Base

/// Pure: colours only where asked for, never colour alone.
enum Terminal {
  static func render(
    _ verdict: RunVerdict, width: Int, colour: Bool, report: String?, explains: Bool = false
  ) -> String {
    var out = ""
    let paint = Paint(isOn: colour)
    out += paint.bold("\(verdict.name)") + "  " + paint.verdict(verdict.verdict) + "  seed \(verdict.seed)\n"
    out += wrapped(Headline.sentence(verdict), width: width) + "\n\n"
    let columns = DecisionTable.columns
    let rows = DecisionTable.rows(verdict)
    if width >= Self.naturalWidths(columns.map(\.short), rows).reduce(columns.count - 1, +) {
      out += table(columns, rows, width: width, paint)
    } else {
      // The latencies below the rest.
      let lower = columns.indices.filter { [0, DecisionTable.confirm, DecisionTable.endToEnd].contains($0) }
      let upper = columns.indices.filter { $0 == 0 || !lower.contains($0) }
      for part in [upper, lower] {
        if part == lower { out += "\n" }
        out += table(part.map { columns[$0] }, rows.map { row in part.map { row[$0] } }, width: width, paint)
      }
    }
    out += recoveries(verdict, paint, width: width)
    out += findings(verdict, paint, width: width, explains: explains)
    if let report { out += "\nReport: \(report)\n" }
    return out
  }

  private static func recoveries(_ verdict: RunVerdict, _ paint: Paint, width: Int) -> String {
    var faults: [String] = []
    for level in verdict.levels {
      for recovery in level.availability.recoveries where !faults.contains(recovery.fault) {
        faults.append(recovery.fault)
      }
    }
    guard !faults.isEmpty else { return "" }
    let rows = verdict.levels.filter { !$0.availability.recoveries.isEmpty }.map { level in
      [level.level]
        + faults.map { fault in
          guard let recovery = level.availability.recoveries.first(where: { $0.fault == fault }) else { return "–" }
          return recovery.confirmAfterHeal.map(Words.duration) ?? "never"
        }
    }
    return "\n" + paint.bold("First confirm after the heal of a fault") + "\n"
      + table(["level"] + faults, [false] + faults.map { _ in true }, rows, width: width, paint)
  }

  private static func findings(_ verdict: RunVerdict, _ paint: Paint, width: Int, explains: Bool) -> String {
    var out = ""
    if !verdict.findings.isEmpty { out += "\n" + paint.bold("Findings") + "\n" }
    for finding in verdict.findings {
      let ids = finding.ids.prefix(5).joined(separator: " ") + (finding.ids.count > 5 ? " …" : "")
      out += wrapped("• " + finding.story + " First: \(ids)", width: width, indent: "  ") + "\n"
      guard explains else { continue }
      for lanes in finding.lanes ?? [] { out += "\n" + lanes.text(width: width) }
      out += "\n"
    }
    if !verdict.reasons.isEmpty { out += "\n" + paint.bold("Why it is \(verdict.verdict.rawValue)") + "\n" }
    for reason in verdict.reasons { out += wrapped("• " + reason, width: width, indent: "  ") + "\n" }
    return out
  }

  private static func table(
    _ columns: [DecisionTable.Column], _ rows: [[String]], width: Int, _ paint: Paint
  ) -> String {
    table(columns.map(\.short), columns.map(\.isNumber), rows, width: width, paint)
  }

  private static func naturalWidths(_ titles: [String], _ rows: [[String]]) -> [Int] {
    var widths = titles.map(\.count)
    for row in rows { for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) } }
    return widths
  }

  /// Columns as wide as they must be; where the rows are wider than `width`, the space between columns shrinks to one.
  static func table(_ titles: [String], _ isNumber: [Bool], _ rows: [[String]], width: Int, _ paint: Paint) -> String {
    let widths = naturalWidths(titles, rows)
    let sum = widths.reduce(0, +)
    let gap = sum + 2 * (widths.count - 1) <= width ? "  " : " "
    func line(_ cells: [String], _ style: (String, Int) -> String) -> String {
      let parts = cells.enumerated().map { index, cell in
        let space = String(repeating: " ", count: widths[index] - cell.count)
        return isNumber[index] ? space + style(cell, index) : style(cell, index) + space
      }
      var text = parts.joined(separator: gap)
      while text.hasSuffix(" ") { text.removeLast() }
      return text + "\n"
    }
    var out = line(titles) { text, _ in paint.dim(text) }
    for row in rows {
      out += line(row) { text, _ in VerdictWord(rawValue: text).map(paint.word) ?? text }
    }
    return out
  }

  /// Lines of at most `width` characters, broken at spaces.
  static func wrapped(_ text: String, width: Int, indent: String = "") -> String {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        line = indent + word
      } else {
        line += (line.isEmpty || line == indent ? "" : " ") + word
      }
    }
    return (lines + [line]).joined(separator: "\n")
  }

  struct Paint {
    var isOn: Bool
    func bold(_ text: String) -> String { wrap(text, "1") }
    func dim(_ text: String) -> String { wrap(text, "2") }
    func verdict(_ word: VerdictWord) -> String {
      switch word {
      case .holds: wrap("✔ HOLDS", "1;32")
      case .violated: wrap("✘ VIOLATED", "1;31")
      case .inconclusive: wrap("? INCONCLUSIVE", "1;33")
      }
    }
    func word(_ word: VerdictWord) -> String {
      switch word {
      case .holds: wrap(word.rawValue, "32")
      case .violated: wrap(word.rawValue, "31")
      case .inconclusive: wrap(word.rawValue, "33")
      }
    }
    private func wrap(_ text: String, _ code: String) -> String { isOn ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text }
  }
}
