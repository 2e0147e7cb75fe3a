// From events to the operations of a log, and the whole check of a recorded history.

import Base
import History

/// The appends and reads of a history, each with the events that it was made of.
public struct LogHistory: Sendable {
  public private(set) var operations: [LogOperation] = []
  /// By operation the indices of its invocation and of its completion; −1 where there is none.
  public private(set) var events: [(invoke: Int32, completion: Int32)] = []

  /// Takes `append` and `read` events, and passes over all others. A completion without an invocation is no operation.
  public init(_ history: RecordedHistory) {
    let count = history.events.count
    var table = NumberTable(limit: 2 * count + 1024)
    operations.reserveCapacity(count / 2)
    events.reserveCapacity(count / 2)
    for (at, event) in history.events.enumerated() where event.function == .append || event.function == .read {
      if event.outcome == .invoke {
        table.set(event.op, to: Int32(truncatingIfNeeded: operations.count))
        // Of a read, what it finds is known only in the end.
        operations.append(
          LogOperation(
            event.function == .append ? .append : .read, .invoke,
            value: event.function == .append ? event.message : .none,
            offset: event.function == .append ? LogOperation.unknown : Self.offset(event), begin: event.time,
            end: event.time))
        events.append((Int32(truncatingIfNeeded: at), -1))
        continue
      }
      let known = Int(table.find(event.op))
      // What is unknown can still become known.
      guard known >= 0, operations[known].outcome == .invoke || operations[known].outcome == .info,
        (operations[known].kind == .append) == (event.function == .append)
      else { continue }
      operations[known].outcome = event.outcome
      operations[known].end = event.time
      events[known].completion = Int32(truncatingIfNeeded: at)
      guard event.outcome == .ok else { continue }
      operations[known].offset = Self.offset(event)
      if event.function == .read || event.message != .none { operations[known].value = event.message }
    }
  }

  private static func offset(_ event: Event) -> Int64 { Int64(exactly: event.tag) ?? .max }

  /// The events of these operations, ascending.
  public func events(of concerned: [Int]) -> [Int] {
    concerned.flatMap { [Int(events[$0].invoke), Int(events[$0].completion)] }.filter { $0 >= 0 }.sorted()
  }
}

extension LogChecker {
  /// Checks the appends and reads of a history. The indices in the findings are those of `log.operations`.
  public static func check(
    _ history: RecordedHistory, options: LogOptions = LogOptions()
  ) -> (result: LogResult, log: LogHistory) {
    let log = LogHistory(history)
    return (check(log.operations, options: options, isComplete: history.isComplete), log)
  }
}
