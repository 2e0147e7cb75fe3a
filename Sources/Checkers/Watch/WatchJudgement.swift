// What can be said of a message before the end: read though it failed, delivered by two attempts, delivered twice.

import Base
import History

extension DeliveryWatch {
  /// More deliveries of one attempt than this are not held against each other.
  private static let mostRepeats = 24

  /// Delivered, and known to have failed.
  mutating func judgeFailure(_ slot: Int32) {
    let attempt = attempts[slots[slot].attempt]
    var hasFailed = attempt.hasFailed
    if attempt.transaction >= 0 {
      let transaction = transactions[attempt.transaction]
      hasFailed = hasFailed || transaction.isCommitting && transaction.standing == .failed
    }
    guard hasFailed else { return }
    let reason =
      attempt.hasFailed ? "delivered though its publish failed for certain" : "delivered though its commit failed"
    accuse(.abortedRead, slot, [slots[slot].firstIndex], reason)
  }

  /// Several attempts of one id in one queue, none of them failed.
  mutating func judgeRetry(_ slot: Int32, _ index: Int) {
    guard watched.contains(.duplicatedByRetry), canCount(slot) else { return }
    let message = attempts[slots[slot].attempt].message
    let queue = slots[slot].queue
    let other = retryTable.find(message.rawValue, UInt32(queue))
    guard other >= 0 else { return retryTable.set(message.rawValue, UInt32(queue), to: slot) }
    guard canCount(other), !slots[other].said.contains(.duplicatedByRetry) else { return }
    accuse(
      .duplicatedByRetry, other,
      [slots[other].firstIndex, attempts[slots[slot].attempt].index, index], "2 attempts were delivered")
  }

  /// Whether the attempt will count as one that did not fail, or as one that was read though it did.
  private func canCount(_ slot: Int32) -> Bool {
    let attempt = attempts[slots[slot].attempt]
    if attempt.hasFailed { return false }
    return attempt.transaction < 0
      || transactions[attempt.transaction].isCommitting && transactions[attempt.transaction].standing != .failed
  }

  /// Several deliveries of one attempt in one queue: whether two of them exclude each other, each read before the other can
  /// have been free. Where only the life of a session is still unproven, the slot waits for that.
  mutating func judge(_ slot: Int32) {
    guard watched.contains(.duplicated), !slots[slot].said.contains(.duplicated) else { return }
    var list: [Int32] = []
    var at = slots[slot].first
    while at >= 0, list.count < Self.mostRepeats {
      list.append(at)
      at = deliveries[at].next
    }
    for (k, second) in list.enumerated() {
      for first in list[..<k] {
        if free(first) > deliveries[second].read, free(second) > deliveries[first].read {
          let x = deliveries[first]
          let reason =
            sessions[Int(x.session)].isAuto
            ? "delivered again though the first delivery needed no acknowledgement"
            : x.isTaken
              ? "delivered again though the first delivery's acknowledgement was answered"
              : "delivered again while the first delivery was still held"
          return accuse(.duplicated, slot, [x.index, deliveries[second].index], reason)
        }
        wait(first, deliveries[second].read, slot)
        wait(second, deliveries[first].read, slot)
      }
    }
  }

  /// Judges the slot again when the session of the delivery proves to be alive, if that could matter.
  private mutating func wait(_ delivery: Int32, _ read: Nanoseconds, _ slot: Int32) {
    let s = Int(deliveries[delivery].session)
    guard free(delivery) <= read, cap(delivery) > read else { return }
    let serial = slots[slot].serial
    if !sessions[s].pending.contains(where: { $0.slot == slot && $0.serial == serial }) {
      sessions[s].pending.append((slot, serial))
      if sessions[s].pending.count > 256 {
        let slots = slots
        sessions[s].pending.removeAll { slots[$0.slot].serial != $0.serial }
      }
    }
  }

  /// The earliest moment at which the broker can have had the delivery back, as far as is known: it can only grow.
  func free(_ at: Int32) -> Nanoseconds {
    let delivery = deliveries[at]
    if delivery.isDoubtful { return Self.before }
    if sessions[Int(delivery.session)].isAuto || delivery.isTaken { return Self.never }
    return min(sessions[Int(delivery.session)].floor, cap(at))
  }

  /// The same without the floor of the session.
  private func cap(_ at: Int32) -> Nanoseconds {
    let delivery = deliveries[at]
    var cap = delivery.requeued
    if delivery.transaction >= 0 { cap = min(cap, transactions[delivery.transaction].firstEnd) }
    var latest = Self.before
    for recover in sessions[Int(delivery.session)].recovers {
      latest = max(latest, recover.reply)
      if latest > delivery.read {
        cap = min(cap, max(recover.invoke, delivery.low))
        break
      }
    }
    // Overlapping windows count from the begin of the first: no later than each by itself.
    for window in windows where window.end >= delivery.low { cap = min(cap, max(window.begin, delivery.low)) }
    return cap
  }
}
