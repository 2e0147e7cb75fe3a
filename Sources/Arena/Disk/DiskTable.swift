// The counters of one disk, in memory that its daemon and the supervisor share.

import Base
import CLinux
import Glibc

/// What became of one kind of operation since the start. Our own probes are not counted.
public struct DiskOperationCounters: Codable, Equatable, Sendable {
  /// Requests that were answered, and the bytes they moved.
  public var requests: UInt64 = 0
  public var bytes: UInt64 = 0
  /// Requests that rules kept waiting, held up for a time, or failed.
  public var stalled: UInt64 = 0
  public var delayed: UInt64 = 0
  public var failed: UInt64 = 0
  /// The longest time that a rule kept a request which was let go since the last change of rules, or by it.
  public var longestWait: Nanoseconds = 0
  /// When one was last answered well (CLOCK_MONOTONIC); 0: never.
  public var lastCompletion: Nanoseconds = 0
  /// When the first was answered well after the last change of rules; 0: none yet.
  public var firstCompletionSinceRules: Nanoseconds = 0

  public var touched: UInt64 { stalled + delayed + failed }
}

/// What became of all operations of a disk.
public struct DiskCounters: Codable, Equatable, Sendable {
  var operations: [DiskOperationCounters]
  /// Requests that wait at this moment.
  public var waiting: UInt64
  /// Waiting requests whose process was killed, and which therefore were given up.
  public var interrupted: UInt64

  public subscript(operation: DiskOperation) -> DiskOperationCounters { operations[operation.rawValue] }

  /// Over all kinds of operations.
  public var requests: UInt64 { operations.reduce(0) { $0 + $1.requests } }
  public var touched: UInt64 { operations.reduce(0) { $0 + $1.touched } }
  public var longestWait: Nanoseconds { operations.map(\.longestWait).max() ?? 0 }
  public var bytesWritten: UInt64 { self[.write].bytes }

  /// When one of these operations was first answered well after the last change of rules.
  public func firstCompletion(of wanted: Set<DiskOperation>) -> Nanoseconds? {
    DiskOperation.allCases.filter { wanted.contains($0) }
      .map { self[$0].firstCompletionSinceRules }.filter { $0 > 0 }.min()
  }
}

/// One record per operation, each of eight words. The daemon writes, the supervisor reads.
final class DiskTable: @unchecked Sendable {
  enum Field: Int { case requests, bytes, stalled, delayed, failed, longestWait, lastCompletion, firstSinceRules }
  enum Header: Int { case waiting, interrupted }

  let descriptor: Int32
  private let base: UnsafeMutablePointer<UInt64>
  private static let wordsOfHeader = 8
  private static let wordsPerRecord = 8
  private static let size = (wordsOfHeader + DiskOperation.allCases.count * wordsPerRecord) * 8

  /// A new table in a new memfd.
  convenience init() throws(ArenaError) {
    let fd = cl_memfd("disk", Self.size)
    if fd < 0 { throw ArenaError("make the counters of a disk", code: -fd) }
    try self.init(descriptor: fd)
  }

  /// The table that another process made.
  init(descriptor: Int32) throws(ArenaError) {
    guard let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED
    else {
      let code = errno
      close(descriptor)
      throw ArenaError("map the counters of a disk", code: code)
    }
    self.descriptor = descriptor
    base = memory.bindMemory(to: UInt64.self, capacity: Self.size / 8)
  }

  deinit {
    munmap(base, Self.size)
    close(descriptor)
  }

  private func word(_ operation: DiskOperation, _ field: Field) -> UnsafeMutablePointer<UInt64> {
    base + (Self.wordsOfHeader + operation.rawValue * Self.wordsPerRecord + field.rawValue)
  }

  func get(_ operation: DiskOperation, _ field: Field) -> UInt64 { cl_load64(word(operation, field)) }
  func set(_ operation: DiskOperation, _ field: Field, _ value: UInt64) { cl_store64(word(operation, field), value) }
  func add(_ operation: DiskOperation, _ field: Field, _ value: Int = 1) {
    cl_add64(word(operation, field), UInt64(bitPattern: Int64(value)))
  }
  func add(_ header: Header, _ value: Int) { cl_add64(base + header.rawValue, UInt64(bitPattern: Int64(value))) }

  /// One request has been answered.
  func completed(_ operation: DiskOperation, bytes: Int, well: Bool) {
    add(operation, .requests)
    if bytes > 0 { add(operation, .bytes, bytes) }
    guard well else { return }
    let now = UInt64(monotonicNow())
    set(operation, .lastCompletion, now)
    if get(operation, .firstSinceRules) == 0 { set(operation, .firstSinceRules, now) }
  }

  /// What counts since the last change of rules begins anew.
  func rulesChange() {
    for operation in DiskOperation.allCases {
      set(operation, .firstSinceRules, 0)
      set(operation, .longestWait, 0)
    }
  }

  var counters: DiskCounters {
    DiskCounters(
      operations: DiskOperation.allCases.map { operation in
        var counters = DiskOperationCounters()
        counters.requests = get(operation, .requests)
        counters.bytes = get(operation, .bytes)
        counters.stalled = get(operation, .stalled)
        counters.delayed = get(operation, .delayed)
        counters.failed = get(operation, .failed)
        counters.longestWait = Nanoseconds(get(operation, .longestWait))
        counters.lastCompletion = Nanoseconds(get(operation, .lastCompletion))
        counters.firstCompletionSinceRules = Nanoseconds(get(operation, .firstSinceRules))
        return counters
      },
      waiting: cl_load64(base + Header.waiting.rawValue),
      interrupted: cl_load64(base + Header.interrupted.rawValue))
  }
}
