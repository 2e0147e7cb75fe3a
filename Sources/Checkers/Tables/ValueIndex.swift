// Values to places in a table. Values that are counted up share a page, so that most lookups cost a comparison.

/// Gives each value (message and attempt) an index from 0. Indices of a page of 64 neighbours go together, whether they are
/// all used or not, unless values are so scattered that this would waste the table; those are indexed one by one.
struct ValueIndex {
  static let pageSize = 64
  /// Of a value whose page was forgotten.
  static let forgotten: Int32 = -2
  /// What the table of pages holds for such a page.
  private static let gone = Int32.max

  private struct Key {
    var page: UInt64
    var attempt: UInt32
  }

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
  /// By index over the size of a page: whose page it is. Singles come between pages, never into one.
  private var keys: ContiguousArray<Key?> = []
  private var free: ContiguousArray<Int32> = []
  /// Where enqueues and dequeues were last: they run through the values one behind the other.
  private var recent = (Recent(), Recent())

  /// The index of the value; -1 where it was never added, `forgotten` where it was, or its page has it not yet: ask the
  /// table.
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
      if keys.count * Self.pageSize < count { keys.append(nil) }
      return new
    }
    let key = Key(page: value / UInt64(Self.pageSize), attempt: attempt)
    let first = free.popLast() ?? newPage()
    keys[Int(first) / Self.pageSize] = key
    pages.set(key.page, attempt, to: first)
    return first + Int32(value % UInt64(Self.pageSize))
  }

  private mutating func newPage() -> Int32 {
    let first = keys.count * Self.pageSize
    keys.append(nil)
    count = first + Self.pageSize
    return Int32(first)
  }

  /// Whether the index is one of a page.
  func isPaged(_ index: Int) -> Bool { keys[index / Self.pageSize] != nil }

  /// Gives the indices of the page to which this one belongs to other values; `find` knows its values as forgotten.
  mutating func forgetPage(of index: Int) {
    guard let key = keys[index / Self.pageSize] else { return }
    let first = Int32(index / Self.pageSize * Self.pageSize)
    keys[index / Self.pageSize] = nil
    pages.set(key.page, key.attempt, to: Self.gone)
    free.append(first)
    if recent.0.first == first { recent.0 = Recent() }
    if recent.1.first == first { recent.1 = Recent() }
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
    if first == Self.gone { return Self.forgotten }
    let found = Recent(page: page, attempt: attempt, first: first)
    if singles.count == 0 { if isDequeue { recent.1 = found } else { recent.0 = found } }
    return first + Int32(value % UInt64(Self.pageSize))
  }
}
