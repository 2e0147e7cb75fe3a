// A plain queue history checked where it lies on disk: it may be larger than memory.

import Base
import History

extension CheckCommandCore {
  /// The check of a binary history of enqueues and dequeues, block by block.
  /// - Parameters:
  ///   - file: Its times increase, as a recorder writes them.
  ///   - model: nil: what the history speaks of.
  ///   - budget: For what has to be searched; beyond it the verdict is undecided.
  ///   - progress: Called with the events read so far, once a block.
  /// - Returns: nil where the history or the model is another: such a check needs the events in memory.
  /// - Throws: `HistoryError` where a block is damaged, `ModelMismatch` where an event is none of a queue's.
  public static func run(
    _ file: HistoryFile, model: CheckModel? = nil, budget: SearchBudget = .standard,
    progress: ((Int) -> Void)? = nil
  ) throws -> CheckReport? {
    let model = model ?? .fifo
    guard let queueModel = QueueModel(model), let first = firstOperation(of: file),
      CheckTable.queues.contains(first)
    else { return nil }
    let screened = ScreenedQueue(file: file, progress: progress)
    let result = try QueueChecker.check(screened, model: queueModel, budget: budget)
    if let stranger = screened.seen.stranger {
      throw CheckTable.mismatch(stranger, file.event(stranger).function, CheckTable.queues, model)
    }
    var report = CheckReport(model: model, events: file.count)
    report.fill(result, queue: nil, start: file.event(0).time)
    report.verdict = result.verdict
    report.noteCut(isComplete: file.isComplete)
    return report
  }

  /// The first event that is no fault.
  private static func firstOperation(of file: HistoryFile) -> Function? {
    for number in 0..<file.count {
      let function = file.event(number).function
      if function != .fault { return function }
    }
    return nil
  }
}

extension QueueModel {
  init?(_ model: CheckModel) {
    switch model {
    case .fifo: self = .fifo
    case .bag: self = .bag
    default: return nil
    }
  }
}

/// Passes the blocks of a file on, and remembers the first event that has no place in a queue.
private struct ScreenedQueue: EventSource {
  final class Seen { var stranger: Int? }

  let file: HistoryFile
  let progress: ((Int) -> Void)?
  let seen = Seen()
  private let isOurs: [Bool] = {
    var table = [Bool](repeating: false, count: Function.allCases.count)
    for function in CheckTable.queues + [.fault] { table[Int(function.rawValue)] = true }
    return table
  }()

  init(file: HistoryFile, progress: ((Int) -> Void)?) {
    self.file = file
    self.progress = progress
  }

  var count: Int { file.count }
  var isComplete: Bool { file.isComplete }
  func event(_ number: Int) -> Event { file.event(number) }

  func forEachBlock(_ body: (EventBlock) -> Void) throws(HistoryError) {
    try file.forEachBlock { block in
      for index in 0..<block.count where seen.stranger == nil && !isOurs[Int(block.kinds[index] >> 2)] {
        seen.stranger = block.first + index
      }
      body(block)
      progress?(block.first + block.count)
    }
  }
}
