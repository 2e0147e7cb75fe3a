// Which transaction comes before which, and why: a graph in rows, and its strongly connected components.

import Base

/// Edges by their source. Some nodes are no transactions but rungs of a ladder, which stand for an order that is
/// transitive: from a transaction one gets onto the ladder, along it, and down to every transaction that comes later.
struct DependencyGraph {
  struct Edge: Equatable {
    var from: Int32
    var to: Int32
    var kind: DependencyKind
    /// What shows it: the number of a value, for who explains the edge; −1: none.
    var value: Int32 = -1
  }

  /// Nodes below it are transactions.
  let transactions: Int
  private(set) var nodes: Int
  private(set) var edges: [Edge] = []

  init(transactions: Int) { (self.transactions, nodes) = (transactions, transactions) }

  mutating func add(_ from: Int32, _ to: Int32, _ kind: DependencyKind, value: Int32 = -1) {
    if from == to { return }
    // A poll of many messages of one writer shows one edge.
    if let last = edges.last, last.from == from, last.to == to, last.kind == kind { return }
    edges.append(Edge(from: from, to: to, kind: kind, value: value))
  }

  /// A node of its own for a ladder.
  mutating func rung() -> Int32 {
    nodes += 1
    return Int32(truncatingIfNeeded: nodes - 1)
  }

  /// The edges of these kinds as rows.
  func rows(_ kinds: Set<DependencyKind>) -> Rows {
    let isIn = DependencyKind.allCases.map(kinds.contains)
    return Rows(nodes: nodes, edges.filter { isIn[Int($0.kind.rawValue)] })
  }

  struct Rows {
    let starts: [Int32]
    let targets: [Int32]
    let kinds: [DependencyKind]
    let values: [Int32]

    var nodes: Int { starts.count - 1 }
    func row(_ node: Int32) -> Range<Int> { Int(starts[Int(node)])..<Int(starts[Int(node) + 1]) }

    init(nodes: Int, _ edges: [Edge]) {
      var starts = [Int32](repeating: 0, count: nodes + 1)
      for edge in edges { starts[Int(edge.from) + 1] += 1 }
      for node in 0..<nodes { starts[node + 1] += starts[node] }
      var next = starts
      var targets = [Int32](repeating: 0, count: edges.count)
      var kinds = [DependencyKind](repeating: .writeWrite, count: edges.count)
      var values = targets
      for edge in edges {
        let at = Int(next[Int(edge.from)])
        next[Int(edge.from)] += 1
        (targets[at], kinds[at], values[at]) = (edge.to, edge.kind, edge.value)
      }
      (self.starts, self.targets, self.kinds, self.values) = (starts, targets, kinds, values)
    }

    /// The components of more than one node, and by node its component or −1. Tarjan ("Depth-first search and linear graph
    /// algorithms", 1972), with a stack of its own instead of recursion.
    func components() -> (list: [[Int32]], of: [Int32]) {
      var order = [Int32](repeating: -1, count: nodes)
      var low = order
      var component = order
      var isOpen = [Bool](repeating: false, count: nodes)
      var (open, path): ([Int32], [(node: Int32, next: Int)]) = ([], [])
      var (list, counter): ([[Int32]], Int32) = ([], 0)
      func enter(_ node: Int32) {
        (order[Int(node)], low[Int(node)]) = (counter, counter)
        counter += 1
        open.append(node)
        isOpen[Int(node)] = true
        path.append((node, Int(starts[Int(node)])))
      }
      for root in 0..<Int32(truncatingIfNeeded: nodes) where order[Int(root)] < 0 {
        enter(root)
        while let (node, next) = path.last {
          if next < Int(starts[Int(node) + 1]) {
            path[path.count - 1].next += 1
            let target = targets[next]
            if order[Int(target)] < 0 {
              enter(target)
            } else if isOpen[Int(target)] {
              low[Int(node)] = min(low[Int(node)], order[Int(target)])
            }
            continue
          }
          path.removeLast()
          if let parent = path.last?.node { low[Int(parent)] = min(low[Int(parent)], low[Int(node)]) }
          guard low[Int(node)] == order[Int(node)] else { continue }
          let start = open.lastIndex(of: node) ?? open.startIndex
          let members = Array(open[start...])
          open.removeSubrange(start...)
          for member in members { isOpen[Int(member)] = false }
          guard members.count > 1 else { continue }
          for member in members { component[Int(member)] = Int32(truncatingIfNeeded: list.count) }
          list.append(members.sorted())
        }
      }
      return (list, component)
    }
  }
}
