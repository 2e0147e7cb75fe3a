// Numbers with units as people write them: `2.8s`, `1000/s`, `1KiB`, `5%`. Read here, and written back here.

import Base

/// A kind of quantity. The unit is never left out, so that `5` cannot mean two things.
enum Quantity: Sendable {
  case duration, rate, size, share

  /// Units with their factor into nanoseconds, messages per second, bytes, and parts of one.
  var units: [(name: String, factor: Double)] {
    switch self {
    case .duration: [("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9)]
    case .rate: [("/s", 1)]
    case .size: [("B", 1), ("kB", 1e3), ("KiB", 1024), ("MB", 1e6), ("MiB", 1024 * 1024)]
    case .share: [("%", 0.01)]
    }
  }

  var noun: String {
    switch self {
    case .duration: "a duration such as 500ms"
    case .rate: "a rate such as 1000/s"
    case .size: "a size such as 1KiB"
    case .share: "a percentage such as 1%"
    }
  }

  /// A regular expression that matches what `read` takes.
  var pattern: String { #"^[0-9]+(\.[0-9]+)?("# + units.map(\.name).joined(separator: "|") + ")$" }

  /// The value in the base unit; nil where `text` is no such quantity. Below 2^53, so exact for whole numbers.
  func read(_ text: String) -> Double? {
    let digits = text.utf8.prefix { (0x30...0x39).contains($0) || $0 == 0x2e }
    guard let number = String(digits), let unit = String(text.utf8.dropFirst(digits.count)) else { return nil }
    let parts = number.utf8.split(separator: 0x2e, omittingEmptySubsequences: false)
    guard number.utf8.count <= 18, (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    guard let factor = units.first(where: { $0.name == unit })?.factor, let value = Double(number) else { return nil }
    // A percentage by division: 0.01 has no exact double, and 7 × 0.01 is not 0.07.
    let result = self == .share ? value / 100 : value * factor
    return result < 0x1p53 ? result : nil
  }

  /// The shortest text for a value in the base unit: in the largest unit that leaves a whole number.
  func write(_ value: Double) -> String {
    if self == .share { return number(value * 100) + "%" }
    let unit = units.last { value != 0 && value / $0.factor == (value / $0.factor).rounded() } ?? units[0]
    return value == 0 && self == .duration ? "0s" : number(value / unit.factor) + unit.name
  }

  private func number(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 0x1p53 ? "\(Int64(value))" : "\(value)"
  }
}

extension Nanoseconds {
  /// As in scenario files: `2s`, `2800ms`.
  var text: String { Quantity.duration.write(Double(self)) }
}
