// crash: SIGKILL of every process of a node at once; its end of life is a restart on the same disk and address.

import Arena
import Base
import Glibc
import Scenario

final class CrashFault: Fault {
  private let plan: FaultPlan
  private let nodes: [String]
  private let arena: FaultArena
  /// Nodes that ran and were killed, with the pid of their init.
  private var killed: [(name: String, pid: pid_t)] = []
  private var began: Nanoseconds = 0
  private var readyAt: Nanoseconds?
  private var baseline: UInt64 = 0

  init(_ plan: FaultPlan, on nodes: [String], in arena: FaultArena) {
    (self.plan, self.nodes, self.arena) = (plan, nodes, arena)
  }

  func begin(_ then: @escaping () -> Void) {
    began = FaultClock.now()
    for name in nodes {
      guard let node = arena.context.node(name), let pid = node.initPid else { continue }
      // A main process that was not there yet could not have been felt by anybody.
      let served = node.pid != nil
      if node.crash() && served { killed.append((name, pid)) }
    }
    then()
  }

  func probe(_ then: @escaping (FaultProbe) -> Void) {
    if killed.isEmpty {
      return then(FaultProbe(inForce: false, text: "no process to kill: \(list(nodes)) did not run"))
    }
    let arena = arena
    arena.inTime(
      5 * .second, { waitForEnds($0) },
      then: { [self] ended in
        let time = FaultClock.now() - began
        let left = killed.filter { !isGone($0.name, $0.pid) }.map(\.name)
        let text = left.isEmpty ? "the pids of \(list(killed.map(\.name))) are gone" : "\(list(left)) did not end"
        then(
          FaultProbe(
            inForce: ended && left.isEmpty,
            counts: ["processes-killed": Double(killed.count - left.count), "gone-after-ms": time.milliseconds],
            text: text))
      })
  }

  private func waitForEnds(_ done: @escaping () -> Void) {
    if killed.allSatisfy({ isGone($0.name, $0.pid) }) { return done() }
    arena.loop.timer(after: .millisecond) { [weak self] in self?.waitForEnds(done) }
  }

  /// A pid may be somebody else's by now: then the node's own is another one.
  private func isGone(_ name: String, _ pid: pid_t) -> Bool {
    arena.context.node(name)?.initPid != pid || kill(pid, 0) != 0
  }

  func effect() -> FaultEffect {
    FaultEffect(
      felt: !killed.isEmpty,
      text: killed.isEmpty ? "nothing ran" : "\(list(killed.map(\.name))) ran and was killed")
  }

  func heal(_ then: @escaping (String?) -> Void) {
    var failed: [String] = []
    let arena = arena
    // Also a node that another fault, or the broker itself, had ended: nobody else would start it before the load ends.
    let down = nodes.filter { arena.context.node($0)?.isRunning == false }
    FaultArena.each(down) { name, done in
      arena.within(FaultArena.restartLimit, { arena.context.restart(name, $0) }) { ready in
        if ready != true { failed.append(name) }
        done()
      }
    } then: { [self] in
      readyAt = failed.count == down.count && !down.isEmpty ? nil : FaultClock.now()
      baseline = arena.packets(arena.links(from: nodes))
      then(failed.isEmpty ? nil : "\(list(failed.sorted())) did not become ready again")
    }
  }

  func firstTraffic() -> Nanoseconds? {
    guard let readyAt else { return nil }
    return arena.firstPacket(over: arena.links(from: nodes), since: readyAt, baseline: baseline)
  }
}
