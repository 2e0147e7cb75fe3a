// Where the losses lie: in each producer's sequence, and in time. It tells a queue that began late from one that forgot its
// end, and both from holes.

import Base
import History

/// The units of `lost`, (id, queue), by their place among what was taken of the same producer from the same queue.
public struct LossSplit: Codable, Equatable, Sendable {
  /// Before the first that was taken.
  public var prefix = 0
  /// Between the first and the last that were taken.
  public var middle = 0
  /// After the last that was taken; where nothing was, all of them.
  public var tail = 0
  /// By when the first attempt was published, in whole seconds from the first event, ascending; only seconds with losses.
  public var seconds: [Second] = []

  public struct Second: Codable, Equatable, Sendable {
    public var second: Int
    public var count: Int
  }

  public var total: Int { prefix + middle + tail }

  /// `3 before the first that came of their producer, 2 between others, 4 after the last`; only what there is.
  /// - Parameter number: How a count is written.
  public func words(_ number: (Int) -> String = { String($0) }) -> String {
    [
      (prefix, "before the first that came of their producer"), (middle, "between others of their producer"),
      (tail, "after the last that came of their producer"),
    ].filter { $0.0 > 0 }.map { "\(number($0.0)) \($0.1)" }.joined(separator: ", ")
  }
}

/// What was lost, collected while messages are judged.
struct LossBook {
  struct Unit {
    var message: MessageID
    var queue: UInt16
    /// Event of the first attempt.
    var invoke: Int32
  }
  private(set) var units: [Unit] = []

  mutating func add(_ unit: Unit) { units.append(unit) }

  /// - Parameter taken: Calls its argument with every id and queue of which a delivery was taken.
  func split(of ledger: DeliveryLedger, taken: ((MessageID, UInt16) -> Void) -> Void) -> LossSplit {
    var split = LossSplit()
    guard !units.isEmpty else { return split }
    var spans: [UInt64: (first: Int, last: Int)] = [:]
    func key(_ message: MessageID, _ queue: UInt16) -> UInt64 { UInt64(message.producer) << 16 | UInt64(queue) }
    for unit in units { spans[key(unit.message, unit.queue)] = (.max, -1) }
    taken { message, queue in
      guard let known = spans.index(forKey: key(message, queue)) else { return }
      let sequence = message.sequence
      spans.values[known] = (min(spans.values[known].first, sequence), max(spans.values[known].last, sequence))
    }
    let start = ledger.events.first?.time ?? 0
    var seconds: [Int: Int] = [:]
    for unit in units {
      let (first, last) = spans[key(unit.message, unit.queue)] ?? (.max, -1)
      let sequence = unit.message.sequence
      if sequence > last { split.tail += 1 } else if sequence < first { split.prefix += 1 } else { split.middle += 1 }
      seconds[Int((ledger.events[Int(unit.invoke)].time - start) / .second), default: 0] += 1
    }
    split.seconds = seconds.sorted { $0.key < $1.key }.map { LossSplit.Second(second: $0.key, count: $0.value) }
    return split
  }
}
