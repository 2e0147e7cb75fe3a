// Values to places in a table. Values that are counted up share a page, so that most lookups cost a comparison.

/// Gives each value (message and attempt) an index from 0. Indices of a page of 64 neighbours go together, whether they are
/// all used or not, unless values are so scattered that this would waste the table; those are indexed one by one.
struct ValueIndex {
  private static let pageSize = 64

  private struct Recent {
    var page = UInt64.max
    var attempt: UInt32 = 0
    var first: Int32 = -1
  }

  /// One past the largest index given out.
  private(set) var count = 0
  private var used = 0
  private var pages = PairTable()
  private var singles = PairTable()
  /// Where enqueues and dequeues were last: they run through the values one behind the other.
  private var recent = (Recent(), Recent())

  /// The index of the value; -1 where it was never added, or its page has it not yet: ask the table.
  @inline(__always)
  mutating func find(_ value: UInt64, _ attempt: UInt32, isDequeue: Bool) -> Int32 {
    let page = value / UInt64(Self.pageSize)
    let last = isDequeue ? recent.1 : recent.0
    if last.page == page, last.attempt == attempt { return last.first &+ Int32(value % UInt64(Self.pageSize)) }
    return findPage(value, page, attempt, isDequeue: isDequeue)
  }

  /// The index for a value that `find` did not know.
  mutating func add(_ value: UInt64, _ attempt: UInt32) -> Int32 {
    used += 1
    guard count + Self.pageSize <= 4 * used + 1 << 14 else {
      let new = Int32(count)
      singles.set(value, attempt, to: new)
      count += 1
      return new
    }
    let page = value / UInt64(Self.pageSize)
    let first = Int32(count)
    pages.set(page, attempt, to: first)
    count += Self.pageSize
    return first + Int32(value % UInt64(Self.pageSize))
  }

  /// One more value of a known page is in use.
  mutating func noteUse() { used += 1 }

  private mutating func findPage(_ value: UInt64, _ page: UInt64, _ attempt: UInt32, isDequeue: Bool) -> Int32 {
    // A value that came while its page was no good stays where it is.
    if singles.count > 0 {
      let known = singles.find(value, attempt)
      if known >= 0 { return known }
    }
    let first = pages.find(page, attempt)
    guard first >= 0 else { return -1 }
    let found = Recent(page: page, attempt: attempt, first: first)
    if singles.count == 0 { if isDequeue { recent.1 = found } else { recent.0 = found } }
    return first + Int32(value % UInt64(Self.pageSize))
  }
}
