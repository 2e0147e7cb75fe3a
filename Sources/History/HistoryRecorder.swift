// The writer of `history.bin`: one thread appends into memory, another writes whole blocks; the first never waits for the disk.

import Base
import Dispatch
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Records events in the order in which they are appended. Owned by one thread; only `failure` may be read by others.
///
/// Events go to a buffer; a full one, or what `flush()` finds, is handed to a queue of its own that adds the checksum and
/// writes. A process killed at any time leaves a file that reads up to the last block written: call `flush()` every 100 ms
/// or so. When the disk falls behind by more than `limit` bytes, or cannot be written, recording ends for good, `failure`
/// says why, and the file never gets its end block: a history with a hole is never called complete.
public final class HistoryRecorder {
  /// The words so far; give new ones by `word` and `route`.
  public private(set) var names = Names()
  /// Events appended so far: the index of the next one.
  public private(set) var count = 0
  /// Time of the last event as recorded.
  public private(set) var lastTime: Nanoseconds = .min

  private let path: String
  private let writer: BlockWriter
  private let eventsPerBlock: Int
  private var buffer: Block
  private var filled = 0
  private var sequence: UInt64 = 0
  private var namesWritten = 0
  private var isStopped = false

  /// Creates the file, or empties it. `limit`: bytes that may wait for the disk; `blockEvents`: events in a full block.
  public init(path: String, limit: Int = 256 << 20, blockEvents: Int = 3640) throws(HistoryError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileBytes.failure(path, "cannot be created") }
    self.path = path
    eventsPerBlock = min(max(blockEvents, 1), HistoryFormat.largestPayload / HistoryFormat.eventSize)
    writer = BlockWriter(descriptor: descriptor, limit: limit)
    buffer = Block(events: eventsPerBlock)
    writeSmall(.begin, count: 0, payload: HistoryFormat.beginPayload())
  }

  /// What ended the recording early, for people; nil while all is well. May be read by any thread.
  public var failure: String? { writer.state.withLock { $0.failure }.map { "\(path): \($0)" } }

  /// The number of a word: a queue, a node, a fault.
  public func word(_ text: String) -> UInt16 { names.word(text) }
  /// The number of the set of queues into which a publish certainly goes.
  public func route(to queues: [String]) -> UInt16 { names.route(to: queues) }

  /// Records the event and returns its index. Where its time is not later than the last one's, it becomes one nanosecond
  /// later than that: the order of appending is the order of the file.
  @discardableResult
  public func append(_ event: Event) -> Int {
    let time = event.time > lastTime ? event.time : lastTime &+ 1
    lastTime = time
    let at = HistoryFormat.headerSize &+ filled &* HistoryFormat.eventSize
    buffer.base.storeBytes(of: event, toByteOffset: at, as: Event.self)
    buffer.base.storeBytes(of: time, toByteOffset: at, as: Nanoseconds.self)
    filled &+= 1
    count &+= 1
    if filled == eventsPerBlock { flush() }
    return count &- 1
  }

  /// Hands what was appended since the last time to the writer. Does not wait.
  public func flush() {
    guard filled > 0, !isStopped else {
      filled = 0
      return
    }
    if namesWritten < names.entries.count {
      let new = names.entries[namesWritten...]
      writeSmall(.names, count: new.count, payload: HistoryFormat.namesPayload(new))
      namesWritten = names.entries.count
    }
    let block = buffer
    block.kind = .events
    block.sequence = sequence
    block.count = filled
    block.length = filled * HistoryFormat.eventSize
    sequence += 1
    filled = 0
    isStopped = !writer.hand(over: block)
    buffer = writer.spare() ?? Block(events: eventsPerBlock)
  }

  /// Writes the rest and the end block, and waits until all is written. True when the history is complete.
  @discardableResult
  public func close() -> Bool {
    flush()
    if !isStopped {
      writeSmall(.end, count: 0, payload: HistoryFormat.endPayload(events: count, names: namesWritten))
      isStopped = true
    }
    writer.finish()
    return failure == nil
  }

  private func writeSmall(_ kind: HistoryFormat.Kind, count: Int, payload: [UInt8]) {
    let block = Block(capacity: HistoryFormat.headerSize + payload.count)
    payload.withUnsafeBytes {
      (block.base + HistoryFormat.headerSize).copyMemory(from: $0.baseAddress!, byteCount: $0.count)
    }
    block.kind = kind
    block.sequence = sequence
    block.count = count
    block.length = payload.count
    sequence += 1
    if !writer.hand(over: block) { isStopped = true }
  }
}

/// Room for a header and a payload. Belongs to one thread at a time: the recorder's until it is handed over, then the
/// writer's, then again the recorder's.
private final class Block: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  let capacity: Int
  var kind = HistoryFormat.Kind.events
  var sequence: UInt64 = 0
  var count = 0
  var length = 0

  convenience init(events: Int) { self.init(capacity: HistoryFormat.headerSize + events * HistoryFormat.eventSize) }

  init(capacity: Int) {
    self.capacity = capacity
    base = .allocate(byteCount: capacity, alignment: 16)
    // Zeroed once: the padding of an event is never written, and what is on disk must not depend on old memory.
    base.initializeMemory(as: UInt8.self, repeating: 0, count: capacity)
  }

  deinit { base.deallocate() }
}

/// The writing side: a serial queue that adds checksums and writes, and the blocks that it is done with.
private final class BlockWriter: Sendable {
  struct State {
    var waiting = 0
    var failure: String?
    var spare: [Block] = []
    var isClosed = false
  }

  let state = Mutex(State())
  private let descriptor: Int32
  private let limit: Int
  private let queue = DispatchQueue(label: "history")

  init(descriptor: Int32, limit: Int) {
    self.descriptor = descriptor
    self.limit = limit
  }

  deinit {
    if !state.withLock({ $0.isClosed }) { Glibc.close(descriptor) }
  }

  /// False when recording has ended: the block was not taken.
  func hand(over block: Block) -> Bool {
    let size = HistoryFormat.headerSize + block.length
    let taken = state.withLock { state in
      guard state.failure == nil else { return false }
      guard state.waiting + size <= limit else {
        state.failure =
          "the disk does not keep up: \(state.waiting >> 20) MiB of history wait for it, more than the limit of "
          + "\(limit >> 20) MiB; nothing is recorded from here on"
        return false
      }
      state.waiting += size
      return true
    }
    guard taken else { return false }
    queue.async { self.write(block, size: size) }
    return true
  }

  func spare() -> Block? { state.withLock { $0.spare.popLast() } }

  func finish() {
    queue.sync {}
    let isFirst = state.withLock { state in
      defer { state.isClosed = true }
      return !state.isClosed
    }
    if isFirst { Glibc.close(descriptor) }
  }

  private func write(_ block: Block, size: Int) {
    // What had already been taken when the recording ended is still good, unless the disk itself refused.
    let payload = UnsafeRawBufferPointer(start: block.base + HistoryFormat.headerSize, count: block.length)
    let header = HistoryFormat.Header(
      kind: block.kind, sequence: block.sequence, count: block.count, length: block.length,
      checksum: CRC32C.checksum(payload))
    HistoryFormat.store(header, at: block.base)
    let isBroken = state.withLock { $0.failure?.hasPrefix(Self.refusal) ?? false }
    let problem =
      isBroken ? nil : FileBytes.write(descriptor, all: UnsafeRawBufferPointer(start: block.base, count: size))
    state.withLock { state in
      state.waiting -= size
      if let problem { state.failure = Self.refusal + problem }
      if block.kind == .events, state.spare.count < 16 { state.spare.append(block) }
    }
  }

  private static let refusal = "cannot be written: "
}
