// Cycles of a small history by their definitions: every order as a whole relation, every simple cycle looked at.

import Base
import History

@testable import Checkers

/// Shares nothing with `TransactionChecker` but the meaning of the history.
struct NaiveDependencies {
  /// A cycle's name, the transactions that can all reach each other, and the length of the shortest such cycle there.
  struct Found: Hashable {
    var name: TransactionFindingName
    var component: Set<Int>
    var length: Int
  }

  private let history: TransactionHistory
  private var edges: [DependencyKind: Set<[Int]>] = [:]
  private var committed: Set<Int> = []

  init(_ history: TransactionHistory) {
    self.history = history
    let sends = accesses { $0.isSend }
    let polls = accesses { !$0.isSend }
    // Every value has one sender here.
    func sender(_ access: TransactionHistory.Access) -> Int? {
      sends.first { $0.access.key == access.key && $0.access.value == access.value }?.transaction
    }
    for (t, transaction) in history.transactions.enumerated() where transaction.outcome != .fail {
      let isSeen = polls.contains { $0.transaction != t && sender($0.access) == t }
      if transaction.outcome == .ok || isSeen { committed.insert(t) }
    }
    for key in history.keys.indices {
      // Known places of committed values, in order of offsets.
      let places = (sends.filter { committed.contains($0.transaction) } + polls)
        .filter { Int($0.access.key) == key && $0.access.offset >= 0 }
        .compactMap { item in sender(item.access).map { (offset: item.access.offset, writer: $0) } }
        .filter { committed.contains($0.writer) }
      let order = Dictionary(places, uniquingKeysWith: { a, _ in a }).sorted { $0.key < $1.key }
      for (a, b) in zip(order, order.dropFirst()) { add(.writeWrite, a.value, b.value) }
      for t in committed {
        let last = polls.filter { $0.transaction == t && Int($0.access.key) == key }.map(\.access.offset).max()
        if let last, let next = order.first(where: { $0.key > last }) { add(.readWrite, t, next.value) }
      }
    }
    for poll in polls where committed.contains(poll.transaction) {
      if let writer = sender(poll.access), committed.contains(writer) { add(.writeRead, writer, poll.transaction) }
    }
    for a in committed where history.transactions[a].outcome == .ok {
      for b in committed where a != b {
        let (x, y) = (history.transactions[a], history.transactions[b])
        if x.process == y.process, a < b { add(.process, a, b) }
        if x.end < y.begin { add(.realtime, a, b) }
      }
    }
  }

  private func accesses(
    _ isWanted: (TransactionHistory.Access) -> Bool
  ) -> [(transaction: Int, access: TransactionHistory.Access)] {
    history.transactions.indices.flatMap { t in
      history.accesses[history.transactions[t].accesses].filter(isWanted).map { (t, $0) }
    }
  }

  private mutating func add(_ kind: DependencyKind, _ a: Int, _ b: Int) {
    if a != b { edges[kind, default: []].insert([a, b]) }
  }

  /// - Parameter usesWriteOrder: In all cycles; else only in those of writes alone.
  func cycles(usesWriteOrder: Bool) -> Set<Found> {
    let order: Set<DependencyKind> = usesWriteOrder ? [.writeWrite] : []
    let families: [(names: [TransactionFindingName], kinds: Set<DependencyKind>)] = [
      ([.g0, .g0Process, .g0Realtime], [.writeWrite]),
      ([.g1c, .g1cProcess, .g1cRealtime], order.union([.writeRead])),
      ([.gSingle, .gSingleProcess, .gSingleRealtime], order.union([.writeRead, .readWrite])),
      ([.g2, .g2Process, .g2Realtime], order.union([.writeRead, .readWrite])),
    ]
    var found: [(family: Int, cycle: Found, nodes: Set<Int>)] = []
    for (variant, extra) in [nil, DependencyKind.process, .realtime].enumerated() {
      for (f, family) in families.enumerated() {
        let kinds = family.kinds.union(extra.map { [$0] } ?? [])
        let all = simpleCycles(kinds).filter { cycle in
          let anti = cycle.kinds.count { $0 == .readWrite }
          switch f {
          case 0: return cycle.kinds.contains(.writeWrite)
          case 1: return cycle.kinds.contains(.writeRead)
          case 2: return anti == 1
          default: return anti > 0
          }
        }
        for component in components(kinds) {
          let isCovered = found.contains {
            ($0.family == f || f == 3 && $0.family == 2) && $0.nodes.isSubset(of: component)
          }
          let inside = all.filter { component.isSuperset(of: $0.nodes) }
          guard !isCovered, let shortest = inside.min(by: { $0.nodes.count < $1.nodes.count }) else { continue }
          let cycle = Found(name: family.names[variant], component: component, length: shortest.nodes.count)
          found.append((f, cycle, Set(shortest.nodes)))
        }
      }
    }
    return Set(found.map(\.cycle))
  }

  /// Those of two nodes or more that can all reach each other.
  private func components(_ kinds: Set<DependencyKind>) -> Set<Set<Int>> {
    func reach(_ start: Int) -> Set<Int> {
      var (seen, open): (Set<Int>, [Int]) = ([], [start])
      while let node = open.popLast() {
        for edge in kinds.flatMap({ edges[$0] ?? [] }) where edge[0] == node && seen.insert(edge[1]).inserted {
          open.append(edge[1])
        }
      }
      return seen
    }
    let reached = history.transactions.indices.map(reach)
    return Set(
      reached.indices.filter { reached[$0].contains($0) }.map { a in
        Set(reached.indices.filter { reached[a].contains($0) && reached[$0].contains(a) })
      })
  }

  /// Each with one choice of kinds for its edges; the least node comes first.
  private func simpleCycles(_ kinds: Set<DependencyKind>) -> [(nodes: [Int], kinds: [DependencyKind])] {
    var cycles: [(nodes: [Int], kinds: [DependencyKind])] = []
    let list = DependencyKind.allCases.filter(kinds.contains).flatMap { kind in
      (edges[kind] ?? []).map { (from: $0[0], to: $0[1], kind: kind) }
    }
    func go(_ nodes: [Int], _ path: [DependencyKind]) {
      for edge in list where edge.from == nodes[nodes.count - 1] {
        if edge.to == nodes[0] {
          cycles.append((nodes, path + [edge.kind]))
        } else if edge.to > nodes[0], !nodes.contains(edge.to) {
          go(nodes + [edge.to], path + [edge.kind])
        }
      }
    }
    for start in history.transactions.indices { go([start], []) }
    return cycles
  }
}
