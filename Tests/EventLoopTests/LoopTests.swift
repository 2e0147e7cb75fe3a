// The loop against the kernel: timers, posts, descriptors, TCP in pieces and under pressure, ends.

import Glibc
import Testing

@testable import EventLoop

@Suite struct LoopTests {
  @Test func timersFireInOrderAndNeverEarly() throws {
    let loop = try Loop()
    let begin = Loop.monotonicNow()
    var fired: [(String, Int64)] = []
    loop.timer(after: 20_000_000) { fired.append(("late", Loop.monotonicNow() - begin)) }
    loop.timer(after: 5_000_000) { fired.append(("early", Loop.monotonicNow() - begin)) }
    loop.preciseTimer(after: 10_500_000) { fired.append(("precise", Loop.monotonicNow() - begin)) }
    let never = loop.timer(after: 1_000_000) { fired.append(("cancelled", 0)) }
    never.cancel()
    var ticks = 0
    var repeating: LoopTimer?
    repeating = loop.timer(after: 1_000_000, repeat: 2_000_000) {
      ticks += 1
      if ticks == 5 { repeating?.cancel() }
    }
    loop.timer(after: 40_000_000) { loop.stop() }
    loop.run()
    #expect(fired.map(\.0) == ["early", "precise", "late"])
    for (entry, least) in zip(fired, [5_000_000, 10_500_000, 20_000_000] as [Int64]) { #expect(entry.1 >= least) }
    #expect(ticks == 5)
  }

  @Test func postsComeFromOtherThreads() throws {
    let loop = try Loop()
    let post = loop.post
    let count = Counter()
    for _ in 0..<4 {
      var thread = pthread_t()
      let body = Unmanaged.passRetained(Body { for _ in 0..<1000 { post { count.value += 1 } } })
      pthread_create(
        &thread, nil,
        {
          Unmanaged<Body>.fromOpaque($0!).takeRetainedValue().run()
          return nil
        }, body.toOpaque())
      pthread_detach(thread)
    }
    loop.timer(after: 1_000_000, repeat: 1_000_000) { if count.value == 4000 { loop.stop() } }
    loop.run()
    #expect(count.value == 4000)
  }

  @Test func poolWorkComesBack() throws {
    let loop = try Loop()
    var sum = 0
    for i in 1...20 {
      loop.work {
        i * i
      } then: { result in
        sum += result
        if sum == 2870 { loop.stop() }
      }
    }
    loop.run()
    #expect(sum == 2870)
  }

  @Test func descriptorIsWatched() throws {
    let loop = try Loop()
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    var seen = 0
    var watch: Watch?
    watch = try loop.watch(ends[0]) { _ in
      var byte: UInt8 = 0
      seen += read(ends[0], &byte, 1)
      if seen == 3 {
        watch?.cancel {
          close(ends[0])
          close(ends[1])
          loop.stop()
        }
      }
    }
    loop.timer(after: 1_000_000) { _ = write(ends[1], "abc", 3) }
    loop.run()
    #expect(seen == 3)
  }
}

private final class Counter: @unchecked Sendable { var value = 0 }
private final class Body {
  let run: () -> Void
  init(_ run: @escaping () -> Void) { self.run = run }
}

@Suite struct TCPTests {
  /// Every connection echoes in frames of four bytes, so that input is used in part.
  private func echo(_ loop: Loop) throws -> TCPListener {
    try TCPListener(loop, address: "127.0.0.1", port: 0) { connection in
      connection.onInput = { [unowned connection] bytes in
        let whole = bytes.count / 4 * 4
        connection.write { $0.append(contentsOf: bytes.prefix(whole)) }
        return whole
      }
    }
  }

  @Test func echoInPiecesAndUnderPressure() throws {
    let loop = try Loop()
    let listener = try echo(loop)
    let total = 10 << 20
    let pattern = (0..<total).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    var received: [UInt8] = []
    received.reserveCapacity(total)
    var reasons: [CloseReason] = []
    let client = TCPConnection.connect(loop, address: "127.0.0.1", port: listener.port, timeout: 5_000_000_000)
    client.onOpen = { client.write(pattern) }
    client.onInput = { bytes in
      received.append(contentsOf: bytes)
      if received.count == total { client.close() }
      return bytes.count
    }
    client.onClose = { reason in
      reasons.append(reason)
      listener.close()
      loop.stop()
    }
    loop.run()
    #expect(received == pattern)
    #expect(reasons == [.local])
  }

  @Test func pausedInputWaits() throws {
    let loop = try Loop()
    let listener = try echo(loop)
    var received = 0
    let client = TCPConnection.connect(loop, address: "127.0.0.1", port: listener.port, timeout: 5_000_000_000)
    client.onOpen = {
      client.pause()
      client.write([UInt8](repeating: 1, count: 400))
    }
    client.onInput = { bytes in
      received += bytes.count
      if received == 400 { loop.stop() }
      return bytes.count
    }
    loop.timer(after: 30_000_000) {
      #expect(received == 0)
      client.resume()
    }
    loop.run()
    #expect(received == 400)
    client.abort()
    listener.close()
  }

  @Test func refusedAndClosedSayWhy() throws {
    let loop = try Loop()
    let taken = try echo(loop)
    let port = taken.port
    #expect(throws: LoopError.self) { _ = try TCPListener(loop, address: "127.0.0.1", port: port) { _ in } }
    #expect(throws: LoopError.self) { _ = try TCPListener(loop, address: "nowhere", port: 0) { _ in } }
    taken.close()
    var reasons: [CloseReason] = []
    // The listener is closed in this turn, so nobody listens in a later one.
    loop.timer(after: 5_000_000) {
      let client = TCPConnection.connect(loop, address: "127.0.0.1", port: port, timeout: 1_000_000_000)
      client.onClose = {
        reasons.append($0)
        loop.stop()
      }
    }
    loop.run()
    guard case .error(let error) = reasons.first else {
      Issue.record("\(reasons)")
      return
    }
    #expect(error.name == "ECONNREFUSED")

    let one = try TCPListener(loop, address: "127.0.0.1", port: 0) { connection in
      connection.onInput = { bytes in
        connection.write(Array("bye".utf8))
        connection.close()
        return bytes.count
      }
    }
    let client = TCPConnection.connect(loop, address: "127.0.0.1", port: one.port, timeout: 1_000_000_000)
    var said: [UInt8] = []
    client.onOpen = { client.write([0]) }
    client.onInput = {
      said.append(contentsOf: $0)
      return $0.count
    }
    client.onClose = {
      reasons.append($0)
      loop.stop()
    }
    loop.run()
    #expect(said == Array("bye".utf8))
    #expect(reasons.last == .endOfFile)
    one.close()
  }

  @Test func aBlockedSignalStillComes() throws {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGUSR2)
    pthread_sigmask(SIG_BLOCK, &set, nil)
    let loop = try Loop()
    var heard = false
    let watch = loop.onSignal(SIGUSR2) {
      heard = true
      loop.stop()
    }
    loop.timer(after: 1_000_000) { kill(getpid(), SIGUSR2) }
    loop.timer(after: 5_000_000_000) { loop.stop() }
    loop.run()
    watch.cancel()
    #expect(heard)
  }
}
