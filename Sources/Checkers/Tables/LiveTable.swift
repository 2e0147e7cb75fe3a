// Open addressing with removal: what a check that goes on for ever looks things up in.

/// Maps (64-bit word, 32-bit half) to an index from 0, as `PairTable` does, and forgets. Linear probing; a removal moves
/// back what stands behind it (Knuth, TAOCP 3, 6.4, algorithm R), so that no place is lost to the dead.
struct LiveTable {
  private struct Place {
    var word: UInt64 = 0
    var half: UInt32 = 0
    var value: Int32 = -1
  }
  private var places = ContiguousArray(repeating: Place(), count: 16)
  private var mask = 15
  private(set) var count = 0

  /// The index under the key, or -1.
  func find(_ word: UInt64, _ half: UInt32 = 0) -> Int32 { places[locate(word, half)].value }

  /// Puts `value` (0 or more) under the key, whatever was there.
  mutating func set(_ word: UInt64, _ half: UInt32 = 0, to value: Int32) {
    if count &* 3 >= places.count &* 2 { grow() }
    let at = locate(word, half)
    if places[at].value < 0 { count += 1 }
    places[at] = Place(word: word, half: half, value: value)
  }

  mutating func remove(_ word: UInt64, _ half: UInt32 = 0) {
    var hole = locate(word, half)
    guard places[hole].value >= 0 else { return }
    count -= 1
    var at = hole
    while true {
      at = (at &+ 1) & mask
      guard places[at].value >= 0 else { break }
      // What belongs behind the hole stays where it is.
      let home = home(places[at].word, places[at].half)
      if (at &- home) & mask >= (at &- hole) & mask {
        places[hole] = places[at]
        hole = at
      }
    }
    places[hole] = Place()
  }

  private func home(_ word: UInt64, _ half: UInt32) -> Int {
    var hash = word ^ (UInt64(half) &* 0x9e37_79b9_7f4a_7c15)
    hash = (hash ^ (hash >> 32)) &* 0xd6e8_feb8_6659_fd93
    hash = (hash ^ (hash >> 32)) &* 0xd6e8_feb8_6659_fd93
    return Int(truncatingIfNeeded: hash ^ (hash >> 32)) & mask
  }

  private func locate(_ word: UInt64, _ half: UInt32) -> Int {
    var at = home(word, half)
    while places[at].value >= 0, places[at].word != word || places[at].half != half { at = (at &+ 1) & mask }
    return at
  }

  private mutating func grow() {
    let old = places
    places = ContiguousArray(repeating: Place(), count: old.count * 2)
    mask = places.count - 1
    for place in old where place.value >= 0 { places[locate(place.word, place.half)] = place }
  }
}

/// Records by index, whose places are used again.
struct Pool<Record> {
  private var records: ContiguousArray<Record> = []
  private var free: ContiguousArray<Int32> = []

  var count: Int { records.count - free.count }

  mutating func add(_ record: Record) -> Int32 {
    if let at = free.popLast() {
      records[Int(at)] = record
      return at
    }
    records.append(record)
    return Int32(records.count - 1)
  }

  mutating func remove(_ at: Int32) { free.append(at) }

  subscript(_ at: Int32) -> Record {
    get { records[Int(at)] }
    _modify { yield &records[Int(at)] }
  }
}
