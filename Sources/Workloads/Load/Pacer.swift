// One timer of the kernel for all that clients do at exact times.

import Base
import EventLoop
import Glibc

/// Calls `body` at the earliest of the instants asked for; the body asks for the next. A timerfd that is armed anew each
/// time: no allocation and one system call.
final class Pacer {
  private let descriptor: Int32
  private var watch: Watch?
  private var armedFor = Nanoseconds.max
  private let body: (Nanoseconds) -> Void

  /// - Throws: `LoopError` where the kernel gives no descriptor.
  init(_ loop: Loop, _ body: @escaping (Nanoseconds) -> Void) throws(LoopError) {
    self.body = body
    descriptor = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_NONBLOCK) | Int32(TFD_CLOEXEC))
    watch = try loop.watch(descriptor) { [unowned self] _ in fire() }
  }

  func cancel() {
    let descriptor = descriptor
    watch?.cancel { close(descriptor) }
    watch = nil
  }

  /// At this instant of CLOCK_MONOTONIC, or at once where it has passed.
  func wake(at time: Nanoseconds) {
    guard time < armedFor, watch != nil else { return }
    armedFor = time
    let time = max(1, time)  // all zero would disarm it
    var value = itimerspec()
    value.it_value = timespec(tv_sec: Int(time / .second), tv_nsec: Int(time % .second))
    timerfd_settime(descriptor, Int32(TFD_TIMER_ABSTIME), &value, nil)
  }

  private func fire() {
    var expirations: UInt64 = 0
    guard read(descriptor, &expirations, 8) == 8 else { return }
    armedFor = .max
    body(Loop.monotonicNow())
  }
}
