// The picture for a terminal: a line or a few for each client, time to the right.

import Base

extension Lanes {
  /// The least width in which a picture still says something.
  public static let leastWidth = 40

  /// Lines of at most `width` columns, the sentence first; no colour, none ends with a space.
  public func text(width: Int = 100) -> String {
    var picture = TextPicture(self, width: max(width, Self.leastWidth))
    return picture.render()
  }
}

private struct TextPicture {
  private static let remark = Array("not to scale")
  private let lanes: Lanes
  private let width: Int
  /// Columns of the names, and where the last moment lies.
  private let gutter: Int
  private let lastColumn: Int
  private let scale: LaneScale

  /// One operation on one line: its bar, and where its words stand.
  private struct Placed {
    var cells: [Character]
    var start: Int
  }

  init(_ lanes: Lanes, width: Int) {
    (self.lanes, self.width) = (lanes, width)
    // Room for the remark below the axis, too.
    gutter = max(Self.remark.count, min(lanes.rows.map(\.name.count).max() ?? 0, 14)) + 2
    lastColumn = width - 3
    scale = LaneScale(lanes)
  }

  mutating func render() -> String {
    var lines = wrapped(lanes.sentence)
    for row in lanes.rows {
      var canvas: [[Character]] = []
      for interval in row.intervals { put(interval, on: &canvas) }
      for (k, cells) in canvas.enumerated() {
        let name = k == 0 ? String(row.name.prefix(gutter - 2)) : ""
        lines.append(trimmed(name + String(repeating: " ", count: gutter - name.count) + String(cells[gutter...])))
      }
    }
    if !scale.moments.isEmpty { lines += axis() }
    return lines.joined(separator: "\n") + "\n"
  }

  private func column(_ moment: Double) -> Int {
    gutter + Int((scale.position(moment) * Double(lastColumn - gutter)).rounded())
  }

  /// On the first line with room for bar and words; words that fit nowhere beside their bar stand below it.
  private func put(_ interval: Lanes.Interval, on canvas: inout [[Character]]) {
    let options = placings(interval)
    for k in canvas.indices {
      for placed in options where isFree(placed, canvas[k]) { return draw(placed, &canvas[k]) }
    }
    canvas.append(Array(repeating: " ", count: width))
    if let placed = options.first { return draw(placed, &canvas[canvas.count - 1]) }
    draw(bar(interval), &canvas[canvas.count - 1])
    let text = clipped(interval.label, to: width - gutter)
    let start = max(gutter, min(column(interval.begin), width - text.count))
    canvas.append(Array(repeating: " ", count: width))
    draw(Placed(cells: Array(text), start: start), &canvas[canvas.count - 1])
  }

  private func isFree(_ placed: Placed, _ line: [Character]) -> Bool {
    let from = max(gutter, placed.start - 2)
    return line[from..<min(width, placed.start + placed.cells.count + 2)].allSatisfy { $0 == " " }
  }

  private func draw(_ placed: Placed, _ line: inout [Character]) {
    for (k, cell) in placed.cells.enumerated() { line[placed.start + k] = cell }
  }

  private func bar(_ interval: Lanes.Interval) -> Placed {
    let start = column(interval.begin)
    let (from, to, fill) =
      interval.role == .fault ? ("▒" as Character, "▒" as Character, "▒" as Character) : ("├", "┤", "─")
    guard let end = interval.end else {
      let length = max(1, width - 1 - start)
      return Placed(cells: [from] + Array(repeating: fill, count: length - 1) + ["→"], start: start)
    }
    let stop = column(end)
    if stop <= start { return Placed(cells: ["•"], start: start) }
    let last = interval.ending == .failed ? "╳" as Character : to
    return Placed(cells: [from] + Array(repeating: fill, count: max(0, stop - start - 1)) + [last], start: start)
  }

  /// The words inside the bar, right of it, left of it.
  private func placings(_ interval: Lanes.Interval) -> [Placed] {
    let bar = bar(interval)
    let label = Array(interval.label)
    var options: [Placed] = []
    if bar.cells.count >= label.count + 6 {
      var cells = bar.cells
      let at = 2
      cells.replaceSubrange(at..<at + label.count + 2, with: [" "] + label + [" "])
      options.append(Placed(cells: cells, start: bar.start))
    }
    if bar.start + bar.cells.count + 1 + label.count <= width {
      options.append(Placed(cells: bar.cells + [" "] + label, start: bar.start))
    }
    if bar.start - label.count - 1 >= gutter {
      options.append(Placed(cells: label + [" "] + bar.cells, start: bar.start - label.count - 1))
    }
    return options
  }

  /// A tick for each moment, and as many times as there is room for: the first as it is, the others from there on.
  private func axis() -> [String] {
    var line = [Character](repeating: "─", count: width)
    var words = [Character](repeating: " ", count: width)
    for k in 0..<gutter { line[k] = " " }
    line[width - 1] = "→"
    let first = scale.moments[0]
    // The ends first, then what fits between them.
    let count = scale.moments.count
    let order = [0] + (count > 1 ? [count - 1] : []) + (count > 2 ? Array(1..<count - 1) : [])
    for k in order {
      let moment = scale.moments[k]
      line[column(moment)] = "┴"
      let text = Array(k == 0 ? "\(Self.fixed(first, 3)) s" : "+\(Self.length(moment - first))")
      let start = max(gutter, min(column(moment) - (k == 0 ? 0 : text.count / 2), width - text.count))
      let (from, to) = (max(0, start - 2), min(width, start + text.count + 2))
      guard words[from..<to].allSatisfy({ $0 == " " }) else { continue }
      for (i, cell) in text.enumerated() { words[start + i] = cell }
    }
    if scale.moments.count > 2 { for (i, cell) in Self.remark.enumerated() { words[i] = cell } }
    return [String(line), trimmed(String(words))]
  }

  private func trimmed(_ text: String) -> String {
    var text = text
    while text.last == " " { text.removeLast() }
    return text
  }

  private func clipped(_ text: String, to count: Int) -> String {
    text.count <= count ? text : text.prefix(max(0, count - 1)) + "…"
  }

  private func wrapped(_ text: String) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + clipped(String(word), to: width)
    }
    return lines + (line.isEmpty ? [] : [line])
  }
}

extension Lanes {
  /// A length of time with two or three figures: `850 µs`, `12.3 ms`, `4.51 s`.
  public static func length(_ seconds: Double) -> String { TextPicture.length(seconds) }
}

extension TextPicture {
  static func length(_ seconds: Double) -> String {
    if seconds < 0.9995e-6 { return "\(fixed(seconds * 1e9, 0)) ns" }
    let (value, unit) =
      seconds < 0.0009995 ? (seconds * 1e6, "µs") : seconds < 0.9995 ? (seconds * 1e3, "ms") : (seconds, "s")
    let digits = value >= 99.95 || unit == "µs" ? 0 : value >= 9.995 ? 1 : 2
    return "\(fixed(value, digits)) \(unit)"
  }

  static func fixed(_ value: Double, _ digits: Int) -> String {
    let scale = [1.0, 10, 100, 1000][digits]
    guard abs(value) < 1e12 else { return "\(value)" }
    let scaled = Int((value * scale).rounded())
    let (whole, rest) = scaled.magnitude.quotientAndRemainder(dividingBy: UInt(scale))
    let fraction = digits == 0 ? "" : "." + String(String(rest + UInt(scale)).dropFirst())
    return (scaled < 0 ? "-" : "") + "\(whole)" + fraction
  }
}
