// What needs no sandbox: which links a shape cuts, how policies compose, the order of the schedule, what a probe shows.

import Base
import Scenario
import Testing

@testable import Arena
@testable import Faults

@Suite struct LinkShapeTests {
  private let nodes = ["n1", "n2", "n3", "n4", "n5"]

  private func cut(
    _ shape: FaultPlan.Shape, _ targets: [String], client: String? = nil, seed: UInt64 = 1
  ) -> [String] {
    LinkShapes.partition(shape, targets: targets, nodes: nodes, client: client, seed: seed).map {
      "\($0.from)>\($0.to)"
    }
  }

  @Test func isolateCutsTheTargetFromTheOthersBothWays() {
    let links = ["n1>n2", "n2>n1", "n2>n3", "n2>n4", "n2>n5", "n3>n2", "n4>n2", "n5>n2"]
    #expect(cut(.isolate, ["n2"]) == links)
    #expect(cut(.isolate, ["n2"], client: "c") == (links + ["c>n2", "n2>c"]).sorted())
    // Each of two targets is alone: 2 × 4 links both ways, of which the pair's own counts once.
    #expect(cut(.isolate, ["n1", "n2"]).count == 14)
    #expect(cut(.isolate, []).isEmpty)
  }

  @Test func oneWayLosesWhatTheTargetSends() {
    #expect(cut(.oneWay, ["n3"]) == ["n3>n1", "n3>n2", "n3>n4", "n3>n5"])
    #expect(cut(.oneWay, ["n3"], client: "c").contains("n3>c") && !cut(.oneWay, ["n3"], client: "c").contains("c>n3"))
  }

  @Test func halvesPutTheTargetInTheSmallerPart() {
    var partners: Set<String> = []
    for seed in UInt64(0)..<40 {
      let part = LinkShapes.smallerPart(targets: ["n4"], nodes: nodes, seed: seed)
      #expect(part.count == 2 && part[0] == "n4")
      partners.insert(part[1])
      #expect(part == LinkShapes.smallerPart(targets: ["n4"], nodes: nodes, seed: seed))
      let links = cut(.halves, ["n4"], seed: seed)
      #expect(links.count == 12 && links.allSatisfy { $0.contains(part[0]) || $0.contains(part[1]) })
      #expect(!links.contains("\(part[0])>\(part[1])"))
    }
    #expect(partners == ["n1", "n2", "n3", "n5"], "every other node is a partner under some seed")
    #expect(LinkShapes.smallerPart(targets: ["n1"], nodes: ["n1", "n2", "n3"], seed: 1) == ["n1"])
    #expect(LinkShapes.smallerPart(targets: ["n1", "n2", "n3"], nodes: nodes, seed: 1) == ["n1", "n2", "n3"])
  }

  @Test func allLinksOfTheTargetGoToNodesAndClients() {
    let links = LinkShapes.all(of: ["n1"], nodes: ["n1", "n2"], client: "c").map { "\($0.from)>\($0.to)" }
    #expect(links == ["c>n1", "n1>c", "n1>n2", "n2>n1"])
  }
}

@Suite struct CompositionTests {
  @Test func policiesAddUpAndGoOneByOne() {
    var standing = StandingPolicies()
    let (a, b) = (DirectedLink(from: "a", to: "b"), DirectedLink(from: "b", to: "a"))
    standing.add(LinkPolicy(delay: 5, jitter: 1, loss: 0.5, rate: 1000), to: [a, b], by: "one")
    standing.add(LinkPolicy(delay: 7, jitter: 2, loss: 0.5, duplicate: 0.1, rate: 500), to: [a], by: "two")
    #expect(standing.policy(of: a) == LinkPolicy(delay: 12, jitter: 3, loss: 0.75, duplicate: 0.1, rate: 500))
    standing.add(LinkPolicy(cut: true), to: [a], by: "three")
    #expect(standing.policy(of: a).cut && !standing.policy(of: b).cut)
    #expect(standing.remove("one") == [a, b])
    #expect(standing.policy(of: b) == LinkPolicy())
    #expect(standing.policy(of: a).delay == 7 && standing.policy(of: a).cut)
    #expect(standing.remove("three") == [a] && standing.remove("three") == [])
    #expect(standing.policy(of: a) == LinkPolicy(delay: 7, jitter: 2, loss: 0.5, duplicate: 0.1, rate: 500))
    #expect(standing.remove("two") == [a] && standing.policy(of: a) == LinkPolicy())
  }
}

@Suite struct ScheduleTests {
  @Test func beginsInTheOrderOfTimesAndThenOfThePlan() {
    let faults = [
      plan(.crash, .all, at: 300, for: 1, id: "c"), plan(.pause, .all, at: 100, for: 1, id: "a"),
      plan(.link, .all, at: 300, for: 1, id: "d"), plan(.partition, .all, at: 200, for: 1, id: "b"),
    ]
    #expect(Nemesis.schedule(faults).map(\.id) == ["a", "b", "c", "d"])
  }

  @Test func saysWhatWasAsked() {
    let stall = plan(.diskStall, .leaderOf("q"), at: 0, for: 2500) { $0.path = "*.wal" }
    #expect(FaultRun.describe(stall) == "disk-stall (write, fsync on *.wal) of leader-of q, for 2.5 s")
    let partition = plan(.partition, .randomFollower, at: 0, for: 3000) { $0.clients = true }
    #expect(FaultRun.describe(partition) == "partition isolate with clients of random-follower, for 3.0 s")
    #expect(FaultRun.describe(plan(.crash, .node("n2"), at: 0, for: 1000)) == "crash of n2, restart after 1.0 s")
    let link = plan(.link, .leader, at: 0, for: 1000) {
      $0.delay = 20_500_000
      $0.loss = 0.05
    }
    #expect(FaultRun.describe(link) == "link (delay 20.5 ms ± 0.0 ms, loss 5.0 %) of leader, for 1.0 s")
  }

  @Test func knowsTheErrorsOfDisks() {
    for kind in FaultPlan.Kind.allCases { _ = kind.fault }
    #expect(DiskErrorFault.number(of: "ENOSPC") == 28 && DiskErrorFault.number(of: "EIO") == 5)
  }
}

@Suite struct LinkEvidenceTests {
  private func judge(
    delay: Nanoseconds = 0, jitter: Nanoseconds = 0, loss: Double = 0, sent: Int, _ delays: [Nanoseconds]
  ) -> Bool {
    let fault = plan(.link, .leader, at: 0, for: 1000) { ($0.delay, $0.jitter, $0.loss) = (delay, jitter, loss) }
    return LinkFault.judge(fault, [ProbeResult(sent: sent, delays: delays)]).inForce
  }

  @Test func needsWhatItAskedFor() {
    #expect(judge(delay: 100, sent: 3, [101, 102, 103]))
    #expect(!judge(delay: 100, sent: 3, [1, 2, 103]))
    #expect(!judge(delay: 100, sent: 3, []))
    #expect(judge(loss: 0.5, sent: 4, [1, 2]) && !judge(loss: 0.5, sent: 4, [1, 2, 3, 4]))
    #expect(judge(loss: 1, sent: 4, []))
    #expect(judge(jitter: 100, sent: 3, [0, 10, 60]) && !judge(jitter: 100, sent: 3, [0, 1, 2]))
    #expect(!judge(delay: 100, loss: 0.5, sent: 3, [101, 102, 103]))
    #expect(!judge(sent: 3, [1, 2, 3]))
  }

  @Test func sendsEnoughProbesToLoseOne() {
    #expect(LinkFault.probes(loss: 0, links: 4) == 10)
    #expect(LinkFault.probes(loss: 0.01, links: 4) == 175)
    #expect(LinkFault.probes(loss: 0.5, links: 4) == 10)
    #expect(LinkFault.probes(loss: 0.0001, links: 1) == 500)
  }
}
