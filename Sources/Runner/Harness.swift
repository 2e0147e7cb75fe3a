// The outside of a run: makes the run directory, runs one sandbox a level, shows progress. Owns no node.

import Arena
import Base
import Drivers
import EventLoop
import Foundation
import History
import Scenario

/// A run of all levels of a plan, up to the recorded histories; checking and reporting come after it.
public struct Run {
  public var plan: Plan
  /// The scenario's own text, kept beside the plan.
  public var scenario: String
  public var directory: RunDirectory
  /// The command that runs the same again, for the report.
  public var command: String
  /// End the run at the first violation that is certain before its end.
  public var abortsOnViolation = false
  /// Keep the nodes' data directories.
  public var keepsData = false

  public init(plan: Plan, scenario: String, directory: RunDirectory, command: String) {
    self.plan = plan
    self.scenario = scenario
    self.directory = directory
    self.command = command
  }

  /// Where a run goes that was given no directory: `reports/TIME-NAME` below the current directory.
  public static func defaultDirectory(name: String) -> RunDirectory {
    let time = Circumstances.iso8601(Circumstances.now(CLOCK_REALTIME)).filter { $0 != ":" && $0 != "-" }
    let safe = name.map { $0.isLetter || $0.isNumber || "-_.".contains($0) ? $0 : "-" }
    return RunDirectory(path: "\(FileManager.default.currentDirectoryPath)/reports/\(time)-\(String(safe))")
  }

  /// Runs every level; call it from the main thread, which must live as long as the run.
  /// - Throws: `RunFailure` with the exit code of the command line. What was recorded until then stays.
  public func execute() throws(RunFailure) {
    guard let driver = Brokers.named(plan.cluster.broker) else {
      throw RunFailure(.usage, "unknown broker \(plan.cluster.broker), expected one of \(Self.brokerNames)")
    }
    let manifest: Manifest
    do {
      try prepare()
      manifest = try Circumstances.manifest(of: plan, driver: driver, directory: directory.path, command: command)
      try manifest.write(to: directory.manifest)
    } catch let error as RunFailure {
      throw error
    } catch {
      throw RunFailure(.environment, "\(error)")
    }
    var progress = Progress()
    defer { progress.end() }
    for (index, level) in plan.levels.enumerated() {
      progress.level(level.name, index: index + 1, of: plan.levels.count, now: Loop.monotonicNow())
      let run = LevelRun(directory: directory, level: level.name, abortsOnViolation: abortsOnViolation)
      defer { if !keepsData { removeData(of: level.name) } }
      try run.execute(&progress)
      if run.isAborted { return }
    }
  }

  private static var brokerNames: String { Brokers.all.map(\.name).joined(separator: ", ") }

  /// The directory must be new or empty: a run never writes over another.
  private func prepare() throws {
    let files = FileManager.default
    if let there = try? files.contentsOfDirectory(atPath: directory.path), !there.isEmpty {
      throw RunFailure(.usage, "\(directory.path) is not empty, expected a new directory for the run")
    }
    for level in plan.levels {
      for node in plan.cluster.nodes {
        let path = directory.level(level.name).node(node.name).path
        try files.createDirectory(atPath: path, withIntermediateDirectories: true)
      }
    }
    try Data(scenario.utf8).write(to: URL(fileURLWithPath: directory.scenario))
    try Data(plan.json.utf8).write(to: URL(fileURLWithPath: directory.plan))
    linkLatest()
  }

  /// `reports/latest`, where the run lies in a folder of that name.
  private func linkLatest() {
    let parent = (directory.path as NSString).deletingLastPathComponent
    guard (parent as NSString).lastPathComponent == "reports" else { return }
    let link = parent + "/latest"
    unlink(link)
    symlink((directory.path as NSString).lastPathComponent, link)
  }

  /// Logs and configuration stay; stored messages, homes and mount points go.
  private func removeData(of level: String) {
    for node in plan.cluster.nodes {
      let place = directory.level(level).node(node.name)
      for name in (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? [] {
        let path = place.path + "/" + name
        if name.contains("log") || path == place.config { continue }
        try? FileManager.default.removeItem(atPath: path)
      }
    }
  }
}

/// One level: its sandbox, and what its supervisor says.
private final class LevelRun {
  private let directory: RunDirectory
  private let level: String
  private let abortsOnViolation: Bool
  private var failure: RunFailure?
  private var finished = false
  private(set) var isAborted = false

  init(directory: RunDirectory, level: String, abortsOnViolation: Bool) {
    self.directory = directory
    self.level = level
    self.abortsOnViolation = abortsOnViolation
  }

  func execute(_ progress: inout Progress) throws(RunFailure) {
    let log = directory.level(level).log
    let errors = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard errors >= 0 else { throw RunFailure(.environment, "cannot write \(log)") }
    defer { close(errors) }
    var shown = progress
    do {
      let sandbox = try Sandbox(
        arguments: SupervisorProcess.arguments(
          run: directory, level: level, executables: Self.executables, abortsOnViolation: abortsOnViolation),
        environment: SpawnRequest.inheritedEnvironment, standardError: errors)
      defer { sandbox.kill() }
      let loop = try Loop()
      let channel = try ControlChannel<SupervisorReport, SupervisorCommand>(
        loop: loop, descriptor: sandbox.controlDescriptor)
      channel.onMessage = { [unowned self] report in
        switch report {
        case .event(let event): shown.event(event)
        case .row(let row): shown.row(row)
        case .finished(let aborted): (finished, isAborted) = (true, aborted)
        case .failed(let code, let text):
          failure = RunFailure(RunFailure.Code(rawValue: code) ?? .internalError, text)
        }
      }
      channel.onEnd = { [unowned self] end in
        if !finished && failure == nil { failure = RunFailure(.internalError, "the supervisor is gone (\(end))") }
        loop.stop()
      }
      let signals = [SIGINT, SIGTERM].map { number in
        loop.onSignal(number) { [unowned self] in
          failure = RunFailure(.interrupted, "interrupted")
          loop.stop()
        }
      }
      loop.run()
      for signal in signals { signal.cancel() }
      channel.close()
    } catch {
      failure = RunFailure(.environment, "\(error)")
    }
    progress = shown
    if var failure {
      if failure.code != .interrupted, let last = lastLine(of: log) { failure.description += "\n  \(last)" }
      throw failure
    }
  }

  private func lastLine(of path: String) -> String? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    return text.split(separator: "\n").last.map(String.init)
  }

  private static var executables: String { (SpawnRequest.ownExecutable as NSString).deletingLastPathComponent }
}
