// link: delay, jitter and loss on every link of the target, both ways, to nodes and clients.

import Arena
import Base
import Scenario

final class LinkFault: Fault {
  private let plan: FaultPlan
  private let links: [DirectedLink]
  private let arena: FaultArena
  private var counters: LinkFigures
  private var healedAt: Nanoseconds = 0
  private var baseline: UInt64 = 0

  init(_ plan: FaultPlan, on nodes: [String], in arena: FaultArena) {
    (self.plan, self.arena) = (plan, arena)
    links = LinkShapes.all(of: nodes, nodes: arena.context.nodeNames, client: arena.context.clientName)
    counters = LinkFigures(links, arena)
  }

  func begin(_ then: @escaping () -> Void) {
    counters = LinkFigures(links, arena)
    arena.links.add(
      LinkPolicy(delay: plan.delay, jitter: plan.jitter, loss: plan.loss), to: links, by: plan.id)
    arena.apply(links)
    then()
  }

  func probe(_ then: @escaping (FaultProbe) -> Void) {
    // A link that another fault cuts shows nothing of this one.
    let open = links.filter { !arena.links.policy(of: $0).cut }
    if open.isEmpty { return then(FaultProbe(inForce: false, text: "another fault cuts every link of it")) }
    let count = Self.probes(loss: plan.loss, links: open.count)
    let combined = open.map { arena.links.policy(of: $0) }.max { $0.delay + $0.jitter < $1.delay + $1.jitter }
    let timeout = (combined.map { $0.delay + $0.jitter } ?? 0) + 300 * .millisecond
    arena.probe(open, count: count, timeout: timeout) { [self] results in
      then(Self.judge(plan, open.compactMap { results[$0] }))
    }
  }

  /// As many probes on each link that a loss of this share takes one of all of them with a probability of 99.9 %.
  static func probes(loss: Double, links: Int) -> Int {
    if loss <= 0 { return 10 }
    return max(10, min(500, Int((7 / loss / Double(max(1, links))).rounded(.up))))
  }

  static func judge(_ plan: FaultPlan, _ results: [ProbeResult]) -> FaultProbe {
    let sent = results.reduce(0) { $0 + $1.sent }
    let delays = results.flatMap(\.delays).sorted()
    let lost = sent - delays.count
    var counts = ["probes": Double(sent), "probes-lost": Double(lost)]
    var shown = sent > 0 && (plan.delay > 0 || plan.jitter > 0 || plan.loss > 0)
    var text = "\(lost) of \(sent) probes lost"
    if let first = delays.first, let last = delays.last {
      let median = delays[delays.count / 2]
      counts["probe-delay-ms"] = median.milliseconds
      text += ", delay \(milliseconds(median)) (\(milliseconds(first)) to \(milliseconds(last)))"
      // The delay of a packet is uniform in delay ± jitter, and its order stays: later ones only wait longer.
      if plan.delay > 0 && median < plan.delay - plan.jitter / 2 { shown = false }
      if plan.delay == 0 && plan.jitter > 0 && last - first < plan.jitter / 4 { shown = false }
    } else {
      if plan.loss < 1 { shown = false }
    }
    if plan.loss > 0 && lost == 0 { shown = false }
    return FaultProbe(inForce: shown, counts: counts, text: text)
  }

  func effect() -> FaultEffect {
    let delayed = counters.since { $0.delayed }
    let lost = counters.since { $0.droppedByLoss }
    return FaultEffect(
      felt: delayed + lost > 0, counts: ["packets-delayed": Double(delayed), "packets-lost": Double(lost)],
      text: delayed + lost > 0 ? "\(delayed) packets delayed, \(lost) lost" : "no packet went over these links")
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
