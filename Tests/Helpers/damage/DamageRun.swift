// The seeds of one test with damaged files, and where to look for the one at which the process died.

import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// One after the other the seeds of a test. `STORMPROOF_DAMAGE` is the number of inputs of all these tests together (half
/// of them are decoded, half of them checked as well), `STORMPROOF_FUZZ_SEED` the first seed of each.
///
/// A trap ends the process before anybody can say at which seed. So each seed is written to a file before its turn:
/// `damage-PROCESS-NAME.seed` in the folder for temporary files, gone when the test has come to its end. To have the input
/// again:
///
///     STORMPROOF_FUZZ_SEED=$(cat /tmp/damage-…-NAME.seed) STORMPROOF_DAMAGE=1 swift test --filter …
public struct DamageRun {
  public static let isLong = number("STORMPROOF_DAMAGE") != nil
  private static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap(Int.init) }

  public let seeds: Range<UInt64>
  private let name: String

  /// - Parameters:
  ///   - usual: Inputs where the environment says nothing.
  ///   - share: Which part of all inputs are this test's: one in so many.
  public init(_ name: String, usual: Int, share: Int) {
    self.name = name
    let first = UInt64(max(0, Self.number("STORMPROOF_FUZZ_SEED") ?? 0))
    seeds = first..<first + UInt64(max(1, Self.number("STORMPROOF_DAMAGE").map { $0 / share } ?? usual))
  }

  /// Whether there are inputs enough to expect something of their number.
  public var isMany: Bool { seeds.count >= 100 }

  /// Calls `body` with every seed, and says in the end how fast that was where a long run was asked for.
  public func each(_ body: (UInt64) throws -> Void) rethrows {
    let file = "damage-\(getpid())-\(String(name.map { $0.isLetter ? $0 : "-" })).seed"
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(file).path
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    defer {
      close(descriptor)
      unlink(path)
    }
    let start = ContinuousClock.now
    for seed in seeds {
      // Seeds only grow: a later one covers the one before.
      let text = Array("\(seed)\n".utf8)
      _ = pwrite(descriptor, text, text.count, 0)
      try body(seed)
    }
    guard Self.isLong else { return }
    let spent = ContinuousClock.now - start
    let seconds = Double(spent.components.seconds) + Double(spent.components.attoseconds) * 1e-18
    let rate = Int(Double(seeds.count) / max(seconds, 1e-6))
    print("damage \(name): seeds \(seeds.lowerBound) to \(seeds.upperBound - 1), \(rate) inputs a second")
  }
}
