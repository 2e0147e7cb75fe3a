// The link table in shared memory, the delay line's order, and addresses.

import Base
import Glibc
import Testing

@testable import Arena

@Suite struct LinkTableTests {
  @Test func bothMappingsSeeTheSamePolicies() throws {
    let table = try LinkTable(count: 3)
    let other = try LinkTable(descriptor: dup(table.descriptor), count: 3)
    let policy = LinkPolicy(
      cut: true, delay: 20 * .millisecond, jitter: 3 * .microsecond, loss: 0.1, duplicate: 0.025, rate: 1_000_000)
    table.setPolicy(policy, from: 2, to: 0)
    #expect(other.policy(from: 2, to: 0) == policy)
    #expect(other.policy(from: 0, to: 2) == LinkPolicy())
    other.add(other.record(from: 1, to: 2), .packets, 5)
    #expect(table.counters(from: 1, to: 2).packets == 5)
    #expect(table.counters(from: 2, to: 1) == LinkCounters())
    table.healAll()
    #expect(other.policy(from: 2, to: 0) == LinkPolicy())
  }

  @Test func delayLineKeepsTimeAndOrder() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SeededGenerator(seed: seed)
    var heap: [DelayLine.Packet] = []
    let empty = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    for sequence in 0..<500 {
      let due = Nanoseconds(generator.below(40))
      DelayLine.insert(.init(due: due, sequence: UInt64(sequence), link: 0, bytes: empty), into: &heap)
    }
    var order: [(Nanoseconds, UInt64)] = []
    while !heap.isEmpty {
      let packet = DelayLine.removeFirst(from: &heap)
      order.append((packet.due, packet.sequence))
    }
    #expect(order.count == 500)
    for (a, b) in zip(order, order.dropFirst()) { #expect(a < b, "seed \(seed)") }
  }

  @Test func readsAddresses() {
    #expect(IPv4("10.77.0.1")?.bits == 0x0a4d_0001)
    #expect(IPv4("10.77.0.1")?.description == "10.77.0.1")
    for wrong in ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.-4", "1.2.3.+4", "1..2.3", "a.b.c.d", "1.2.3.0004"] {
      #expect(IPv4(wrong) == nil, "\(wrong)")
    }
  }
}
