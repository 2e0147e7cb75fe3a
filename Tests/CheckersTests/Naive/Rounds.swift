// How long the random tests go on: some seconds, or as long as the environment says.

import Foundation

/// The seeds of one random test, and at its end how fast it was.
struct Rounds {
  /// `STORMPROOF_FUZZ` is the number of histories of a model; `STORMPROOF_FUZZ_SEED` starts their seeds elsewhere.
  static let histories = number("STORMPROOF_FUZZ")
  static let firstSeed = UInt64(max(0, number("STORMPROOF_FUZZ_SEED") ?? 0))

  let seeds: Range<UInt64>
  private let name: String
  private let usual: Int
  private let start = ContinuousClock.now

  /// - Parameters:
  ///   - usual: Histories where the environment says nothing.
  ///   - parts: Into how many tests those of one model are divided.
  init(_ name: String, usual: Int, parts: Int = 1) {
    self.name = name
    self.usual = usual
    let count = Self.histories.map { max(1, $0 / parts) } ?? usual
    seeds = Self.firstSeed..<Self.firstSeed + UInt64(count)
  }

  /// Says the seeds and the rate of a run whose length was asked for.
  /// - Returns: Whether there were histories enough to expect something of their number.
  @discardableResult
  func finish() -> Bool {
    guard Self.histories != nil else { return true }
    let spent = ContinuousClock.now - start
    let seconds = Double(spent.components.seconds) + Double(spent.components.attoseconds) * 1e-18
    let rate = Int(Double(seeds.count) / max(seconds, 1e-6))
    print("fuzz \(name): seeds \(seeds.lowerBound) to \(seeds.upperBound - 1), \(rate) histories a second")
    return seeds.count >= usual
  }

  private static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap(Int.init) }
}
