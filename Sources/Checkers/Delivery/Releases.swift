// When the broker can have taken a delivery back: the argument on which "duplicated" and "redelivered" are told apart.

import Base
import History

/// Answers `free(d)`, the earliest moment at which the broker can have had delivery d again.
///
/// A delivery is recorded when it is read, which may be long after it was sent, and even after the broker gave its
/// message to somebody else. So what is read says only this: it was sent after the floor of its session, and as long as
/// the floor rises the broker still had the session.
struct Releases {
  /// Disjoint, ascending.
  private let windows: [DeliveryLedger.Window]
  /// Of each session its recovers, with each reply raised to the latest of those before: then the first that was still
  /// unanswered at a moment is found by halving.
  private let recovers: [[DeliveryLedger.Recover]]

  init(_ ledger: DeliveryLedger) {
    var merged: [DeliveryLedger.Window] = []
    for window in ledger.windows.sorted(by: { $0.begin < $1.begin }) {
      if let last = merged.last, ledger.time(window.begin) <= last.end {
        merged[merged.count - 1].end = max(last.end, window.end)
      } else {
        merged.append(window)
      }
    }
    windows = merged
    recovers = ledger.sessions.map { session in
      var latest = DeliveryLedger.before
      return session.recovers.map { recover in
        latest = max(latest, recover.reply)
        return DeliveryLedger.Recover(invoke: recover.invoke, reply: latest)
      }
    }
  }

  /// - Parameter known: by transaction, whether it is known to be committed though its commit was never answered: what
  ///   it acknowledged is then gone for good. Empty: none is.
  func free(_ delivery: DeliveryLedger.Delivery, in ledger: DeliveryLedger, known: [Bool] = []) -> Int32 {
    let session = ledger.sessions[Int(delivery.session)]
    if session.isAuto { return DeliveryLedger.never }
    var free = min(session.floor, delivery.requeued)
    var at = delivery.firstAck
    while at >= 0 {
      let ack = ledger.acks[Int(at)]
      let standing = ledger.standing(of: ack)
      if standing == .ok { return DeliveryLedger.never }
      if ack.transaction >= 0 {
        if standing != .failed, !known.isEmpty, known[Int(ack.transaction)] { return DeliveryLedger.never }
        let end = ledger.transactions[Int(ack.transaction)].firstEnd
        free = min(free, end)
      }
      at = ack.nextOfDelivery
    }
    return min(free, givenBack(delivery, in: ledger))
  }

  /// The earliest moment at which the broker can have taken the delivery back unasked, or on a recover.
  private func givenBack(_ delivery: DeliveryLedger.Delivery, in ledger: DeliveryLedger) -> Int32 {
    var free = DeliveryLedger.never
    let list = recovers[Int(delivery.session)]
    if !list.isEmpty {
      let first = firstIndex(in: list) { $0.reply > delivery.read }
      if first < list.count { free = max(list[first].invoke, delivery.low) }
    }
    if !windows.isEmpty {
      let low = ledger.time(delivery.low)
      let first = firstIndex(in: windows) { $0.end >= low }
      if first < windows.count { free = min(free, max(windows[first].begin, delivery.low)) }
    }
    return free
  }

  /// The earliest moment at which the broker can have sent something else in the delivery's place; `never`: not at all.
  func slotFree(_ delivery: DeliveryLedger.Delivery, in ledger: DeliveryLedger) -> Int32 {
    var free = min(delivery.requeued, givenBack(delivery, in: ledger))
    var at = delivery.firstAck
    while at >= 0 {
      free = min(free, ledger.acks[Int(at)].invoke)
      at = ledger.acks[Int(at)].nextOfDelivery
    }
    return free
  }

  /// The first moment of the session at which a fault may have made the broker take something back; `never`: none.
  func firstFault(of session: DeliveryLedger.Session, in ledger: DeliveryLedger) -> Int32 {
    let begin = ledger.time(session.subscribed)
    let first = firstIndex(in: windows) { $0.end >= begin }
    guard first < windows.count, windows[first].begin <= session.ended else { return DeliveryLedger.never }
    return max(windows[first].begin, session.subscribed)
  }

  /// Whether two of these deliveries of one attempt in one queue exclude each other: each was read before the other can
  /// have been free. Without such a pair an order in which the broker sent them all exists.
  /// - Parameter spans: (read, free), ascending by read.
  /// - Returns: the positions of the two, the earlier first.
  static func clash(_ spans: [(read: Int32, free: Int32)]) -> (Int, Int)? {
    // Deliveries that are free only after they were read: their spans must not overlap, so neighbours decide.
    var holds: [Int] = []
    for (k, span) in spans.enumerated() where span.read < span.free {
      if let last = holds.last, spans[last].free > span.read { return (last, k) }
      holds.append(k)
    }
    // The others may have been free before they were read; such a one fits anywhere but within another's span.
    for (k, span) in spans.enumerated() where span.read >= span.free {
      let next = firstIndex(in: holds) { spans[$0].read >= span.free }
      if next > 0, spans[holds[next - 1]].free > span.read { return (min(k, holds[next - 1]), max(k, holds[next - 1])) }
    }
    return nil
  }
}

/// The first position whose element satisfies the condition, where all after it do too; `count` when there is none.
func firstIndex<C: RandomAccessCollection>(in list: C, where condition: (C.Element) -> Bool) -> Int
where C.Index == Int {
  var (low, high) = (list.startIndex, list.endIndex)
  while low < high {
    let middle = (low + high) / 2
    if condition(list[middle]) { high = middle } else { low = middle + 1 }
  }
  return low
}
