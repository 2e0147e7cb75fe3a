// The log in memory: an array whose front can be forgotten, with constant-time access and terms found by halving.

struct RaftLog {
  /// The place before the first entry that memory still holds.
  private(set) var base: LogPosition
  /// Entries from `base.index + 1`, behind `dropped` hollow ones that wait to be removed together.
  private var entries: [RaftEntry]
  private var dropped = 0

  init(base: LogPosition, entries: [RaftEntry]) {
    self.base = base
    self.entries = entries
  }

  var lastIndex: UInt64 { base.index + UInt64(entries.count - dropped) }
  var last: LogPosition {
    LogPosition(index: lastIndex, term: entries.count > dropped ? entries.last!.term : base.term)
  }

  /// `index` must be in memory.
  subscript(index: UInt64) -> RaftEntry { entries[position(index)] }

  private func position(_ index: UInt64) -> Int { dropped + Int(index - base.index - 1) }

  /// nil before `base` and behind the end.
  func term(at index: UInt64) -> UInt64? {
    if index == base.index { return base.term }
    guard index > base.index, index <= lastIndex else { return nil }
    return entries[position(index)].term
  }

  /// The last place at or before `index` whose term is not above `term`; `base` when there is none in memory. Terms never
  /// fall along a log.
  func lastPlace(atOrBefore index: UInt64, termAtMost term: UInt64) -> LogPosition {
    var low = base.index
    var high = min(index, lastIndex)
    while low < high {
      let middle = high - (high - low) / 2
      if entries[position(middle)].term <= term { low = middle } else { high = middle - 1 }
    }
    return LogPosition(index: low, term: low == base.index ? base.term : entries[position(low)].term)
  }

  mutating func append(_ entry: RaftEntry) { entries.append(entry) }

  /// Removes `index` and all behind it; `index` must be above `base`.
  mutating func truncate(from index: UInt64) {
    guard index <= lastIndex else { return }
    entries.removeSubrange(position(index)...)
  }

  /// Entries from `first` on: at least one where there is one, then as many as fit into `bytes`, at most up to `end`.
  func batch(from first: UInt64, through end: UInt64, bytes: Int) -> [RaftEntry] {
    guard first > base.index, first <= end else { return [] }
    let start = position(first)
    var stop = start
    var room = bytes
    let limit = position(end)
    while stop <= limit {
      room -= entries[stop].cost
      if room < 0, stop > start { break }
      stop += 1
    }
    return Array(entries[start..<stop])
  }

  /// Forgets everything up to `index`, which must be in memory.
  mutating func compact(to index: UInt64) {
    guard index > base.index, let term = term(at: index) else { return }
    let end = position(index)
    // Payloads go at once, their places together later: constant time per entry.
    for at in dropped...end { entries[at].payload = [] }
    dropped = end + 1
    base = LogPosition(index: index, term: term)
    if dropped >= 1024, dropped * 2 >= entries.count {
      entries.removeSubrange(..<dropped)
      dropped = 0
    }
  }
}
