// Open addressing over a key of two integers: what the one-pass checks look things up in.

/// Maps (64-bit word, 32-bit half) to an index from 0. Linear probing, no removal, 16 bytes a place, at most two thirds
/// full. Iteration is not offered: its order would mean nothing.
struct PairTable {
  private struct Place {
    var word: UInt64 = 0
    var half: UInt32 = 0
    var value: Int32 = -1
  }
  private var places: ContiguousArray<Place> = []
  private var mask = 0
  private(set) var count = 0

  init(capacity: Int = 0) {
    if capacity > 0 { grow(to: Self.size(for: capacity)) }
  }

  /// The index under the key, or -1.
  func find(_ word: UInt64, _ half: UInt32 = 0) -> Int32 {
    if places.isEmpty { return -1 }
    return places[locate(word, half)].value
  }

  /// Puts `value` (0 or more) under the key, whatever was there.
  mutating func set(_ word: UInt64, _ half: UInt32 = 0, to value: Int32) {
    if count &* 3 >= places.count &* 2 { grow(to: max(16, places.count * 2)) }
    let at = locate(word, half)
    if places[at].value < 0 { count += 1 }
    places[at] = Place(word: word, half: half, value: value)
  }

  /// The place that holds the key, or the free one where it belongs.
  private func locate(_ word: UInt64, _ half: UInt32) -> Int {
    var hash = word ^ (UInt64(half) &* 0x9e37_79b9_7f4a_7c15)
    hash = (hash ^ (hash >> 32)) &* 0xd6e8_feb8_6659_fd93
    hash = (hash ^ (hash >> 32)) &* 0xd6e8_feb8_6659_fd93
    var at = Int(truncatingIfNeeded: hash ^ (hash >> 32)) & mask
    while places[at].value >= 0, places[at].word != word || places[at].half != half { at = (at &+ 1) & mask }
    return at
  }

  private mutating func grow(to size: Int) {
    let old = places
    places = ContiguousArray(repeating: Place(), count: size)
    mask = size - 1
    for place in old where place.value >= 0 { places[locate(place.word, place.half)] = place }
  }

  private static func size(for capacity: Int) -> Int {
    var size = 16
    while size * 2 < capacity * 3 { size *= 2 }
    return size
  }
}
