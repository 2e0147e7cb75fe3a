// The one table of a run, a row a level: the same cells for the terminal, the Markdown summary and the page.

import Base

/// Columns and rows as text.
struct DecisionTable {
  struct Column {
    var title: String
    /// Where room is short.
    var short: String
    var isNumber = true
  }

  static let columns: [Column] = [
    Column(title: "level", short: "level", isNumber: false),
    Column(title: "verdict", short: "verdict", isNumber: false),
    Column(title: "attempted", short: "tried"), Column(title: "acknowledged", short: "acked"),
    Column(title: "delivered", short: "deliv."), Column(title: "lost", short: "lost"),
    Column(title: "duplicated", short: "dup."), Column(title: "redelivered", short: "again"),
    Column(title: "recovered", short: "recov."), Column(title: "goodput/s", short: "good/s"),
    Column(title: "confirm p50/p99/p99.9", short: "confirm ms"),
    Column(title: "end-to-end p50/p99/p99.9", short: "end-to-end ms"),
    Column(title: "longest outage", short: "outage"),
  ]

  /// Indices of the latency columns.
  static let confirm = 10
  static let endToEnd = 11

  static func rows(_ verdict: RunVerdict) -> [[String]] {
    verdict.levels.map { level in
      func count(_ names: String...) -> String {
        let known = names.compactMap { level.counts[$0] }
        return known.isEmpty ? "–" : Words.count(known.reduce(0, +))
      }
      return [
        level.level, level.verdict.rawValue, count("attempted"), count("acknowledged"), count("delivered"),
        count("lost"),
        count("duplicated", "duplicated-by-retry"), count("redelivered"), count("recovered"),
        level.counts.isEmpty ? "–" : Words.rate(level.throughput.delivered), latencies(level.latency["confirm"]),
        latencies(level.latency["end-to-end"]),
        level.counts.isEmpty ? "–" : Words.duration(level.availability.longestOutage),
      ]
    }
  }

  /// Milliseconds: `1.9/14.2/900`
  static func latencies(_ latency: LevelVerdict.Latency?) -> String {
    guard let latency else { return "–" }
    return [latency.p50, latency.p99, latency.p999].map { value in
      value >= 99.95 ? Words.count(Int(value.rounded())) : Words.fixed(value, value >= 9.995 ? 1 : 2, trims: true)
    }.joined(separator: "/")
  }
}

/// The sentence above everything: what was done, what was lost, what it cost.
enum Headline {
  static func sentence(_ verdict: RunVerdict) -> String {
    var kinds: [(kind: String, count: Int)] = []
    // The same schedule hits every level: count it once.
    let level = verdict.levels.first { level in verdict.faults.contains { $0.level == level.level } }?.level
    // What an aborted level did not come to was no trial.
    for fault in verdict.faults
    where fault.level == level && (fault.began != nil || verdict.levels.allSatisfy { $0.aborted == nil }) {
      if let index = kinds.firstIndex(where: { $0.kind == fault.kind }) {
        kinds[index].count += 1
      } else {
        kinds.append((fault.kind, 1))
      }
    }
    let under = kinds.isEmpty ? "Without faults" : "Under " + Words.list(kinds.map { noun($0.kind, $0.count) })
    let recorded = verdict.levels.filter { !$0.counts.isEmpty }
    guard !recorded.isEmpty else { return "Nothing was recorded: the run ended before its first level." }
    let sound = recorded.filter { bad($0).isEmpty && $0.verdict == .holds }
    var clauses = recorded.filter { level in !sound.contains { $0.level == level.level } }.map(clause)
    if !sound.isEmpty {
      let counts = sound.enumerated().map { index, level in
        // The word once, where the next one has the same.
        let word = acknowledged(level)
        let isLast = index + 1 == sound.count || acknowledged(sound[index + 1]) != word
        return Words.count(level.counts["acknowledged", default: 0]) + (isLast ? " \(word)" : "")
      }
      clauses.append("\(Words.list(sound.map(\.level))) lost nothing of \(Words.list(counts))")
    }
    return "\(under), \(clauses.joined(separator: "; "))." + price(verdict)
  }

  private static func noun(_ kind: String, _ count: Int) -> String {
    let nouns = [
      "crash": "crash", "disk-stall": "stalled disk", "disk-delay": "slow disk", "disk-error": "failing disk",
      "link": "impaired link",
    ]
    let noun = nouns[kind] ?? kind
    return "\(Words.small(count)) \(noun)" + (count == 1 ? "" : noun.hasSuffix("h") ? "es" : "s")
  }

  /// Whether the level asks the broker for confirms, or commits.
  static func hasConfirms(_ level: LevelVerdict) -> Bool { level.guarantees.contains { $0.name == "stuck-confirm" } }

  private static func acknowledged(_ level: LevelVerdict) -> String { hasConfirms(level) ? "acknowledged" : "sent" }

  /// What went wrong, a few words each.
  private static func bad(_ level: LevelVerdict) -> [String] {
    [
      ("lost", "lost"), ("duplicated", "duplicated"), ("torn-transaction", "tore"), ("unexpected", "made up"),
      ("aborted-read", "delivered in spite of failure"), ("out-of-order", "misordered"),
      ("wrong-redelivered-flag", "failed to flag"), ("stuck-confirm", "never confirmed"),
      ("stuck-message", "left stuck in a queue"), ("dead-letter-lost", "lost as dead letters"),
    ].compactMap { name, verb -> String? in
      let count = level.counts[name, default: 0]
      guard count > 0 else { return nil }
      return name == "torn-transaction" ? "tore \(Words.count(count, "transaction"))" : "\(verb) \(Words.count(count))"
    }
  }

  private static func clause(_ level: LevelVerdict) -> String {
    let whole = "of \(Words.count(level.counts["acknowledged", default: 0])) \(acknowledged(level))"
    let bad = bad(level)
    if bad.isEmpty {
      return level.verdict == .inconclusive ? "\(level.level) is inconclusive" : "\(level.level) missed a promise"
    }
    return "\(level.level) \(Words.list(bad)) \(whole)"
  }

  /// The cost of the safest level against the fastest.
  private static func price(_ verdict: RunVerdict) -> String {
    let rated = verdict.levels.filter { $0.throughput.confirmed > 0 && $0.latency["end-to-end"] != nil }
    guard let fastest = rated.max(by: { $0.throughput.delivered < $1.throughput.delivered }), let last = rated.last,
      last.level != fastest.level, fastest.throughput.delivered > 0
    else { return "" }
    let cost = 1 - last.throughput.delivered / fastest.throughput.delivered
    guard cost >= 0.01 else { return "" }
    return " The price: \(last.level) delivered \(Words.share(cost)) less per second than \(fastest.level)."
  }
}
