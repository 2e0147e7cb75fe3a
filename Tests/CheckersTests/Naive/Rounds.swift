// How long the random tests go on: some seconds, or as long as the environment says.

import Foundation

enum Rounds {
  /// `CHECKERS_ROUNDS` multiplies the number of random histories; `CHECKERS_SEED` starts them elsewhere.
  static func count(_ usual: Int) -> Int { usual * max(1, number("CHECKERS_ROUNDS") ?? 1) }
  static var firstSeed: UInt64 { UInt64(max(0, number("CHECKERS_SEED") ?? 0)) }

  private static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap(Int.init) }
}
