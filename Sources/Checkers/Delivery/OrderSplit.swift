// Order: which first deliveries came after one that was published later, on one session, in a queue, and under a key.

import Base
import History

/// First, unmarked deliveries out of order, by queue and by key, whatever the session: of two attempts of one publish
/// channel in one queue the one that was published later was read before the other can have been sent. On one session what
/// is read first was sent first; between sessions a delivery was sent after the floor of its session (`Releases`).
///
/// Measures, not findings: `out-of-order` counts by session, which every consumer can see for itself.
public struct OrderSplit: Codable, Equatable, Sendable {
  public struct Queue: Codable, Equatable, Sendable {
    public var queue: String
    public var count: Int
  }
  public struct Key: Codable, Equatable, Sendable {
    public var key: UInt64
    public var count: Int
  }

  /// Queues with such deliveries, in the order of their names' numbers.
  public var queues: [Queue] = []
  /// Keys with deliveries that came after one of the same key, ascending; the first thousand.
  public var keys: [Key] = []
  /// All such keys, and all keys under which something was published.
  public var keysOutOfOrder = 0
  public var keysUsed = 0

  enum CodingKeys: String, CodingKey {
    case queues, keys
    case keysOutOfOrder = "keys-out-of-order"
    case keysUsed = "keys-used"
  }

  /// `7 in q0, 2 in q1`, and how many of the keys are concerned; nil: all is in order, and there are no keys.
  public var words: String? {
    if queues.isEmpty, keysUsed == 0 { return nil }
    let parts = queues.map { "\($0.count) in \($0.queue)" }
    let deliveries = "out of order across sessions: " + (parts.isEmpty ? "none" : parts.joined(separator: ", "))
    if keysUsed == 0 { return deliveries }
    return deliveries + "; within their key: \(keysOutOfOrder) of \(keysUsed) keys"
  }
}

/// What is kept of deliveries to judge their order.
struct OrderBook {
  /// A delivery that came later than another which it should have preceded.
  struct Overtaken {
    var event: Int32
    var attempt: Int32
    /// The invocation of the attempt that overtook it.
    var by: Int32
  }

  /// A first delivery, by its moments.
  struct Arrival {
    var read: Int32
    var attempt: Int32
    var invoke: Int32
    /// It was sent after this.
    var low: Int32
    var channel: UInt32
    var session: UInt32
    var queue: UInt16
    /// 0: none.
    var key: UInt64
  }

  /// At a moment a delivery was read that was published later than all before it.
  private struct Step {
    var read: Int32
    var invoke: Int32
  }

  private static let mostKeys = 1000

  private(set) var overtaken: [Overtaken] = []
  /// By (channel and session, number of the key): the latest invocation among first deliveries. Number 0 stands for all.
  private var sessionTable = PairTable()
  private var heads: [Int32] = []
  /// By (channel and queue, number of the key).
  private var trailTable = PairTable()
  private var trails: [[Step]] = []
  private var keyNumbers = PairTable()
  private var keys: [UInt64] = []
  private var byKey: [Int] = []
  private var byQueue: [UInt16: Int] = [:]

  /// A key under which something is published.
  mutating func use(_ key: UInt64) {
    guard key != 0, keyNumbers.find(key) < 0 else { return }
    keyNumbers.set(key, to: Int32(keys.count))
    keys.append(key)
    byKey.append(0)
  }

  mutating func take(_ arrival: Arrival) {
    guard arrival.channel != 0 else { return }
    let head = sessionHead(arrival, 0)
    if let head { overtaken.append(Overtaken(event: arrival.read, attempt: arrival.attempt, by: head)) }
    if isLate(arrival, 0) || head != nil { byQueue[arrival.queue, default: 0] += 1 }
    let number = arrival.key == 0 ? -1 : keyNumbers.find(arrival.key)
    guard number >= 0 else { return }
    let keyHead = sessionHead(arrival, UInt32(number) + 1)
    if isLate(arrival, UInt32(number) + 1) || keyHead != nil { byKey[Int(number)] += 1 }
  }

  /// The latest invocation that was delivered to the session before, where it is later; else it is this one from now on.
  private mutating func sessionHead(_ arrival: Arrival, _ key: UInt32) -> Int32? {
    let word = UInt64(arrival.channel) << 32 | UInt64(arrival.session)
    let known = sessionTable.find(word, key)
    guard known >= 0 else {
      sessionTable.set(word, key, to: Int32(heads.count))
      heads.append(arrival.invoke)
      return nil
    }
    if arrival.invoke < heads[Int(known)] { return heads[Int(known)] }
    heads[Int(known)] = arrival.invoke
    return nil
  }

  /// Whether one that was published later had been read in the queue when this was sent.
  private mutating func isLate(_ arrival: Arrival, _ key: UInt32) -> Bool {
    let word = UInt64(arrival.channel) << 32 | UInt64(arrival.queue)
    let known = trailTable.find(word, key)
    let step = Step(read: arrival.read, invoke: arrival.invoke)
    guard known >= 0 else {
      trailTable.set(word, key, to: Int32(trails.count))
      trails.append([step])
      return false
    }
    let trail = trails[Int(known)]
    let before = firstIndex(in: trail) { $0.read >= arrival.low }
    if let last = trail.last, last.invoke < arrival.invoke { trails[Int(known)].append(step) }
    return before > 0 && trail[before - 1].invoke > arrival.invoke
  }

  func split(_ names: Names) -> OrderSplit {
    var split = OrderSplit()
    split.queues = byQueue.sorted { $0.key < $1.key }.map {
      OrderSplit.Queue(queue: names.text($0.key), count: $0.value)
    }
    let late = keys.indices.filter { byKey[$0] > 0 }
    (split.keysUsed, split.keysOutOfOrder) = (keys.count, late.count)
    split.keys = late.map { OrderSplit.Key(key: keys[$0], count: byKey[$0]) }.sorted { $0.key < $1.key }
    split.keys = Array(split.keys.prefix(Self.mostKeys))
    return split
  }
}
