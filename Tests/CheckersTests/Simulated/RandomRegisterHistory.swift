// Small random histories of reads, writes and compare-and-sets: mostly those of registers, then damaged a little.

import Base
import History

/// What a history may contain beside reads and writes of new values.
struct RegisterMix: Sendable {
  var keys: Int
  var hasUnknown: Bool
  /// Values written again, the first one included.
  var hasRepeats: Bool
  var hasSwaps: Bool

  static let all: [RegisterMix] = [
    RegisterMix(keys: 1, hasUnknown: false, hasRepeats: false, hasSwaps: false),
    RegisterMix(keys: 1, hasUnknown: true, hasRepeats: false, hasSwaps: false),
    RegisterMix(keys: 3, hasUnknown: true, hasRepeats: false, hasSwaps: false),
    RegisterMix(keys: 1, hasUnknown: true, hasRepeats: true, hasSwaps: false),
    RegisterMix(keys: 2, hasUnknown: true, hasRepeats: true, hasSwaps: true),
  ]
}

struct RandomRegisterHistory {
  private struct Operation {
    var function: Function
    var key: UInt64
    var value: UInt64 = 0
    var expected: UInt64 = 0
    var slot: RandomSchedule.Slot
  }

  static func make(_ rng: SeededGenerator, _ mix: RegisterMix, operations limit: Int) -> RecordedHistory {
    var rng = rng
    let unknown = mix.hasUnknown ? rng.pick([0.1, 0.25, 0.45]) : 0
    let writes = rng.pick([0.2, 0.35, 0.5])
    var values: UInt64 = 0
    var operations = RandomSchedule.slots(&rng, atMost: limit, unknown: unknown).map { slot in
      var operation = Operation(function: .read, key: UInt64(rng.below(mix.keys)), slot: slot)
      if rng.chance(writes) { operation.function = mix.hasSwaps && rng.chance(0.5) ? .compareAndSet : .write }
      if operation.function != .read {
        values += 1
        operation.value = mix.hasRepeats && rng.chance(0.5) ? UInt64(rng.below(3)) : values
      }
      return operation
    }
    execute(&operations, &rng)
    damage(&operations, mix, Int(values), &rng)
    return history(operations, &rng)
  }

  /// Results as registers give them that act at each operation's point.
  private static func execute(_ operations: inout [Operation], _ rng: inout SeededGenerator) {
    var store: [UInt64: UInt64] = [:]
    for k in operations.indices.sorted(by: { operations[$0].slot.point < operations[$1].slot.point }) {
      let key = operations[k].key
      let now = store[key, default: 0]
      if operations[k].function == .read { operations[k].value = now }
      guard operations[k].function != .read, operations[k].slot.outcome != .fail else { continue }
      if operations[k].function == .compareAndSet {
        operations[k].expected = rng.chance(0.8) ? now : UInt64(rng.below(4))
        if operations[k].expected != now {
          if operations[k].slot.outcome == .ok { operations[k].slot.outcome = .fail }
          continue
        }
      }
      if operations[k].slot.outcome == .ok || rng.chance(0.5) { store[key] = operations[k].value }
    }
  }

  private static func damage(
    _ operations: inout [Operation], _ mix: RegisterMix, _ values: Int, _ rng: inout SeededGenerator
  ) {
    for _ in 0..<rng.pick([0, 0, 1, 1, 2, 3]) where !operations.isEmpty {
      let any = rng.below(operations.count)
      switch rng.unit() {
      case ..<0.4 where operations[any].function == .read: operations[any].value = UInt64(rng.below(values + 2))
      case ..<0.5: operations[any].slot.outcome = rng.pick([.ok, .fail] + (mix.hasUnknown ? [.info] : []))
      case ..<0.6: operations[any].key = UInt64(rng.below(mix.keys))
      case ..<0.65 where operations.count > 1: operations.remove(at: any)
      default: RandomSchedule.shift(&operations[any].slot, &rng)
      }
    }
  }

  private static func history(_ operations: [Operation], _ rng: inout SeededGenerator) -> RecordedHistory {
    var events: [Event] = []
    for (k, operation) in operations.enumerated() {
      var event = Event()
      (event.op, event.process, event.function) = (UInt64(k + 1), Int32(k), operation.function)
      (event.tag, event.transaction, event.time) = (operation.key, operation.expected, operation.slot.begin)
      event.message = operation.function == .read ? .none : MessageID(rawValue: operation.value)
      events.append(event)
      // An unknown result may also be one that nobody recorded.
      if operation.slot.outcome == .info, rng.chance(0.5) { continue }
      (event.outcome, event.time) = (operation.slot.outcome, operation.slot.end)
      if event.function == .read {
        // Nothing written is 0 or nothing.
        let isNone = event.outcome != .ok || operation.value == 0 && rng.chance(0.5)
        event.message = isNone ? .none : MessageID(rawValue: operation.value)
      }
      events.append(event)
    }
    return RandomSchedule.sorted(events, &rng)
  }
}
