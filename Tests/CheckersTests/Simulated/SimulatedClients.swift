// Large histories of a sound queue, bag, register or key-value store under many clients, made as they go; and what can be
// planted in them.

import Base
import History

@testable import Checkers

/// What a violation planted in a history must be called.
enum PlainPlant: CaseIterable, Sendable {
  case queueDuplicated, queueUnexpected, queueAborted, queueOutOfOrder, queueLost, queueFalseEmpty
  case registerUnexpected, registerAborted, registerStale
}

struct SimulatedClients {
  enum Object: Sendable {
    case fifo
    case bag
    case registers(keys: Int)
  }

  struct Operation {
    var function: Function
    var key: UInt64 = 0
    /// What went in; of a dequeue or a read what came out, 0: nothing.
    var value: UInt64 = 0
    var begin: Nanoseconds = 0
    var end: Nanoseconds = 0
    var outcome = Outcome.ok
  }

  /// Some clients do one thing at a time; what an operation does happens at one moment while it is under way, or, where its
  /// end is unknown, at any later one, or never.
  static func run(_ object: Object, operations count: Int, clients: Int, unknown: Double, seed: UInt64) -> [Operation] {
    var rng = SeededGenerator(seed: seed, label: "clients")
    var state = ObjectState(object: object)
    var operations: [Operation] = []
    var time: Nanoseconds = 0
    // By client its operation, and whether it has happened; operations of unknown end that may still happen.
    var open: [(operation: Int, isDone: Bool)?] = Array(repeating: nil, count: clients)
    var late: [Int] = []
    while operations.count < count || open.contains(where: { $0 != nil }) {
      time += 1 + Nanoseconds(rng.below(1000))
      if !late.isEmpty, rng.chance(0.02) { state.happen(&operations[late.remove(at: rng.below(late.count))], &rng) }
      let client = rng.below(clients)
      guard let (k, isDone) = open[client] else {
        guard operations.count < count else { continue }
        var operation = state.next(&rng)
        operation.begin = time
        operation.outcome = rng.chance(unknown) ? .info : rng.chance(unknown / 4) ? .fail : .ok
        open[client] = (operations.count, operation.outcome == .fail)
        operations.append(operation)
        continue
      }
      if !isDone, operations[k].outcome == .ok || rng.chance(0.5) {
        state.happen(&operations[k], &rng)
        open[client] = (k, true)
        continue
      }
      if !isDone { late.append(k) }
      operations[k].end = time
      open[client] = nil
    }
    return operations
  }

  static func history(_ operations: [Operation]) -> RecordedHistory {
    var events: [Event] = []
    events.reserveCapacity(operations.count * 2)
    for (k, operation) in operations.enumerated() {
      var event = Event()
      (event.op, event.function, event.tag) = (UInt64(k + 1), operation.function, operation.key)
      let isTold = operation.function == .enqueue || operation.function == .write
      event.message = isTold ? MessageID(rawValue: operation.value) : .none
      event.time = operation.begin
      events.append(event)
      (event.outcome, event.time) = (operation.outcome, operation.end)
      if operation.function == .read, operation.outcome == .ok { event.message = MessageID(rawValue: operation.value) }
      if operation.function == .dequeue, operation.outcome == .ok, operation.value > 0 {
        event.message = MessageID(rawValue: operation.value)
      }
      events.append(event)
    }
    return RecordedHistory(names: Names(), events: events.sorted { $0.time < $1.time }, isComplete: true)
  }
}

/// A sound object and what its clients may ask of it.
private struct ObjectState {
  let object: SimulatedClients.Object
  private var inside: [UInt64] = []
  private var head = 0
  private var store: [UInt64: UInt64] = [:]
  private var values: UInt64 = 0

  init(object: SimulatedClients.Object) { self.object = object }

  mutating func next(_ rng: inout SeededGenerator) -> SimulatedClients.Operation {
    var operation: SimulatedClients.Operation
    if case .registers(let keys) = object {
      operation = .init(function: rng.chance(0.4) ? .write : .read, key: UInt64(rng.below(keys)))
    } else {
      // About twenty inside, and now and then nothing.
      operation = .init(function: rng.chance(inside.count - head < 20 ? 0.55 : 0.45) ? .enqueue : .dequeue)
    }
    if operation.function == .enqueue || operation.function == .write {
      values += 1
      operation.value = values
    }
    return operation
  }

  mutating func happen(_ operation: inout SimulatedClients.Operation, _ rng: inout SeededGenerator) {
    switch operation.function {
    case .enqueue: inside.append(operation.value)
    case .write: store[operation.key] = operation.value
    case .read: operation.value = store[operation.key, default: 0]
    default:
      guard inside.count > head else { return }
      if case .bag = object { inside.swapAt(head, head + rng.below(inside.count - head)) }
      operation.value = inside[head]
      head += 1
    }
  }
}

extension PlainPlant {
  var isOfQueue: Bool {
    switch self {
    case .registerUnexpected, .registerAborted, .registerStale: false
    default: true
    }
  }

  /// Of a queue in order, without dequeues of unknown result.
  var isOfOrder: Bool { self == .queueOutOfOrder || self == .queueLost }

  /// Plants the violation at a place drawn by `rng`; false where there is none for it.
  func plant(in operations: inout [SimulatedClients.Operation], _ rng: inout SeededGenerator) -> Bool {
    let answered = operations.indices.filter {
      let operation = operations[$0]
      return operation.outcome == .ok && operation.value > 0
        && (operation.function == .dequeue || operation.function == .read)
    }
    guard answered.count > 10 else { return false }
    var source: [UInt64: Int] = [:]
    for (k, operation) in operations.enumerated() where operation.function == .enqueue || operation.function == .write {
      source[operation.value] = k
    }
    for _ in 0..<1000 {
      let k = rng.pick(answered)
      let operation = operations[k]
      guard let from = source[operation.value] else { continue }
      switch self {
      case .queueUnexpected, .registerUnexpected: operations[k].value = 1_000_000_000
      case .queueAborted, .registerAborted: operations[from].outcome = .fail
      case .queueDuplicated:
        let other = rng.pick(answered)
        guard operations[other].end < operation.begin else { continue }
        operations[k].value = operations[other].value
      case .queueOutOfOrder:
        guard
          let other = answered.first(where: { operations[$0].begin > operation.end }),
          let later = source[operations[other].value], operations[from].outcome == .ok,
          operations[from].end < operations[later].begin,
          // Before it went in, it would be unexpected.
          operations[later].begin < operation.end
        else { continue }
        (operations[k].value, operations[other].value) = (operations[other].value, operation.value)
      case .queueLost:
        guard operations[from].outcome == .ok, answered.suffix(20).first.map({ $0 > k }) == true else { continue }
        operations.remove(at: k)
      case .queueFalseEmpty:
        let staying = answered.contains { other in
          guard let put = source[operations[other].value] else { return false }
          return operations[put].outcome == .ok && operations[put].end < operation.begin
            && operations[other].begin > operation.end
        }
        guard staying else { continue }
        operations[k].value = 0
      case .registerStale:
        let overwritten = operations.indices.first { old in
          let write = operations[old]
          guard write.function == .write, write.outcome == .ok, write.key == operation.key else { return false }
          return operations[old...].prefix(500).contains {
            $0.function == .write && $0.outcome == .ok && $0.key == operation.key && $0.begin > write.end
              && $0.end < operation.begin
          }
        }
        guard let overwritten else { continue }
        operations[k].value = operations[overwritten].value
      }
      return true
    }
    return false
  }
}
