// Delivery accounting while a run goes on: each event once, and an accusation as soon as nothing that may still come can
// excuse what was seen.

import Base
import History

/// The findings that are certain before the end of a history, in memory bounded by what is under way.
///
/// The rules are `DeliveryChecker`'s. What decides about a second delivery is `free(d)`, the earliest moment at which the
/// broker can have had delivery d back. Every event that is still to come can only put it off (a session proves to be alive,
/// an ack is answered) or name a moment from now on (a nack, a rollback, a recover, a fault), and what was read was read
/// before now: two deliveries that contradict each other do so for ever. Being published, routed, marked as a redelivery,
/// and the order within a session do not depend on later events at all.
///
/// What is found early: `unexpected`, `aborted-read` where the broker itself said that the publish or the commit failed,
/// `duplicated`, `wrong-redelivered-flag`, `out-of-order`, and `duplicated-by-retry` (which becomes an aborted read should
/// one of the attempts be called failed afterwards: it was delivered). `lost`, `torn-transaction` and `stuck-message` need
/// the drain, `stuck-confirm` can be excused by a later fault; aborted reads of transactions that were rolled back, or
/// never committed, are left to the end as well.
///
/// Nothing is known here of dead letters: no run has any.
///
/// Two things are taken for granted: an operation that was answered ok is not answered with a failure later, and a
/// transaction has one end.
///
/// Kept are the attempts that nobody has seen yet, clients with their sessions, faults, and the last `memory` deliveries
/// and failed publishes. A message whose deliveries lie further apart than that is not accused here: the check of the whole
/// history finds it.
public struct DeliveryWatch {
  /// The findings that can be certain before the end.
  public static let early: Set<FindingName> = [
    .unexpected, .abortedRead, .duplicated, .duplicatedByRetry, .wrongRedeliveredFlag, .outOfOrder,
  ]
  /// Accusations listed; all are counted.
  public static let limit = 1000

  /// The words of the history so far; new ones must be here before the events that use them.
  public var names = Names()
  /// In the order in which they became certain, `limit` at most.
  public private(set) var accusations: [Finding] = []
  public private(set) var accusationCount = 0
  /// Events taken.
  public private(set) var eventCount = 0

  let watched: Set<FindingName>
  let suspicion: Nanoseconds
  let memory: Int

  var attempts = Pool<Attempt>()
  var slots = Pool<Slot>()
  var deliveries = Pool<Delivery>()
  var sessions: [Session] = []
  var transactions = Pool<Transaction>()
  var operations = Pool<Operation>()
  /// By (message, attempt); (attempt's index, queue); (message, queue) to the first slot; (tag, session); number.
  var attemptTable = LiveTable()
  var slotTable = LiveTable()
  var retryTable = LiveTable()
  var tagTable = LiveTable()
  var operationTable = LiveTable()
  var transactionTable = LiveTable()
  var sessionTable = LiveTable()
  /// By (session, publish channel): the latest invocation among first deliveries.
  var orderTable = LiveTable()
  var orders: [(time: Nanoseconds, index: Int, message: MessageID)] = []
  /// By producer, the highest sequence that was forgotten.
  var forgottenTable = LiveTable()
  var forgotten: [Int] = []
  var windows: [Window] = []
  /// Faults that stand, by name: positions in `windows`.
  var standing = LiveTable()
  var settled = Ring<Settled>()
  var serial: UInt32 = 0

  /// - Parameters:
  ///   - watched: Findings to accuse of; those that are not `early` are ignored.
  ///   - suspicion: As in `DeliveryOptions`.
  ///   - memory: Deliveries that are remembered, some hundred bytes each.
  public init(watched: Set<FindingName> = early, suspicion: Nanoseconds = 0, memory: Int = 1 << 18) {
    self.watched = watched.intersection(Self.early)
    self.suspicion = suspicion
    self.memory = max(1, memory)
  }

  /// Records in use, of all kinds: what the memory is in proportion to.
  public var kept: Int { attempts.count + slots.count + deliveries.count + transactions.count + operations.count }

  /// Takes the next event of the history; times must rise.
  /// - Returns: Whether something became certain with it.
  @discardableResult
  public mutating func take(_ event: Event) -> Bool {
    let index = eventCount
    let before = accusationCount
    eventCount += 1
    switch event.function {
    case .publish: publish(event, index)
    case .subscribe: subscribe(event)
    case .deliver: deliver(event, index)
    case .ack: acknowledge(event)
    case .nack: event.flags.contains(.requeue) ? requeue(event) : acknowledge(event)
    case .recover: recover(event)
    case .commit, .rollback: end(event)
    case .alive, .release: request(event)
    case .fault: fault(event)
    default: break
    }
    while settled.count > memory { forget(settled.removeFirst()) }
    return accusationCount > before
  }

  // MARK: Accusing

  mutating func accuse(
    _ name: FindingName, _ message: MessageID, _ attempt: UInt32, _ queue: UInt16, _ events: [Int], _ reason: String
  ) {
    guard watched.contains(name) else { return }
    accusationCount += 1
    guard accusations.count < Self.limit else { return }
    var finding = Finding(name)
    (finding.message, finding.attempt, finding.queue, finding.reason) = (message, attempt, queue, reason)
    finding.events = Set(events).sorted()
    accusations.append(finding)
  }

  /// The same of a slot, once.
  mutating func accuse(_ name: FindingName, _ slot: Int32, _ events: [Int], _ reason: String) {
    guard slots[slot].said.insert(name).inserted else { return }
    let attempt = attempts[slots[slot].attempt]
    accuse(name, attempt.message, attempt.number, slots[slot].queue, [attempt.index] + events, reason)
  }

  mutating func newSerial() -> UInt32 {
    serial &+= 1
    return serial
  }

  // MARK: Forgetting

  private mutating func forget(_ thing: Settled) {
    if thing.isAttempt {
      if attempts[thing.thing].serial == thing.serial, attempts[thing.thing].kept == 0 { forgetAttempt(thing.thing) }
    } else if deliveries[thing.thing].serial == thing.serial {
      forgetDelivery(thing.thing)
    }
  }

  private mutating func forgetDelivery(_ at: Int32) {
    let delivery = deliveries[at]
    let slot = delivery.slot
    // The oldest of its slot, since it is the oldest of all.
    slots[slot].first = delivery.next
    if delivery.next < 0 { slots[slot].last = -1 }
    if tagTable.find(delivery.tag, delivery.number) == at { tagTable.remove(delivery.tag, delivery.number) }
    if delivery.op != 0 { forgetOperation(delivery.op) }
    if delivery.transaction >= 0 {
      transactions[delivery.transaction].deliveries.removeAll { $0 == at }
      forgetTransactionIfOver(delivery.transaction)
    }
    deliveries[at].serial = 0
    deliveries.remove(at)
    let attempt = slots[slot].attempt
    attempts[attempt].kept -= 1
    if attempts[attempt].kept == 0, attempts[attempt].undelivered <= 0 || attempts[attempt].hasFailed {
      forgetAttempt(attempt)
    }
  }

  mutating func forgetAttempt(_ at: Int32) {
    let attempt = attempts[at]
    var slot = attempt.firstSlot
    while slot >= 0 {
      let queue = slots[slot].queue
      slotTable.remove(UInt64(at), UInt32(queue))
      if retryTable.find(attempt.message.rawValue, UInt32(queue)) == slot {
        retryTable.remove(attempt.message.rawValue, UInt32(queue))
      }
      let next = slots[slot].next
      slots[slot].serial = 0
      slots.remove(slot)
      slot = next
    }
    attemptTable.remove(attempt.message.rawValue, attempt.number)
    if attempt.op != 0 { forgetOperation(attempt.op) }
    if attempt.transaction >= 0 {
      transactions[attempt.transaction].attempts.removeAll { $0 == at }
      forgetTransactionIfOver(attempt.transaction)
    }
    let producer = UInt64(attempt.message.producer)
    let known = forgottenTable.find(producer)
    if known >= 0 {
      forgotten[Int(known)] = max(forgotten[Int(known)], attempt.message.sequence)
    } else {
      forgottenTable.set(producer, to: Int32(forgotten.count))
      forgotten.append(attempt.message.sequence)
    }
    attempts[at].serial = 0
    attempts.remove(at)
  }

  mutating func forgetOperation(_ number: UInt64) {
    let known = operationTable.find(number)
    guard known >= 0 else { return }
    operationTable.remove(number)
    operations.remove(known)
  }

  mutating func forgetTransactionIfOver(_ at: Int32) {
    guard transactions[at].isEnded, transactions[at].attempts.isEmpty, transactions[at].deliveries.isEmpty else {
      return
    }
    transactionTable.remove(transactions[at].number)
    transactions.remove(at)
  }

  /// Whether the message may be one that is forgotten, so that nothing can be said of it.
  func isForgotten(_ message: MessageID) -> Bool {
    let known = forgottenTable.find(UInt64(message.producer))
    return known >= 0 && message.sequence <= forgotten[Int(known)]
  }
}

/// First in, first out.
struct Ring<Element> {
  private var elements: ContiguousArray<Element?> = []
  private var head = 0
  private(set) var count = 0

  mutating func append(_ element: Element) {
    if count == elements.count {
      let old = elements
      elements = ContiguousArray(repeating: nil, count: max(64, count * 2))
      for k in 0..<count { elements[k] = old[(head + k) % count] }
      head = 0
    }
    elements[(head + count) % elements.count] = element
    count += 1
  }

  /// The oldest; there must be one.
  mutating func removeFirst() -> Element {
    defer {
      elements[head] = nil
      head = (head + 1) % elements.count
      count -= 1
    }
    // Between `head` and `head + count` every place is filled.
    return elements[head].unsafelyUnwrapped
  }
}
