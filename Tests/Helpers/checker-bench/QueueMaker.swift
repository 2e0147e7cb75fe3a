// Valid histories of a queue under concurrent clients, of any length, event by event.

import Base
import History

/// What a made history is like.
struct QueueShape {
  var operations = 1_000_000
  var clients = 5
  /// Values inside that the clients keep to, about.
  var depth = 50
  /// Share of operations whose result stays unknown.
  var unknown = 0.0
  /// Dequeues may find nothing.
  var hasEmpties = false
}

/// Clients with one operation each, a real queue between them, and chance. Every operation takes effect at one moment
/// between its invocation and its return, so that the history is linearizable by construction.
struct QueueMaker {
  private enum Stage {
    case idle
    case invoked(isEnqueue: Bool, value: Int, willVanish: Bool)
    case effective(isEnqueue: Bool, value: Int?)
  }

  private struct Client {
    var stage = Stage.idle
    var op: UInt64 = 0
    var process: Int32
  }

  private let shape: QueueShape
  private var random: SeededGenerator
  private var clients: [Client]
  private var queue: [Int] = []
  private var head = 0
  private var nextValue = 0
  private var nextOp: UInt64 = 0
  private var nextProcess: Int32
  private var time: Nanoseconds = 0

  init(_ shape: QueueShape, seed: UInt64) {
    self.shape = shape
    random = SeededGenerator(seed: seed, label: "queue history")
    clients = (0..<shape.clients).map { Client(process: Int32($0)) }
    nextProcess = Int32(shape.clients)
  }

  /// Calls `body` with each event in the order of time.
  mutating func run(_ body: (Event) -> Void) {
    while true {
      let k = random.below(clients.count)
      switch clients[k].stage {
      case .idle:
        if Int(nextOp) < shape.operations { invoke(k, body) } else if isDone { return }
      case .invoked(let isEnqueue, let value, let willVanish): apply(k, isEnqueue, value, willVanish, body)
      case .effective(let isEnqueue, let value): complete(k, isEnqueue, value, body)
      }
    }
  }

  private var isDone: Bool {
    clients.allSatisfy { if case .idle = $0.stage { true } else { false } }
  }

  private func event(_ k: Int, isEnqueue: Bool, _ outcome: Outcome, _ value: Int?) -> Event {
    var event = Event()
    (event.time, event.op, event.process) = (time, clients[k].op, clients[k].process)
    (event.function, event.outcome) = (isEnqueue ? .enqueue : .dequeue, outcome)
    if let value { event.message = MessageID(producer: 0, sequence: value) }
    return event
  }

  private mutating func tick() { time += 1 + Nanoseconds(random.next() & 1023) }

  private mutating func invoke(_ k: Int, _ body: (Event) -> Void) {
    tick()
    let inside = queue.count - head
    let isEnqueue = random.below(2 * shape.depth + 1) > inside
    nextOp += 1
    clients[k].op = nextOp
    let value = nextValue
    if isEnqueue { nextValue += 1 }
    body(event(k, isEnqueue: isEnqueue, .invoke, isEnqueue ? value : nil))
    clients[k].stage = .invoked(
      isEnqueue: isEnqueue, value: value, willVanish: shape.unknown > 0 && random.chance(shape.unknown))
  }

  private mutating func apply(_ k: Int, _ isEnqueue: Bool, _ value: Int, _ willVanish: Bool, _ body: (Event) -> Void) {
    if willVanish, random.chance(0.5) { return vanish(k, isEnqueue, value, body) }
    var result: Int?
    if isEnqueue {
      queue.append(value)
      result = value
    } else if head < queue.count {
      result = queue[head]
      head += 1
      if head > 4096, head * 2 > queue.count {
        queue.removeFirst(head)
        head = 0
      }
    } else if !shape.hasEmpties, Int(nextOp) < shape.operations {
      // It waits for something to come.
      return
    }
    if willVanish { return vanish(k, isEnqueue, value, body) }
    clients[k].stage = .effective(isEnqueue: isEnqueue, value: result)
  }

  private mutating func vanish(_ k: Int, _ isEnqueue: Bool, _ value: Int, _ body: (Event) -> Void) {
    tick()
    body(event(k, isEnqueue: isEnqueue, .info, isEnqueue ? value : nil))
    clients[k] = Client(process: nextProcess)
    nextProcess += 1
  }

  private mutating func complete(_ k: Int, _ isEnqueue: Bool, _ value: Int?, _ body: (Event) -> Void) {
    tick()
    // At the very end, where nothing comes any more, the answer of a waiting dequeue never came.
    let isUnanswered = !isEnqueue && value == nil && !shape.hasEmpties
    body(event(k, isEnqueue: isEnqueue, isUnanswered ? .info : .ok, value))
    clients[k].stage = .idle
  }
}
