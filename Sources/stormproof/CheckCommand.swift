// `check`: judge again what a run recorded, whole or cut off, or a history of somebody else's.

import Arguments
import Base
import Checkers
import FoundationEssentials
import Glibc
import History
import Reports

enum CheckCommand {
  static func run(_ invocation: Invocation) throws(UsageError) -> Int32 {
    let options = try CheckOptions(invocation, hint: Program.spec.hint("check"))
    do {
      let isRun = try HistoryInputs.isRun(options.path)
      let path = RunCommands.absolute(options.path)
      if isRun, options.model == nil { return directory(path, options) }
      return isRun ? try level(of: RunDirectory(path: path), options) : try file(options)
    } catch let error as UsageError {
      throw error
    } catch {
      Terminal.note("\(error)")
      return 2
    }
  }

  private static func directory(_ path: String, _ options: CheckOptions) -> Int32 {
    do {
      let view = try RunReader.read(path, only: options.level)
      if options.json {
        Terminal.write(Report.json(view.verdict) + "\n")
      } else {
        let width = options.explain ? Terminal.width ?? 100 : 100
        Terminal.write(
          Report.terminalTable(view.verdict, width: width, colour: Terminal.hasColorOut, explains: options.explain))
      }
      return view.verdict.exitCode
    } catch {
      Terminal.note("\(error)")
      return 2
    }
  }

  /// One level of a run against a model, judged by the bundle of that name.
  private static func level(of run: RunDirectory, _ options: CheckOptions) throws -> Int32 {
    let name = try RunCommands.level(options.level, of: run, command: "check")
    let history = try HistoryReader.read(run.level(name).history)
    return try check(history, options, judgedAs: ReliabilityLevel(rawValue: name) ?? .medium)
  }

  private static func file(_ options: CheckOptions) throws -> Int32 {
    let word = options.level ?? ReliabilityLevel.medium.rawValue
    guard let level = ReliabilityLevel(rawValue: word) else {
      let words = ReliabilityLevel.allCases.map(\.rawValue).joined(separator: ", ")
      throw UsageError("--level is '\(word)', expected one of \(words) for a file", hint: Program.spec.hint("check"))
    }
    if options.model == CheckModel.kafka.rawValue {
      let settings = try transactionOptions(options)
      let history = try HistoryInputs.transactions(options.path)
      return show(CheckCommandCore.run(history, options: settings, explains: options.explain), options)
    }
    if let report = try pipeline(options) ?? mapped(options) { return show(report, options) }
    return try check(HistoryInputs.read(options.path), options, judgedAs: level)
  }

  private static func transactionOptions(_ options: CheckOptions) throws(UsageError) -> TransactionOptions {
    var settings = TransactionOptions()
    settings.pollsReachEnd = options.fullPolls
    guard let allow = options.allow else { return settings }
    guard let allowances = KafkaAllowances(allowing: allow) else {
      let words = KafkaAllowances.words.joined(separator: ", ")
      throw UsageError(
        "--allow is '\(allow.joined(separator: ","))', expected none, or some of \(words), with commas between them",
        hint: Program.spec.hint("check"))
    }
    settings.allowances = allowances
    return settings
  }

  /// The report on sagas or on a transformer's work; nil where the model is another.
  private static func pipeline(_ options: CheckOptions) throws -> CheckReport? {
    guard let model = options.model.flatMap(CheckModel.init(name:)), [.saga, .transform].contains(model) else {
      return nil
    }
    if options.explain {
      Terminal.note("--explain draws nothing for the model \(model.rawValue): it counts, and looks at no order in time")
    }
    return model == .saga
      ? CheckCommandCore.run(try HistoryInputs.sagas(options.path))
      : CheckCommandCore.run(try HistoryInputs.transforms(options.path))
  }

  /// The report on a queue's binary history, which need not fit into memory; nil for everything else.
  private static func mapped(_ options: CheckOptions) throws -> CheckReport? {
    guard options.path != "-", let file = try HistoryInput.mapped(RunCommands.absolute(options.path)) else {
      return nil
    }
    let progress = ReadingProgress(options.path)
    defer { progress.end() }
    do {
      var report = try CheckCommandCore.run(
        file, model: options.model.flatMap(CheckModel.init(name:)), budget: budget(options)
      ) { progress.tell(HistoryInput.Progress(bytes: $0, size: file.count, events: $0)) }
      // Pictures are of few events, but looked for among all.
      if options.explain, report?.findings.isEmpty == false { report?.explain(try file.recorded()) }
      return report
    } catch let error as ModelMismatch {
      throw HistoryError(file: options.path, error.description)
    }
  }

  private static func budget(_ options: CheckOptions) -> SearchBudget {
    let deadline = now() + Nanoseconds(clamping: options.timeout) * .second
    return SearchBudget(steps: .max, bytes: memory) { now() > deadline }
  }

  private static func check(
    _ history: RecordedHistory, _ options: CheckOptions, judgedAs level: ReliabilityLevel
  ) throws(HistoryError) -> Int32 {
    var log = LogOptions()
    log.isDense = !options.sparse
    var deliveries = DeliveryOptions(level: level)
    deliveries.deadLetters = options.deadLetters
    var report: CheckReport
    do throws(ModelMismatch) {
      report = try CheckCommandCore.run(
        history, model: options.model.flatMap(CheckModel.init(name:)), level: level, options: deliveries, log: log,
        budget: budget(options))
    } catch {
      throw HistoryError(file: options.path, error.description)
    }
    if options.explain { report.explain(history) }
    return show(report, options)
  }

  private static func show(_ report: CheckReport, _ options: CheckOptions) -> Int32 {
    if options.json {
      Terminal.write(bytes: report.json + [UInt8(ascii: "\n")])
    } else {
      Terminal.write(report.text(width: Terminal.width ?? 100))
    }
    return report.exitCode
  }

  /// What a search may take.
  private static let memory = 1 << 30

  private static func now() -> Nanoseconds {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Nanoseconds(time.tv_sec) * .second + Nanoseconds(time.tv_nsec)
  }
}
