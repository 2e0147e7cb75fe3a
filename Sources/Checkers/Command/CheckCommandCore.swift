// `stormproof check FILE` without its file: a history and a model in, what is to be printed and the exit code out.

import Base
import History

public enum CheckCommandCore {
  /// Checks and judges.
  /// - Parameters:
  ///   - model: nil: what the history speaks of.
  ///   - level: By which delivery accounting is judged.
  ///   - options: nil: those of the level.
  ///   - log: What is claimed of a log's offsets.
  ///   - budget: For what has to be searched; beyond it the verdict is undecided.
  /// - Throws: `ModelMismatch` where the history has an event that is none of the model's.
  public static func run(
    _ history: RecordedHistory, model: CheckModel? = nil, level: ReliabilityLevel = .medium,
    options: DeliveryOptions? = nil, log: LogOptions = LogOptions(), budget: SearchBudget = .standard
  ) throws(ModelMismatch) -> CheckReport {
    let spoken = CheckModel(of: history)
    let model = model ?? spoken ?? .atLeastOnce
    var report = CheckReport(model: model, events: history.events.count)
    let row = try CheckTable.row(model, for: history)
    guard spoken != nil, let row else {
      report.note = "The history holds no operation of any model."
      return report
    }
    let options = options ?? DeliveryOptions(level: level)
    row.check(history, CheckSettings(level: level, options: options, budget: budget, log: log), &report)
    report.noteCut(isComplete: history.isComplete)
    return report
  }
}
