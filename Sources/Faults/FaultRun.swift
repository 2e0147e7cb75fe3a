// The life of one fault of the schedule: resolve, intent, record, act, evidence, heal, first traffic. It goes on whatever
// its node does, and tells each step as an event.

import Base
import EventLoop
import History
import Scenario

final class FaultRun {
  enum Stage: Equatable {
    case waiting
    /// From the question whom it hits until the act is done.
    case beginning
    case standing
    case healing
    case over
  }

  let plan: FaultPlan
  private(set) var stage = Stage.waiting
  private let arena: FaultArena
  private var fault: (any Fault)?
  private var nodes: [String] = []
  private var probe: FaultProbe?
  private var healTimer: PreciseTimer?
  private var trafficTimer: LoopTimer?
  /// Called when it is over; first traffic may still come.
  private var onOver: [() -> Void] = []
  private var mustHeal = false
  /// The figures at the heal, until the probe has answered too.
  private var finalEffect: FaultEffect?
  private var saidEvidence = false

  private static let answerLimit = 2 * Nanoseconds.second
  private static let trafficQuestion = 2 * Nanoseconds.millisecond
  private static let trafficLimit = 120 * Nanoseconds.second

  init(_ plan: FaultPlan, _ arena: FaultArena) { (self.plan, self.arena) = (plan, arena) }

  /// The moment of the plan.
  func begin() {
    guard stage == .waiting else { return }
    stage = .beginning
    let (context, plan) = (arena.context, plan)
    typealias Answer = (nodes: [String], how: String)
    arena.within(
      Self.answerLimit,
      { (done: @escaping (Answer) -> Void) in context.resolve(plan.target, seed: plan.seed) { done(($0, $1)) } },
      then: { [self] answer in
        let (nodes, how) = answer ?? ([], "nobody said in time who that is")
        self.nodes = nodes
        var intent = event(.faultIntent)
        intent.text = "\(Self.describe(plan)): \(how)"
        context.emit(intent)
        if nodes.isEmpty {
          say(FaultProbe(inForce: false, text: "nobody to hit: \(how)"), FaultEffect(felt: false, text: ""))
          return finish()
        }
        if mustHeal { return callOff() }
        record(begins: true) { [self] in
          if !mustHeal { return act() }
          record(begins: false) { [self] in callOff() }
        }
      })
  }

  private func act() {
    let fault = plan.kind.fault.init(plan, on: nodes, in: arena)
    self.fault = fault
    let before = FaultClock.now()
    fault.begin { [self] in
      emit(.faultBegan, before, FaultClock.now(), "\(Self.describe(plan)): \(list(nodes))")
      stage = .standing
      healTimer = arena.loop.preciseTimer(after: before + plan.length - FaultClock.now()) { [weak self] in
        self?.heal()
      }
      fault.probe { [self] result in probed(result) }
      if mustHeal { heal() }
    }
  }

  private func callOff() {
    say(FaultProbe(inForce: false, text: "not begun: the load ended before"), FaultEffect(felt: false, text: ""))
    finish()
  }

  private func probed(_ result: FaultProbe) {
    probe = result
    sayEvidence()
  }

  /// At the end of its time, or of the load: takes it back as soon as it stands, and calls `then` when it is over.
  func heal(then: (() -> Void)? = nil) {
    if let then {
      if stage == .over { return then() }
      onOver.append(then)
    }
    switch stage {
    case .waiting:
      // Its time never came.
      var intent = event(.faultIntent)
      intent.text = Self.describe(plan)
      arena.context.emit(intent)
      callOff()
    case .beginning: mustHeal = true
    case .standing:
      guard let fault else { return finish() }
      stage = .healing
      healTimer?.cancel()
      // A restart may take long, and changes nothing of what was felt.
      if !fault.figuresComeWithHeal { takeFigures(fault) }
      let before = FaultClock.now()
      fault.heal { [self] trouble in
        if fault.figuresComeWithHeal { takeFigures(fault) }
        emit(.faultHealed, before, FaultClock.now(), trouble)
        record(begins: false) { [self] in finish() }
        watchTraffic(fault)
      }
    case .healing, .over: break
    }
  }

  private func takeFigures(_ fault: any Fault) {
    finalEffect = fault.effect()
    sayEvidence()
  }

  /// No more events, whatever comes.
  func stop() {
    healTimer?.cancel()
    trafficTimer?.cancel()
    onOver = []
    stage = .over
  }

  private func finish() {
    stage = .over
    let bodies = onOver
    onOver = []
    for body in bodies { body() }
  }

  private func record(begins: Bool, _ then: @escaping () -> Void) {
    let (context, id) = (arena.context, plan.id)
    arena.inTime(
      Self.answerLimit, { context.record(id, begins: begins, $0) },
      then: { [self] answered in
        if !answered {
          var note = event(.note)
          note.text = "the \(begins ? "begin" : "heal") of \(id) could not be recorded in the history"
          context.emit(note)
        }
        then()
      })
  }

  private func watchTraffic(_ fault: any Fault) {
    let limit = FaultClock.now() + Self.trafficLimit
    trafficTimer = arena.loop.timer(after: Self.trafficQuestion, repeat: Self.trafficQuestion) { [weak self] in
      guard let self else { return }
      if let time = fault.firstTraffic() {
        var first = event(.firstTraffic)
        first.time = time
        arena.context.emit(first)
      } else if FaultClock.now() < limit {
        return
      }
      trafficTimer?.cancel()
      trafficTimer = nil
    }
  }

  // MARK: what is said

  /// When both are known: what the probe showed, and the figures at the heal.
  private func sayEvidence() {
    guard let probe, let finalEffect, !saidEvidence else { return }
    saidEvidence = true
    say(probe, finalEffect)
  }

  private func say(_ probe: FaultProbe, _ effect: FaultEffect) {
    var evidence = event(.faultEvidence)
    evidence.inForce = probe.inForce
    evidence.felt = effect.felt
    evidence.counts = probe.counts.merging(effect.counts) { $1 }
    evidence.text = [probe.text, effect.text].filter { !$0.isEmpty }.joined(separator: "; ")
    arena.context.emit(evidence)
  }

  private func emit(_ kind: RunEvent.Kind, _ before: Nanoseconds, _ after: Nanoseconds, _ text: String?) {
    var event = event(kind)
    (event.before, event.after, event.text) = (before, after, text)
    arena.context.emit(event)
  }

  private func event(_ kind: RunEvent.Kind) -> RunEvent {
    var event = RunEvent(time: FaultClock.now(), kind: kind)
    event.fault = plan.id
    event.node = nodes.isEmpty ? nil : nodes.joined(separator: ",")
    return event
  }

  /// What was asked: `partition isolate of leader-of q for 3 s`.
  static func describe(_ plan: FaultPlan) -> String {
    let target =
      switch plan.target {
      case .node(let name): name
      case .leader: "leader"
      case .leaderOf(let queue): "leader-of \(queue)"
      case .random: "random"
      case .randomFollower: "random-follower"
      case .majority: "majority"
      case .all: "all"
      }
    let details: String
    switch plan.kind {
    case .crash, .pause: details = ""
    case .partition: details = " \((plan.shape ?? .isolate).rawValue)\(plan.clients ? " with clients" : "")"
    case .link:
      details = " (delay \(milliseconds(plan.delay)) ± \(milliseconds(plan.jitter)), loss \(plan.loss * 100) %)"
    case .diskStall, .diskDelay, .diskError:
      let operations = plan.operations.isEmpty ? "write, fsync" : plan.operations.joined(separator: ", ")
      let what =
        plan.kind == .diskDelay
        ? " by \(milliseconds(plan.delay))" : plan.kind == .diskError ? " with \(plan.error ?? "EIO")" : ""
      details = "\(what) (\(operations) on \(plan.path))"
    }
    let length = plan.kind == .crash ? "restart after" : "for"
    return "\(plan.kind.rawValue)\(details) of \(target), \(length) \(Double(plan.length / 1_000_000) / 1000) s"
  }
}
