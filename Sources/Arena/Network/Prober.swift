// Probes: our own datagrams over the same path as the broker's packets, with the sender and the receiver in one process.

import Base
import CLinux
import EventLoop
import Glibc

/// What became of the probes over one directed link.
public struct ProbeResult: Codable, Equatable, Sendable {
  public var sent: Int
  /// One-way times of those that arrived, ascending.
  public var delays: [Nanoseconds]

  public var received: Int { delays.count }
  public var shortest: Nanoseconds? { delays.first }
  public var median: Nanoseconds? { delays.isEmpty ? nil : delays[delays.count / 2] }
}

/// One UDP socket in every namespace, all on the supervisor's loop: one clock, so one way can be measured by itself.
final class Prober {
  private struct Pending {
    let sent: Int
    var begin: Nanoseconds
    var delays: [Nanoseconds] = []
    var timer: LoopTimer?
    let completion: (ProbeResult) -> Void
  }

  /// What a datagram holds, in our own byte order: it never leaves the machine.
  private struct Datagram {
    var magic: UInt64 = 0x5354_4f52_4d50_524f
    var token: UInt64
    var sent: Nanoseconds
    /// Probes are of about the size of a small message.
    var padding: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)
  }

  private let loop: Loop
  private let sockets: [Int32]
  private let addresses: [IPv4]
  private var watches: [Watch] = []
  private var pending: [UInt64: Pending] = [:]
  private var nextToken: UInt64 = 1

  /// Takes the sockets, also when it throws.
  init(loop: Loop, sockets: [Int32], addresses: [IPv4]) throws {
    (self.loop, self.sockets, self.addresses) = (loop, sockets, addresses)
    for socket in sockets {
      watches.append(try loop.watch(socket) { [weak self] _ in self?.receive(socket) })
    }
  }

  func close() {
    for watch in watches { watch.cancel() }
    for socket in sockets { Glibc.close(socket) }
    watches = []
    for token in pending.keys.sorted() { finish(token) }
  }

  func probe(
    from: Int, to: Int, count: Int, timeout: Nanoseconds, completion: @escaping (ProbeResult) -> Void
  ) {
    let token = nextToken
    nextToken += 1
    var sent = 0
    let begin = monotonicNow()
    for _ in 0..<count {
      var datagram = Datagram(token: token, sent: monotonicNow())
      let code = cl_send_datagram(
        sockets[from], addresses[to].bits, NetworkNamespace.probePort, &datagram, MemoryLayout<Datagram>.size)
      if code == 0 { sent += 1 }
    }
    pending[token] = Pending(sent: sent, begin: begin, completion: completion)
    pending[token]?.timer = loop.timer(after: timeout) { [weak self] in self?.finish(token) }
  }

  private func receive(_ socket: Int32) {
    var datagram = Datagram(token: 0, sent: 0)
    while true {
      let n = recv(socket, &datagram, MemoryLayout<Datagram>.size, Int32(MSG_DONTWAIT))
      if n < 0 { return }
      guard n == MemoryLayout<Datagram>.size, datagram.magic == Datagram(token: 0, sent: 0).magic else { continue }
      let token = datagram.token
      pending[token]?.delays.append(max(0, monotonicNow() - datagram.sent))
      if let probe = pending[token], probe.delays.count >= probe.sent { finish(token) }
    }
  }

  private func finish(_ token: UInt64) {
    guard let probe = pending.removeValue(forKey: token) else { return }
    probe.timer?.cancel()
    probe.completion(ProbeResult(sent: probe.sent, delays: probe.delays.sorted()))
  }
}
