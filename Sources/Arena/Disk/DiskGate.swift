// Where requests wait: the rules in force, what they hold back, and the threads that let it go. No thread is held by a
// request that waits, so that a stalled disk still answers everything that is not stalled.

import Base
import CLinux
import Glibc
import Synchronization

final class DiskGate: @unchecked Sendable {
  enum Decision: Equatable {
    case proceed
    case fail(Int32)
    /// Kept; the caller must not answer.
    case waits
  }

  /// A request that waits: a copy of its bytes, which the one who takes it frees.
  struct Waiting: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer
    let unique: UInt64
    /// The thread that asks, as the mount's PID namespace counts.
    let thread: pid_t
    let operation: DiskOperation
    let paths: DiskPaths
    let since: Nanoseconds
    /// `Nanoseconds.max`: a stall.
    var due: Nanoseconds
    /// The answer at that time, where it is not carried out.
    var error: Int32
    /// The kernel has told us of a signal.
    var isInterrupted: Bool
  }

  private struct State {
    var rules: [DiskRule] = []
    var waiting: [Waiting] = []
    /// Requests that are being dealt with, and of whose signal we know already.
    var signalled: Set<UInt64> = []
  }

  private let state = Mutex(State())
  private let hasRules = Atomic(false)
  private let timer: Int32
  private let table: DiskTable
  /// What each thread deals with, by its slot; 0: nothing. Written by the thread, read under the lock.
  private let current: UnsafeMutablePointer<UInt64>
  private let slots: Int
  /// How soon a thread that got some signal is found to have been killed since.
  private static let killCheck = 2 * Nanoseconds.millisecond

  init(table: DiskTable, slots: Int) throws(ArenaError) {
    timer = cl_timerfd()
    if timer < 0 { throw ArenaError("make the timer of a disk", code: -timer) }
    (self.table, self.slots) = (table, slots)
    current = .allocate(capacity: slots)
    current.initialize(repeating: 0, count: slots)
  }

  deinit {
    close(timer)
    current.deallocate()
  }

  /// Whether anything has to be asked of `admit`; cheap.
  var isActive: Bool { hasRules.load(ordering: .relaxed) }

  /// A thread says which request it deals with (0: none any more), so that a signal for it finds it.
  func deals(slot: Int, with unique: UInt64) { cl_store64(current + slot, unique) }

  /// What becomes of a request. One that waits is copied.
  /// - Parameter mayStall: false for what the kernel itself writes back for mapped memory: a process could not even die
  ///   while that waits.
  func admit(
    _ bytes: UnsafeRawBufferPointer, _ request: FuseRequest, _ operation: DiskOperation, _ paths: DiskPaths,
    mayStall: Bool
  ) -> Decision {
    state.withLock { state in
      let verdict = DiskVerdict(state.rules, operation, paths)
      let stalls = verdict.isStalled && mayStall
      if !stalls && verdict.delay == 0 {
        if verdict.error == 0 { return .proceed }
        if !paths.isProbe { table.add(operation, .failed) }
        return .fail(verdict.error)
      }
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
      copy.copyMemory(from: bytes)
      let now = monotonicNow()
      let unique = request.header.unique
      state.waiting.append(
        Waiting(
          bytes: copy, unique: unique, thread: pid_t(truncatingIfNeeded: request.header.pid), operation: operation,
          paths: paths, since: now, due: stalls ? .max : now + verdict.delay, error: verdict.error,
          isInterrupted: state.signalled.remove(unique) != nil))
      if !paths.isProbe { table.add(operation, stalls ? .stalled : .delayed) }
      table.add(.waiting, 1)
      arm(state)
      return .waits
    }
  }

  /// Puts other rules in force; what waits is judged anew, and goes where nothing holds it any more.
  func setRules(_ rules: [DiskRule]) {
    state.withLock { state in
      state.rules = rules
      hasRules.store(!rules.isEmpty, ordering: .relaxed)
      table.rulesChange()
      let now = monotonicNow()
      for index in state.waiting.indices {
        let request = state.waiting[index]
        let verdict = DiskVerdict(rules, request.operation, request.paths)
        state.waiting[index].due = verdict.isStalled ? .max : request.since + verdict.delay
        state.waiting[index].error = verdict.error
        if state.waiting[index].due <= now { recordWait(request, now) }
      }
      arm(state)
    }
  }

  /// The kernel tells of a signal to a thread whose request is with us (FUSE_INTERRUPT).
  ///
  /// Only a fatal one ends the request: on a real disk no other would, and a broker would see errors that no disk makes.
  /// - Returns: whether the request is known; if not, the kernel must be asked to tell it again.
  func interrupt(_ unique: UInt64) -> Bool {
    state.withLock { state in
      if let index = state.waiting.firstIndex(where: { $0.unique == unique }) {
        state.waiting[index].isInterrupted = true
        arm(state, now: true)
        return true
      }
      let dealtWith = (0..<slots).map { cl_load64(current + $0) }
      if !dealtWith.contains(unique) { return false }
      if state.signalled.count > 1024 { state.signalled.formIntersection(dealtWith) }
      state.signalled.insert(unique)
      return true
    }
  }

  /// One of the threads that let requests go: runs for ever.
  /// - Parameters:
  ///   - carryOut: gets a request whose time has come, and frees its bytes.
  ///   - giveUp: gets one whose process was killed, and frees its bytes.
  func run(carryOut: (Waiting) -> Void, giveUp: (Waiting) -> Void) {
    while true {
      var poller = pollfd(fd: timer, events: Int16(POLLIN), revents: 0)
      var expirations: UInt64 = 0
      // All threads wake; the one that reads it is meant.
      guard poll(&poller, 1, -1) > 0, read(timer, &expirations, 8) == 8 else { continue }
      let (due, suspects) = state.withLock { state in
        let now = monotonicNow()
        var due: Waiting?
        if let index = state.waiting.firstIndex(where: { $0.due <= now }) {
          let request = state.waiting.remove(at: index)
          recordWait(request, now)
          table.add(.waiting, -1)
          due = request
        }
        arm(state)
        return (due, state.waiting.filter(\.isInterrupted).map { ($0.unique, $0.thread) })
      }
      for (unique, thread) in suspects where thread == 0 || cl_is_being_killed(thread) == 1 {
        let killed: Waiting? = state.withLock { state in
          guard let index = state.waiting.firstIndex(where: { $0.unique == unique }) else { return nil }
          let request = state.waiting.remove(at: index)
          recordWait(request, monotonicNow())
          table.add(.waiting, -1)
          if !request.paths.isProbe { table.add(.interrupted, 1) }
          return request
        }
        if let killed { giveUp(killed) }
      }
      if let due { carryOut(due) }
    }
  }

  private func recordWait(_ request: Waiting, _ now: Nanoseconds) {
    if request.paths.isProbe { return }
    let waited = UInt64(max(0, now - request.since))
    if waited > table.get(request.operation, .longestWait) { table.set(request.operation, .longestWait, waited) }
  }

  /// Sets the timer to what comes next. A time that is past fires at once.
  private func arm(_ state: borrowing State, now: Bool = false) {
    var next = Nanoseconds.max
    for request in state.waiting {
      next = min(next, request.due)
      if request.isInterrupted { next = min(next, monotonicNow() + Self.killCheck) }
    }
    if now { next = 1 }
    _ = cl_timerfd_arm(timer, next == .max ? 0 : max(1, next))
  }
}
