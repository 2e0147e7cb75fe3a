// The models that `stormproof check --model` knows: one table, from the functions a history may use to what checks it.

import Base
import History

/// What a history is held against.
public enum CheckModel: String, CaseIterable, Codable, Sendable {
  /// Publish, deliver, acknowledge: the accounting of every message.
  case atLeastOnce = "at-least-once"
  case fifo
  case bag
  case register
  /// A register for each key.
  case keyValue = "kv"
  /// Append-only, with offsets.
  case log
  /// Transactions on keyed logs: a history of its own kind.
  case kafka
  /// Orders that go through several services, and are completed in all of them or undone: a history of its own kind.
  case saga
  /// Consume, transform, produce, each input exactly once: a history of its own kind.
  case transform

  /// What the history of a model holds that reads no events; nil: it reads events.
  var content: String? {
    switch self {
    case .kafka: "transactions"
    case .saga: "orders and what services did for them"
    case .transform: "inputs, outputs and transactions"
    default: nil
    }
  }

  /// The model by the name a user gives it; `queue` is another word for `fifo`.
  public init?(name: String) {
    if name == "queue" { self = .fifo } else { self.init(rawValue: name) }
  }

  /// What the events of the history speak of; nil: of nothing that can be checked.
  public init?(of history: RecordedHistory) {
    let first = history.events.first { event in CheckTable.rows.contains { $0.functions.contains(event.function) } }
    guard let first else { return nil }
    switch first.function {
    case .enqueue, .dequeue: self = .fifo
    case .append: self = .log
    case .read where history.events.contains { $0.function == .append }: self = .log
    case .read, .write, .compareAndSet:
      let isKeyed = history.events.contains { CheckTable.registers.contains($0.function) && $0.tag != 0 }
      self = isKeyed ? .keyValue : .register
    default: self = .atLeastOnce
    }
  }
}

/// A history that does not speak of the model it was to be held against.
public struct ModelMismatch: Error, Equatable, Sendable, CustomStringConvertible {
  /// `event 4 is enqueue, expected read, write or cas for the model register`; events count from 0.
  public var description: String
}

/// What a check needs beside the history.
struct CheckSettings {
  var level: ReliabilityLevel
  var options: DeliveryOptions
  var budget: SearchBudget
  var log = LogOptions()
}

/// One way to hold a history against a model.
struct CheckRow: Sendable {
  var model: CheckModel
  /// A history needs one of them, and has none but these and `fault`.
  var functions: [Function]
  /// Fills in the report and its verdict.
  var check: @Sendable (RecordedHistory, CheckSettings, inout CheckReport) -> Void
}

enum CheckTable {
  static let deliveries: [Function] = [
    .publish, .subscribe, .deliver, .ack, .nack, .recover, .commit, .rollback, .alive, .release, .drained,
  ]
  static let queues: [Function] = [.enqueue, .dequeue]
  static let registers: [Function] = [.read, .write, .compareAndSet]
  static let logs: [Function] = [.append, .read]

  /// A model that reads two kinds of histories has two rows.
  static let rows: [CheckRow] = [
    CheckRow(model: .atLeastOnce, functions: deliveries) { history, settings, report in
      let result = DeliveryChecker.check(history, options: settings.options)
      report.fill(result, level: settings.level, of: history)
    },
    CheckRow(model: .fifo, functions: queues) { fillQueue($0, .fifo, $1, &$2) },
    CheckRow(model: .bag, functions: queues) { fillQueue($0, .bag, $1, &$2) },
    CheckRow(model: .fifo, functions: deliveries) { history, settings, report in
      fillQueues(of: history, settings.options, &report)
    },
    CheckRow(model: .register, functions: registers) { fillRegisters($0, $1, &$2) },
    CheckRow(model: .keyValue, functions: registers) { fillRegisters($0, $1, &$2) },
    CheckRow(model: .log, functions: logs) { fillLog($0, $1, &$2) },
  ]

  /// The row for the model and the functions of the history.
  /// - Throws: where the first event that is none of the model's stands.
  static func row(_ model: CheckModel, for history: RecordedHistory) throws(ModelMismatch) -> CheckRow? {
    let rows = rows.filter { $0.model == model }
    if let content = model.content {
      throw ModelMismatch(description: "events, expected \(content) for the model \(model.rawValue)")
    }
    guard let first = history.events.firstIndex(where: { $0.function != .fault }) else { return rows.first }
    let function = history.events[first].function
    guard let row = rows.first(where: { $0.functions.contains(function) }) else {
      throw mismatch(first, function, rows.flatMap(\.functions), model)
    }
    // A table: this is asked of every event.
    var isOurs = [Bool](repeating: false, count: Function.allCases.count)
    for function in row.functions + [.fault] { isOurs[Int(function.rawValue)] = true }
    if let at = history.events.firstIndex(where: { !isOurs[Int($0.function.rawValue)] }) {
      throw mismatch(at, history.events[at].function, row.functions, model)
    }
    if model == .register, let at = history.events.firstIndex(where: { $0.function != .fault && $0.tag != 0 }) {
      let event = history.events[at]
      throw mismatch(
        at, event.function, row.functions, model, found: " of the key \(event.tag)",
        hint: " without a key; kv is the model with keys")
    }
    return row
  }

  /// Event `at` is none of those that the model knows.
  static func mismatch(
    _ at: Int, _ function: Function, _ expected: [Function], _ model: CheckModel, found: String = "", hint: String = ""
  ) -> ModelMismatch {
    let names = expected.map(JSONLines.name)
    let list = names.dropLast().joined(separator: ", ") + (names.count > 1 ? " or " : "") + (names.last ?? "")
    return ModelMismatch(
      description: "event \(at) is \(JSONLines.name(function))\(found), expected \(list) for the model "
        + "\(model.rawValue)\(hint)")
  }

  private static func fillQueue(
    _ history: RecordedHistory, _ model: QueueModel, _ settings: CheckSettings, _ report: inout CheckReport
  ) {
    let result = QueueChecker.check(
      history, model: model, findingLimit: settings.options.findingLimit, budget: settings.budget)
    report.fill(result, queue: nil, start: history.start)
    report.verdict = result.verdict
  }

  /// First in, first out on a history of deliveries: each queue by itself.
  private static func fillQueues(of history: RecordedHistory, _ options: DeliveryOptions, _ report: inout CheckReport) {
    var isQueue = [Bool](repeating: false, count: history.names.entries.count)
    for event in history.events where event.function == .publish && event.outcome == .invoke {
      for queue in history.names.queues(event.place) where Int(queue) < isQueue.count { isQueue[Int(queue)] = true }
    }
    var verdicts: [HistoryVerdict] = []
    for queue in isQueue.indices where isQueue[queue] {
      let result = QueueChecker.checkDeliveries(history, queue: UInt16(queue), options: options)
      report.fill(result, queue: history.names.text(UInt16(queue)), start: history.start)
      verdicts.append(result.verdict)
    }
    report.verdict =
      verdicts.contains(.violated) ? .violated : verdicts.contains(.undecided) || verdicts.isEmpty ? .undecided : .valid
  }

  private static func fillRegisters(
    _ history: RecordedHistory, _ settings: CheckSettings, _ report: inout CheckReport
  ) {
    let result = RegisterChecker.check(
      history, findingLimit: settings.options.findingLimit, budget: settings.budget)
    report.fill(result, start: history.start)
  }
}

extension RecordedHistory {
  /// The time from which a report counts.
  var start: Nanoseconds { events.first?.time ?? 0 }
}
