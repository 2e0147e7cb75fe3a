// Where a moment lies in a picture of few moments: what is close together is drawn apart, what is far apart nearer.

/// Positions from 0 to 1. Between two neighbouring moments lies a share that grows with the logarithm of the time between
/// them, so that a confirm after a millisecond and a drain after a minute fit into one picture. Order is exact, lengths
/// are not to scale.
public struct LaneScale: Sendable {
  /// Seconds, ascending, none twice: every begin and every end.
  public let moments: [Double]
  private let positions: [Double]

  public init(_ lanes: Lanes) {
    var all: [Double] = []
    for row in lanes.rows {
      for interval in row.intervals {
        all.append(interval.begin)
        if let end = interval.end { all.append(end) }
      }
    }
    all.sort()
    var moments: [Double] = []
    for moment in all where moments.last != moment { moments.append(moment) }
    self.moments = moments
    var sum = 0.0
    var positions = [0.0]
    for (a, b) in zip(moments, moments.dropFirst()) {
      sum += 4 + Self.decades(b - a)
      positions.append(sum)
    }
    self.positions = positions.map { sum > 0 ? $0 / sum : 0.5 }
  }

  /// The place of a moment of the picture; of any other, that of the last before it.
  public func position(_ moment: Double) -> Double {
    positions[max(0, firstIndex(in: moments) { $0 > moment } - 1)]
  }

  /// Powers of ten above a microsecond, in halves.
  private static func decades(_ seconds: Double) -> Double {
    var (decades, rest) = (0.0, seconds * 1e6)
    while rest >= 3.1622776601683795, decades < 10 {
      decades += 0.5
      rest /= 3.1622776601683795
    }
    return decades
  }
}
