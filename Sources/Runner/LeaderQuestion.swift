// Whom a target means at this moment: from what the nodes said of themselves, or by asking the broker's own interface
// from inside a node's network, where no cut can hide the answer.

import Arena
import Base
import Drivers
import EventLoop
import Scenario

/// Answers `FaultContext.resolve`. Belongs to the supervisor's loop.
final class LeaderQuestion {
  struct Answer {
    var nodes: [String]
    /// `q is led by n2, term 3, said 0.2 s ago`
    var how: String
  }

  private let loop: Loop
  private let network: Network
  private let cluster: Cluster
  private let source: RoleSource
  private let queues: [QueuePlan]
  private var asking: [ObjectIdentifier: TCPConnection] = [:]

  init(loop: Loop, network: Network, cluster: Cluster, source: RoleSource, queues: [QueuePlan]) {
    (self.loop, self.network, self.cluster) = (loop, network, cluster)
    (self.source, self.queues) = (source, queues)
  }

  func ask(_ target: Target, seed: UInt64, _ then: @escaping (Answer) -> Void) {
    let nodes = cluster.members.filter(\.process.isRunning).map(\.plan.name)
    let all = cluster.members.map(\.plan.name)
    guard target.needsLeader else {
      let picked = Roles.pick(target, from: all, leader: nil, seed: seed)
      return then(Answer(nodes: picked, how: "by name or by seed"))
    }
    leader(of: target) { leader, how in
      let picked = Roles.pick(target, from: nodes, leader: leader, seed: seed)
      then(Answer(nodes: leader == nil ? [] : picked, how: how))
    }
  }

  private func leader(of target: Target, _ then: @escaping (String?, String) -> Void) {
    let queue = if case .leaderOf(let name) = target { name } else { queues.first?.name ?? "" }
    let isClassic = queues.first { $0.name == queue }?.type == .classic
    switch source {
    case .notifyStatus:
      // `leader` alone is the cluster's; a classic queue has its host.
      if isClassic, case .leaderOf = target {
        let host = cluster.roles.hosts[queue]
        return then(host, host.map { "\(queue) is hosted by \($0), where it was declared" } ?? "nobody hosts \(queue)")
      }
      guard let leader = cluster.roles.leader() else { return then(nil, "no node says that it leads") }
      let age = (Loop.monotonicNow() - leader.at).seconds
      then(leader.node, "\(leader.node) leads, term \(leader.term), said \(Self.rounded(age)) s ago")
    case .management(let port):
      let begin = Loop.monotonicNow()
      let candidates = cluster.members.filter { $0.process.isRunning && $0.isReady }
      askManagement(candidates[...], port: port, queue: queue) { node, asked in
        let age = (Loop.monotonicNow() - begin).seconds
        guard let node, let asked else { return then(nil, "no node's management interface knows who leads \(queue)") }
        then(node, "\(queue) is led by \(node), as \(asked) said within \(Self.rounded(age)) s")
      }
    }
  }

  /// One node after the other, until one answers.
  private func askManagement(
    _ candidates: ArraySlice<Cluster.Member>, port: UInt16, queue: String,
    _ then: @escaping (_ node: String?, _ asked: String?) -> Void
  ) {
    guard let member = candidates.first else { return then(nil, nil) }
    let name = member.plan.name
    let next = { [self] in askManagement(candidates.dropFirst(), port: port, queue: queue, then) }
    guard let socket = try? network.makeSocket(in: name) else { return next() }
    let connection = TCPConnection.connect(
      loop, address: member.plan.address, port: port, timeout: .second, descriptor: socket)
    let key = ObjectIdentifier(connection)
    asking[key] = connection
    var response: [UInt8] = []
    let limit = loop.timer(after: 1500 * .millisecond) { connection.abort() }
    connection.onOpen = { connection.write(Array(Management.request(queue: queue).utf8)) }
    connection.onInput = { bytes in
      response.append(contentsOf: bytes)
      return bytes.count
    }
    connection.onClose = { [self] _ in
      limit.cancel()
      asking[key] = nil
      if let leader = Management.leader(inResponse: response) { then(leader, name) } else { next() }
    }
  }

  private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
