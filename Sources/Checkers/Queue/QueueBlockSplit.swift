// The events of a block by what they are: a loop over events of one kind does not guess at each what comes next.

import Base
import History

/// The positions in a block of the invocations and the ok completions of enqueues and dequeues, in their order.
final class QueueBlockSplit {
  enum List: Int {
    case enqueues, enqueued, dequeues, dequeued
  }

  /// Larger blocks are not split.
  static let capacity = 4096

  private let positions: UnsafeMutablePointer<UInt16>
  /// Of each event of each list: how many of `dequeued` are before it.
  private let before: UnsafeMutablePointer<UInt16>
  /// Of each list the end of what is in it; the lists lie one behind the other.
  private let ends: UnsafeMutablePointer<Int>

  init() {
    positions = .allocate(capacity: 4 * Self.capacity)
    before = .allocate(capacity: 4 * Self.capacity)
    ends = .allocate(capacity: 4)
  }

  deinit {
    positions.deallocate()
    before.deallocate()
    ends.deallocate()
  }

  /// False where the block has anything else in it, or an invocation whose number is not above `last` and those before it:
  /// only numbers that go up are certain to be used once. `last` is then that of the block's last invocation.
  func split(_ block: EventBlock, after last: inout UInt64) -> Bool {
    guard block.count <= Self.capacity else { return false }
    // From the function on 0, 1, 4 or 5: the invocation or the completion of one or the other.
    let first = Function.enqueue.rawValue << 2
    assert(Function.dequeue.rawValue == Function.enqueue.rawValue + 1)
    var others: UInt8 = 0
    for i in 0..<block.count { others |= (block.kinds[i] &- first) & ~5 }
    guard others == 0 else { return false }
    for list in 0..<4 { ends[list] = list * Self.capacity }
    let (positions, before, ends) = (positions, before, ends)
    var (greatest, repeated) = (last, UInt64(0))
    // Without a branch: which kind comes next is what nobody can guess.
    for i in 0..<block.count {
      let kind = block.kinds[i] &- first
      let list = Int(kind & 1 | kind >> 1)
      let place = ends[list]
      positions[place] = UInt16(truncatingIfNeeded: i)
      before[place] = UInt16(truncatingIfNeeded: ends[3] &- 3 &* Self.capacity)
      ends[list] = place &+ 1
      // All ones for an invocation.
      let mask = UInt64(kind & 1) &- 1
      let op = block.ops[i]
      repeated |= mask & (op <= greatest ? 1 : 0)
      greatest = max(greatest, op & mask)
    }
    guard repeated == 0 else { return false }
    last = greatest
    return true
  }

  @inline(__always)
  func count(_ list: List) -> Int { ends[list.rawValue] &- list.rawValue &* Self.capacity }

  @inline(__always)
  func position(_ list: List, _ number: Int) -> Int { Int(positions[list.rawValue &* Self.capacity &+ number]) }

  @inline(__always)
  func dequeuedBefore(_ list: List, _ number: Int) -> Int { Int(before[list.rawValue &* Self.capacity &+ number]) }
}
