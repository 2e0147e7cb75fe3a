// Which directed links a partition cuts, and which a link fault touches. Pure.

import Arena
import Base
import Scenario

/// One direction between two endpoints of the network, by their names.
struct DirectedLink: Hashable, Comparable {
  var from: String
  var to: String

  static func < (a: Self, b: Self) -> Bool { (a.from, a.to) < (b.from, b.to) }
}

enum LinkShapes {
  /// The links that a partition cuts, in their order by name.
  /// - Parameters:
  ///   - targets: with several, `isolate` and `one-way` cut each of them from all other nodes.
  ///   - client: also cut from the targets (in `halves`: from the smaller part).
  ///   - seed: who else is in the smaller part.
  static func partition(
    _ shape: FaultPlan.Shape, targets: [String], nodes: [String], client: String?, seed: UInt64
  ) -> [DirectedLink] {
    var links: Set<DirectedLink> = []
    func cut(_ a: String, _ b: String, bothWays: Bool = true) {
      if a == b { return }
      links.insert(DirectedLink(from: a, to: b))
      if bothWays { links.insert(DirectedLink(from: b, to: a)) }
    }
    let clients = client.map { [$0] } ?? []
    switch shape {
    case .isolate: for target in targets { for other in nodes + clients { cut(target, other) } }
    case .oneWay: for target in targets { for other in nodes + clients { cut(target, other, bothWays: false) } }
    case .halves:
      let part = smallerPart(targets: targets, nodes: nodes, seed: seed)
      for member in part { for other in nodes.filter({ !part.contains($0) }) + clients { cut(member, other) } }
    }
    return links.sorted()
  }

  /// Half of the nodes, rounded down, with the targets among them; more than that only where the targets are more.
  static func smallerPart(targets: [String], nodes: [String], seed: UInt64) -> [String] {
    var part = nodes.filter { targets.contains($0) }
    var others = nodes.filter { !targets.contains($0) }
    var generator = SeededGenerator(seed: seed, label: "halves")
    while part.count < nodes.count / 2 && !others.isEmpty {
      part.append(others.remove(at: generator.below(others.count)))
    }
    return part
  }

  /// Every link of the targets, both ways, to nodes and clients.
  static func all(of targets: [String], nodes: [String], client: String) -> [DirectedLink] {
    partition(.isolate, targets: targets, nodes: nodes, client: client, seed: 0)
  }
}

/// The policies that stand, link by link, each with the fault that put it there.
struct StandingPolicies {
  private var standing: [DirectedLink: [(fault: String, policy: LinkPolicy)]] = [:]

  mutating func add(_ policy: LinkPolicy, to links: [DirectedLink], by fault: String) {
    for link in links { standing[link, default: []].append((fault, policy)) }
  }

  /// Takes what a fault put there away; the links that it was on, in order.
  mutating func remove(_ fault: String) -> [DirectedLink] {
    let links = standing.keys.filter { link in standing[link]?.contains { $0.fault == fault } ?? false }.sorted()
    for link in links {
      standing[link]?.removeAll { $0.fault == fault }
      if standing[link]?.isEmpty == true { standing[link] = nil }
    }
    return links
  }

  /// All of a link's policies as one.
  func policy(of link: DirectedLink) -> LinkPolicy {
    Self.combine((standing[link] ?? []).map(\.policy))
  }

  /// Delays add up, chances are independent, the narrowest rate counts, and one cut is enough.
  static func combine(_ policies: [LinkPolicy]) -> LinkPolicy {
    var all = LinkPolicy()
    for policy in policies {
      all.cut = all.cut || policy.cut
      all.delay += policy.delay
      all.jitter += policy.jitter
      all.loss += policy.loss - all.loss * policy.loss
      all.duplicate += policy.duplicate - all.duplicate * policy.duplicate
      if policy.rate > 0 { all.rate = all.rate == 0 ? policy.rate : min(all.rate, policy.rate) }
    }
    return all
  }
}
