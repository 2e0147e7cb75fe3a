// Faults that cannot do what they say: no such node, outside of the load phase, in each other's way.

import Base

extension Rules {
  mutating func faults() {
    let items = file["faults"]?.items ?? []
    let pairs = Array(zip(items, scenario.faults))
    for (item, fault) in pairs where !item.isInvalid {
      target(fault, item)
      phase(fault, item)
      effect(fault, item)
    }
    for (j, (item, fault)) in pairs.enumerated() where hasTimes(item, fault) {
      for (_, other) in pairs[..<j].filter({ hasTimes($0.0, $0.1) }) {
        guard fault.at < other.at + other.length, other.at < fault.at + fault.length else { continue }
        guard let why = conflict(fault, other) else { continue }
        note(
          item["at"]?.mark ?? item.mark,
          "\(fault.id) stands from \(fault.at.text) to \((fault.at + fault.length).text) and \(other.id) from "
            + "\(other.at.text) to \((other.at + other.length).text)", expected: "no overlap: \(why)")
      }
    }
  }

  private func hasTimes(_ item: Value, _ fault: FaultPlan) -> Bool {
    item["at"]?.isInvalid == false && item["target"]?.isInvalid == false && fault.length > 0
  }

  private mutating func target(_ fault: FaultPlan, _ item: Value) {
    guard let target = item["target"], !target.isInvalid else { return }
    let nodes = file["cluster"]?["nodes"]?.isInvalid == false ? scenario.nodes : nil
    switch fault.target {
    case .node(let name):
      if let nodes { reference(name, at: target.mark, "node", of: (1...nodes).map { "n\($0)" }) }
    case .leaderOf(let queue):
      if file["topology"]?["queues"]?.isInvalid == true { return }
      let mark = target["leader-of"]?.mark ?? target.mark
      if !queue.isEmpty { reference(queue, at: mark, "queue", of: scenario.queues.map(\.name)) }
    case .randomFollower:
      if nodes == 1 { note(target.mark, "a follower with one node", expected: "another target, or more nodes") }
    case .majority, .all:
      if fault.shape == .halves {
        note(target.mark, "halves with \(fault.target) in the smaller half", expected: "a single node as target")
      }
    case .leader, .random: break
    }
    if fault.kind == .partition, nodes == 1, !fault.clients {
      note(
        item["kind"]?.mark ?? item.mark, "a partition with one node", expected: "two nodes or more, or clients: true")
    }
  }

  private mutating func phase(_ fault: FaultPlan, _ item: Value) {
    guard let at = item["at"], !at.isInvalid, file["phases"]?["load"]?.isInvalid == false else { return }
    let load = scenario.phases.load
    if fault.at >= load {
      note(at.mark, "\(fault.id) begins at \(fault.at.text)", expected: within)
    } else if fault.length > 0, fault.at + fault.length > load {
      let mark = (item["for"] ?? item["restart-after"] ?? item).mark
      note(mark, "\(fault.id) ends at \((fault.at + fault.length).text)", expected: within)
    }
  }

  private mutating func effect(_ fault: FaultPlan, _ item: Value) {
    guard fault.kind == .link, fault.delay == 0, fault.jitter == 0, fault.loss == 0 else { return }
    if ["delay", "jitter", "loss"].contains(where: { item[$0]?.isInvalid == true }) { return }
    note(item.mark, "\(fault.id) changes nothing", expected: "a delay, jitter or loss above 0")
  }

  /// Why two faults must not stand at the same time; nil: they may.
  private func conflict(_ a: FaultPlan, _ b: FaultPlan) -> String? {
    let mayMeet = a.target == b.target || [a.target, b.target].contains { $0 == .all || $0 == .majority }
    if !mayMeet { return nil }
    if a.kind == .crash || b.kind == .crash { return "a node that is down cannot be hit" }
    return a.kind == b.kind ? "of the same fault twice on a node, neither can be proved alone" : nil
  }
}
