// Order by queue and by key: what was sent after a later one had been read, whoever read it.

import Base
import History
import Testing

@testable import Checkers

@Suite struct DeliveryOrderTests {
  /// Published 1, 2 on one channel, then 2 read by one session and 1 by another.
  private func swapped(
    isAsked: Bool, keys: (UInt64, UInt64) = (0, 0), channels: (UInt32, UInt32) = (50, 50), flags: Event.Flags = []
  ) -> DeliveryResult {
    check {
      $0.subscribe(1)
      $0.subscribe(2)
      $0.publish(1, channel: channels.0, key: keys.0)
      $0.publish(2, channel: channels.1, key: keys.1)
      $0.deliver(2, session: 1, tag: 1)
      // A reply says that the session's broker had nothing on the way before.
      if isAsked { $0.alive(2) }
      $0.deliver(1, session: 2, tag: 1, flags: flags)
      $0.ack(session: 1, tag: 1)
      $0.ack(session: 2, tag: 1)
      $0.drained()
    }
  }

  @Test func acrossSessionsAsFarAsTheFloorTells() {
    let known = swapped(isAsked: true)
    #expect(found(known)[.outOfOrder] == nil)
    #expect(known.order.queues == [OrderSplit.Queue(queue: "q", count: 1)] && known.order.keysUsed == 0)
    #expect(known.order.words == "out of order across sessions: 1 in q")
    // It may have been sent before the other was, and read late.
    #expect(swapped(isAsked: false).order == OrderSplit())
    #expect(swapped(isAsked: true, channels: (50, 51)).order == OrderSplit())
    #expect(swapped(isAsked: true, flags: .redelivered).order == OrderSplit())
  }

  @Test func withinAKey() {
    let same = swapped(isAsked: true, keys: (7, 7)).order
    #expect(same.keys == [OrderSplit.Key(key: 7, count: 1)] && same.keysUsed == 1 && same.keysOutOfOrder == 1)
    #expect(same.words == "out of order across sessions: 1 in q; within their key: 1 of 1 keys")
    let other = swapped(isAsked: true, keys: (7, 8)).order
    #expect(other.keys.isEmpty && other.keysUsed == 2 && other.keysOutOfOrder == 0 && other.queues.count == 1)
    let one = swapped(isAsked: true, keys: (0, 8)).order
    #expect(one.keys.isEmpty && one.keysUsed == 1)
  }

  @Test func onOneSessionWhatIsReadLaterWasSentLater() {
    let result = check {
      $0.subscribe(1, prefetch: 5)
      for id in 1...4 { $0.publish(id, key: UInt64(id % 2) + 1) }
      for (tag, id) in [3, 1, 4, 2].enumerated() { $0.deliver(id, session: 1, tag: UInt64(tag + 1)) }
      for tag in 1...4 { $0.ack(session: 1, tag: UInt64(tag)) }
      $0.drained()
    }
    #expect(result.counts[.outOfOrder] == 2)
    #expect(result.order.queues == [OrderSplit.Queue(queue: "q", count: 2)])
    #expect(result.order.keys == [OrderSplit.Key(key: 1, count: 1), OrderSplit.Key(key: 2, count: 1)])
  }

  /// The latest of all that were read before counts, not the last of them.
  @Test func theLatestIsRemembered() {
    let result = check {
      for session in 1...3 { $0.subscribe(UInt32(session)) }
      for id in 1...3 { $0.publish(id) }
      $0.deliver(3, session: 1, tag: 1)
      $0.deliver(1, session: 2, tag: 1)
      $0.alive(3)
      $0.deliver(2, session: 3, tag: 1)
      $0.drained()
    }
    #expect(result.order.queues == [OrderSplit.Queue(queue: "q", count: 1)])
  }

  /// A reply that was asked for before the other was read says nothing of it.
  @Test func theFloorIsWhenTheReplyWasAskedFor() {
    let result = check {
      $0.subscribe(1)
      $0.subscribe(2)
      $0.publish(1)
      $0.publish(2)
      let op = $0.add(.alive, .invoke) { $0.session = 2 }
      $0.deliver(2, session: 1, tag: 1)
      $0.add(.alive, .ok, op: op) { $0.session = 2 }
      $0.deliver(1, session: 2, tag: 1)
      $0.drained()
    }
    #expect(result.order == OrderSplit())
  }

  @Test func queuesAreJudgedByThemselves() {
    let result = check {
      $0.subscribe(1, "a")
      $0.subscribe(2, "b")
      $0.publish(1, to: ["a", "b"])
      $0.publish(2, to: ["a", "b"])
      $0.deliver(1, "a", session: 1, tag: 1)
      $0.deliver(2, "a", session: 1, tag: 2)
      $0.alive(2)
      $0.deliver(1, "b", session: 2, tag: 1)
      $0.deliver(2, "b", session: 2, tag: 2)
      $0.drained()
    }
    #expect(result.order == OrderSplit())
  }

  @Test func ofManyKeysTheFirstThousandAreListed() {
    let result = check {
      $0.subscribe(1, prefetch: 0)
      for id in 1...2200 { $0.publish(id, key: UInt64((id + 1) / 2)) }
      for id in 1...2200 { $0.deliver(id % 2 == 0 ? id - 1 : id + 1, session: 1, tag: UInt64(id)) }
      $0.drained()
    }
    #expect(result.order.keysOutOfOrder == 1100 && result.order.keys.count == 1000)
    #expect(result.order.keys.last == OrderSplit.Key(key: 1000, count: 1))
  }
}
