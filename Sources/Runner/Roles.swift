// Which node is the leader, and whom a target means: resolved when a fault fires, with the age of the answer.

import Base
import Scenario

/// What the nodes said of themselves last. Pure: the supervisor feeds it and asks it.
struct Roles {
  struct Said: Equatable {
    var role: String
    var term: UInt64
    var at: Nanoseconds
  }

  let nodes: [String]
  private(set) var said: [String: Said] = [:]
  /// Classic queues by the node that hosts them, as the clients declared them.
  var hosts: [String: String] = [:]

  init(nodes: [String]) { self.nodes = nodes }

  /// Takes a line such as `role=leader term=7`; true where it changed what was known.
  mutating func status(_ text: String, of node: String, at now: Nanoseconds) -> Bool {
    var role: String?
    var term: UInt64?
    for word in text.split(separator: " ") {
      let parts = word.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { continue }
      if parts[0] == "role" { role = String(parts[1]) }
      if parts[0] == "term" { term = UInt64(parts[1]) }
    }
    guard let role, let term else { return false }
    let new = Said(role: role, term: term, at: now)
    defer { said[node] = new }
    return said[node]?.role != role || said[node]?.term != term
  }

  mutating func gone(_ node: String) { said[node] = nil }

  /// The leader by the highest term; a single node leads itself.
  func leader() -> (node: String, term: UInt64, at: Nanoseconds)? {
    var best: (node: String, term: UInt64, at: Nanoseconds)?
    for node in nodes {
      guard let said = said[node], said.role == "leader" else { continue }
      if said.term > best?.term ?? 0 || best == nil { best = (node, said.term, said.at) }
    }
    return best
  }

  /// The nodes a target means, where no leader is in question.
  static func pick(_ target: Target, from nodes: [String], leader: String?, seed: UInt64) -> [String] {
    var generator = SeededGenerator(seed: seed, label: "target")
    switch target {
    case .node(let name): return nodes.contains(name) ? [name] : []
    case .random: return nodes.isEmpty ? [] : [nodes[generator.below(nodes.count)]]
    case .randomFollower:
      let followers = nodes.filter { $0 != leader }
      return followers.isEmpty ? [] : [followers[generator.below(followers.count)]]
    case .majority:
      let chosen = nodes.shuffled(using: &generator).prefix(nodes.count / 2 + 1)
      return nodes.filter { chosen.contains($0) }
    case .all: return nodes
    case .leader, .leaderOf: return leader.map { [$0] } ?? []
    }
  }
}

extension Target {
  /// Whether resolving it needs the leader.
  var needsLeader: Bool {
    switch self {
    case .leader, .leaderOf, .randomFollower: true
    case .node, .random, .majority, .all: false
    }
  }
}
