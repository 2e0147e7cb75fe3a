// Small random histories of enqueues and dequeues: mostly those of a queue, then damaged a little.

import Base
import History

@testable import Checkers

/// What a history may contain beside plain operations.
struct QueueMix {
  var hasUnknown: Bool
  var hasEmpties: Bool
  /// Values seen in dequeues of unknown end.
  var hasSightings: Bool

  static let all: [QueueMix] = [
    QueueMix(hasUnknown: false, hasEmpties: false, hasSightings: false),
    QueueMix(hasUnknown: false, hasEmpties: true, hasSightings: false),
    QueueMix(hasUnknown: true, hasEmpties: false, hasSightings: false),
    QueueMix(hasUnknown: true, hasEmpties: true, hasSightings: false),
    QueueMix(hasUnknown: true, hasEmpties: false, hasSightings: true),
    QueueMix(hasUnknown: true, hasEmpties: true, hasSightings: true),
  ]
}

struct RandomQueueHistory {
  private struct Operation {
    var isEnqueue: Bool
    var value = MessageID.none
    var slot: RandomSchedule.Slot
    var outcome: Outcome {
      get { slot.outcome }
      set { slot.outcome = newValue }
    }
  }

  private var rng: SeededGenerator
  private var operations: [Operation] = []
  private var values = 0

  static func make(_ rng: SeededGenerator, _ model: QueueModel, _ mix: QueueMix, operations: Int) -> RecordedHistory {
    var random = RandomQueueHistory(rng: rng)
    repeat {
      (random.operations, random.values) = ([], 0)
      random.schedule(operations, mix)
      random.execute(model, mix)
      random.damage(mix)
    } while random.operations.isEmpty
    return random.history()
  }

  private init(rng: SeededGenerator) { self.rng = rng }

  private mutating func schedule(_ limit: Int, _ mix: QueueMix) {
    let enqueues = rng.pick([0.3, 0.4, 0.5, 0.6, 0.7])
    let unknown = mix.hasUnknown ? rng.pick([0.1, 0.25, 0.45]) : 0
    for slot in RandomSchedule.slots(&rng, atMost: limit, unknown: unknown) {
      operations.append(Operation(isEnqueue: rng.chance(enqueues), slot: slot))
    }
    for k in operations.indices where operations[k].isEnqueue { operations[k].value = newValue() }
  }

  private mutating func newValue() -> MessageID {
    values += 1
    return MessageID(producer: 0, sequence: values)
  }

  /// Results as a queue gives them that acts at each operation's point.
  private mutating func execute(_ model: QueueModel, _ mix: QueueMix) {
    var inside: [MessageID] = []
    let order = operations.indices.sorted { (operations[$0].slot.point, $0) < (operations[$1].slot.point, $1) }
    for k in order where operations[k].outcome != .fail {
      guard operations[k].outcome == .ok || rng.chance(0.5) else { continue }
      if operations[k].isEnqueue {
        inside.append(operations[k].value)
      } else if !inside.isEmpty {
        let at = model == .fifo ? 0 : rng.below(inside.count)
        let value = inside[at]
        if operations[k].outcome == .info, mix.hasSightings, rng.chance(0.4) {
          // Seen, and not taken after all.
          operations[k].value = value
          continue
        }
        inside.remove(at: at)
        let isTold = operations[k].outcome == .ok || mix.hasSightings && rng.chance(0.6)
        if isTold { operations[k].value = value }
      }
    }
    if !mix.hasEmpties { operations.removeAll { !$0.isEnqueue && $0.outcome == .ok && $0.value == .none } }
  }

  private mutating func damage(_ mix: QueueMix) {
    for _ in 0..<rng.pick([0, 0, 1, 1, 2, 3]) where !operations.isEmpty {
      let taken = operations.indices.filter {
        !operations[$0].isEnqueue && operations[$0].outcome == .ok && operations[$0].value != .none
      }
      let any = rng.below(operations.count)
      switch rng.unit() {
      case ..<0.35 where taken.count > 1:
        let (a, b) = (rng.pick(taken), rng.pick(taken))
        (operations[a].value, operations[b].value) = (operations[b].value, operations[a].value)
      case ..<0.5 where !taken.isEmpty:
        operations[rng.pick(taken)].value = MessageID(producer: 0, sequence: 1 + rng.below(values + 1))
      case ..<0.6 where !taken.isEmpty && mix.hasEmpties: operations[rng.pick(taken)].value = .none
      case ..<0.68 where !taken.isEmpty && mix.hasUnknown:
        // It took the value, and the answer was lost.
        let k = rng.pick(taken)
        operations[k].outcome = .info
        if !mix.hasSightings || rng.chance(0.5) { operations[k].value = .none }
      case ..<0.75: operations.remove(at: any)
      default: RandomSchedule.shift(&operations[any].slot, &rng)
      }
    }
  }

  private mutating func history() -> RecordedHistory {
    var events: [Event] = []
    for (k, operation) in operations.enumerated() {
      var event = Event()
      event.op = UInt64(k + 1)
      event.process = Int32(k)
      event.function = operation.isEnqueue ? .enqueue : .dequeue
      event.message = operation.isEnqueue ? operation.value : .none
      event.time = operation.slot.begin
      events.append(event)
      // An unknown result may also be one that nobody recorded.
      if operation.outcome == .info, operation.isEnqueue || operation.value == .none, rng.chance(0.5) { continue }
      event.outcome = operation.outcome
      event.message = operation.value
      event.time = operation.slot.end
      events.append(event)
    }
    return RandomSchedule.sorted(events, &rng)
  }
}
