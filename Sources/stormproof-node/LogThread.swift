// The thread that writes: takes all records that have come, one fdatasync for all of them (group commit), and tells.

import Broker
import Glibc
import Synchronization

/// Owns the log from `start` on. The loop only ever adds to a list, so that a stalled disk cannot stop it.
final class LogThread: Sendable {
  /// One hand-over of the loop.
  private struct Batch: Sendable {
    var records: [LogRecord]
    var position: LogPosition
    var bytes: Int
  }

  private struct State {
    var batches: [Batch] = []
    var stopping = false
  }

  private let state = Mutex(State())
  private let wake: Semaphore
  private let waiting = Atomic(0)
  private let persisted: @Sendable (LogPosition) -> Void
  private let stopped: @Sendable () -> Void

  /// Bytes handed over and not yet durable.
  var backlog: Int { waiting.load(ordering: .relaxed) }

  /// - Parameters:
  ///   - persisted: called on the log's thread, with the position up to which all is durable.
  ///   - stopped: called there when `stop` was asked and all is durable.
  init(persisted: @escaping @Sendable (LogPosition) -> Void, stopped: @escaping @Sendable () -> Void) {
    wake = Semaphore()
    self.persisted = persisted
    self.stopped = stopped
  }

  func start(_ log: sending SegmentLog<FileDisk>) throws(UsageError) {
    let start = ThreadStart { [self] in run(log) }
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, Unmanaged.passRetained(start).toOpaque())
    if code != 0 { throw UsageError("cannot start a thread: \(errorText(code))") }
    pthread_detach(thread)
  }

  func submit(_ records: [LogRecord], _ position: LogPosition) {
    let bytes = records.reduce(0) { $0 + $1.encodedSize + LogFormat.recordOverhead }
    waiting.add(bytes, ordering: .relaxed)
    let first = state.withLock { state in
      state.batches.append(Batch(records: records, position: position, bytes: bytes))
      return state.batches.count == 1
    }
    if first { wake.signal() }
  }

  /// Writes what is waiting, calls `stopped`, and ends.
  func stop() {
    state.withLock { $0.stopping = true }
    wake.signal()
  }

  private func run(_ log: SegmentLog<FileDisk>) {
    while true {
      wake.wait()
      let (batches, stopping) = state.withLock { state in
        defer { state.batches = [] }
        return (state.batches, state.stopping)
      }
      if let last = batches.last {
        do throws(StorageError) {
          for batch in batches {
            for record in batch.records { try log.append(size: record.encodedSize) { record.encode(into: &$0) } }
          }
          try log.sync()
        } catch {
          // What a failed write or sync has left on the disk is unknown: this process confirms nothing any more.
          failed(error)
        }
        waiting.subtract(batches.reduce(0) { $0 + $1.bytes }, ordering: .relaxed)
        persisted(last.position)
      }
      if stopping { return stopped() }
    }
  }
}

/// A POSIX semaphore.
private final class Semaphore: @unchecked Sendable {
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  init() { sem_init(semaphore, 0, 0) }
  func signal() { sem_post(semaphore) }
  func wait() { while sem_wait(semaphore) != 0 && errno == EINTR {} }
  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }
}

private final class ThreadStart {
  let body: () -> Void
  init(_ body: @escaping () -> Void) { self.body = body }
}
