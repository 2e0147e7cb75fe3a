// The writer of `history.bin`: one thread appends and packs in memory, another writes; the first never waits for the disk.

import Base
import Dispatch
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Records events in the order in which they are appended. Owned by one thread; only `failure` may be read by others.
///
/// Events go to a buffer; a full one is packed into a block of a page while it is in the processor's cache, and a full page,
/// or what `flush()` finds, is handed to a thread of its own that writes it. A process killed at any time leaves a file that
/// reads up to the last page written: call `flush()` every 100 ms or so. When the disk falls behind by more than `limit`
/// bytes, or cannot be written, recording ends for good, `failure` says why, and the file never gets its end block: a history
/// with a hole is never called complete.
public final class HistoryRecorder {
  /// The words so far; give new ones by `word` and `route`.
  public private(set) var names = Names()
  /// Events appended so far: the index of the next one.
  public var count: Int { countBefore &+ buffer.count }

  private let path: String
  private let writer: PageWriter
  private let buffer: EventBuffer
  private var page = Page()
  /// Events appended before those in the buffer.
  private var countBefore = 0
  /// Time of the last event as recorded. Private, as all that `append` writes: the compiler then proves its accesses
  /// exclusive, where a check at run time would cost as much as the rest of an append.
  private var lastTime: Nanoseconds = .min
  private var sequence: UInt64 = 0
  private var namesWritten = 0
  private var isStopped = false

  /// Creates the file, or empties it. `limit`: bytes that may wait for the disk; `blockEvents`: events in a full
  /// block, at most 1020.
  public init(path: String, limit: Int = 256 << 20, blockEvents: Int = 1020) throws(HistoryError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileBytes.failure(path, "cannot be created") }
    self.path = path
    writer = PageWriter(descriptor: descriptor, limit: limit)
    buffer = EventBuffer(capacity: blockEvents)
    putSmall(.begin, count: 0, payload: HistoryFormat.beginPayload())
    handOver()
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
    if let index = buffer.appendPlain(event, time: time) { return countBefore &+ index }
    return appendSlowly(event, time: time)
  }

  @inline(never)
  private func appendSlowly(_ event: Event, time: Nanoseconds) -> Int {
    if let index = buffer.append(event, time: time) { return countBefore &+ index }
    // Full, or too far away from the events in it.
    packEvents()
    return countBefore &+ (buffer.append(event, time: time) ?? 0)
  }

  /// Hands what was appended since the last time to the writer. Does not wait.
  public func flush() {
    packEvents()
    handOver()
  }

  /// Waits until everything that was handed over is with the system.
  public func waitUntilWritten() { writer.wait() }

  /// Writes the rest and the end block, and waits until all is written. True when the history is complete.
  @discardableResult
  public func close() -> Bool {
    flush()
    if !isStopped {
      putSmall(.end, count: 0, payload: HistoryFormat.endPayload(events: count, names: namesWritten))
      handOver()
      isStopped = true
    }
    writer.finish()
    return failure == nil
  }

  private func packEvents() {
    let count = buffer.count
    guard count > 0 else { return }
    if namesWritten < names.entries.count {
      let new = names.entries[namesWritten...]
      putSmall(.names, count: new.count, payload: HistoryFormat.namesPayload(new))
      namesWritten = names.entries.count
    }
    put(.events, count: count, atMost: EventColumns.largestPayload(events: count)) { buffer.pack(to: $0) }
    countBefore += count
    buffer.removeAll()
  }

  private func putSmall(_ kind: HistoryFormat.Kind, count: Int, payload: [UInt8]) {
    put(kind, count: count, atMost: payload.count) {
      $0.copyMemory(from: payload, byteCount: payload.count)
      return payload.count
    }
  }

  /// Puts a block into the page; `payload` writes what it holds and returns the length.
  private func put(
    _ kind: HistoryFormat.Kind, count: Int, atMost size: Int, payload: (UnsafeMutableRawPointer) -> Int
  ) {
    if page.room < HistoryFormat.headerSize + size {
      handOver()
      if page.room < HistoryFormat.headerSize + size { page = Page(size: HistoryFormat.headerSize + size) }
    }
    page.put { start in
      let length = payload(start + HistoryFormat.headerSize)
      let bytes = UnsafeRawBufferPointer(start: start + HistoryFormat.headerSize, count: length)
      HistoryFormat.store(
        HistoryFormat.Header(
          kind: kind, sequence: sequence, count: count, length: length, checksum: CRC32C.checksum(bytes)), at: start)
      return HistoryFormat.headerSize + length
    }
    sequence += 1
  }

  private func handOver() {
    guard page.used > 0 else { return }
    if !isStopped, writer.hand(over: page) {
      page = writer.spare() ?? Page()
    } else {
      isStopped = true
      page.used = 0
    }
  }
}

/// Memory for blocks. It belongs to the recorder until it is handed over, then to the writer, then again to the recorder.
private final class Page: @unchecked Sendable {
  /// Large enough that handing over costs nothing beside what it holds.
  static let size = 1 << 20
  private let memory: UnsafeMutableRawPointer
  let capacity: Int
  var used = 0

  init(size: Int = Page.size) {
    (memory, capacity) = (.allocate(byteCount: size, alignment: 64), size)
  }
  deinit { memory.deallocate() }

  var room: Int { capacity - used }
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: used) }
  /// `body` writes at the place it is given and returns how many bytes.
  func put(_ body: (UnsafeMutableRawPointer) -> Int) { used += body(memory + used) }
}

/// The writing side: a serial queue, and the pages that it is done with.
private final class PageWriter: Sendable {
  struct State {
    var waiting = 0
    /// Set once; `isBroken` when it was the disk that refused, and nothing can be written any more.
    var failure: String?
    var isBroken = false
    var spare: [Page] = []
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

  /// False when recording has ended: the page was not taken.
  func hand(over page: Page) -> Bool {
    guard take(page.used) else { return false }
    queue.async { [self] in write(page) }
    return true
  }

  func spare() -> Page? { state.withLock { $0.spare.popLast() } }

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
  private func write(_ page: Page) {
    let problem = state.withLock { $0.isBroken } ? nil : FileBytes.write(descriptor, all: page.bytes)
    let size = page.used
    page.used = 0
    state.withLock { state in
      state.waiting -= size
      if let problem { (state.failure, state.isBroken) = ("cannot be written: " + problem, true) }
      if page.capacity == Page.size, state.spare.count < 8 { state.spare.append(page) }
    }
  }
}
