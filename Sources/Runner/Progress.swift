// Live progress on stderr: a status line that is rewritten where there is a terminal, plain lines where there is none.

import Base
import Glibc
import History

/// Prints what happens while a run goes on. Results never go through here.
public struct Progress {
  private let terminal: Bool
  private let colour: Bool
  private var statusShown = false
  private var phase = ""
  private var level = ""
  /// CLOCK_MONOTONIC at the begin of the level and of its load.
  private var begin: Nanoseconds = 0
  private var lastPlain: Nanoseconds = 0

  public init() {
    terminal = isatty(STDERR_FILENO) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"
    colour = terminal && getenv("NO_COLOR") == nil
  }

  public mutating func level(_ name: String, index: Int, of count: Int, now: Nanoseconds) {
    level = name
    phase = "boot"
    begin = now
    lastPlain = 0
    line("level \(name) (\(index) of \(count))")
  }

  public mutating func event(_ event: RunEvent) {
    let at = stamp(event.time)
    switch event.kind {
    case .phase:
      phase = event.name ?? "?"
      lastPlain = 0
      if !terminal { line("\(at) \(phase)") }
    case .faultBegan:
      line("\(at) \(paint("fault", "33")) \(event.fault ?? "?"): \(event.text ?? "begun")")
    case .faultEvidence:
      let force = event.inForce == true ? "in force" : paint("NOT in force", "31")
      let felt = event.felt == true ? "felt" : "not felt"
      line("\(at)   \(event.fault ?? "?") \(force), \(felt): \(event.text ?? "")")
    case .faultHealed:
      line("\(at) \(paint("healed", "32")) \(event.fault ?? "?")")
    case .nodeExited:
      line("\(at) \(event.node ?? "?") ended (\(event.text ?? "?"))")
    case .aborted:
      line("\(at) \(paint("aborted", "31")) on \(event.name ?? "?"): \(event.text ?? "")")
    case .note:
      line("\(at) \(event.text ?? "")")
    case .nodeSpawned, .nodeReady, .role, .faultIntent, .firstTraffic:
      break
    }
  }

  public mutating func row(_ row: SeriesRow) {
    let p99 = row.confirmP99.map { " p99 \(milliseconds($0))" } ?? ""
    let nodes = row.nodes.map { $0.name + ($0.alive ? ($0.paused ? "‖" : "") : "✗") }.joined(separator: " ")
    let text =
      "\(stamp(row.time)) \(level) \(phase)  offered \(row.offered)/s  confirmed \(row.confirmed)/s  "
      + "delivered \(row.delivered)/s  backlog \(row.backlog)\(p99)  \(nodes)"
    if terminal {
      put("\r\u{1b}[2K" + text)
      statusShown = true
    } else if row.time - lastPlain >= 5 * .second {
      lastPlain = row.time
      put(text + "\n")
    }
  }

  public mutating func line(_ text: String) {
    if statusShown { put("\r\u{1b}[2K") }
    statusShown = false
    put(text + "\n")
  }

  /// Leaves the terminal as it should be found.
  public mutating func end() {
    if statusShown { put("\r\u{1b}[2K") }
    statusShown = false
  }

  private func stamp(_ time: Nanoseconds) -> String {
    let tenths = max(0, time - begin) / (100 * .millisecond)
    let text = "\(tenths / 10).\(tenths % 10)s"
    return String(repeating: " ", count: max(0, 7 - text.count)) + text
  }

  private func milliseconds(_ value: Double) -> String {
    value < 10 ? "\((value * 10).rounded() / 10) ms" : "\(Int(value.rounded())) ms"
  }

  private func paint(_ text: String, _ code: String) -> String { colour ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text }

  private func put(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
      if count <= 0 { return }
      bytes = bytes.dropFirst(count)
    }
  }
}
