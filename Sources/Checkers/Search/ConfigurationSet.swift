// The configurations a search has been in: a set of short lists of words that knows what it costs.

/// Exact, not a filter: a configuration wrongly taken for known would make a violation of a sound history. Words lie in
/// chunks that are never moved, places in one open-addressed table, so that `bytes` is what is allocated.
struct ConfigurationSet {
  enum Insertion {
    case new, known
    /// It would not fit below the limit.
    case full
  }

  static let chunkWords = 1 << 13
  private static let chunkBytes = chunkWords * 8

  private var chunks: [ContiguousArray<UInt64>] = []
  /// 0: free; else the upper half of the hash and the place of the record plus 1.
  private var places = ContiguousArray<UInt64>(repeating: 0, count: 1 << 10)
  private(set) var count = 0
  private(set) var bytes = (1 << 10) * 8

  /// - Parameters:
  ///   - words: At most `chunkWords` − 1.
  ///   - limit: Of `bytes`, while it grows too.
  mutating func insert(_ words: [UInt64], limit: Int) -> Insertion {
    let half = Self.hash(words) >> 32
    let mask = places.count - 1
    var at = Int(half) & mask
    while places[at] != 0 {
      if places[at] >> 32 == half, isSame(Int(places[at] & 0xffff_ffff) - 1, words) { return .known }
      at = (at + 1) & mask
    }
    guard words.count < Self.chunkWords, let record = store(words, limit) else { return .full }
    places[at] = half << 32 | UInt64(record + 1)
    count += 1
    if count * 3 > places.count * 2, !grow(limit), count * 10 > places.count * 9 { return .full }
    return .new
  }

  private func isSame(_ record: Int, _ words: [UInt64]) -> Bool {
    let start = record % Self.chunkWords
    return chunks[record / Self.chunkWords].withUnsafeBufferPointer { chunk in
      guard chunk[start] == UInt64(words.count) else { return false }
      for index in words.indices where chunk[start + 1 + index] != words[index] { return false }
      return true
    }
  }

  /// The place of the record; nil where there is no room.
  private mutating func store(_ words: [UInt64], _ limit: Int) -> Int? {
    if chunks.last.map({ $0.count + words.count + 1 > Self.chunkWords }) ?? true {
      guard bytes + Self.chunkBytes <= limit, (chunks.count + 1) * Self.chunkWords < Int(UInt32.max) else { return nil }
      var chunk = ContiguousArray<UInt64>()
      chunk.reserveCapacity(Self.chunkWords)
      chunks.append(chunk)
      bytes += Self.chunkBytes
    }
    let last = chunks.count - 1
    let record = last * Self.chunkWords + chunks[last].count
    chunks[last].append(UInt64(words.count))
    chunks[last].append(contentsOf: words)
    return record
  }

  /// False where the old table and the new one do not fit together: the old one then fills up further.
  private mutating func grow(_ limit: Int) -> Bool {
    guard bytes + places.count * 16 <= limit else { return false }
    let old = places
    places = ContiguousArray(repeating: 0, count: old.count * 2)
    bytes += old.count * 8
    let mask = places.count - 1
    for place in old where place != 0 {
      var at = Int(place >> 32) & mask
      while places[at] != 0 { at = (at + 1) & mask }
      places[at] = place
    }
    return true
  }

  /// Multiply and fold, word by word.
  static func hash(_ words: [UInt64]) -> UInt64 {
    var hash = UInt64(words.count) &* 0x9e37_79b9_7f4a_7c15
    for word in words {
      hash = (hash ^ word) &* 0xd6e8_feb8_6659_fd93
      hash ^= hash >> 32
    }
    hash = hash &* 0xd6e8_feb8_6659_fd93
    return hash ^ (hash << 32)
  }
}
