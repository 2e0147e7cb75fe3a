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

  /// 12 bytes a value and two bits an event are all that a check needs beside the history: what is rare stands aside.
  struct Value: BitwiseCopyable {
    /// -1: no enqueue was invoked.
    var enqueue: Int32 = -1
    /// When it was certainly inside: the return of its enqueue, or the first time it was seen.
    var enqueued = never
    var dequeued = never

    /// Its enqueue failed for certain, or it came before it was enqueued: it takes no part.
    static let failed: Int32 = -2
    static let flawed: Int32 = -3

    var isKnown: Bool { enqueue >= 0 }
    var isOut: Bool { enqueued < -1 }
    var takesPart: Bool { enqueue >= 0 && enqueued >= -1 }
    var isGone: Bool { dequeued < never }
  }

  struct Empty {
    var begin: Int32
    var end: Int32
  }

  /// A value that was dequeued late.
  struct Late {
    var value: Int32
    /// The invocation of its dequeue.
    var dequeue: Int32
    /// The largest invocation of an enqueue whose value had already come.
    var overtaken: Int32
  }

  let model: QueueModel
  let values: Buffer<Value>
  /// The largest enqueue invocation among values already dequeued.
  var front: Int32 = -1
  var late: [Late] = []
  /// By value the first time it was seen in a dequeue whose end is unknown: it may be gone from then on.
  var sightings: [Int32: Int32] = [:]
  /// Invocations of dequeues of unknown result.
  var unknown: [Int32] = []
  /// From here on any number of dequeues of unknown result may have been made; `never`: nowhere.
  var unlimited = never
  /// In the order of their ends.
  var empties: [Empty] = []
  /// A late dequeue is not out of order by itself: the broker may have taken the value back unseen.
  var mayReturn = false
  /// Where something was certainly inside from, and where the dequeue of such a thing began.
  private var goesIn: Bitmap
  private var goesOut: Bitmap

  /// - Parameter positions: How many there are; 0 where nothing is told to `took`.
  init(model: QueueModel, positions: Int = 0) {
    self.model = model
    // Two events for each of two operations.
    values = Buffer(capacity: positions / 4 + 128, repeating: Value())
    goesIn = Bitmap(count: positions)
    goesOut = Bitmap(count: positions)
  }

  /// A value that had not been dequeued came out, in a dequeue that began when `front` was as given.
  @inline(__always)
  mutating func took(_ k: Int, begin: Int32, front before: Int32, at: Int32) {
    let value = values[k]
    values[k].dequeued = at
    if value.enqueued < before { late.append(Late(value: Int32(k), dequeue: begin, overtaken: before)) }
    front = max(front, value.enqueue)
    if value.enqueued < begin {
      goesIn.set(value.enqueued)
      goesOut.set(begin)
    }
  }

  struct Need {
    var value: Int32
    var deadline: Int32
  }

  /// What cannot be explained: values that came late, and values that would have had to be gone at a deadline.
  struct Order {
    var late: [Late] = []
    var lost: [Need] = []
  }

  /// It should have come: something that was enqueued later has.
  private func isOpen(_ k: Int) -> Bool {
    values[k].enqueued < front && !values[k].isGone && values[k].takesPart
  }

  /// Whether `order` has to know when everything came.
  var hasOpen: Bool { model == .fifo && (!late.isEmpty || values.indices.contains(where: isOpen)) }

  /// Rules 3 and 4: needs against dequeues of unknown result.
  mutating func order() -> Order {
    var order = Order()
    guard model == .fifo else { return order }
    late.sort { $0.value < $1.value }
    var open: [Int32] = []
    if mayReturn { open = late.map(\.value) } else { order.late = late }
    for k in values.indices where isOpen(k) { open.append(Int32(k)) }
    guard !open.isEmpty else { return order }
    var needs = deadlines(of: open)
    // One that was seen in time may be gone by the very dequeue in which it was seen.
    needs.removeAll { need in
      !values[Int(need.value)].isGone && sightings[need.value, default: Self.never] <= need.deadline
    }
    needs.sort { ($0.deadline, $0.value) < ($1.deadline, $1.value) }
    unknown.sort()
    // The sets of dequeues that can meet a need grow with its deadline, so the first free one is always a best choice.
    var next = 0
    for need in needs where unlimited > need.deadline {
      if next < unknown.count, unknown[next] <= need.deadline {
        next += 1
      } else if values[Int(need.value)].isGone {
        order.late += late.filter { $0.value == need.value }
      } else {
        order.lost.append(need)
      }
    }
    return order
  }

  /// By value the earliest return of a dequeue among values whose enqueue began after this value's had returned.
  private func deadlines(of open: [Int32]) -> [Need] {
    var needs = open.map { Need(value: $0, deadline: Self.never) }
    needs.sort { values[Int($0.value)].enqueued < values[Int($1.value)].enqueued }
    let since = ContiguousArray(needs.map { values[Int($0.value)].enqueued })
    // A dequeued value bounds all that were inside before its enqueue began: the last of them takes note, and tells the
    // others afterwards. Neighbours in the table are mostly neighbours in time, so the search begins where it ended.
    var near = 0
    for value in values.elements where value.isGone && value.takesPart {
      var (low, high) = (0, since.count)
      if near == since.count || since[near] >= value.enqueue { high = near } else { low = near + 1 }
      if low == near + 1, low == since.count || since[low] >= value.enqueue { high = low }
      if high == near, high == 0 || since[high - 1] < value.enqueue { low = high }
      while low < high {
        let middle = (low + high) / 2
        if since[middle] < value.enqueue { low = middle + 1 } else { high = middle }
      }
      near = low
      if low > 0 { needs[low - 1].deadline = min(needs[low - 1].deadline, value.dequeued) }
    }
    for k in needs.indices.dropLast().reversed() { needs[k].deadline = min(needs[k].deadline, needs[k + 1].deadline) }
    return needs
  }

  /// Rule 5: the empty answers that have no moment at which nothing was certainly inside, with how much was at the end.
  func falseEmpties() -> [(empty: Empty, inside: Int)] {
    guard !empties.isEmpty else { return [] }
    // What stayed inside, or may have gone when it was seen; and what may have taken it.
    var changes: [(at: Int32, stays: Int, goes: Int, takers: Int)] = unknown.map { ($0, 0, 0, 1) }
    for k in values.indices where !values[k].isGone && values[k].takesPart && values[k].enqueued < Self.never {
      let end = sightings[Int32(k), default: Self.never]
      guard values[k].enqueued < end else { continue }
      changes.append((values[k].enqueued, 1, 0, 0))
      if end < Self.never { changes.append((end, 0, 1, 0)) }
    }
    changes.sort { $0.at < $1.at }
    var found: [(empty: Empty, inside: Int)] = []
    // What is certainly inside and comes out later; what must have been taken by dequeues of unknown result; those.
    var (covered, owed, available) = (0, 0, 0)
    var last: Int32 = -1
    var (change, empty) = (0, 0)
    for word in goesIn.words.indices where empty < empties.count {
      let (enters, leaves) = (goesIn.words[word], goesOut.words[word])
      let first = Int32(word) << 6
      let hasMore = change < changes.count && changes[change].at < first + 64 || empties[empty].end < first + 64
      // Nothing changes in these 64 positions, and none of the answers ends here: whether they were clear is seen at the next
      // one that is looked at, which is as clear as they were.
      if enters | leaves == 0, !hasMore { continue }
      for bit in 0..<Int32(64) {
        let at = first + bit
        covered -= Int(leaves >> UInt64(bit) & 1)
        var stays = 0
        while change < changes.count, changes[change].at == at {
          owed -= changes[change].goes
          available += changes[change].takers
          stays += changes[change].stays
          change += 1
        }
        if covered == 0, available >= owed || unlimited <= at { last = at }
        if empty < empties.count, empties[empty].end == at {
          if last < empties[empty].begin { found.append((empties[empty], covered + owed)) }
          empty += 1
        }
        covered += Int(enters >> UInt64(bit) & 1)
        owed += stays
      }
    }
    return found
  }

  /// Whether rules 4 and 5 can claim one dequeue of unknown result twice.
  var isCorner: Bool {
    !empties.isEmpty && (!unknown.isEmpty || unlimited < Self.never)
      && sightings.keys.contains { !values[Int($0)].isGone && values[Int($0)].takesPart }
  }
}
