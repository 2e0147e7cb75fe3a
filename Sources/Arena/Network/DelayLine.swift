// Packets that wait: a heap ordered by the time they are due, and the thread that lets them go.

import Base
import CLinux
import Glibc
import Synchronization

/// The delay line of a switch: one for all links. Packets of one link leave in the order they came.
final class DelayLine: @unchecked Sendable {
  /// Its bytes are its own; the lock hands them from the thread that came to the one that releases.
  struct Packet: @unchecked Sendable {
    var due: Nanoseconds
    /// Breaks ties, so that equal times keep their order.
    var sequence: UInt64
    var link: Int
    var bytes: UnsafeMutableRawBufferPointer
  }

  /// A bound on memory: about 400 MB of full packets at the usual MTU.
  static let packetLimit = 1 << 18

  private struct State {
    var heap: [Packet] = []
    var sequence: UInt64 = 0
  }

  private let state = Mutex(State())
  private let timer: Int32

  init() throws(ArenaError) {
    timer = cl_timerfd()
    if timer < 0 { throw ArenaError("make the timer of the delay line", code: -timer) }
  }

  deinit { close(timer) }

  /// Copies a packet into the line. False when the line is full.
  func push(_ bytes: UnsafeRawBufferPointer, link: Int, due: Nanoseconds) -> Bool {
    state.withLock { state in
      if state.heap.count >= Self.packetLimit { return false }
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
      copy.copyMemory(from: bytes)
      state.sequence &+= 1
      Self.insert(Packet(due: due, sequence: state.sequence, link: link, bytes: copy), into: &state.heap)
      if state.heap[0].sequence == state.sequence { cl_timerfd_arm(timer, due) }
      return true
    }
  }

  /// Waits until packets are due or `idle` has passed, and hands each to `release`, which must not keep its bytes.
  func wait(idle: Nanoseconds, release: (_ link: Int, _ bytes: UnsafeRawBufferPointer) -> Void) {
    var poller = pollfd(fd: timer, events: Int16(POLLIN), revents: 0)
    if poll(&poller, 1, Int32(idle / .millisecond)) <= 0 { return }
    var expirations: UInt64 = 0
    _ = read(timer, &expirations, 8)
    let due = state.withLock { state in
      var due: [Packet] = []
      let now = monotonicNow()
      while let first = state.heap.first, first.due <= now { due.append(Self.removeFirst(from: &state.heap)) }
      if let first = state.heap.first { cl_timerfd_arm(timer, first.due) }
      return due
    }
    for packet in due {
      release(packet.link, UnsafeRawBufferPointer(packet.bytes))
      packet.bytes.deallocate()
    }
  }

  private static func precedes(_ a: Packet, _ b: Packet) -> Bool {
    a.due != b.due ? a.due < b.due : a.sequence < b.sequence
  }

  static func insert(_ packet: Packet, into heap: inout [Packet]) {
    heap.append(packet)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      if !precedes(heap[child], heap[parent]) { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// The heap must not be empty.
  static func removeFirst(from heap: inout [Packet]) -> Packet {
    heap.swapAt(0, heap.count - 1)
    let first = heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(heap[child], heap[least]) {
        least = child
      }
      if least == parent { return first }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
