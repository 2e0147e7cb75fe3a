// Is a history of appends and reads that of an append-only log with offsets? Decided without a search.

import Base
import History

/// Linearizability of an append-only log whose values are unique.
///
/// The entry at offset o went in no earlier than I[o], the invocation of its append and of every read that found the log
/// not longer than o; and no later than R[o], the earliest return of its append or of a read of o. Offsets are given out
/// in the order of time, so a history is that of a log exactly when
/// 1. no offset has two values, no value two offsets, and every value read was appended, and not after the read;
/// 2. I[p] ≤ R[o] for all p ≤ o;
/// 3. in a dense log, every offset below the last that nobody saw can be given an append of unknown outcome that nobody
///    saw either and that began by the least R of what stands behind. These limits grow with the offset, so taking both
///    in their order is a best choice.
///
/// Linear in the operations, but for sorting appends of unknown outcome and, where offsets are sparse, the offsets.
public enum LogChecker {
  /// - Parameters:
  ///   - operations: In any order. Equal times count as concurrent. Values appended again count as the same entry.
  ///   - isComplete: False: what is missing is unknown, and a history that shows no violation is undecided.
  public static func check(
    _ operations: [LogOperation], options: LogOptions = LogOptions(), isComplete: Bool = true
  ) -> LogResult {
    var pass = LogPass(operations, options)
    pass.readAppends()
    pass.readReads()
    pass.sortEntries()
    pass.judgeOrder()
    pass.judgeEnds()
    if options.isDense { pass.judgeGaps() }
    return pass.close(isComplete: isComplete)
  }
}

private struct LogPass {
  static let never = Nanoseconds.max

  private struct Value {
    var message: MessageID
    /// The append that began first.
    var append: Int32
    var begin: Nanoseconds
    var hasSucceeded = false
    /// Every append of it failed.
    var hasFailed = true
    var entry: Int32 = -1
  }

  private struct Entry {
    var offset: Int64
    var value: Int32
    /// The operation that first showed it.
    var first: Int32
    /// The earliest return that proves that it is there, and of which operation.
    var filled = LogPass.never
    var proof: Int32 = -1
    /// The latest return of a read of it.
    var seen = Nanoseconds.min
  }

  private let operations: [LogOperation]
  private let options: LogOptions
  private var values: ContiguousArray<Value> = []
  private var valueTable: NumberTable
  private var entries: ContiguousArray<Entry> = []
  private var entryTable: NumberTable
  private var pastEnd: ContiguousArray<Int32> = []
  /// Entries by offset, and what holds from each of them on: the earliest proof, the latest sight.
  private var sorted: ContiguousArray<Int32> = []
  private var filled: ContiguousArray<(time: Nanoseconds, entry: Int32)> = []
  private var seen: ContiguousArray<Nanoseconds> = []
  private var result = LogResult()
  private var findings: [LogFinding] = []

  init(_ operations: [LogOperation], _ options: LogOptions) {
    self.operations = operations
    self.options = options
    valueTable = NumberTable(limit: 4 * operations.count + 1024)
    entryTable = NumberTable(limit: 4 * operations.count + 1024)
    values.reserveCapacity(operations.count / 2)
    entries.reserveCapacity(operations.count / 2)
  }

  mutating func readAppends() {
    for at in operations.indices where operations[at].kind == .append && operations[at].value != .none {
      let operation = operations[at]
      var k = valueTable.find(operation.value.rawValue)
      if k < 0 {
        k = Int32(truncatingIfNeeded: values.count)
        valueTable.set(operation.value.rawValue, to: k)
        values.append(Value(message: operation.value, append: Int32(at), begin: operation.begin))
      }
      if operation.outcome == .fail { continue }
      if values[Int(k)].hasFailed || operation.begin < values[Int(k)].begin {
        values[Int(k)].append = Int32(at)
        values[Int(k)].begin = operation.begin
      }
      values[Int(k)].hasFailed = false
      if operation.outcome != .ok {
        result.unknownAppends += 1
        continue
      }
      values[Int(k)].hasSucceeded = true
      if operation.offset >= 0 { place(k, Int32(at)) }
    }
  }

  mutating func readReads() {
    for at in operations.indices {
      let operation = operations[at]
      guard operation.kind == .read, operation.outcome == .ok, operation.offset >= 0 else { continue }
      if operation.value == .none {
        result.pastEnd += 1
        pastEnd.append(Int32(at))
        continue
      }
      result.reads += 1
      let k = valueTable.find(operation.value.rawValue)
      if k < 0 {
        add(.unexpected, operation.value, operation.offset, [at], "read, and never appended")
      } else if values[Int(k)].hasFailed {
        let append = Int(values[Int(k)].append)
        add(
          .abortedRead, operation.value, operation.offset, [append, at],
          "read though its append failed for certain")
      } else if operation.end < values[Int(k)].begin {
        let append = Int(values[Int(k)].append)
        add(.unexpected, operation.value, operation.offset, [append, at], "read before its append began")
      } else {
        place(k, Int32(at))
      }
    }
  }

  /// The operation showed the value at its offset.
  private mutating func place(_ k: Int32, _ at: Int32) {
    let operation = operations[Int(at)]
    var e = entryTable.find(UInt64(operation.offset))
    if e >= 0, entries[Int(e)].value != k {
      let other = entries[Int(e)]
      return add(
        .inconsistentOffsets, operation.value, operation.offset, [Int(other.first), Int(at)],
        "\(operation.value) at offset \(operation.offset), where \(values[Int(other.value)].message) stands too")
    }
    let placed = values[Int(k)].entry
    if placed >= 0, placed != e {
      let other = entries[Int(placed)]
      return add(
        .duplicated, operation.value, operation.offset, [Int(other.first), Int(at)],
        "at offset \(operation.offset) and at \(other.offset)")
    }
    if e < 0 {
      e = Int32(truncatingIfNeeded: entries.count)
      entryTable.set(UInt64(operation.offset), to: e)
      entries.append(Entry(offset: operation.offset, value: k, first: at))
      values[Int(k)].entry = e
    }
    let end = max(operation.begin, operation.end)
    if end < entries[Int(e)].filled { (entries[Int(e)].filled, entries[Int(e)].proof) = (end, at) }
    if operation.kind == .read { entries[Int(e)].seen = max(entries[Int(e)].seen, end) }
  }

  mutating func sortEntries() {
    let isSorted = !zip(entries, entries.dropFirst()).contains { $0.offset > $1.offset }
    let last = entries.reduce(Int64(0)) { max($0, $1.offset) }
    if isSorted {
      sorted = ContiguousArray(0..<Int32(truncatingIfNeeded: entries.count))
    } else if last < 4 * Int64(operations.count) + 1024 {
      sorted.reserveCapacity(entries.count)
      for offset in 0...UInt64(last) {
        let e = entryTable.find(offset)
        if e >= 0 { sorted.append(e) }
      }
    } else {
      sorted = ContiguousArray((0..<Int32(truncatingIfNeeded: entries.count)))
      sorted.sort { entries[Int($0)].offset < entries[Int($1)].offset }
    }
    filled = ContiguousArray(repeating: (Self.never, -1), count: sorted.count + 1)
    seen = ContiguousArray(repeating: .min, count: sorted.count + 1)
    for at in sorted.indices.reversed() {
      let entry = entries[Int(sorted[at])]
      filled[at] = entry.filled <= filled[at + 1].time ? (entry.filled, sorted[at]) : filled[at + 1]
      seen[at] = max(entry.seen, seen[at + 1])
    }
  }

  /// Rule 2, of appends.
  mutating func judgeOrder() {
    for at in sorted.indices {
      let entry = entries[Int(sorted[at])]
      let value = values[Int(entry.value)]
      guard value.begin > filled[at].time else { continue }
      let later = entries[Int(filled[at].entry)]
      add(
        .outOfOrder, value.message, entry.offset, [Int(value.append), Int(entry.first), Int(later.proof)],
        "at offset \(entry.offset), and its append began when offset \(later.offset) was already filled")
    }
  }

  /// Rule 2, of reads past the end.
  mutating func judgeEnds() {
    for at in pastEnd {
      let read = operations[Int(at)]
      let behind = position(of: read.offset)
      guard read.begin > filled[behind].time else { continue }
      let entry = entries[Int(filled[behind].entry)]
      let isBack = seen[behind] > read.end
      add(
        isBack ? .staleRead : .lost, .none, read.offset,
        [Int(values[Int(entry.value)].append), Int(entry.proof), Int(at)],
        "nothing at offset \(read.offset), though offset \(entry.offset) was filled before"
          + (isBack ? "; it was read again later" : ", and nothing behind it was read later"))
    }
  }

  /// The first of the sorted entries at this offset or behind it.
  private func position(of offset: Int64) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[Int(sorted[middle])].offset < offset { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Rule 3.
  mutating func judgeGaps() {
    var pool = values.filter { !$0.hasFailed && $0.entry < 0 }.map(\.begin)
    pool.sort()
    var (next, expected) = (0, max(0, options.firstOffset))
    for at in sorted.indices {
      let entry = entries[Int(sorted[at])]
      var missing = max(0, entry.offset - expected)
      let first = expected
      expected = max(expected, entry.offset + (entry.offset < .max ? 1 : 0))
      while missing > 0, next < pool.count, pool[next] <= filled[at].time {
        missing -= 1
        next += 1
      }
      guard missing > 0 else { continue }
      let later = entries[Int(filled[at].entry)]
      let offsets = first == entry.offset - 1 ? "offset \(first)" : "offsets \(first) to \(entry.offset - 1)"
      add(
        .gap, .none, first, [Int(values[Int(later.value)].append), Int(later.proof)],
        "\(offsets): \(missing) of them hold nothing that can have been appended before offset \(later.offset) was filled",
        count: Int(clamping: missing))
    }
  }

  private mutating func add(
    _ name: LogFindingName, _ value: MessageID, _ offset: Int64, _ concerned: [Int], _ reason: String, count: Int = 1
  ) {
    let (sum, isOver) = result.counts[name, default: 0].addingReportingOverflow(count)
    result.counts[name] = isOver ? .max : sum
    guard sum <= options.findingLimit || count > 1 else { return }
    var finding = LogFinding(name)
    (finding.value, finding.offset, finding.reason) = (value, offset, reason)
    finding.operations = Set(concerned).sorted()
    finding.begin = finding.operations.map { operations[$0].begin }.min() ?? 0
    finding.end = finding.operations.map { max(operations[$0].begin, operations[$0].end) }.max() ?? 0
    findings.append(finding)
  }

  /// Violated before undecided before valid.
  mutating func close(isComplete: Bool) -> LogResult {
    for name in LogFindingName.allCases {
      result.counts[name, default: 0] += 0
      result.findings += findings.filter { $0.name == name }.prefix(options.findingLimit)
    }
    result.appended = values.count { !$0.hasFailed }
    result.unplaced = values.count { $0.hasSucceeded && $0.entry < 0 }
    let isViolated = result.counts.values.contains { $0 > 0 }
    let isKnown = isComplete && result.unplaced == 0 && operations.contains { $0.outcome == .ok }
    result.verdict = isViolated ? .violated : isKnown ? .valid : .undecided
    return result
  }
}
