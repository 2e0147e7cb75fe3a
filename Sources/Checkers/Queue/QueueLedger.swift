// What is kept of each value of a queue, and the rules that decide whether some order of all operations explains it.

import Base
import History

/// Moments are positions in the order of the events. Every operation has the interval from its invocation to its return,
/// which is `never` where the result is unknown.
///
/// A history is that of a queue exactly when
/// 1. no value is dequeued twice;
/// 2. every value dequeued was enqueued, and its enqueue began before that dequeue returned;
/// 3. FIFO: no dequeue began after another had returned whose value's enqueue began after this value's had returned. The
///    earliest such return is the value's deadline;
/// 4. FIFO: the values that stay inside beyond their deadlines can each be given a dequeue of unknown result that began
///    before the deadline;
/// 5. every empty answer contains a moment at which nothing is certainly inside, and dequeues of unknown result enough
///    have begun for what must be gone though nobody saw it go.
struct QueueLedger {
  static let never = Int32.max

  struct Value {
    var message: MessageID
    var attempt: UInt32
    var enqueue: Int32
    /// When it was certainly inside: the return of its enqueue, or the first time it was seen.
    var enqueued = never
    var dequeue: Int32 = -1
    var dequeued = never
    /// Where the dequeue was late, the largest invocation of an enqueue whose value had already come; else -1.
    var overtaken: Int32 = -1
    /// First seen in a dequeue whose end is unknown: it may be gone from then on.
    var sighted = never
    var hasFailed = false
    /// Takes no part: dequeued before it was enqueued.
    var isFlawed = false

    var isGone: Bool { dequeued < never }
  }

  struct Empty {
    var begin: Int32
    var end: Int32
  }

  let model: QueueModel
  var values: [Value] = []
  /// The largest enqueue invocation among values already dequeued.
  var front: Int32 = -1
  /// Invocations of dequeues of unknown result.
  var unknown: [Int32] = []
  /// From here on any number of dequeues of unknown result may have been made; `never`: nowhere.
  var unlimited = never
  var empties: [Empty] = []
  /// A late dequeue is not out of order by itself: the broker may have taken the value back unseen.
  var mayReturn = false

  struct Need {
    var value: Int32
    var deadline: Int32
  }

  /// By value what cannot be explained, and until when it would have had to be gone.
  struct Order {
    var late: [Need] = []
    var lost: [Need] = []
  }

  /// Rules 3 and 4: needs against dequeues of unknown result.
  /// - Parameter count: Of positions.
  mutating func order(positions count: Int) -> Order {
    var order = Order()
    guard model == .fifo else { return order }
    var open: [Int32] = []
    for (k, value) in values.enumerated() where !value.hasFailed && !value.isFlawed {
      if value.isGone {
        if value.overtaken >= 0 {
          if mayReturn { open.append(Int32(k)) } else { order.late.append(Need(value: Int32(k), deadline: Self.never)) }
        }
      } else if value.enqueued < front {
        open.append(Int32(k))
      }
    }
    guard !open.isEmpty || !order.late.isEmpty else { return order }
    let deadlines = deadlines(positions: count)
    for k in order.late.indices { order.late[k].deadline = deadline(order.late[k].value, deadlines) }
    var needs = open.map { Need(value: $0, deadline: deadline($0, deadlines)) }
    // One that was seen in time may be gone by the very dequeue in which it was seen.
    needs.removeAll { need in
      let value = values[Int(need.value)]
      return !value.isGone && value.sighted <= need.deadline
    }
    needs.sort { ($0.deadline, $0.value) < ($1.deadline, $1.value) }
    unknown.sort()
    // The sets of dequeues that can meet a need grow with its deadline, so the first free one is always a best choice.
    var next = 0
    for need in needs where unlimited > need.deadline {
      if next < unknown.count, unknown[next] <= need.deadline {
        next += 1
      } else if values[Int(need.value)].isGone {
        order.late.append(need)
      } else {
        order.lost.append(need)
      }
    }
    return order
  }

  /// By position p the earliest return of a dequeue among values whose enqueue began at p or later.
  private func deadlines(positions count: Int) -> [Int32] {
    var least = [Int32](repeating: Self.never, count: count + 1)
    for value in values where value.isGone && !value.isFlawed && !value.hasFailed {
      least[Int(value.enqueue)] = min(least[Int(value.enqueue)], value.dequeued)
    }
    for at in stride(from: count - 1, through: 0, by: -1) { least[at] = min(least[at], least[at + 1]) }
    return least
  }

  private func deadline(_ value: Int32, _ deadlines: [Int32]) -> Int32 {
    let enqueued = values[Int(value)].enqueued
    return enqueued == Self.never ? Self.never : deadlines[Int(enqueued) + 1]
  }

  /// Rule 5: the empty answers that have no moment at which nothing was certainly inside, with how much was at the end.
  func falseEmpties(positions count: Int) -> [(empty: Empty, inside: Int)] {
    guard !empties.isEmpty else { return [] }
    var inside = [Int32](repeating: 0, count: count)
    var leaves = inside
    var stays = inside
    var goes = inside
    var takers = inside
    for value in values where !value.hasFailed && !value.isFlawed && value.enqueued < Self.never {
      let end = value.isGone ? value.dequeue : value.sighted
      guard value.enqueued < end else { continue }
      if value.isGone {
        inside[Int(value.enqueued)] += 1
        leaves[Int(end)] += 1
      } else {
        stays[Int(value.enqueued)] += 1
        if end < Self.never { goes[Int(end)] += 1 }
      }
    }
    for at in unknown { takers[Int(at)] += 1 }
    var begins = [Int32](repeating: -1, count: count)
    for empty in empties { begins[Int(empty.end)] = empty.begin }
    var found: [(empty: Empty, inside: Int)] = []
    // What is certainly inside and comes out later; what must have been taken by dequeues of unknown result; those.
    var (covered, owed, available) = (Int32(0), Int32(0), Int32(0))
    var last: Int32 = -1
    for at in 0..<Int32(count) {
      let k = Int(at)
      covered -= leaves[k]
      owed -= goes[k]
      available += takers[k]
      if covered == 0, available >= owed || unlimited <= at { last = at }
      if begins[k] >= 0, last < begins[k] {
        found.append((Empty(begin: begins[k], end: at), Int(covered + owed)))
      }
      covered += inside[k]
      owed += stays[k]
    }
    return found
  }

  /// Whether rules 4 and 5 can claim one dequeue of unknown result twice.
  var isCorner: Bool {
    !empties.isEmpty && (!unknown.isEmpty || unlimited < Self.never)
      && values.contains { $0.sighted < Self.never && !$0.isGone && !$0.hasFailed && !$0.isFlawed }
  }
}
