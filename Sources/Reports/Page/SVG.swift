// Drawing: a small SVG writer, and scales with few, round ticks.

/// Elements of one picture; classes carry the colours.
struct SVG {
  var width: Double
  private(set) var body = ""

  init(width: Double) { self.width = width }

  static func n(_ value: Double) -> String { Words.fixed(value, 1, trims: true) }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
    body +=
      "<line x1=\"\(Self.n(x1))\" y1=\"\(Self.n(y1))\" x2=\"\(Self.n(x2))\" y2=\"\(Self.n(y2))\" class=\"\(style)\"/>\n"
  }

  mutating func rect(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String, title: String = "") {
    let start =
      "<rect x=\"\(Self.n(x))\" y=\"\(Self.n(y))\" width=\"\(Self.n(max(width, 0)))\" height=\"\(Self.n(height))\" class=\"\(style)\""
    body += title.isEmpty ? start + "/>\n" : start + "><title>\(escapeXML(title))</title></rect>\n"
  }

  mutating func circle(_ x: Double, _ y: Double, _ radius: Double, _ style: String, title: String = "") {
    let start = "<circle cx=\"\(Self.n(x))\" cy=\"\(Self.n(y))\" r=\"\(Self.n(radius))\" class=\"\(style)\""
    body += title.isEmpty ? start + "/>\n" : start + "><title>\(escapeXML(title))</title></circle>\n"
  }

  mutating func text(_ x: Double, _ y: Double, _ text: String, _ style: String = "") {
    body +=
      "<text x=\"\(Self.n(x))\" y=\"\(Self.n(y))\"\(style.isEmpty ? "" : " class=\"\(style)\"")>\(escapeXML(text))</text>\n"
  }

  /// A line through the points; a nil breaks it.
  mutating func path(_ points: [(x: Double, y: Double)?], _ style: String) {
    var data = ""
    var isDown = false
    for point in points {
      guard let point else {
        isDown = false
        continue
      }
      // A point alone is a short dash, not nothing.
      data += "\(isDown ? "L" : "M")\(Self.n(point.x)) \(Self.n(point.y))\(isDown ? "" : "h.1")"
      isDown = true
    }
    if !data.isEmpty { body += "<path d=\"\(data)\" class=\"\(style)\"/>\n" }
  }

  /// The area between the points and `base`.
  mutating func area(_ points: [(x: Double, y: Double)], base: Double, _ style: String) {
    guard let first = points.first, let last = points.last else { return }
    let middle = points.map { "L\(Self.n($0.x)) \(Self.n($0.y))" }.joined()
    body +=
      "<path d=\"M\(Self.n(first.x)) \(Self.n(base))\(middle)L\(Self.n(last.x)) \(Self.n(base))Z\" class=\"\(style)\"/>\n"
  }

  func render(height: Double, _ style: String, label: String) -> String {
    "<svg viewBox=\"0 0 \(Self.n(width)) \(Self.n(height))\" class=\"\(style)\" role=\"img\" aria-label=\"\(escapeXML(label))\">\n\(body)</svg>\n"
  }

  /// What a text of 12 px takes, near enough to keep labels apart.
  static func textWidth(_ text: String) -> Double { Double(text.count) * 6.6 }
}

/// A range of values on a stretch of the picture.
struct Scale {
  var from: Double
  var to: Double
  var start: Double
  var end: Double
  var isLog = false

  func callAsFunction(_ value: Double) -> Double {
    let (a, b, v) =
      isLog ? (Self.logarithm(from), Self.logarithm(to), Self.logarithm(max(value, from))) : (from, to, value)
    return b > a ? start + (v - a) / (b - a) * (end - start) : start
  }

  /// From 0 to a round number above `largest`.
  static func linear(_ largest: Double, start: Double, end: Double) -> Scale {
    Scale(from: 0, to: niceCeiling(largest), start: start, end: end)
  }

  /// A logarithmic range from and to 1, 2 or 5 times a power of ten, at least a factor of five wide.
  static func log(_ least: Double, _ largest: Double, start: Double, end: Double) -> Scale {
    var low = 1e-3
    var step = 0
    func next(_ value: Double, _ step: Int) -> Double { value * (step % 3 == 1 ? 2.5 : 2) }
    while next(low, step) <= least, low < 1e9 { (low, step) = (next(low, step), step + 1) }
    var high = low
    while high < largest || high < low * 4.9, high < 1e12 { (high, step) = (next(high, step), step + 1) }
    return Scale(from: low, to: high, start: start, end: end, isLog: true)
  }

  /// 1, 2 and 5 times each power of ten in the range; every second one, or only the powers, where they are many.
  var logTicks: [Double] {
    var ticks: [Double] = []
    var power = 1e-3
    while power <= to * 1.001 {
      for factor in [1.0, 2, 5] where power * factor >= from * 0.999 && power * factor <= to * 1.001 {
        ticks.append(power * factor)
      }
      power *= 10
    }
    if ticks.count <= 7 { return ticks }
    return decadeTicks
  }

  /// Whole decades around the values.
  static func decades(_ least: Double, _ largest: Double, start: Double, end: Double) -> Scale {
    var (low, high) = (1e-3, 1e-2)
    while low * 10 <= least, low < 1e9 { low *= 10 }
    high = low * 10
    while high < largest, high < 1e12 { high *= 10 }
    return Scale(from: low, to: high, start: start, end: end, isLog: true)
  }

  var decadeTicks: [Double] {
    var ticks: [Double] = []
    var value = 1e-3
    while value <= to * 1.001 {
      if value >= from * 0.999 { ticks.append(value) }
      value *= 10
    }
    return ticks
  }

  /// At most about `count` round values in the range.
  func ticks(_ count: Int) -> [Double] {
    let step = Self.niceCeiling((to - from) / Double(max(count, 1)))
    guard step > 0 else { return [from] }
    var value = (from / step).rounded(.up) * step
    var ticks: [Double] = []
    while value <= to + step * 1e-6, ticks.count < 1000 {
      ticks.append(value)
      value += step
    }
    return ticks
  }

  /// 1, 2, 2.5, 5 or 10 times a power of ten, not below `value`.
  static func niceCeiling(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return 1 }
    var power = 1.0
    while power * 10 <= value { power *= 10 }
    while power > value { power /= 10 }
    for factor in [1, 2, 2.5, 5, 10] where power * factor >= value * 0.999999 { return power * factor }
    return power * 10
  }

  /// Of base e, by the exponent and a short series: good to a thousandth of a pixel.
  private static func logarithm(_ value: Double) -> Double {
    guard value > 0 else { return -1e9 }
    let z = (value.significand - 1) / (value.significand + 1)
    let z2 = z * z
    return Double(value.exponent) * 0.6931471805599453 + 2 * z
      * (1 + z2 * (1 / 3.0 + z2 * (1 / 5.0 + z2 * (1 / 7.0 + z2 / 9))))
  }
}
