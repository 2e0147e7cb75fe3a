// pause: every process of a node stands still (SIGSTOP), its sockets stay open and its kernel still acknowledges.

import Arena
import Base
import Scenario

final class PauseFault: Fault {
  private let plan: FaultPlan
  private let nodes: [String]
  private let arena: FaultArena
  private var pauses: [(name: String, pause: NodePause?)] = []
  private var packetsBefore: UInt64 = 0
  /// Packets that arrived at the nodes while they stood still; nil until the heal.
  private var packetsTotal: UInt64?
  private var healedAt: Nanoseconds = 0
  private var baseline: UInt64 = 0

  init(_ plan: FaultPlan, on nodes: [String], in arena: FaultArena) {
    (self.plan, self.nodes, self.arena) = (plan, nodes, arena)
  }

  func begin(_ then: @escaping () -> Void) {
    let arena = arena
    FaultArena.each(nodes) { name, done in
      // A node that another fault paused stands already, and is stopped once more to be asked how many stand.
      _ = arena.addPause(of: name, by: plan.id)
      guard let node = arena.context.node(name), node.isRunning else {
        pauses.append((name, nil))
        return done()
      }
      // It does not answer when it ends before.
      arena.within(.second, { node.pause(completion: $0) }) { [self] pause in
        pauses.append((name, pause))
        done()
      }
    } then: { [self] in
      packetsBefore = arena.packets(arena.links(to: nodes))
      then()
    }
  }

  func probe(_ then: @escaping (FaultProbe) -> Void) {
    let standing = pauses.filter { ($0.pause?.stopped ?? 0) > 0 }.map(\.name).sorted()
    let missing = nodes.filter { !standing.contains($0) }
    let stopped = pauses.reduce(0) { $0 + ($1.pause?.stopped ?? 0) }
    let running = pauses.reduce(0) { $0 + ($1.pause?.running ?? 0) }
    var text = standing.isEmpty ? "nothing stands still" : "\(stopped) processes of \(list(standing)) stand still"
    if running > 0 { text += ", \(running) will when their wait for a disk ends" }
    if !missing.isEmpty { text += "; \(list(missing)) did not run" }
    then(
      FaultProbe(
        inForce: !standing.isEmpty && missing.isEmpty,
        counts: ["processes-stopped": Double(stopped), "processes-running": Double(running)], text: text))
  }

  func effect() -> FaultEffect {
    let packets = packetsTotal ?? (arena.packets(arena.links(to: nodes)) &- packetsBefore)
    let stood = pauses.contains { ($0.pause?.stopped ?? 0) > 0 }
    return FaultEffect(
      felt: stood && packets > 0, counts: ["packets-to-it": Double(packets)],
      text: packets > 0 ? "\(packets) packets were sent to it meanwhile" : "nobody sent it anything meanwhile")
  }

  func heal(_ then: @escaping (String?) -> Void) {
    let arena = arena
    packetsTotal = arena.packets(arena.links(to: nodes)) &- packetsBefore
    baseline = arena.packets(arena.links(from: nodes))
    healedAt = FaultClock.now()
    var failed: [String] = []
    FaultArena.each(nodes) { name, done in
      let last = arena.removePause(of: name, by: plan.id)
      guard last, let node = arena.context.node(name), node.isRunning else { return done() }
      arena.inTime(.second, { node.resume(completion: $0) }) { resumed in
        if !resumed { failed.append(name) }
        done()
      }
    } then: {
      then(failed.isEmpty ? nil : "\(list(failed.sorted())) did not say that it goes on")
    }
  }

  func firstTraffic() -> Nanoseconds? {
    arena.firstPacket(over: arena.links(from: nodes), since: healedAt, baseline: baseline)
  }
}
