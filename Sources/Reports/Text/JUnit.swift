// `junit.xml`: a test suite a level, a test case a guarantee. Violated is a failure, inconclusive an error: neither passes.

import Base

/// Pure: the dialect that CI servers agree on.
enum JUnit {
  static func render(_ verdict: RunVerdict) -> String {
    let all = verdict.levels.flatMap(cases)
    var out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    out += "<testsuites name=\"\(escapeXML(verdict.name))\" \(totals(all))>\n"
    for level in verdict.levels {
      let cases = cases(level)
      out += "  <testsuite name=\"\(escapeXML("\(verdict.name).\(level.level)"))\" \(totals(cases))>\n"
      for item in cases {
        let attributes = "name=\"\(escapeXML(item.name))\" classname=\"\(escapeXML("\(verdict.name).\(level.level)"))\""
        switch item.verdict {
        case .holds: out += "    <testcase \(attributes)/>\n"
        case .violated:
          let story = verdict.findings.first { $0.level == level.level && $0.name == item.name }
          let ids = story.map { "\n" + $0.ids.prefix(20).joined(separator: " ") } ?? ""
          out +=
            "    <testcase \(attributes)>\n      <failure message=\"\(escapeXML(item.message))\" type=\"violated\">"
          out += escapeXML((story?.story ?? item.message) + ids) + "</failure>\n    </testcase>\n"
        case .inconclusive:
          out +=
            "    <testcase \(attributes)>\n      <error message=\"\(escapeXML(item.message))\" type=\"inconclusive\"/>\n"
          out += "    </testcase>\n"
        }
      }
      out += "  </testsuite>\n"
    }
    return out + "</testsuites>\n"
  }

  private struct Case {
    var name: String
    var verdict: VerdictWord
    var message: String
  }

  private static func cases(_ level: LevelVerdict) -> [Case] {
    var cases = level.guarantees.map { guarantee in
      let isTime = guarantee.expected.hasPrefix("<")
      let observed = isTime ? Words.latency(guarantee.observed) : Words.number(guarantee.observed)
      let message = guarantee.why ?? "\(guarantee.name) is \(observed), expected \(guarantee.expected)"
      return Case(name: guarantee.name, verdict: guarantee.verdict, message: message)
    }
    // A level whose verdict no guarantee explains must not look as if it had passed.
    if level.verdict != .holds, !cases.contains(where: { $0.verdict == level.verdict }) {
      cases.append(Case(name: "level", verdict: level.verdict, message: level.reasons.joined(separator: " ")))
    }
    return cases
  }

  private static func totals(_ cases: [Case]) -> String {
    let failures = cases.count { $0.verdict == .violated }
    let errors = cases.count { $0.verdict == .inconclusive }
    return "tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"\(errors)\""
  }
}

/// Text for XML and HTML, in elements and in attributes. Characters that XML 1.0 forbids become U+FFFD.
func escapeXML(_ text: String) -> String {
  var out = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": out += "&amp;"
    case "<": out += "&lt;"
    case ">": out += "&gt;"
    case "\"": out += "&quot;"
    case "'": out += "&#39;"
    case "\t", "\n": out.unicodeScalars.append(scalar)
    default:
      let isForbidden = scalar.value < 0x20 || (0xfffe...0xffff).contains(scalar.value)
      out.unicodeScalars.append(isForbidden ? "\u{fffd}" : scalar)
    }
  }
  return out
}
