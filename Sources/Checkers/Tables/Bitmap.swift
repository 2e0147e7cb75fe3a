// One bit for each position of a history.

/// Positions that are set, from 0 to the given number.
struct Bitmap {
  private(set) var words: ContiguousArray<UInt64>

  init(count: Int) { words = ContiguousArray(repeating: 0, count: (count + 63) / 64) }

  @inline(__always)
  mutating func set(_ position: Int32) { words[Int(position) >> 6] |= 1 << UInt64(position & 63) }
}
