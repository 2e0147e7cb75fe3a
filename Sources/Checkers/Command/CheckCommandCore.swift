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
  /// - Throws: `ModelMismatch` where the history has an event that is none of the model's, or not one of the queues that
  ///   are said to have, or to hold, dead letters.
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
    try check(options.deadLetters, in: history)
    row.check(history, CheckSettings(level: level, options: options, budget: budget, log: log), &report)
    report.noteCut(isComplete: history.isComplete)
    return report
  }

  /// A name that was misspelt would make a check that finds nothing.
  private static func check(_ deadLetters: [String: String], in history: RecordedHistory) throws(ModelMismatch) {
    guard !deadLetters.isEmpty else { return }
    var queues: Set<String> = []
    for entry in history.names.entries {
      if case .route(let route) = entry { queues.formUnion(route.map(history.names.text)) }
    }
    for event in history.events where [.subscribe, .deliver, .drained].contains(event.function) {
      queues.insert(history.names.text(event.place))
    }
    let named = deadLetters.flatMap { [$0.key, $0.value] }.sorted()
    guard let stranger = named.first(where: { !queues.contains($0) }) else { return }
    throw ModelMismatch(
      description: "no queue '\(stranger)', which was named for dead letters; its queues are "
        + queues.sorted().joined(separator: ", "))
  }
}
