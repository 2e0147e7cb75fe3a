// Operations between their invocation and their completion, found by number; what is over takes no room.

/// Numbers are given out one after the other, so those under way lie close together: a ring holds them, and the few whose
/// completion never comes move out of its way.
struct LiveOperations {
  struct Operation: BitwiseCopyable {
    var op: UInt64
    /// Twice the position of the invocation, plus 1 for a dequeue; `free`: nobody's place.
    fileprivate var mark: UInt32
    /// What the caller noted at the invocation.
    var thing: Int32

    static let free = UInt32.max
    var begin: Int32 { Int32(mark >> 1) }
    var isDequeue: Bool { mark & 1 == 1 }
  }

  private static let nobody = Operation(op: 0, mark: Operation.free, thing: 0)
  private var ring = Buffer(count: 4096, repeating: nobody)
  private var mask = 4095
  /// Those that had to move, and by number where they are. Never shorter: an end is marked as free.
  private var moved: [Operation] = []
  private var movedTable = PairTable()
  private var movedLive = 0

  @inline(__always)
  mutating func begin(_ op: UInt64, at: Int32, isDequeue: Bool, thing: Int32) {
    let new = Operation(op: op, mark: UInt32(at) << 1 | (isDequeue ? 1 : 0), thing: thing)
    let place = Int(truncatingIfNeeded: op) & mask
    if ring[place].mark != Operation.free, ring[place].op != op { makeRoom(for: op) }
    ring[Int(truncatingIfNeeded: op) & mask] = new
  }

  /// Another note for an operation that may be under way.
  @inline(__always)
  mutating func note(_ op: UInt64, thing: Int32) {
    let place = Int(truncatingIfNeeded: op) & mask
    if ring[place].op == op {
      ring[place].thing = thing
    } else if !moved.isEmpty {
      let known = Int(movedTable.find(op))
      if known >= 0 { moved[known].thing = thing }
    }
  }

  /// The operation of that number and kind that was under way at a position; it stays so where `isOver` is false.
  @inline(__always)
  mutating func end(_ op: UInt64, at: Int32, isDequeue: Bool, isOver: Bool) -> Operation? {
    let place = Int(truncatingIfNeeded: op) & mask
    let found = ring[place]
    guard found.op == op, found.mark != Operation.free else {
      return moved.isEmpty ? nil : endMoved(op, at: at, isDequeue: isDequeue, isOver: isOver)
    }
    guard found.isDequeue == isDequeue, found.begin < at else { return nil }
    if isOver { ring[place].mark = Operation.free }
    return found
  }

  /// All that never ended, in no order.
  var all: [Operation] { (Array(ring.elements) + moved).filter { $0.mark != Operation.free } }

  private mutating func endMoved(_ op: UInt64, at: Int32, isDequeue: Bool, isOver: Bool) -> Operation? {
    let known = Int(movedTable.find(op))
    guard known >= 0 else { return nil }
    let found = moved[known]
    guard found.mark != Operation.free, found.isDequeue == isDequeue, found.begin < at else { return nil }
    if isOver {
      moved[known].mark = Operation.free
      movedLive -= 1
    }
    return found
  }

  /// Whoever stands in the way of a newer one has been under way for at least a whole round, unless many are at once.
  private mutating func makeRoom(for op: UInt64) {
    if movedLive > ring.count / 4, ring.count < 1 << 22 {
      let old = ring
      ring = Buffer(count: old.count * 2, repeating: Self.nobody)
      mask = ring.count - 1
      for operation in old.elements where operation.mark != Operation.free {
        ring[Int(truncatingIfNeeded: operation.op) & mask] = operation
      }
    }
    let place = Int(truncatingIfNeeded: op) & mask
    guard ring[place].mark != Operation.free else { return }
    movedTable.set(ring[place].op, to: Int32(moved.count))
    moved.append(ring[place])
    movedLive += 1
    ring[place].mark = Operation.free
  }
}
