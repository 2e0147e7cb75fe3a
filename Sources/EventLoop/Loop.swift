// libuv's loop in Swift: one thread owns a loop and everything that lives on it. Knows no protocol.

import CUv
import Glibc
import Synchronization

/// An error of libuv, by its own name.
public struct LoopError: Error, Equatable, Sendable, CustomStringConvertible {
  /// `ECONNREFUSED`.
  public var name: String
  /// What was being done.
  public var doing: String
  public var description: String { "\(doing): \(name)" }

  init(_ code: Int32, _ doing: String) {
    name = uv_err_name(code).map { String(cString: $0) } ?? "error \(code)"
    self.doing = doing
  }

  static func check(_ code: Int32, _ doing: String) throws(LoopError) {
    if code < 0 { throw LoopError(code, doing) }
  }
}

/// An event loop. Only the thread that runs it may touch it, but for `post`. Not `Sendable`, on purpose.
public final class Loop {
  let uv: UnsafeMutablePointer<uv_loop_t>
  private let mailbox: Mailbox
  private let wake: UnsafeMutablePointer<uv_async_t>
  private let check: UnsafeMutablePointer<uv_check_t>
  private let prepare: UnsafeMutablePointer<uv_prepare_t>
  private var endOfTurn: [() -> Void] = []

  /// - Throws: `LoopError` when the kernel gives no descriptors.
  public init() throws(LoopError) {
    signal(SIGPIPE, SIG_IGN)
    uv = .allocate(capacity: 1)
    try LoopError.check(uv_loop_init(uv), "start an event loop")
    wake = .allocate(capacity: 1)
    check = .allocate(capacity: 1)
    prepare = .allocate(capacity: 1)
    mailbox = Mailbox(wake: wake)
    uv.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    try LoopError.check(
      uv_async_init(uv, wake) { handle in
        guard let handle, let loop = Loop.of(handle.pointee.loop) else { return }
        loop.receivePosts()
      }, "make a wake-up")
    // What readers appended is written when every readable connection was served (check), and what timers and posts
    // appended before the loop sleeps (prepare).
    uv_check_init(uv, check)
    uv_check_start(check) { handle in handle.flatMap { Loop.of($0.pointee.loop) }?.runEndOfTurn() }
    uv_prepare_init(uv, prepare)
    uv_prepare_start(prepare) { handle in handle.flatMap { Loop.of($0.pointee.loop) }?.runEndOfTurn() }
    for handle in [asHandle(wake), asHandle(check), asHandle(prepare)] { uv_unref(handle) }
    uv_ref(asHandle(wake))
  }

  /// A fresh reading of CLOCK_MONOTONIC, in nanoseconds. From any thread.
  @inline(__always)
  public static func monotonicNow() -> Int64 {
    var t = timespec()
    clock_gettime(CLOCK_MONOTONIC, &t)
    return Int64(t.tv_sec) &* 1_000_000_000 &+ Int64(t.tv_nsec)
  }

  /// Serves events until `stop`.
  public func run() { uv_run(uv, UV_RUN_DEFAULT) }

  /// Serves what is there and returns, without waiting. For tests.
  public func runOnce() { uv_run(uv, UV_RUN_NOWAIT) }

  /// `run` returns after the current turn.
  public func stop() { uv_stop(uv) }

  /// Runs `body` on the loop's thread, soon. The only call that other threads may make.
  public var post: Poster { Poster(mailbox: mailbox) }

  /// Runs `body` once, at the end of the current turn of the loop.
  public func atEndOfTurn(_ body: @escaping () -> Void) { endOfTurn.append(body) }

  private func receivePosts() { for body in mailbox.take() { body() } }

  private func runEndOfTurn() {
    // A body may ask for another turn's end; that one comes in the next round here.
    while !endOfTurn.isEmpty {
      let bodies = endOfTurn
      endOfTurn.removeAll(keepingCapacity: true)
      for body in bodies { body() }
    }
  }

  private static func of(_ uv: UnsafeMutablePointer<uv_loop_t>?) -> Loop? {
    guard let data = uv?.pointee.data else { return nil }
    return Unmanaged<Loop>.fromOpaque(data).takeUnretainedValue()
  }

  /// Runs `work` on libuv's thread pool and `then` with its result back on this loop.
  public func work<Result: Sendable>(_ work: @escaping @Sendable () -> Result, then: @escaping (Result) -> Void) {
    let job = Job {
      let result = work()
      return { then(result) }
    }
    let request = UnsafeMutablePointer<uv_work_t>.allocate(capacity: 1)
    request.pointee.data = Unmanaged.passRetained(job).toOpaque()
    let code = uv_queue_work(uv, request) { request in
      guard let data = request?.pointee.data else { return }
      Unmanaged<Job>.fromOpaque(data).takeUnretainedValue().run()
    } _: { request, _ in
      guard let request, let data = request.pointee.data else { return }
      let job = Unmanaged<Job>.fromOpaque(data).takeRetainedValue()
      request.deallocate()
      job.finish?()
    }
    if code < 0 {
      // Without a pool the work is done here: slow, but never lost.
      Unmanaged<Job>.fromOpaque(request.pointee.data).release()
      request.deallocate()
      job.run()
      atEndOfTurn { job.finish?() }
    }
  }
}

/// The handle by which other threads reach a loop.
public struct Poster: Sendable {
  fileprivate let mailbox: Mailbox
  public func callAsFunction(_ body: @escaping @Sendable () -> Void) { mailbox.put(body) }
}

/// What other threads left for the loop.
final class Mailbox: @unchecked Sendable {
  private let bodies = Mutex<[@Sendable () -> Void]>([])
  private let wake: UnsafeMutablePointer<uv_async_t>

  init(wake: UnsafeMutablePointer<uv_async_t>) { self.wake = wake }

  func put(_ body: @escaping @Sendable () -> Void) {
    bodies.withLock { $0.append(body) }
    uv_async_send(wake)
  }

  func take() -> [@Sendable () -> Void] {
    bodies.withLock { list in
      defer { list = [] }
      return list
    }
  }
}

/// A piece of work for the pool: the first half runs there, what it returns runs on the loop.
private final class Job: @unchecked Sendable {
  private let body: () -> () -> Void
  private(set) var finish: (() -> Void)?
  init(_ body: @escaping () -> () -> Void) { self.body = body }
  func run() { finish = body() }
}

@inline(__always)
func asHandle<T>(_ pointer: UnsafeMutablePointer<T>) -> UnsafeMutablePointer<uv_handle_t> {
  UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: uv_handle_t.self)
}

@inline(__always)
func asStream<T>(_ pointer: UnsafeMutablePointer<T>) -> UnsafeMutablePointer<uv_stream_t> {
  UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: uv_stream_t.self)
}
