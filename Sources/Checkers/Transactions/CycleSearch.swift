// The shortest cycle of each kind in each strongly connected component of a graph of dependencies.

import Base

/// Cycles of a graph, by the anomaly that they are.
///
/// Every class of cycles has a kind of edge that it must contain. From each such edge inside a component, a search in
/// breadth for the way back gives the shortest cycle through it; the shortest of these is told. A ladder of an order costs
/// one step, however far one goes along it. A variant that needs the order of processes or of time is looked for only in
/// components that hold no cycle of the same class without it.
struct CycleSearch {
  struct Cycle: Equatable {
    var name: TransactionFindingName
    /// From transaction to transaction, round. The first is an edge of the kind that the class is about.
    var steps: [DependencyGraph.Edge]
  }

  private enum Family: CaseIterable {
    case g0, g1c, gSingle, g2

    var names: [TransactionFindingName] {
      switch self {
      case .g0: [.g0, .g0Process, .g0Realtime]
      case .g1c: [.g1c, .g1cProcess, .g1cRealtime]
      case .gSingle: [.gSingle, .gSingleProcess, .gSingleRealtime]
      case .g2: [.g2, .g2Process, .g2Realtime]
      }
    }
    var seed: DependencyKind {
      switch self {
      case .g0: .writeWrite
      case .g1c: .writeRead
      case .gSingle, .g2: .readWrite
      }
    }
    var kinds: Set<DependencyKind> {
      switch self {
      case .g0: [.writeWrite]
      case .g1c: [.writeWrite, .writeRead]
      case .gSingle, .g2: [.writeWrite, .writeRead, .readWrite]
      }
    }
    /// Families whose cycles make it needless to look for one of this.
    var covering: [Family] { self == .g2 ? [.gSingle, .g2] : [self] }
  }

  let graph: DependencyGraph
  /// Whether the order of writes counts in cycles that are not of writes alone.
  let usesWriteOrder: Bool
  let limit: Int
  private(set) var cycles: [Cycle] = []
  private(set) var exhausted = 0
  /// The nodes of each cycle found, by family.
  private var found: [Family: [[Int32]]] = [:]

  init(_ graph: DependencyGraph, usesWriteOrder: Bool, limit: Int) {
    (self.graph, self.usesWriteOrder, self.limit) = (graph, usesWriteOrder, limit)
  }

  mutating func run(process: Bool, realtime: Bool) {
    let variants: [(index: Int, extra: DependencyKind?)] =
      [(0, nil)] + (process ? [(1, .process)] : []) + (realtime ? [(2, .realtime)] : [])
    for variant in variants {
      for family in Family.allCases { search(family, family.names[variant.index], variant.extra) }
    }
  }

  private mutating func search(_ family: Family, _ name: TransactionFindingName, _ extra: DependencyKind?) {
    guard graph.edges.contains(where: { $0.kind == family.seed }) else { return }
    var kinds = family.kinds
    if family != .g0, !usesWriteOrder { kinds.remove(.writeWrite) }
    if let extra { kinds.insert(extra) }
    let rows = graph.rows(kinds)
    let (components, of) = rows.components()
    if components.isEmpty { return }
    var isCovered = [Bool](repeating: false, count: components.count)
    for other in family.covering {
      for nodes in found[other, default: []] {
        let component = of[Int(nodes[0])]
        if component >= 0, nodes.allSatisfy({ of[Int($0)] == component }) { isCovered[Int(component)] = true }
      }
    }
    if family == .gSingle { kinds.remove(.readWrite) }
    let isAllowed = DependencyKind.allCases.map(kinds.contains)
    var walk = Walk(rows, of, isAllowed, transactions: graph.transactions)
    for (number, members) in components.enumerated() where !isCovered[number] {
      let best = walk.shortest(in: members, seed: family.seed, limit: limit)
      if best.isExhausted { exhausted += 1 }
      guard let steps = best.steps else { continue }
      // Only where the search for one with a single anti-dependency was given up.
      let isSingle = family == .g2 && steps.count { $0.kind == .readWrite } == 1
      let actual = isSingle ? Family.gSingle.names[family.names.firstIndex(of: name) ?? 0] : name
      cycles.append(Cycle(name: actual, steps: steps))
      found[isSingle ? .gSingle : family, default: []].append(steps.map(\.from))
    }
  }
}

/// The search in breadth, whose tables serve many searches.
private struct Walk {
  let rows: DependencyGraph.Rows
  let component: [Int32]
  let isAllowed: [Bool]
  let transactions: Int
  private var stamp: [Int32]
  private var distance: [Int32]
  /// The row entry by which a node was reached, and from where.
  private var via: [(edge: Int32, from: Int32)]
  private var now: Int32 = 0

  init(_ rows: DependencyGraph.Rows, _ component: [Int32], _ isAllowed: [Bool], transactions: Int) {
    (self.rows, self.component, self.isAllowed, self.transactions) = (rows, component, isAllowed, transactions)
    stamp = [Int32](repeating: 0, count: rows.nodes)
    distance = stamp
    via = Array(repeating: (-1, -1), count: rows.nodes)
  }

  mutating func shortest(
    in members: [Int32], seed: DependencyKind, limit: Int
  ) -> (steps: [DependencyGraph.Edge]?, isExhausted: Bool) {
    var (best, length, budget): ([DependencyGraph.Edge]?, Int32, Int) = (nil, .max, limit)
    for from in members {
      for at in rows.row(from) where rows.kinds[at] == seed {
        let to = rows.targets[at]
        guard component[Int(to)] == component[Int(from)] else { continue }
        // A cycle has two steps at least.
        if length == 2 { return (best, false) }
        if budget < 0 { return (best, true) }
        guard let back = distance(from: to, to: from, below: length - 1, &budget) else { continue }
        length = back + 1
        best = steps(from, at)
      }
    }
    return (best, false)
  }

  /// Steps from one transaction to another inside their component; nil where there are not fewer than `bound`.
  private mutating func distance(from start: Int32, to end: Int32, below bound: Int32, _ budget: inout Int) -> Int32? {
    now += 1
    (stamp[Int(start)], distance[Int(start)]) = (now, 0)
    var (current, next, level): ([Int32], [Int32], Int32) = ([start], [], 0)
    while !current.isEmpty, level < bound {
      // What costs nothing is put behind what is looked at now.
      var at = 0
      while at < current.count {
        let node = current[at]
        at += 1
        if distance[Int(node)] != level { continue }
        if node == end { return level }
        budget -= rows.row(node).count
        for entry in rows.row(node) where isAllowed[Int(rows.kinds[entry].rawValue)] {
          let target = rows.targets[entry]
          guard component[Int(target)] == component[Int(node)] else { continue }
          let cost: Int32 = node < transactions ? 1 : 0
          if stamp[Int(target)] == now, distance[Int(target)] <= level + cost { continue }
          (stamp[Int(target)], distance[Int(target)]) = (now, level + cost)
          via[Int(target)] = (Int32(truncatingIfNeeded: entry), node)
          if cost == 0 { current.append(target) } else { next.append(target) }
        }
      }
      (current, next) = (next, [])
      level += 1
    }
    return nil
  }

  /// The edge that the search began with, and the way back that it found; ladders as single steps.
  private func steps(_ from: Int32, _ first: Int) -> [DependencyGraph.Edge] {
    let start = rows.targets[first]
    var back: [DependencyGraph.Edge] = []
    var (node, target) = (from, from)
    while node != start {
      let (entry, before) = via[Int(node)]
      if before < transactions {
        back.append(
          DependencyGraph.Edge(
            from: before, to: target, kind: rows.kinds[Int(entry)], value: rows.values[Int(entry)]))
        target = before
      }
      node = before
    }
    let edge = DependencyGraph.Edge(from: from, to: start, kind: rows.kinds[first], value: rows.values[first])
    return [edge] + back.reversed()
  }
}
