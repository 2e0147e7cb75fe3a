// Messages and heartbeats between two of our processes, on the loop: end of file or silence ends both sides.

import Base
import EventLoop
import FoundationEssentials
import Glibc

/// Why a channel ended.
public enum ControlChannelEnd: Error, Equatable, Sendable {
  /// The other end closed it, or its process died (errno, 0: end of file).
  case closed(Int32)
  /// Nothing came for the time of silence.
  case silent
  /// A message that does not decode: the two sides are of different builds.
  case undecodable(String)
}

/// One end of a control pair: JSON messages of any length up to 16 MiB, in order, both ways.
///
/// It belongs to the loop's thread. Both sides must be channels with the same heartbeat setting.
public final class ControlChannel<Incoming: Decodable, Outgoing: Encodable> {
  /// Every message that arrives. Set it before the loop runs.
  public var onMessage: (Incoming) -> Void = { _ in }
  /// Called once, unless `close` came first; the channel is closed by then.
  public var onEnd: (ControlChannelEnd) -> Void = { _ in }
  public private(set) var isOpen = true

  private let loop: Loop
  private var socket: PacketSocket
  private var watch: Watch?
  private var timer: LoopTimer?
  private var waitsToWrite = false
  private let encoder = JSONEncoder()
  private let decoder = JSONDecoder()
  /// Own ticks since something came. Counted, not timed: a process that was itself held up must not blame the other.
  private var silentTicks = 0
  private var heardOnce = false
  private let silentTicksLimit: Int
  /// Before the first word the other process may still be starting.
  private let firstTicksLimit = 20

  /// Takes the descriptor over.
  /// - Parameters:
  ///   - heartbeat: how often to say that we live; nil: no heartbeats and no limit on silence.
  ///   - silence: how long the other side may say nothing, in whole heartbeats.
  /// - Throws: when the loop refuses the descriptor.
  public init(
    loop: Loop, descriptor: Int32, heartbeat: Nanoseconds? = 500 * .millisecond, silence: Nanoseconds = 2 * .second
  ) throws {
    self.loop = loop
    socket = PacketSocket(descriptor: descriptor)
    silentTicksLimit = max(1, Int(silence / (heartbeat ?? silence)))
    watch = try loop.watch(descriptor) { [weak self] _ in self?.ready() }
    if let heartbeat {
      timer = loop.timer(after: heartbeat, repeat: heartbeat) { [weak self] in self?.tick() }
      socket.enqueueHeartbeat()
      flush()
    }
  }

  /// Sends a message; what the socket does not take at once follows when it can. No-op on a closed channel.
  public func send(_ message: Outgoing) {
    guard isOpen else { return }
    do {
      socket.enqueue([UInt8](try encoder.encode(message)))
    } catch {
      return end(.undecodable("\(error)"))
    }
    flush()
  }

  /// Closes the channel without a word to `onEnd`; the other side sees the end of file.
  public func close() {
    guard isOpen else { return }
    isOpen = false
    timer?.cancel()
    watch?.cancel()
    (timer, watch) = (nil, nil)
    Glibc.close(socket.descriptor)
  }

  /// Sends what is still queued, waiting for the socket, and closes: the last thing before a process exits.
  public func finish(milliseconds: Int32 = 1000) {
    let deadline = monotonicNow() + Int64(milliseconds) * 1_000_000
    while isOpen && socket.hasOutgoing && socket.flush() == 0 && socket.hasOutgoing {
      let left = (deadline - monotonicNow()) / 1_000_000
      var poller = pollfd(fd: socket.descriptor, events: Int16(POLLOUT), revents: 0)
      if left <= 0 || poll(&poller, 1, Int32(left)) <= 0 { break }
    }
    close()
  }

  /// Takes what has arrived, without waiting for the loop's turn.
  func drain() { receiveAll() }

  private func tick() {
    silentTicks += 1
    receiveAll()
    guard isOpen else { return }
    if silentTicks > (heardOnce ? silentTicksLimit : firstTicksLimit) { return end(.silent) }
    socket.enqueueHeartbeat()
    flush()
  }

  private func ready() {
    receiveAll()
    if isOpen { flush() }
  }

  private func receiveAll() {
    while isOpen {
      let event = socket.receive()
      if case .nothing = event { return }
      if case .closed(let code) = event { return end(.closed(code)) }
      silentTicks = 0
      heardOnce = true
      guard case .message(let bytes) = event else { continue }
      do {
        onMessage(try decoder.decode(Incoming.self, from: Data(bytes)))
      } catch {
        return end(.undecodable("\(error)"))
      }
    }
  }

  private func flush() {
    // When the other end is gone, reading says so too, after the last words that it sent.
    if socket.flush() != 0 { socket.discardOutgoing() }
    if socket.hasOutgoing != waitsToWrite {
      waitsToWrite = socket.hasOutgoing
      watch?.change(to: waitsToWrite ? [.readable, .writable] : .readable)
    }
  }

  private func end(_ reason: ControlChannelEnd) {
    guard isOpen else { return }
    close()
    onEnd(reason)
  }
}
