// Timers, readiness of descriptors, signals: each a small class that frees its libuv handle in the close callback only.

import CUv
import Glibc

extension Loop {
  /// Calls `body` after so many nanoseconds (resolution 1 ms), and then every `repeat` if that is above 0.
  /// The timer lives until it has fired (without repeat) or is cancelled, whether or not the result is kept.
  @discardableResult
  public func timer(after: Int64, repeat interval: Int64 = 0, _ body: @escaping () -> Void) -> LoopTimer {
    LoopTimer(self, after: after, interval: interval, body)
  }

  /// Calls `body` once, as exactly as the kernel can (a timerfd), for send rates and schedules.
  @discardableResult
  public func preciseTimer(after: Int64, _ body: @escaping () -> Void) -> PreciseTimer {
    PreciseTimer(self, after: after, body)
  }

  /// Calls `body` whenever the descriptor is ready; the descriptor stays the caller's, and must outlive the watch.
  /// - Throws: `LoopError` for a descriptor that cannot be waited for (a plain file).
  public func watch(_ descriptor: Int32, _ events: Watch.Events = .readable, _ body: @escaping (Watch.Events) -> Void)
    throws(LoopError) -> Watch
  {
    try Watch(self, descriptor, events, body)
  }

  /// Calls `body` whenever the process gets the signal.
  @discardableResult
  public func onSignal(_ number: Int32, _ body: @escaping () -> Void) -> SignalWatch {
    SignalWatch(self, number, body)
  }
}

public final class LoopTimer {
  private let uv = UnsafeMutablePointer<uv_timer_t>.allocate(capacity: 1)
  private var body: (() -> Void)?
  private let repeats: Bool

  init(_ loop: Loop, after: Int64, interval: Int64, _ body: @escaping () -> Void) {
    self.body = body
    repeats = interval > 0
    uv_timer_init(loop.uv, uv)
    uv.pointee.data = Unmanaged.passRetained(self).toOpaque()
    // The loop's cached time may be old after a long turn, which would make the timer fire early.
    uv_update_time(loop.uv)
    // Rounded up, and one more for libuv's clock, which is cut to whole milliseconds: a timer never fires early.
    let milliseconds = after <= 0 ? 0 : UInt64(after + 999_999) / 1_000_000 + 1
    let again = interval > 0 ? max(1, UInt64(interval + 999_999) / 1_000_000) : 0
    uv_timer_start(
      uv,
      { handle in
        guard let data = handle?.pointee.data else { return }
        let timer = Unmanaged<LoopTimer>.fromOpaque(data).takeUnretainedValue()
        let body = timer.body
        if !timer.repeats { timer.cancel() }
        body?()
      }, milliseconds, again)
  }

  public func cancel() {
    guard body != nil else { return }
    body = nil
    uv_close(asHandle(uv)) { handle in
      guard let handle, let data = handle.pointee.data else { return }
      let timer = Unmanaged<LoopTimer>.fromOpaque(data).takeRetainedValue()
      timer.uv.deallocate()
    }
  }
}

/// One shot of a timerfd.
public final class PreciseTimer {
  private let descriptor: Int32
  private var watch: Watch?
  private var coarse: LoopTimer?

  init(_ loop: Loop, after: Int64, _ body: @escaping () -> Void) {
    descriptor = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_NONBLOCK) | Int32(TFD_CLOEXEC))
    var time = itimerspec()
    // All zero would disarm it.
    let after = max(1, after)
    time.it_value = timespec(tv_sec: Int(after / 1_000_000_000), tv_nsec: Int(after % 1_000_000_000))
    timerfd_settime(descriptor, 0, &time, nil)
    watch = try? Watch(loop, descriptor, .readable) { [self] _ in
      cancel()
      body()
    }
    // Out of descriptors: late by a millisecond is better than never.
    if watch == nil { coarse = loop.timer(after: after, repeat: 0, body) }
  }

  public func cancel() {
    coarse?.cancel()
    guard let watch else { return }
    self.watch = nil
    let descriptor = descriptor
    watch.cancel { close(descriptor) }
  }
}

/// Readiness of a descriptor.
public final class Watch {
  public struct Events: OptionSet, Sendable {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    public static let readable = Events(rawValue: Int32(UV_READABLE.rawValue))
    public static let writable = Events(rawValue: Int32(UV_WRITABLE.rawValue))
  }

  private let uv = UnsafeMutablePointer<uv_poll_t>.allocate(capacity: 1)
  private var body: ((Events) -> Void)?
  private var closed: (() -> Void)?

  init(_ loop: Loop, _ descriptor: Int32, _ events: Events, _ body: @escaping (Events) -> Void) throws(LoopError) {
    let code = uv_poll_init(loop.uv, uv, descriptor)
    guard code == 0 else {
      uv.deallocate()
      throw LoopError(code, "watch descriptor \(descriptor)")
    }
    self.body = body
    uv.pointee.data = Unmanaged.passRetained(self).toOpaque()
    change(to: events)
  }

  /// Waits for these events from now on; none: pauses.
  public func change(to events: Events) {
    guard body != nil else { return }
    guard !events.isEmpty else {
      uv_poll_stop(uv)
      return
    }
    uv_poll_start(uv, events.rawValue) { handle, status, events in
      guard let data = handle?.pointee.data else { return }
      let watch = Unmanaged<Watch>.fromOpaque(data).takeUnretainedValue()
      // An error of the descriptor shows as readable: the read then says what it is.
      watch.body?(status < 0 ? .readable : Events(rawValue: events))
    }
  }

  public func cancel() { cancel {} }

  /// `then` runs when the loop has let go of the descriptor, which may be closed from there on.
  public func cancel(then: @escaping () -> Void) {
    guard body != nil else { return }
    body = nil
    closed = then
    uv_poll_stop(uv)
    uv_close(asHandle(uv)) { handle in
      guard let handle, let data = handle.pointee.data else { return }
      let watch = Unmanaged<Watch>.fromOpaque(data).takeRetainedValue()
      watch.uv.deallocate()
      watch.closed?()
    }
  }
}

/// A signal of the process.
public final class SignalWatch {
  private let uv = UnsafeMutablePointer<uv_signal_t>.allocate(capacity: 1)
  private var body: (() -> Void)?

  init(_ loop: Loop, _ number: Int32, _ body: @escaping () -> Void) {
    self.body = body
    // A parent that waits for its signals blocks them, and children inherit that.
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, number)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
    uv_signal_init(loop.uv, uv)
    uv.pointee.data = Unmanaged.passRetained(self).toOpaque()
    uv_signal_start(
      uv,
      { handle, _ in
        guard let data = handle?.pointee.data else { return }
        Unmanaged<SignalWatch>.fromOpaque(data).takeUnretainedValue().body?()
      }, number)
    uv_unref(asHandle(uv))
  }

  public func cancel() {
    guard body != nil else { return }
    body = nil
    uv_close(asHandle(uv)) { handle in
      guard let handle, let data = handle.pointee.data else { return }
      Unmanaged<SignalWatch>.fromOpaque(data).takeRetainedValue().uv.deallocate()
    }
  }
}
