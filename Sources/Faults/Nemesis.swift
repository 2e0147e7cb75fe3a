// Executes the fault schedule: each fault at its time, with intent before the act, evidence while it stands, and healed and
// first traffic as facts of their own. The history hears of a fault before it begins and after it is healed, so that its
// window there is never too narrow.

import Base
import EventLoop
import History
import Scenario

public final class Nemesis {
  /// What the nemesis needs of the rest.
  public struct Surroundings {
    /// The nodes a target means now, and how that is known (with the age of the answer).
    public var resolve: (Target, _ seed: UInt64, @escaping ([String], String) -> Void) -> Void
    /// Records a fault's begin in the history; `done` once it stands there.
    public var recordBegin: (_ id: String, @escaping () -> Void) -> Void
    public var recordEnd: (_ id: String) -> Void
    public var log: (RunEvent) -> Void

    public init(
      resolve: @escaping (Target, UInt64, @escaping ([String], String) -> Void) -> Void,
      recordBegin: @escaping (String, @escaping () -> Void) -> Void, recordEnd: @escaping (String) -> Void,
      log: @escaping (RunEvent) -> Void
    ) {
      self.resolve = resolve
      self.recordBegin = recordBegin
      self.recordEnd = recordEnd
      self.log = log
    }
  }

  private final class Running {
    let plan: FaultPlan
    let fault: any Fault
    var healing = false
    init(plan: FaultPlan, fault: any Fault) {
      self.plan = plan
      self.fault = fault
    }
  }

  /// How often first traffic is looked for after a heal.
  private static let trafficInterval: Nanoseconds = 20 * .millisecond

  private let faults: [FaultPlan]
  private let field: any Field
  private let around: Surroundings
  private var running: [Running] = []
  private var beginning = 0
  private var closed = false
  private var whenQuiet: (() -> Void)?

  public init(faults: [FaultPlan], field: any Field, around: Surroundings) {
    self.faults = faults
    self.field = field
    self.around = around
  }

  /// Arms the whole schedule; `loadBegin` is the instant the plan's times count from.
  public func start(loadBegin: Nanoseconds) {
    for plan in faults {
      let delay = max(0, loadBegin + plan.at - Loop.monotonicNow())
      field.loop.preciseTimer(after: delay) { [weak self] in self?.fire(plan) }
    }
  }

  /// No fault begins any more, and those that stand are healed now; `done` when none stands.
  public func end(done: @escaping () -> Void) {
    closed = true
    whenQuiet = done
    for running in running { heal(running) }
    settleIfQuiet()
  }

  private func fire(_ plan: FaultPlan) {
    guard !closed else {
      return note("\(plan.id) did not begin: its time came after the end of load")
    }
    beginning += 1
    around.resolve(plan.target, plan.seed) { [self] targets, how in
      guard !targets.isEmpty, !closed else {
        beginning -= 1
        var event = RunEvent(time: Loop.monotonicNow(), kind: .faultEvidence)
        event.fault = plan.id
        event.inForce = false
        event.felt = false
        event.text = targets.isEmpty ? "not done: no node is \(plan.target): \(how)" : "not done: the load was over"
        around.log(event)
        return settleIfQuiet()
      }
      var intent = RunEvent(time: Loop.monotonicNow(), kind: .faultIntent)
      intent.fault = plan.id
      intent.name = plan.kind.rawValue
      intent.node = targets.joined(separator: ",")
      intent.text = "\(plan.target) is \(targets.joined(separator: ", ")): \(how)"
      around.log(intent)
      around.recordBegin(plan.id) { [self] in begin(plan, targets) }
    }
  }

  private func begin(_ plan: FaultPlan, _ targets: [String]) {
    let running = Running(plan: plan, fault: makeFault(plan, targets: targets, field: field))
    let before = Loop.monotonicNow()
    running.fault.begin { [self] in
      var event = RunEvent(time: Loop.monotonicNow(), kind: .faultBegan)
      event.fault = plan.id
      event.name = plan.kind.rawValue
      event.node = targets.joined(separator: ",")
      event.before = before
      event.after = event.time
      event.text = plan.summary(at: targets)
      around.log(event)
      self.running.append(running)
      beginning -= 1
      if closed { return heal(running) }
      field.loop.preciseTimer(after: max(0, plan.length - (event.time - before))) { [weak self] in self?.heal(running) }
    }
  }

  private func heal(_ running: Running) {
    guard !running.healing else { return }
    running.healing = true
    let id = running.plan.id
    running.fault.evidence { [self] evidence in
      var event = RunEvent(time: Loop.monotonicNow(), kind: .faultEvidence)
      event.fault = id
      event.inForce = evidence.inForce
      event.felt = evidence.felt
      event.text = evidence.text
      event.counts = evidence.counts.isEmpty ? nil : evidence.counts
      around.log(event)
      let before = Loop.monotonicNow()
      running.fault.heal { [self] in
        var healed = RunEvent(time: Loop.monotonicNow(), kind: .faultHealed)
        healed.fault = id
        healed.before = before
        healed.after = healed.time
        around.log(healed)
        around.recordEnd(id)
        self.running.removeAll { $0 === running }
        watchTraffic(running)
        settleIfQuiet()
      }
    }
  }

  private func watchTraffic(_ healed: Running) {
    field.loop.timer(after: Self.trafficInterval, repeat: 0) { [weak self] in
      guard let self else { return }
      guard healed.fault.trafficAgain() else { return watchTraffic(healed) }
      var event = RunEvent(time: Loop.monotonicNow(), kind: .firstTraffic)
      event.fault = healed.plan.id
      around.log(event)
    }
  }

  private func settleIfQuiet() {
    guard closed, running.isEmpty, beginning == 0, let done = whenQuiet else { return }
    whenQuiet = nil
    done()
  }

  private func note(_ text: String) {
    var event = RunEvent(time: Loop.monotonicNow(), kind: .note)
    event.text = text
    around.log(event)
  }
}

extension FaultPlan {
  /// A line for people: `isolate n1 for 3.0 s`.
  public func summary(at targets: [String]) -> String {
    let whom = targets.joined(separator: ", ")
    let time = "\((length.seconds * 10).rounded() / 10) s"
    switch kind {
    case .crash: return "crash \(whom), restart after \(time)"
    case .pause: return "pause \(whom) for \(time)"
    case .partition: return "\(shape?.rawValue ?? "isolate") \(whom) for \(time)" + (clients ? ", clients too" : "")
    case .link:
      return "links of \(whom): delay \(delay.milliseconds) ms, loss \(loss * 100) % for \(time)"
    case .diskStall: return "stall the disk of \(whom) for \(time)"
    case .diskDelay: return "delay the disk of \(whom) by \(delay.milliseconds) ms for \(time)"
    case .diskError: return "\(error ?? "EIO") from the disk of \(whom) for \(time)"
    }
  }
}
