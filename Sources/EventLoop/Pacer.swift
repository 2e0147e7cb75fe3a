// One timer of the kernel for everything that many clients do at exact times.

import CUv
import Glibc

/// Calls `body` at the earliest of the instants asked for; the body asks for the next. A timerfd that is armed anew each
/// time: no allocation and one system call. It works until `cancel`, or as long as it is kept.
public final class Pacer {
  private let descriptor: Int32
  private var watch: Watch?
  private var armedFor = Int64.max
  private let body: (Int64) -> Void

  /// - Parameter body: gets the time, nanoseconds of CLOCK_MONOTONIC, freshly read.
  /// - Throws: `LoopError` where the kernel gives no descriptor.
  public init(_ loop: Loop, _ body: @escaping (_ now: Int64) -> Void) throws(LoopError) {
    self.body = body
    descriptor = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_NONBLOCK) | Int32(TFD_CLOEXEC))
    watch = try loop.watch(descriptor) { [weak self] _ in self?.fire() }
  }

  deinit { cancel() }

  public func cancel() {
    let descriptor = descriptor
    watch?.cancel { close(descriptor) }
    watch = nil
  }

  /// At this instant of CLOCK_MONOTONIC (nanoseconds), or at once where it has passed.
  public func wake(at time: Int64) {
    guard time < armedFor, watch != nil else { return }
    armedFor = time
    let time = max(1, time)  // all zero would disarm it
    var value = itimerspec()
    value.it_value = timespec(tv_sec: Int(time / 1_000_000_000), tv_nsec: Int(time % 1_000_000_000))
    timerfd_settime(descriptor, Int32(TFD_TIMER_ABSTIME), &value, nil)
  }

  private func fire() {
    var expirations: UInt64 = 0
    guard read(descriptor, &expirations, 8) == 8 else { return }
    armedFor = .max
    body(Loop.monotonicNow())
  }
}
