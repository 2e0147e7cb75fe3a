// Roles: the highest term wins, a target resolves by its seed alone.

import Base
import Scenario
import Testing

@testable import Runner

@Suite struct RolesTests {
  private func expect(_ roles: inout Roles, _ text: String, of node: String, at: Nanoseconds, news: Bool) {
    let changed = roles.status(text, of: node, at: at)
    #expect(changed == news)
  }

  @Test func highestTermWins() {
    var roles = Roles(nodes: ["n1", "n2", "n3"])
    #expect(roles.leader() == nil)
    expect(&roles, "role=leader term=1", of: "n1", at: 10, news: true)
    expect(&roles, "role=leader term=1", of: "n1", at: 11, news: false)
    expect(&roles, "role=follower term=1", of: "n2", at: 12, news: true)
    #expect(roles.leader()?.node == "n1")
    // n1 is cut off and does not know yet that n3 leads.
    expect(&roles, "role=leader term=2", of: "n3", at: 20, news: true)
    #expect(roles.leader()?.node == "n3")
    #expect(roles.leader()?.at == 20)
    roles.gone("n3")
    #expect(roles.leader()?.node == "n1")
  }

  @Test func noiseIsNoRole() {
    var roles = Roles(nodes: ["n1"])
    for text in ["", "role", "role=leader", "term=3", "role=leader term=x", "booting"] {
      expect(&roles, text, of: "n1", at: 1, news: false)
    }
    #expect(roles.leader() == nil)
  }

  @Test func targetsResolve() {
    let nodes = ["n1", "n2", "n3"]
    #expect(Roles.pick(.node("n2"), from: nodes, leader: nil, seed: 1) == ["n2"])
    #expect(Roles.pick(.node("n9"), from: nodes, leader: nil, seed: 1) == [])
    #expect(Roles.pick(.leader, from: nodes, leader: "n3", seed: 1) == ["n3"])
    #expect(Roles.pick(.leader, from: nodes, leader: nil, seed: 1) == [])
    #expect(Roles.pick(.all, from: nodes, leader: nil, seed: 1) == nodes)
    #expect(Roles.pick(.majority, from: nodes, leader: nil, seed: 1).count == 2)
    for seed in 0..<50 as Range<UInt64> {
      let follower = Roles.pick(.randomFollower, from: nodes, leader: "n1", seed: seed)
      #expect(follower.count == 1 && follower != ["n1"])
      #expect(follower == Roles.pick(.randomFollower, from: nodes, leader: "n1", seed: seed))
    }
    let chosen = Set((0..<50).map { Roles.pick(.random, from: nodes, leader: nil, seed: UInt64($0)) })
    #expect(chosen.count == 3)
  }
}
