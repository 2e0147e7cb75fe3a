// One bit for each position of a history.

/// Positions that are set, from 0 to the given number.
struct Bitmap {
  let words: Buffer<UInt64>

  init(count: Int) { words = Buffer(count: (count + 63) / 64, repeating: 0) }

  @inline(__always)
  func set(_ position: Int32) { words[Int(position) >> 6] |= 1 << UInt64(position & 63) }
}
