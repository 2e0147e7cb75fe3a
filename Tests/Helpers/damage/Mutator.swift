// Damages files as disks, cables and people do: seeded, so that every damaged file can be had again.

import Base

/// Damage to bytes: flipped bits, cuts, repetitions, pieces of other files, and tokens of the format in wrong places.
public struct Mutator: Sendable {
  /// Pieces of text that mean something in the format.
  var tokens: [[UInt8]]

  public init(_ tokens: String) {
    self.tokens = tokens.split(separator: "\u{20}").map { Array($0.utf8) } + [[0x0a], [0x20], [0], [0xff], []]
  }

  /// The file with one to four damages.
  public func damaged(_ file: [UInt8], others: [[UInt8]], _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = file
    for _ in 0...[0, 0, 1, 3][random.below(4)] {
      guard !bytes.isEmpty else { return bytes }
      damage(&bytes, others, &random)
    }
    return bytes
  }

  private func damage(_ bytes: inout [UInt8], _ others: [[UInt8]], _ random: inout SeededGenerator) {
    let at = random.below(bytes.count)
    let piece = at..<min(bytes.count, at + 1 + random.below(1 << random.below(8)))
    switch random.below(11) {
    case 0, 1: bytes[at] ^= UInt8(1 << random.below(8))
    case 2: bytes[at] = UInt8(random.below(256))
    case 3: bytes.removeSubrange(at...)
    case 4: bytes.removeSubrange(piece)
    case 5: bytes.insert(contentsOf: bytes[piece], at: random.below(bytes.count))
    case 6:
      // Two pieces change places.
      let other = random.below(bytes.count)
      for step in 0..<min(piece.count, bytes.count - other) where at + step < bytes.count {
        bytes.swapAt(at + step, other + step)
      }
    case 7:
      let other = others[random.below(others.count)]
      guard !other.isEmpty else { return }
      let from = random.below(other.count)
      bytes.replaceSubrange(piece, with: other[from..<min(other.count, from + 1 + random.below(64))])
    case 8: replaceToken(&bytes, at, &random)
    case 9: replaceNumber(&bytes, at, &random)
    default: bytes.insert(contentsOf: tokens[random.below(tokens.count)], at: at)
    }
  }

  /// The next token from `at` on becomes another one.
  private func replaceToken(_ bytes: inout [UInt8], _ at: Int, _ random: inout SeededGenerator) {
    let token = tokens[random.below(tokens.count)]
    guard !token.isEmpty, let found = bytes[at...].firstRange(of: token) else { return }
    bytes.replaceSubrange(found, with: tokens[random.below(tokens.count)])
  }

  /// The next number from `at` on becomes one at the edge of something.
  private func replaceNumber(_ bytes: inout [UInt8], _ at: Int, _ random: inout SeededGenerator) {
    guard let begin = bytes[at...].firstIndex(where: { (0x30...0x39).contains($0) }) else { return }
    let end = bytes[begin...].firstIndex { !(0x30...0x39).contains($0) } ?? bytes.count
    bytes.replaceSubrange(begin..<end, with: Self.edges[random.below(Self.edges.count)])
  }

  /// Numbers at the edge of something, and some that are no integers.
  static let edges: [[UInt8]] = [
    "0", "-1", "1", "255", "256", "65535", "65536", "2147483647", "2147483648", "-2147483649", "4294967295",
    "4294967296", "1099511627775", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "18446744073709551615", "1e5", "0.5", "00", "-0", "99999999999999999999999",
  ].map { Array($0.utf8) }
}
