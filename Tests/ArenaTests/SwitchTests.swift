// The switch's own rules, with socket pairs in the place of TUN devices: order, cuts, who gets what, what is counted.

import Base
import Glibc
import Testing

@testable import Arena

@Suite struct SwitchTests {
  /// A switch of three endpoints in this process. `ends` are the far ends of what it takes for TUN devices.
  private final class Bench: @unchecked Sendable {
    let table: LinkTable
    let ends: [Int32]
    private let tuns: [Int32]
    private let line: DelayLine
    private let releaser: SwitchReleaser
    let addresses = (1...3).map { IPv4(bits: 0x0a4d_0000 + $0) }

    init() throws {
      table = try LinkTable(count: 3)
      line = try DelayLine()
      let pairs = try (0..<3).map { _ in try PacketSocket.pair() }
      (tuns, ends) = (pairs.map(\.0), pairs.map(\.1))
      releaser = SwitchReleaser(tuns: tuns, table: table, probePort: 64_007)
      for source in 0..<3 {
        let port = SwitchPort(
          source: source, addresses: addresses, tuns: tuns, table: table, line: line, seed: 1, probePort: 64_007)
        _ = startThread(port.run)
      }
    }

    /// Threads may still read: shutting down ends them, and the few descriptors stay until the tests end.
    deinit { for end in ends { shutdown(end, Int32(SHUT_RDWR)) } }

    /// Releases what is due until the condition holds; says whether it does, after five seconds at most.
    func turn(until condition: () -> Bool) -> Bool {
      let end = monotonicNow() + 5 * .second
      while !condition() && monotonicNow() < end { line.wait(idle: 2 * .millisecond, release: releaser.release) }
      return condition()
    }

    func counters(_ from: Int, _ to: Int) -> LinkCounters { table.counters(from: from, to: to) }

    /// A UDP packet with a number in it.
    func send(_ number: UInt8, from: Int, to address: IPv4, port: UInt16 = 5000) {
      var packet = [UInt8](repeating: 0, count: 29)
      packet[0] = 0x45
      packet[9] = UInt8(IPPROTO_UDP)
      for i in 0..<4 { packet[16 + i] = UInt8(truncatingIfNeeded: address.bits >> (24 - 8 * UInt32(i))) }
      (packet[22], packet[23], packet[28]) = (UInt8(port >> 8), UInt8(port & 255), number)
      _ = Glibc.send(ends[from], packet, packet.count, 0)
    }

    func received(at endpoint: Int) -> [UInt8] {
      var numbers: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 64)
      while recv(ends[endpoint], &buffer, 64, Int32(MSG_DONTWAIT)) == 29 { numbers.append(buffer[28]) }
      return numbers
    }
  }

  @Test func jitterKeepsTheOrderAndHealingToo() throws {
    let bench = try Bench()
    bench.table.setPolicy(LinkPolicy(delay: 10 * .millisecond, jitter: 10 * .millisecond), from: 0, to: 1)
    for number in 0..<100 { bench.send(UInt8(number), from: 0, to: bench.addresses[1]) }
    #expect(bench.turn { bench.counters(0, 1).delayed == 100 })
    // What comes after the heal must not overtake what still waits.
    bench.table.setPolicy(LinkPolicy(), from: 0, to: 1)
    for number in 100..<110 { bench.send(UInt8(number), from: 0, to: bench.addresses[1]) }
    #expect(bench.turn { bench.counters(0, 1).packets == 110 })
    #expect(bench.received(at: 1) == Array(0..<110))
    #expect(bench.counters(0, 1).bytes == 110 * 29)
    #expect(bench.received(at: 2) == [])
  }

  @Test func aCutTakesWhatWaitsInTheLine() throws {
    let bench = try Bench()
    bench.table.setPolicy(LinkPolicy(delay: 300 * .millisecond), from: 0, to: 1)
    for number in 0..<5 { bench.send(UInt8(number), from: 0, to: bench.addresses[1]) }
    bench.send(9, from: 2, to: bench.addresses[1])
    while bench.counters(0, 1).delayed < 5 || bench.counters(2, 1).packets < 1 { usleep(1000) }
    bench.table.setPolicy(LinkPolicy(cut: true), from: 0, to: 1)
    #expect(bench.turn { bench.counters(0, 1).droppedByCut == 5 })
    #expect(bench.received(at: 1) == [9])
  }

  @Test func countsNoProbesAndForwardsOnlyToEndpoints() throws {
    let bench = try Bench()
    bench.send(1, from: 0, to: bench.addresses[1], port: 64_007)
    bench.send(2, from: 0, to: IPv4(bits: 0x0a4d_0009))
    bench.send(3, from: 0, to: IPv4(bits: 0x0a4e_0002))
    bench.send(4, from: 0, to: bench.addresses[0])
    bench.send(5, from: 0, to: bench.addresses[2])
    #expect(bench.turn { bench.counters(0, 2).packets == 1 })
    #expect(bench.received(at: 1) == [1])
    #expect(bench.received(at: 2) == [5])
    #expect(bench.received(at: 0) == [])
    #expect(bench.counters(0, 1) == LinkCounters())
  }

  @Test func lossAndDuplicationAreOfTheSeed() throws {
    func pattern() throws -> [UInt8] {
      let bench = try Bench()
      bench.table.setPolicy(LinkPolicy(loss: 0.3, duplicate: 0.3), from: 0, to: 1)
      for number in 0..<100 { bench.send(UInt8(number), from: 0, to: bench.addresses[1]) }
      // The reader takes packets one by one: when this one has passed, all others have.
      bench.send(0, from: 0, to: bench.addresses[2])
      #expect(bench.turn { bench.counters(0, 2).packets == 1 })
      let counters = bench.counters(0, 1)
      let got = bench.received(at: 1)
      #expect(counters.packets == UInt64(got.count))
      #expect(counters.droppedByLoss + counters.packets - counters.duplicated == 100)
      return got
    }
    let first = try pattern()
    #expect(Set(first).count < 90 && first.count > Set(first).count)
    #expect(try pattern() == first)
  }
}
