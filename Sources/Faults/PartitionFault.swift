// partition: links between nodes carry nothing. Clients still reach the target, unless the plan cuts them too.

import Arena
import Base
import Scenario

final class PartitionFault: Fault {
  private let plan: FaultPlan
  private let links: [DirectedLink]
  private let nodes: [String]
  private let arena: FaultArena
  private var counters: LinkFigures
  private var healedAt: Nanoseconds = 0
  private var baseline: UInt64 = 0

  init(_ plan: FaultPlan, on nodes: [String], in arena: FaultArena) {
    (self.plan, self.nodes, self.arena) = (plan, nodes, arena)
    let context = arena.context
    links = LinkShapes.partition(
      plan.shape ?? .isolate, targets: nodes, nodes: context.nodeNames,
      client: plan.clients ? context.clientName : nil, seed: plan.seed)
    counters = LinkFigures(links, arena)
  }

  func begin(_ then: @escaping () -> Void) {
    counters = LinkFigures(links, arena)
    arena.links.add(LinkPolicy(cut: true), to: links, by: plan.id)
    arena.apply(links)
    then()
  }

  func probe(_ then: @escaping (FaultProbe) -> Void) {
    if links.isEmpty { return then(FaultProbe(inForce: false, text: "there is no link to cut")) }
    // The other ways must be open, or the silence of the cut ones would prove nothing about them.
    let targets = nodes
    let open = plan.clients ? [] : targets.map { DirectedLink(from: arena.context.clientName, to: $0) }
    // Nothing of a cut link arrives however long one waits; this is far above any delay of a link.
    let timeout = max(20 * .millisecond, min(300 * .millisecond, plan.length / 2))
    arena.probe(links + open, count: 3, timeout: timeout) { [self] results in
      var sent = 0
      var received = 0
      for link in links {
        sent += results[link]?.sent ?? 0
        received += results[link]?.received ?? 0
      }
      let openReached = open.filter { (results[$0]?.received ?? 0) > 0 }.count
      var text = "\(received) of \(sent) probes came through the \(links.count) cut links"
      if !open.isEmpty { text += "; clients reach \(openReached) of \(targets.count) targets" }
      var counts = ["links-cut": Double(links.count), "probes": Double(sent), "probes-through": Double(received)]
      if !open.isEmpty { counts["targets-clients-reach"] = Double(openReached) }
      then(FaultProbe(inForce: received == 0 && sent > 0, counts: counts, text: text))
    }
  }

  func effect() -> FaultEffect {
    let dropped = counters.since { $0.droppedByCut }
    return FaultEffect(
      felt: dropped > 0, counts: ["packets-dropped": Double(dropped)],
      text: dropped > 0 ? "\(dropped) packets of the nodes were dropped" : "the nodes sent nothing over these links")
  }

  func heal(_ then: @escaping (String?) -> Void) {
    baseline = arena.packets(links)
    healedAt = FaultClock.now()
    arena.apply(arena.links.remove(plan.id))
    counters.freeze()
    then(nil)
  }

  func firstTraffic() -> Nanoseconds? { arena.firstPacket(over: links, since: healedAt, baseline: baseline) }
}
