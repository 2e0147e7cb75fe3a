// HdrHistogram (Gil Tene, hdrhistogram.org): counts of values at three significant digits, recorded in constant time.

/// Counts of whole numbers from 0, here mostly nanoseconds. A value is counted with all that differ from it by less than
/// one in 2048, so that three decimal digits are exact; the range grows as values come, up to `largest`.
public struct Histogram: Equatable, Sendable {
  /// Some 39 hours in nanoseconds; what is greater is counted as this.
  public static let largest: Int64 = 1 << 47
  public static let significantDigits = 3
  static let subBuckets = 2048
  static let subBucketsHalf = 1024
  static let halfMagnitude = 10

  /// By index of the published layout; trailing slots that were never reached are missing.
  private(set) var counts: [Int64] = []
  /// How many values were recorded.
  public private(set) var count: Int64 = 0
  private var least: Int64 = .max
  private var greatest: Int64 = 0

  public init() {}

  public static func == (a: Histogram, b: Histogram) -> Bool {
    a.count == b.count && a.counts.lastIndex { $0 != 0 } == b.counts.lastIndex { $0 != 0 }
      && zip(a.counts, b.counts).allSatisfy { $0 == $1 }
  }

  /// Counts `value`, `times` times. What is below 0 counts as 0.
  public mutating func record(_ value: Int64, times: Int64 = 1) {
    let value = Swift.min(Swift.max(value, 0), Self.largest)
    let index = Self.index(of: value)
    if index >= counts.count { grow(to: index) }
    counts[index] &+= times
    count &+= times
    if value < least { least = value }
    if value > greatest { greatest = value }
  }

  /// Adds what the other has counted.
  public mutating func merge(_ other: Histogram) {
    guard other.count > 0 else { return }
    if other.counts.count > counts.count { grow(to: other.counts.count - 1) }
    for (index, times) in other.counts.enumerated() where times != 0 { counts[index] &+= times }
    count += other.count
    least = Swift.min(least, other.least)
    greatest = Swift.max(greatest, other.greatest)
  }

  /// The least recorded value, at the histogram's precision; 0 for none.
  public var min: Int64 { count == 0 ? 0 : Self.lowestEquivalent(least) }
  /// The greatest recorded value, at the histogram's precision; 0 for none.
  public var max: Int64 { count == 0 ? 0 : Self.highestEquivalent(greatest) }

  /// Of the middles of the slots; 0 for none.
  public var mean: Double {
    guard count > 0 else { return 0 }
    var sum = 0.0
    for (index, times) in counts.enumerated() where times != 0 {
      let lowest = Self.value(at: index)
      sum += Double(lowest + (Self.width(of: lowest) >> 1)) * Double(times)
    }
    return sum / Double(count)
  }

  /// The greatest value that is equivalent to the one below or at which `percentile` per cent of all values lie.
  public func percentile(_ percentile: Double) -> Int64 {
    guard count > 0 else { return 0 }
    let share = Swift.min(Swift.max(percentile, 0), 100) / 100
    // A hair less, as in the original: 99.9 / 100 × 1000 must not become 999.0000000000001 and ask for the 1000th.
    let wanted = Swift.max(Int64((share.nextDown * Double(count)).rounded(.up)), 1)
    var seen: Int64 = 0
    for (index, times) in counts.enumerated() {
      seen += times
      if seen >= wanted { return Self.highestEquivalent(Self.value(at: index)) }
    }
    return max
  }

  /// How many recorded values are in slots up to that of `value`.
  public func count(upTo value: Int64) -> Int64 {
    let last = Self.index(of: Swift.min(Swift.max(value, 0), Self.largest))
    return counts.prefix(last + 1).reduce(0, +)
  }

  private mutating func grow(to index: Int) {
    // Whole buckets, so that growing is rare.
    let wanted = (index / Self.subBucketsHalf + 1) * Self.subBucketsHalf
    counts += [Int64](repeating: 0, count: wanted - counts.count)
  }

  /// Of the published layout: the first bucket has 2048 slots one apart, each further one 1024 slots twice as far apart.
  static func index(of value: Int64) -> Int {
    let bucket = 64 - (UInt64(value) | UInt64(subBuckets - 1)).leadingZeroBitCount - (halfMagnitude + 1)
    let sub = Int(value >> Int64(bucket))
    return (bucket << halfMagnitude) + sub
  }

  static func value(at index: Int) -> Int64 {
    let bucket = (index >> halfMagnitude) - 1
    if bucket < 0 { return Int64(index) }
    return Int64((index & (subBucketsHalf - 1)) + subBucketsHalf) << Int64(bucket)
  }

  static func width(of value: Int64) -> Int64 {
    1 << Int64(64 - (UInt64(value) | UInt64(subBuckets - 1)).leadingZeroBitCount - (halfMagnitude + 1))
  }

  static func lowestEquivalent(_ value: Int64) -> Int64 { value & ~(width(of: value) - 1) }
  static func highestEquivalent(_ value: Int64) -> Int64 { lowestEquivalent(value) + width(of: value) - 1 }
}
