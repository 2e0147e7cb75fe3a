// Each fault against three small nodes in a sandbox: in force and felt, healed, first traffic; and what cannot be felt.

import Base
import History
import Testing

@testable import Scenario

@Suite(.serialized) struct NemesisTests {
  /// Intent, act, evidence, heal, first traffic, in force and felt; nothing stands at the end.
  private func checkLife(_ result: BenchResult, _ fault: FaultPlan, node: String = "n1") {
    let id = fault.id
    let kinds = result.kinds(id).filter { $0 != .firstTraffic }
    let wanted: [RunEvent.Kind] = [.faultIntent, .faultBegan, .faultEvidence, .faultHealed]
    #expect(kinds == wanted, "\(id): \(result.lines)")
    #expect(result.events.filter { $0.fault == id }.allSatisfy { $0.node == node })
    let evidence = result.evidence(id)
    #expect(evidence?.inForce == true, "\(id): \(evidence?.text ?? "")")
    #expect(evidence?.felt == true, "\(id): \(evidence?.text ?? "")")
    let (began, healed) = (result.first(id, .faultBegan), result.first(id, .faultHealed))
    #expect((began?.before ?? 0) >= result.loadAt + fault.at)
    #expect((began?.after ?? 0) >= (began?.before ?? .max))
    #expect((healed?.before ?? 0) - (began?.before ?? 0) >= fault.length)
    #expect(healed?.text == nil, "\(healed?.text ?? "")")
    #expect(result.of(id, .firstTraffic).count == 1, "\(id): no traffic after it")
    #expect((result.first(id, .firstTraffic)?.time ?? 0) >= (healed?.before ?? .max))
    #expect(result.has("record \(id) true") && result.has("record \(id) false"))
  }

  private func checkEnd(_ result: BenchResult) {
    for line in ["healed", "running n1 n2 n3", "moving n1 n2 n3", "open true", "waiting 0", "standing ", "done"] {
      #expect(result.has(line), "\(line) in \(result.lines)")
    }
  }

  @Test func everyFaultIsInForceFeltAndHealed() throws {
    let faults = [
      plan(.partition, .node("n1"), at: 0, for: 500) { $0.shape = .isolate },
      plan(.link, .node("n1"), at: 700, for: 500) {
        $0.delay = 20 * .millisecond
        $0.jitter = 5 * .millisecond
        $0.loss = 0.2
      },
      plan(.diskStall, .node("n1"), at: 1400, for: 600),
      plan(.diskDelay, .node("n1"), at: 2200, for: 700) { $0.delay = 30 * .millisecond },
      plan(.diskError, .node("n1"), at: 3100, for: 500) {
        $0.path = "lo*"
        $0.error = "ENOSPC"
        $0.operations = ["write"]
      },
      plan(.pause, .node("n1"), at: 3800, for: 400),
      plan(.crash, .node("n1"), at: 4400, for: 300),
    ]
    let result = try Bench.run(faults, load: 6500)
    for fault in faults { checkLife(result, fault) }
    checkEnd(result)
    let counts = { (id: String) in result.evidence(id)?.counts ?? [:] }
    // Two nodes, both ways; the clients still reach the target.
    #expect(counts("partition#1")["links-cut"] == 4 && counts("partition#1")["targets-clients-reach"] == 1)
    #expect((counts("partition#1")["packets-dropped"] ?? 0) > 10)
    #expect((counts("link#1")["probe-delay-ms"] ?? 0) >= 15 && (counts("link#1")["packets-lost"] ?? 0) > 0)
    #expect((counts("disk-stall#1")["longest-wait-ms"] ?? 0) >= 500 && counts("disk-stall#1")["requests-stalled"] == 1)
    #expect(
      (counts("disk-delay#1")["longest-wait-ms"] ?? 0) >= 30 && (counts("disk-delay#1")["requests-delayed"] ?? 0) > 2)
    #expect((counts("disk-error#1")["requests-failed"] ?? 0) > 2)
    #expect(result.evidence("disk-error#1")?.text?.contains("No space left on device") == true)
    #expect((counts("pause#1")["packets-to-it"] ?? 0) > 5)
    #expect(counts("crash#1")["processes-killed"] == 1 && result.has("exit n1 killed"))
  }

  @Test func whatNobodyFeelsIsSaidSo() throws {
    let faults = [
      plan(.partition, .node("n1"), at: 0, for: 300),
      plan(.diskStall, .node("n1"), at: 0, for: 300),
      plan(.pause, .node("n1"), at: 500, for: 200),
      plan(.diskError, .node("n2"), at: 0, for: 300, id: "no-such-file") { $0.path = "none/*" },
      plan(.diskDelay, .node("n2"), at: 400, for: 300, id: "no-such-operation") {
        $0.operations = ["symlink"]
        $0.delay = 10 * .millisecond
      },
    ]
    let result = try Bench.run(faults, load: 1000, idle: ["n1"])
    for id in ["partition#1", "disk-stall#1", "pause#1", "no-such-file"] {
      #expect(result.evidence(id)?.inForce == true, "\(id): \(result.evidence(id)?.text ?? "")")
    }
    for fault in faults { #expect(result.evidence(fault.id)?.felt == false, "\(fault.id): \(result.lines)") }
    // The probe makes no symbolic link, so nothing shows that this rule is in force.
    #expect(result.evidence("no-such-operation")?.inForce == false)
    checkEnd(result)
  }

  @Test func faultsOnOneNodeCompose() throws {
    let faults = [
      plan(.partition, .node("n1"), at: 0, for: 400, id: "short"),
      plan(.partition, .node("n1"), at: 100, for: 900, id: "long"),
      plan(.diskStall, .node("n2"), at: 0, for: 300, id: "first"),
      plan(.diskStall, .node("n2"), at: 100, for: 800, id: "second"),
      plan(.pause, .node("n3"), at: 0, for: 300, id: "brief"),
      plan(.pause, .node("n3"), at: 100, for: 700, id: "lengthy"),
    ]
    let result = try Bench.run(faults, load: 1500)
    checkEnd(result)
    for fault in faults { #expect(result.evidence(fault.id)?.inForce == true, "\(fault.id)") }
    // Nothing comes through before the last of two has gone.
    for (early, late) in [("short", "long"), ("first", "second"), ("brief", "lengthy")] {
      let traffic = try #require(result.first(early, .firstTraffic), "\(early): \(result.lines)")
      let healed = try #require(result.first(late, .faultHealed))
      if early == "brief" {
        // A paused node's kernel still acknowledges and refuses; its processes send nothing.
        continue
      }
      #expect(traffic.time >= healed.before ?? .max, "\(early)")
    }
  }

  @Test func theScheduleGoesOnWhateverItsNodesDo() throws {
    let faults = [
      plan(.diskStall, .leader, at: 0, for: 200, id: "nobody"),
      plan(.crash, .random, at: 0, for: 200, id: "silence"),
      plan(.crash, .node("n9"), at: 50, for: 200, id: "stranger"),
      plan(.diskStall, .node("n9"), at: 50, for: 200, id: "strange-disk"),
      plan(.pause, .node("n1"), at: 100, for: 600, id: "pause"),
      plan(.diskStall, .node("n1"), at: 100, for: 600, id: "stall"),
      plan(.crash, .node("n1"), at: 500, for: 60_000, id: "dead"),
      plan(.partition, .node("n2"), at: 900, for: 60_000, id: "long"),
      plan(.crash, .node("n2"), at: 60_000, for: 1000, id: "never"),
    ]
    // n1 is killed while it is paused and its disk stalled.
    let result = try Bench.run(faults, load: 2500, murder: ["n1": 300])
    checkEnd(result)
    for id in ["nobody", "silence", "stranger", "strange-disk", "dead", "never"] {
      #expect(result.evidence(id)?.inForce == false, "\(id): \(result.lines)")
      #expect(result.evidence(id)?.felt == false, "\(id)")
    }
    #expect(result.evidence("nobody")?.text?.contains("no node says that it leads") == true)
    #expect(result.evidence("silence")?.text?.contains("nobody said in time") == true)
    #expect(result.kinds("never") == [.faultIntent, .faultEvidence])
    #expect(result.has("standing dead long"), "\(result.lines)")
    // The long ones were ended with the load.
    #expect(result.evidence("long")?.inForce == true && result.evidence("long")?.felt == true)
    #expect(result.of("long", .faultHealed).count == 1 && result.of("stall", .faultHealed).count == 1)
  }

  @Test func aWholeClusterIsCrashedAndComesBack() throws {
    let fault = plan(.crash, .all, at: 0, for: 300)
    let result = try Bench.run([fault], load: 1200)
    checkLife(result, fault, node: "n1,n2,n3")
    checkEnd(result)
    #expect(result.evidence("crash#1")?.counts?["processes-killed"] == 3)
  }
}
