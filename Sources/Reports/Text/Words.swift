// Numbers as people read them: digits in threes, three significant figures, units.

import Base

/// Pure formatting, the same everywhere in a report.
public enum Words {
  /// `3,912`
  public static func count(_ value: Int) -> String {
    let digits = String(value.magnitude)
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return value < 0 ? "-" + text : text
  }

  /// `1 message`, `3,912 messages`
  public static func count(_ value: Int, _ singular: String, _ plural: String? = nil) -> String {
    "\(count(value)) \(value == 1 ? singular : plural ?? singular + "s")"
  }

  /// With so many digits behind the point, and none that are only zeros where `trims`.
  public static func fixed(_ value: Double, _ digits: Int, trims: Bool = false) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "–" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int((value * scale).rounded())
    let (whole, rest) = scaled.magnitude.quotientAndRemainder(dividingBy: UInt(scale))
    var fraction = digits == 0 ? "" : String(String(rest + UInt(scale)).dropFirst())
    if trims { while fraction.hasSuffix("0") { fraction.removeLast() } }
    return (scaled < 0 ? "-" : "") + "\(whole)" + (fraction.isEmpty ? "" : "." + fraction)
  }

  /// A whole number grouped, anything else with up to three digits behind the point.
  public static func number(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "–" }
    return value == value.rounded() ? count(Int(value)) : fixed(value, 3, trims: true)
  }

  /// Messages per second: `1,998`, `41.2`
  public static func rate(_ value: Double) -> String {
    value >= 100 || value == value.rounded() ? count(Int(value.rounded())) : fixed(value, 1)
  }

  /// Milliseconds in the unit that fits: `410 µs`, `1.92 ms`, `900 ms`, `2.10 s`
  public static func latency(_ milliseconds: Double, trims: Bool = false) -> String {
    guard milliseconds.isFinite else { return "–" }
    if milliseconds < 0.9995 { return "\(fixed(milliseconds * 1000, 0)) µs" }
    if milliseconds < 999.5 { return "\(three(milliseconds, trims: trims)) ms" }
    return "\(three(milliseconds / 1000, trims: trims)) s"
  }

  /// A length of time in seconds: `12 ms`, `1.70 s`
  public static func duration(_ seconds: Double) -> String {
    seconds > 0 && seconds < 0.0995 ? latency(seconds * 1000) : Self.seconds(seconds)
  }

  /// An instant: `1.70 s`
  public static func seconds(_ value: Double) -> String { "\(fixed(value, 2)) s" }

  /// `0.632` as `63 %`; small shares with more digits.
  public static func share(_ value: Double) -> String {
    let percent = value * 100
    return "\(percent >= 10 ? fixed(percent, 0) : fixed(percent, 2, trims: true)) %"
  }

  /// `a`, `a and b`, `a, b and c`
  public static func list(_ items: [String]) -> String {
    guard let last = items.last, items.count > 1 else { return items.first ?? "" }
    return items.dropLast().joined(separator: ", ") + " and " + last
  }

  public static func bytes(_ value: Int64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var size = Double(value)
    var unit = 0
    while size >= 1024, unit < units.count - 1 {
      size /= 1024
      unit += 1
    }
    return "\(unit == 0 ? count(Int(value)) : three(size)) \(units[unit])"
  }

  private static func three(_ value: Double, trims: Bool = false) -> String {
    value >= 99.95 ? fixed(value, 0) : fixed(value, value >= 9.995 ? 1 : 2, trims: trims)
  }

  /// `one`, `two`, … `ten`, `11`
  public static func small(_ value: Int) -> String {
    let words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    return words.indices.contains(value) ? words[value] : count(value)
  }
}
