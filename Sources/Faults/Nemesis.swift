// The nemesis: does the faults of the plan at their times, and at the end of the load takes everything back.

import Arena
import Base
import EventLoop
import History
import Scenario

/// Executes a schedule of faults. Belongs to the supervisor's loop thread.
///
/// Each fault emits, in this order: `fault-intent` (what was asked, whom it means and how that is known), then, where
/// there is somebody to hit, `fault-began` with the interval of the act, and at the heal `fault-evidence` (what our probe
/// showed, and the final figures of what was felt), `fault-healed`, and `first-traffic` when something came through. Only
/// a probe that takes longer than the fault stood lets the evidence come after the heal.
public final class Nemesis {
  private let arena: FaultArena
  /// In the order of their times; what has the same time keeps the plan's order.
  private let runs: [FaultRun]
  private var next = 0
  private var timer: PreciseTimer?
  private var isEnding = false

  public init(plan faults: [FaultPlan], context: any FaultContext) {
    arena = FaultArena(context)
    let arena = arena
    runs = Self.schedule(faults).map { FaultRun($0, arena) }
  }

  /// Faults in the order in which they begin.
  static func schedule(_ faults: [FaultPlan]) -> [FaultPlan] {
    faults.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
  }

  /// Ids of the faults that have begun and are not yet healed.
  public var standing: [String] {
    runs.filter { $0.stage != .waiting && $0.stage != .over }.map(\.plan.id)
  }

  /// Lets every fault begin at `loadAt` plus its own time (CLOCK_MONOTONIC).
  public func start(loadAt: Nanoseconds) {
    timer = nil
    while next < runs.count, !isEnding {
      let wait = loadAt + runs[next].plan.at - FaultClock.now()
      if wait > 0 {
        timer = arena.loop.preciseTimer(after: wait) { [weak self] in self?.start(loadAt: loadAt) }
        return
      }
      next += 1
      runs[next - 1].begin()
    }
  }

  /// Heals every fault that stands, calls off those that have not begun, then starts every node that is down. Bounded:
  /// `then` comes also when a node does not (after a minute).
  public func healAll(then: @escaping () -> Void) {
    isEnding = true
    timer?.cancel()
    let arena = arena
    FaultArena.each(runs) { run, done in
      run.heal(then: done)
    } then: {
      let context = arena.context
      let down = context.nodeNames.filter { context.node($0)?.isRunning == false }
      FaultArena.each(down) { name, done in
        arena.within(FaultArena.restartLimit, { context.restart(name, $0) }) { ready in
          var note = RunEvent(time: FaultClock.now(), kind: .note)
          note.node = name
          note.text =
            ready == true ? "was down at the end of load and was started" : "was down and did not become ready"
          context.emit(note)
          done()
        }
      } then: {
        then()
      }
    }
  }

  /// Ends all timers; nothing is healed or emitted any more.
  public func stop() {
    isEnding = true
    timer?.cancel()
    for run in runs { run.stop() }
  }
}
