// The writer of `history.bin`: one thread appends into memory, another writes whole blocks; the first never waits for the disk.

import Base
import Dispatch
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Records events in the order in which they are appended. Owned by one thread; only `failure` may be read by others.
///
/// Events go to a buffer; a full one, or what `flush()` finds, is handed to a queue of its own that packs it, adds the
/// checksum and writes. A process killed at any time leaves a file that reads up to the last block written: call `flush()` every 100 ms
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
  private var buffer: EventBuffer
  private var sequence: UInt64 = 0
  private var namesWritten = 0
  private var isStopped = false

  /// Creates the file, or empties it. `limit`: bytes that may wait for the disk; `blockEvents`: events in a full block.
  public init(path: String, limit: Int = 256 << 20, blockEvents: Int = 4080) throws(HistoryError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileBytes.failure(path, "cannot be created") }
    self.path = path
    eventsPerBlock = min(max(blockEvents, 1), HistoryFormat.largestBlock)
    writer = BlockWriter(descriptor: descriptor, limit: limit, eventsPerBlock: eventsPerBlock)
    buffer = EventBuffer(capacity: eventsPerBlock)
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
    buffer.append(event, time: time)
    count &+= 1
    if buffer.isFull { flush() }
    return count &- 1
  }

  /// Hands what was appended since the last time to the writer. Does not wait.
  public func flush() {
    guard buffer.count > 0, !isStopped else { return buffer.removeAll() }
    if namesWritten < names.entries.count {
      let new = names.entries[namesWritten...]
      writeSmall(.names, count: new.count, payload: HistoryFormat.namesPayload(new))
      namesWritten = names.entries.count
    }
    isStopped = !writer.hand(over: buffer, sequence: sequence)
    sequence += 1
    buffer = writer.spare() ?? EventBuffer(capacity: eventsPerBlock)
  }

  /// Waits until everything that was handed over is with the system.
  public func waitUntilWritten() { writer.wait() }

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
    if !writer.hand(over: HistoryFormat.block(kind, sequence: sequence, count: count, payload: payload)) {
      isStopped = true
    }
    sequence += 1
  }
}

/// The writing side: a serial queue that packs events, adds checksums and writes, and the buffers that it is done with. A
/// buffer belongs to the recorder until it is handed over, then to the queue, then again to the recorder.
private final class BlockWriter: Sendable {
  struct State {
    var waiting = 0
    /// Set once; `isBroken` when it was the disk that refused, and nothing can be written any more.
    var failure: String?
    var isBroken = false
    var spare: [EventBuffer] = []
    var isClosed = false
  }

  /// Where the queue packs a block. Only the queue touches it.
  private final class Page: @unchecked Sendable {
    let memory: UnsafeMutableRawBufferPointer
    init(size: Int) { memory = .allocate(byteCount: size, alignment: 64) }
    deinit { memory.deallocate() }
  }

  let state = Mutex(State())
  private let descriptor: Int32
  private let limit: Int
  private let page: Page
  private let queue = DispatchQueue(label: "history")

  init(descriptor: Int32, limit: Int, eventsPerBlock: Int) {
    self.descriptor = descriptor
    self.limit = limit
    page = Page(size: HistoryFormat.headerSize + EventColumns.largestPayload(events: eventsPerBlock))
  }

  deinit {
    if !state.withLock({ $0.isClosed }) { Glibc.close(descriptor) }
  }

  /// False when recording has ended: the buffer was not taken.
  func hand(over buffer: EventBuffer, sequence: UInt64) -> Bool {
    let size = buffer.count * EventColumns.eventSize
    guard take(size) else { return false }
    queue.async { [self] in
      guard let base = page.memory.baseAddress else { return }
      let payload = base + HistoryFormat.headerSize
      let length = buffer.pack(to: payload)
      let header = HistoryFormat.Header(
        kind: .events, sequence: sequence, count: buffer.count, length: length,
        checksum: CRC32C.checksum(UnsafeRawBufferPointer(start: payload, count: length)))
      HistoryFormat.store(header, at: base)
      buffer.removeAll()
      write(UnsafeRawBufferPointer(start: base, count: HistoryFormat.headerSize + length), taken: size, spare: buffer)
    }
    return true
  }

  /// The same for a block that is made already.
  func hand(over block: [UInt8]) -> Bool {
    guard take(block.count) else { return false }
    queue.async { [self] in block.withUnsafeBytes { write($0, taken: block.count, spare: nil) } }
    return true
  }

  func spare() -> EventBuffer? { state.withLock { $0.spare.popLast() } }

  func wait() { queue.sync {} }

  func finish() {
    wait()
    let isFirst = state.withLock { state in
      defer { state.isClosed = true }
      return !state.isClosed
    }
    if isFirst { Glibc.close(descriptor) }
  }

  private func take(_ size: Int) -> Bool {
    state.withLock { state in
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
  }

  /// What had already been taken when the recording ended is still good, unless the disk itself refused.
  private func write(_ bytes: UnsafeRawBufferPointer, taken: Int, spare: EventBuffer?) {
    let problem = state.withLock { $0.isBroken } ? nil : FileBytes.write(descriptor, all: bytes)
    state.withLock { state in
      state.waiting -= taken
      if let problem { (state.failure, state.isBroken) = ("cannot be written: " + problem, true) }
      if let spare, state.spare.count < 16 { state.spare.append(spare) }
    }
  }
}
