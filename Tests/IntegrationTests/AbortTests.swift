// A run that ends when a violation is certain, and one that has no reason to.

import Foundation
import Reports
import Testing

@Suite(.serialized, .enabled(if: Built.available, "run by make integration"))
struct AbortTests {
  /// No planted defect is certain before the drain (all of them lose or tear). So the sound broker is asked for what it
  /// does not do: it keeps no count of attempts, and a leader that dies between its quorum and its confirm makes a
  /// producer send again what is in the queue already.
  static let scenario = """
    version: 1
    name: abort
    seed: 1
    cluster: {broker: embedded, nodes: 3}
    levels: [medium, high]
    workload: {producers: 4, consumers: 4, rate: 2000/s, service-time: 1ms, prefetch: 20}
    phases: {warmup: 500ms, load: 30s, settle: 500ms, drain: 20s}
    faults:
    \((0..<10).map { "  - {kind: crash, target: {leader-of: q}, at: \(1500 + 2500 * $0)ms, restart-after: 1s}" }
      .joined(separator: "\n"))
    expect:
      medium: {duplicated-by-retry: 0}
    """

  @Test func theRunEndsOnTheFirstViolation() throws {
    let folder = try scratch()
    let run = folder + "/run"
    try Data(Self.scenario.utf8).write(to: URL(fileURLWithPath: folder + "/abort.yaml"))
    let before = Traces.now(of: run)
    let ended = try stormproof("run", folder + "/abort.yaml", "--abort-on", "violation", "--out", run)
    #expect(ended.status == 1, "\(ended.output)\n\(ended.errors)")
    let verdict = try verdict(run)
    let medium = try verdict.level("medium")
    #expect(medium.aborted?.hasPrefix("duplicated-by-retry: ") == true)
    // What was said early is what the check of the whole history finds.
    #expect(medium.count("duplicated-by-retry") > 0)
    #expect(medium.guarantees.first { $0.name == "duplicated-by-retry" }?.verdict == .violated)
    let lost = try #require(medium.guarantees.first { $0.name == "lost" })
    #expect(lost.verdict == .inconclusive && lost.why?.contains("ended on a violation") == true)
    #expect(medium.reasons.allSatisfy { !$0.contains("cut off") }, "the history is closed")
    let high = try verdict.level("high")
    #expect(high.counts.isEmpty && high.reasons.first?.contains("aborted on the violation at medium") == true)
    let events = try String(contentsOfFile: "\(run)/levels/medium/events.jsonl", encoding: .utf8)
    #expect(events.contains("\"aborted\"") && !events.contains("\"drain\"") && events.contains("\"done\""))
    #expect(ended.errors.contains("aborted on duplicated-by-retry"))
    #expect(Traces.settled(to: before, of: run) == before)
    // The pictures are of this case.
    let explained = try stormproof("check", "--explain", run)
    #expect(explained.status == 1 && explained.output.contains("├") && explained.output.contains("crash#"))
  }

  @Test func aSoundRunGoesToItsEnd() throws {
    let run = try scratch() + "/run"
    let ended = try stormproof("run", Built.scenario("crash"), "--abort-on", "violation", "--out", run)
    #expect(ended.status == 0, "\(ended.output)\n\(ended.errors)")
    let medium = try verdict(run).level("medium")
    #expect(medium.aborted == nil && medium.count("acknowledged") > 1000)
  }
}
