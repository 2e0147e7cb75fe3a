// `stormproof check FILE` without its file: a history and a model in, what is to be printed and the exit code out.

import Base
import History

/// What a history is held against.
public enum CheckModel: String, CaseIterable, Codable, Sendable {
  /// Publish, deliver, acknowledge: the accounting of every message.
  case atLeastOnce = "at-least-once"
  case fifo
  case bag

  /// The model by the name a user gives it; `queue` is another word for `fifo`.
  public init?(name: String) {
    if name == "queue" { self = .fifo } else { self.init(rawValue: name) }
  }

  /// What the events of the history speak of; nil: of nothing that can be checked.
  public init?(of history: RecordedHistory) {
    let first = history.events.first {
      switch $0.function {
      case .publish, .deliver, .subscribe, .enqueue, .dequeue: true
      default: false
      }
    }
    guard let first else { return nil }
    self = first.function == .enqueue || first.function == .dequeue ? .fifo : .atLeastOnce
  }
}

public enum CheckCommandCore {
  /// Checks and judges.
  /// - Parameters:
  ///   - model: nil: what the history speaks of.
  ///   - level: By which delivery accounting is judged.
  ///   - options: nil: those of the level.
  public static func run(
    _ history: RecordedHistory, model: CheckModel? = nil, level: ReliabilityLevel = .medium,
    options: DeliveryOptions? = nil
  ) -> CheckReport {
    let spoken = CheckModel(of: history)
    let options = options ?? DeliveryOptions(level: level)
    var report = CheckReport(model: model ?? spoken ?? .atLeastOnce, events: history.events.count)
    guard let spoken else {
      report.note = "The history holds no operation of any model."
      return report
    }
    let start = history.events.first?.time ?? 0
    switch (report.model, spoken) {
    case (.atLeastOnce, .atLeastOnce):
      let result = DeliveryChecker.check(history, options: options)
      report.fill(result, level: level, names: history.names, start: start)
    case (.fifo, .fifo), (.bag, .fifo):
      let result = QueueChecker.check(
        history, model: report.model == .bag ? .bag : .fifo, findingLimit: options.findingLimit)
      report.fill(result, queue: nil, start: start)
      report.verdict = result.verdict
    case (.fifo, .atLeastOnce):
      fillQueues(of: history, options, &report)
    default:
      report.note = "The history does not speak of the model \(report.model.rawValue)."
    }
    if report.verdict == .undecided, report.note == nil, !history.isComplete {
      report.note = "The history was cut short."
    }
    return report
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
      report.fill(result, queue: history.names.text(UInt16(queue)), start: history.events.first?.time ?? 0)
      verdicts.append(result.verdict)
    }
    report.verdict =
      verdicts.contains(.violated) ? .violated : verdicts.contains(.undecided) || verdicts.isEmpty ? .undecided : .valid
  }
}
