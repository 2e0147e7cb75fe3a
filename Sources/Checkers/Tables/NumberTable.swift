// Numbers that a recorder gave out one after the other (operations, sessions, transactions), looked up by position.

/// Maps a number to an index from 0. Numbers below `limit` stand in a plain array, the few beyond it in a hash table, so
/// that a history with odd numbers costs memory and not correctness.
struct NumberTable {
  private let limit: UInt64
  private var dense: ContiguousArray<Int32> = []
  private var sparse = PairTable()

  init(limit: Int) { self.limit = UInt64(max(0, limit)) }

  /// The index under the number, or -1.
  func find(_ number: UInt64) -> Int32 {
    if number < UInt64(dense.count) { return dense[Int(number)] }
    return number < limit ? -1 : sparse.find(number)
  }

  /// Puts `value` (0 or more) under the number, whatever was there.
  mutating func set(_ number: UInt64, to value: Int32) {
    guard number < limit else { return sparse.set(number, to: value) }
    let at = Int(number)
    if at >= dense.count {
      if at >= dense.capacity { dense.reserveCapacity(max(64, min(Int(limit), max(at + 1, dense.count * 2)))) }
      while dense.count <= at { dense.append(-1) }
    }
    dense[at] = value
  }
}
