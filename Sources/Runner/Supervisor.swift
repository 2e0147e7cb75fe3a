// The supervisor: PID 1 of a level's sandbox. Builds the arena, boots the cluster, walks through the phases, executes the
// faults. It dies when the harness does, and everything inside dies with it.

import Arena
import Base
import Drivers
import EventLoop
import Faults
import Foundation
import History
import Scenario
import Workloads

/// The hidden subcommand `supervisor`.
public enum SupervisorProcess {
  static let name = "supervisor"

  static func arguments(run: RunDirectory, level: String, executables: String, abortsOnViolation: Bool) -> [String] {
    [name, run.path, level, executables] + (abortsOnViolation ? [abortWord] : [])
  }

  private static let abortWord = "abort-on-violation"

  /// `arguments` are those after the subcommand's name.
  public static func main(_ arguments: [String]) -> Int32 {
    guard arguments.count == 3 || arguments.count == 4 && arguments[3] == abortWord else {
      say("supervisor: usage: supervisor RUN LEVEL EXECUTABLES [\(abortWord)]")
      return RunFailure.Code.usage.rawValue
    }
    let run = RunDirectory(path: arguments[0])
    do {
      let interior = try SandboxInterior.enter(avoiding: [run.path, arguments[2]])
      let data = try Data(contentsOf: URL(fileURLWithPath: run.plan))
      let plan = try JSONDecoder().decode(Plan.self, from: data)
      let supervisor = try Supervisor(
        plan: plan, level: arguments[1], run: run, executables: arguments[2], interior: interior)
      supervisor.abortsOnViolation = arguments.count == 4
      supervisor.begin()
      supervisor.loop.run()
      return RunFailure.Code.internalError.rawValue
    } catch {
      say("supervisor: \(error)")
      return RunFailure.Code.environment.rawValue
    }
  }

  private static func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}

/// One level, from boot to drain.
final class Supervisor {
  let loop: Loop
  let network: Network
  let cluster: Cluster
  let plan: Plan
  let level: LevelPlan
  let question: LeaderQuestion
  static let clients = "clients"

  private let driver: any Driver
  private let directory: RunDirectory.Level
  private let harness: ControlChannel<SupervisorCommand, SupervisorReport>
  private let events: LineFile
  private let series: LineFile
  private var load: ControlledProcess<LoadReport, LoadCommand>?
  private var watch: ControlledProcess<WatchReport, WatchCommand>?
  private var nemesis: Nemesis?
  var abortsOnViolation = false
  /// Ended on a violation: the phases lead nowhere any more.
  private var isAborted = false
  private var phase = ""
  private var over = false
  /// What the load's next answers mean.
  private var onStopped: (() -> Void)?
  private var onDrained: (() -> Void)?
  private var onFinished: (() -> Void)?
  private var onRecorded: [(key: String, then: () -> Void)] = []

  init(plan: Plan, level name: String, run: RunDirectory, executables: String, interior: SandboxInterior) throws {
    guard let level = plan.levels.first(where: { $0.name == name }), let driver = Brokers.named(plan.cluster.broker)
    else { throw RunFailure(.internalError, "the plan has no level \(name) or no known broker") }
    (self.plan, self.level, self.driver) = (plan, level, driver)
    directory = run.level(name)
    loop = try Loop()
    harness = try ControlChannel(loop: loop, descriptor: interior.controlDescriptor)
    events = try LineFile(path: directory.events)
    series = try LineFile(path: directory.series)
    let endpoints =
      plan.cluster.nodes.map { Network.Endpoint(name: $0.name, address: $0.address) }
      + [.init(name: Self.clients, address: plan.cluster.client)]
    network = try Network(endpoints: endpoints, seed: level.seed, loop: loop)
    cluster = try Cluster(
      plan: plan, level: level, driver: driver, directory: directory, executables: executables, loop: loop,
      network: network, interior: interior)
    question = LeaderQuestion(
      loop: loop, network: network, cluster: cluster, source: driver.roles, queues: level.queues)
    series.write(SeriesFile.header(nodes: plan.cluster.nodes.map(\.name)))
  }

  // MARK: the phases

  func begin() {
    harness.onEnd = { _ in exit(0) }
    harness.onMessage = { command in
      switch command {
      case .stop: exit(0)
      }
    }
    network.onSwitchExit = { [unowned self] status in fail(.internalError, "the switch ended: \(status)") }
    cluster.onEvent = { [unowned self] in emit($0) }
    cluster.onBroken = { [unowned self] in fail(.internalError, $0) }
    enter("boot")
    cluster.boot { [unowned self] problem in
      if let problem { return fail(.environment, "\(problem); its log is in \(directory.path)/nodes") }
      startLoad()
    }
  }

  private func startLoad() {
    do {
      let process = try ControlledProcess<LoadReport, LoadCommand>(
        loop: loop, arguments: ["load"], namespace: network.namespace(of: Self.clients))
      process.channel.onMessage = { [unowned self] in take($0) }
      process.channel.onEnd = { [unowned self] end in
        if !over { fail(.internalError, "the load process is gone: \(end)") }
      }
      process.onExit = { [unowned self] status in
        if !over { fail(.internalError, "the load process ended: \(status)") }
      }
      load = process
      process.channel.send(
        .configure(
          LoadConfiguration(
            plan: plan, level: level.name, port: driver.port, historyPath: directory.history,
            latencyPath: directory.latency, redeliveryTimer: driver.redeliveryTimer)))
    } catch {
      fail(.environment, "cannot start the load process: \(error)")
    }
  }

  /// Reads the history beside the load, so that the recorder has nothing to do with it.
  private func startWatch() {
    do {
      let process = try ControlledProcess<WatchReport, WatchCommand>(loop: loop, arguments: [WatchProcess.name])
      process.channel.onMessage = { [unowned self] report in
        switch report {
        case .violation(let name, let text): abort(name, text)
        case .failed(let text): fail(.internalError, "the watch cannot go on: \(text)")
        }
      }
      process.channel.onEnd = { [unowned self] end in
        if !over { fail(.internalError, "the watch process is gone: \(end)") }
      }
      watch = process
      process.channel.send(
        .follow(history: directory.history, findings: WatchProcess.findings(promised: level.expect)))
    } catch {
      fail(.environment, "cannot start the watch process: \(error)")
    }
  }

  /// Heals everything, closes the history and stops: neither settled nor drained.
  private func abort(_ name: String, _ text: String) {
    if isAborted || over { return }
    isAborted = true
    let isLoading = phase == "warmup" || phase == "load"
    var event = RunEvent(time: Loop.monotonicNow(), kind: .aborted)
    (event.name, event.text) = (name, text)
    emit(event)
    let finish = { [self] in
      onFinished = { [self] in stop() }
      load?.channel.send(.finish)
    }
    // Later all faults are healed already, or are being healed: the stop waits for nobody.
    guard isLoading, let nemesis else { return finish() }
    enter("heal")
    nemesis.healAll(then: finish)
  }

  private func warmUp() {
    if abortsOnViolation { startWatch() }
    let loadAt = Loop.monotonicNow() + plan.phases.warmup
    enter("warmup")
    load?.channel.send(.begin(loadAt: loadAt))
    let nemesis = Nemesis(plan: plan.faults, context: self)
    self.nemesis = nemesis
    nemesis.start(loadAt: loadAt)
    loop.preciseTimer(after: plan.phases.warmup) { [self] in if !isAborted { enter("load") } }
    loop.preciseTimer(after: plan.phases.warmup + plan.phases.load) { [self] in heal() }
  }

  /// Producers go on meanwhile: how long the cluster takes to come back is part of the evidence.
  private func heal() {
    if isAborted { return }
    enter("heal")
    nemesis?.healAll { [self] in
      restartAll(cluster.members.filter { !$0.process.isRunning || !$0.isReady }[...]) { [self] in settle() }
    }
  }

  private func restartAll(_ down: ArraySlice<Cluster.Member>, _ then: @escaping () -> Void) {
    guard let member = down.first else { return then() }
    cluster.start(member) { [self] ready in
      if !ready { return fail(.environment, "\(member.plan.name) did not come back after the faults were healed") }
      restartAll(down.dropFirst(), then)
    }
  }

  private func settle() {
    if isAborted { return }
    enter("settle")
    var waiting = 2
    let next = { [self] in
      waiting -= 1
      if waiting == 0 { drain() }
    }
    onStopped = next
    load?.channel.send(.stopProducing)
    loop.timer(after: plan.phases.settle) { next() }
  }

  private func drain() {
    if isAborted { return }
    enter("drain")
    onDrained = { [self] in
      if isAborted { return }
      onFinished = { [self] in stop() }
      load?.channel.send(.finish)
    }
    load?.channel.send(.drain(bound: plan.phases.drain))
  }

  private func stop() {
    over = true
    enter("stop")
    cluster.stop(within: 3 * .second) { [self] in
      enter("done")
      harness.send(.finished(aborted: isAborted))
      harness.finish()
      exit(0)
    }
  }

  private func enter(_ name: String) {
    phase = name
    var event = RunEvent(time: Loop.monotonicNow(), kind: .phase)
    event.name = name
    emit(event)
  }

  func fail(_ code: RunFailure.Code, _ text: String) {
    if over { return }
    over = true
    harness.send(.failed(code: code.rawValue, text: text))
    harness.finish()
    exit(code.rawValue)
  }

  // MARK: what the load says

  private func take(_ report: LoadReport) {
    switch report {
    case .ready(let hosts):
      cluster.setHosts(hosts)
      warmUp()
    case .sample(let sample): write(sample)
    case .recorded(let fault, let begins):
      let key = Self.key(fault, begins)
      if let index = onRecorded.firstIndex(where: { $0.key == key }) { onRecorded.remove(at: index).then() }
    case .stopped:
      onStopped?()
      onStopped = nil
    case .drained(let left):
      if left != 0 { note("the drain ended with \(left) messages left") }
      onDrained?()
      onDrained = nil
    case .finished:
      over = true
      onFinished?()
      onFinished = nil
    case .failed(let text): fail(.environment, "the load cannot go on: \(text)")
    }
  }

  private func write(_ sample: LoadSample) {
    var row = SeriesRow()
    row.time = sample.time
    row.phase = phase
    (row.offered, row.confirmed, row.delivered) = (sample.offered, sample.confirmed, sample.delivered)
    (row.failed, row.unknown, row.disconnects) = (sample.failed, sample.unknown, sample.disconnects)
    (row.confirmP50, row.confirmP99, row.confirmMax) = (sample.confirmP50, sample.confirmP99, sample.confirmMax)
    (row.endToEndP50, row.endToEndP99, row.endToEndMax) = (sample.endToEndP50, sample.endToEndP99, sample.endToEndMax)
    (row.backlog, row.unacknowledged) = (sample.backlog, sample.unacknowledged)
    row.nodes = cluster.samples()
    series.write(SeriesFile.line(row))
    harness.send(.row(row))
  }

  private func note(_ text: String) {
    var event = RunEvent(time: Loop.monotonicNow(), kind: .note)
    event.text = text
    emit(event)
  }

  private static func key(_ fault: String, _ begins: Bool) -> String { "\(fault) \(begins)" }
}

extension Supervisor: FaultContext {
  var nodeNames: [String] { plan.cluster.nodes.map(\.name) }
  var clientName: String { Self.clients }

  func node(_ name: String) -> NodeProcess? { cluster[name]?.process }
  func disk(_ name: String) -> Disk? { cluster[name]?.disk }

  func resolve(_ target: Target, seed: UInt64, _ then: @escaping ([String], String) -> Void) {
    question.ask(target, seed: seed) { then($0.nodes, $0.how) }
  }

  func restart(_ node: String, _ then: @escaping (Bool) -> Void) {
    guard let member = cluster[node] else { return then(false) }
    cluster.start(member, then: then)
  }

  /// A load that does not answer within its time must not hold up the schedule: the act goes on.
  func record(_ fault: String, begins: Bool, _ then: @escaping () -> Void) {
    var done = false
    let once = {
      if done { return }
      done = true
      then()
    }
    onRecorded.append((Self.key(fault, begins), once))
    load?.channel.send(.fault(fault, begins: begins))
    loop.timer(after: 500 * .millisecond) { once() }
  }

  func emit(_ event: RunEvent) {
    events.write(bytes: RunEvents.line(event))
    harness.send(.event(event))
  }
}
