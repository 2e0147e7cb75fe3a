// The small parts of the load: the queue in a ring, back-off lanes, figures by the second.

import Base
import History
import Testing

@testable import Workloads

@Suite struct LoadPartsTests {
  @Test func fifoIsAQueue() {
    let seed: UInt64 = 3
    var random = SeededGenerator(seed: seed, label: "fifo")
    var fifo = Fifo<Int>()
    var model: [Int] = []
    for step in 0..<20_000 {
      if random.chance(step < 10_000 ? 0.6 : 0.4) {
        fifo.append(step)
        model.append(step)
      } else {
        #expect(fifo.popFirst() == (model.isEmpty ? nil : model.removeFirst()), "seed \(seed)")
      }
      #expect(fifo.first == model.first)
      #expect(fifo.count == model.count)
    }
    fifo.removeAll()
    #expect(fifo.isEmpty)
  }

  private func item(_ sequence: Int, attempt: UInt32) -> Item {
    Item(id: MessageID(producer: 0, sequence: sequence), attempt: attempt, route: 0, intended: 0)
  }

  @Test func lanesGiveTheEarliestFirst() {
    var lanes = RetryLanes()
    lanes.append(item(1, attempt: 3), at: 0)  // 200 ms
    lanes.append(item(2, attempt: 2), at: 0)  // 100 ms
    lanes.append(item(3, attempt: 2), at: 50 * .millisecond)  // 150 ms
    lanes.append(item(4, attempt: 90), at: 0)  // 500 ms
    #expect(lanes.next == 100 * .millisecond)
    #expect(lanes.take(99 * .millisecond) == nil)
    let order = (0..<4).map { _ in lanes.take(.second)?.id.sequence }
    #expect(order == [2, 3, 1, 4])
    #expect(lanes.isEmpty && lanes.next == nil)
  }

  @Test func figuresOfASecond() {
    let stats = LoadStats(producers: 2)
    stats.loadAt = 100
    func payload(_ sequence: Int, intended: Nanoseconds, sent: Nanoseconds) -> Payload {
      Payload(id: MessageID(producer: 1, sequence: sequence), attempt: 1, intended: intended, sent: sent)
    }
    for _ in 0..<3 {
      stats.offered()
      stats.attempted()
    }
    stats.held(2)
    stats.confirmed(intended: 1_000_000, sent: 2_000_000, at: 5_000_000)
    stats.delivered(payload(70, intended: 0, sent: 50), at: 1_000_050)
    stats.delivered(payload(70, intended: 0, sent: 50), at: 9_000_000)
    stats.failed()
    let first = stats.takeSecond(at: 10)
    #expect((first.offered, first.confirmed, first.delivered, first.failed) == (3, 1, 2, 1))
    #expect((first.backlog, first.unacknowledged) == (2, 2), "one id was delivered, twice")
    #expect(first.confirmP50.map { abs($0 - 4) < 0.01 } == true)
    #expect(first.endToEndMax.map { abs($0 - 1) < 0.01 } == true, "the second delivery of an id is no latency")
    let second = stats.takeSecond(at: 20)
    #expect((second.offered, second.confirmed, second.delivered, second.confirmP50 == nil) == (0, 0, 0, true))
    #expect(second.backlog == 2)
    #expect(stats.confirmFromSent.count == 1)
    #expect(stats.endToEndFromSent.count == 0, "sent before the load phase")
  }
}
