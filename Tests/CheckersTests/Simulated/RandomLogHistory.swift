// Small random histories of appends and reads: mostly those of a log, then damaged a little.

import Base
import History

@testable import Checkers

struct RandomLogHistory {
  private var rng: SeededGenerator
  private let isDense: Bool
  private var operations: [LogOperation] = []
  private var values = 0

  static func make(_ rng: SeededGenerator, isDense: Bool, operations: Int) -> [LogOperation] {
    var random = RandomLogHistory(rng: rng, isDense: isDense)
    random.schedule(operations)
    random.execute()
    random.damage()
    random.operations.shuffle(using: &random.rng)
    return random.operations
  }

  private init(rng: SeededGenerator, isDense: Bool) { (self.rng, self.isDense) = (rng, isDense) }

  /// Processes with one operation each at a time; sometimes several events at one time.
  private mutating func schedule(_ limit: Int) {
    let processes = 2 + rng.below(4)
    let count = 3 + rng.below(limit - 2)
    let hasTies = rng.chance(0.4)
    let unknown = rng.pick([0, 0.15, 0.4])
    var time: Nanoseconds = 1
    var open: [Int?] = Array(repeating: nil, count: processes)
    while operations.count < count || open.contains(where: { $0 != nil }) {
      if !(hasTies && rng.chance(0.3)) { time += 1 }
      let process = rng.below(processes)
      if let k = open[process] {
        operations[k].end = time
        open[process] = nil
      } else if operations.count < count {
        open[process] = operations.count
        let outcome: Outcome = rng.chance(unknown) ? rng.pick([.info, .info, .invoke]) : rng.chance(0.05) ? .fail : .ok
        operations.append(LogOperation(rng.chance(0.5) ? .append : .read, outcome, begin: time, end: time))
      }
    }
  }

  /// Results as a log gives them that acts at a moment within each operation.
  private mutating func execute() {
    let moments = operations.map { Double($0.begin) + rng.unit() * Double($0.end - $0.begin) }
    var log: [(offset: Int64, value: MessageID)] = []
    var next: Int64 = 0
    for k in operations.indices.sorted(by: { (moments[$0], $0) < (moments[$1], $1) }) {
      if operations[k].kind == .append {
        values += 1
        operations[k].value = MessageID(producer: 0, sequence: values)
        guard operations[k].outcome == .ok || operations[k].outcome != .fail && rng.chance(0.6) else { continue }
        log.append((next, operations[k].value))
        if operations[k].outcome == .ok { operations[k].offset = next }
        next += isDense ? 1 : 1 + Int64(rng.below(2))
      } else if log.isEmpty || rng.chance(0.3) {
        operations[k].offset = next + Int64(rng.chance(0.2) ? 1 : 0)
      } else {
        (operations[k].offset, operations[k].value) = rng.pick(log)
      }
    }
  }

  private mutating func damage() {
    for _ in 0..<rng.pick([0, 0, 1, 1, 2, 3]) where !operations.isEmpty {
      let k = rng.below(operations.count)
      let isTold = operations[k].offset >= 0
      switch rng.unit() {
      case ..<0.4:
        operations[k].begin = max(1, operations[k].begin + Int64(rng.below(13)) - 6)
        operations[k].end = max(operations[k].begin, operations[k].end + Int64(rng.below(13)) - 6)
      case ..<0.6 where isTold: operations[k].offset = max(0, operations[k].offset + rng.pick([-1, 1]))
      case ..<0.75 where isTold && operations[k].kind == .read:
        operations[k].value = MessageID(producer: 0, sequence: 1 + rng.below(values + 1))
      case ..<0.85 where operations[k].kind == .read: operations[k].value = .none
      case ..<0.95: operations.remove(at: k)
      default:
        operations[k].outcome = operations[k].kind == .append ? rng.pick([.info, .fail]) : .info
        if operations[k].kind == .append { operations[k].offset = LogOperation.unknown }
      }
    }
  }
}
