// The renderers on verdicts that want to break them: markup in names, empty runs, long tables.

import Base
import Checkers
import Foundation
import FoundationXML
import History
import Scenario
import Testing

@testable import Reports

struct RendererTests {
  private func verdict(_ word: VerdictWord) -> RunVerdict {
    let evil = "<b>&\"'|`\u{1}*"
    let guarantee = LevelVerdict.Guarantee(
      name: "lost", expected: "0", observed: 3912, promised: false, faultsFelt: 3, upper95PerFault: nil, verdict: word,
      why: nil)
    let level = LevelVerdict(
      level: evil, verdict: word, reasons: [evil], counts: ["attempted": 24_000, "acknowledged": 23_998, "lost": 3912],
      guarantees: [guarantee], throughput: .init(offered: 2000, confirmed: 1998.1, delivered: 1998.3),
      latency: ["confirm": .init(count: 10, p50: 1.9, p90: 3, p99: 14.2, p999: 900, p9999: 2000, max: 2100)],
      availability: availability(evil))
    return RunVerdict(
      name: evil, seed: 42, verdict: word, reasons: [evil], levels: [level],
      faults: [
        FaultVerdict(
          id: evil, level: evil, kind: "crash", target: evil, asked: evil, evidence: evil, inForce: true, felt: false,
          began: 1,
          healed: nil, firstTraffic: nil)
      ],
      findings: [
        FindingVerdict(
          name: "lost", level: evil, count: 3912, ids: (0..<1000).map { "3:\($0)" }, operations: [1], window: [1, 2],
          faults: [evil],
          acknowledgedBy: [evil: 3], story: evil)
      ])
  }

  private func availability(_ fault: String) -> AvailabilityFigures {
    var recovery = AvailabilityFigures.Recovery(fault: fault)
    recovery.deliveryAfterHeal = 1.1
    var figures = AvailabilityFigures()
    (figures.longestOutage, figures.recoveries) = (1.7, [recovery])
    return figures
  }

  private func view(_ verdict: RunVerdict, levels: [LevelView] = []) -> RunView {
    var plan = Fixture.plan(levels: [Fixture.level(.medium)], faults: Fixture.faults(), name: verdict.name)
    plan.about = "<i>&"
    return RunView(verdict: verdict, plan: plan, manifest: nil, levels: levels, directory: "/tmp/<x>")
  }

  @Test(arguments: [VerdictWord.holds, .violated, .inconclusive]) func markupInNamesStaysText(word: VerdictWord) throws
  {
    let verdict = verdict(word)
    let page = Page.render(view(verdict))
    try wellFormed(page)
    #expect(!page.contains("<b>") && !page.contains("<i>") && page.contains("&lt;b&gt;"))
    try wellFormed(JUnit.render(verdict))
    let summary = Summary.render(verdict)
    #expect(!summary.contains("<b>") && summary.contains("\\|"))
  }

  @Test func junitCountsWhatDoesNotPass() throws {
    let failed = JUnit.render(verdict(.violated))
    #expect(failed.contains("tests=\"1\" failures=\"1\" errors=\"0\"") && failed.contains("<failure"))
    let open = JUnit.render(verdict(.inconclusive))
    #expect(open.contains("tests=\"1\" failures=\"0\" errors=\"1\"") && open.contains("<error"))
    #expect(!JUnit.render(verdict(.holds)).contains("<failure"))
    // A level that never ran has no guarantee, and must not pass for that.
    let plan = Fixture.plan(levels: [Fixture.level(.medium)], faults: [])
    let missing = JUnit.render(Judge.run(plan: plan, levels: [nil]))
    try wellFormed(missing)
    #expect(missing.contains("errors=\"1\""))
  }

  @Test func aRunThatLeftNothingHasAPageToo() throws {
    let plan = Fixture.plan(levels: [Fixture.level(.medium)], faults: Fixture.faults())
    let run = Judge.run(plan: plan, levels: [nil])
    let page = Page.render(RunView(verdict: run, plan: plan, manifest: nil, levels: [], directory: "d"))
    try wellFormed(page)
    #expect(page.contains("The level left no history") && page.contains("INCONCLUSIVE"))
    #expect(Summary.render(run).contains("left no history"))
    #expect(Terminal.render(run, width: 100, colour: false, report: nil).contains("left no history"))
  }

  @Test func theTerminalTableKeepsItsWidthAndOrder() throws {
    var run = verdict(.violated)
    run.levels[0].level = "medium"
    let text = Terminal.render(run, width: 100, colour: false, report: "/tmp/report.html")
    for line in text.split(separator: "\n") { #expect(line.count <= 100, "\(line)") }
    #expect(text.split(separator: "\n").last == "Report: /tmp/report.html")
    #expect(!text.contains("\u{1b}"))
    #expect(text.contains("23,998") && text.contains("1.9/14.2/900") && text.contains("never"))
    #expect(Terminal.render(run, width: 100, colour: true, report: nil).contains("\u{1b}[1;31m✘ VIOLATED\u{1b}[0m"))
  }

  @Test func aLongRunStaysSmall() throws {
    let record = MadeUpRun.record(.medium)
    var level = LevelView(record, plan: MadeUpRun.plan)
    let pattern = level.series
    level.series = (0..<600).map { second in
      var row = pattern[second % pattern.count]
      row.time = HistoryBuilder.time(Double(second) * 1000)
      return row
    }
    let levels = (0..<3).map { index in
      var copy = level
      copy.name = "level \(index)"
      return copy
    }
    let page = Page.render(view(verdict(.holds), levels: levels))
    try wellFormed(page)
    #expect(page.utf8.count < 2_000_000)
  }

  @Test func numbersAreAsPeopleReadThem() {
    #expect(
      [0, 12, 999, 1000, 3912, -1_234_567].map { Words.count($0) } == [
        "0", "12", "999", "1,000", "3,912", "-1,234,567",
      ])
    #expect(
      [0.0004, 0.41, 0.9996, 1.916, 14.24, 900, 999.4, 999.6, 2100].map { Words.latency($0) } == [
        "0 µs", "410 µs", "1.00 ms", "1.92 ms", "14.2 ms", "900 ms", "999 ms", "1.00 s", "2.10 s",
      ])
    #expect(Words.duration(0.012) == "12.0 ms" && Words.duration(1.7) == "1.70 s" && Words.duration(0) == "0.00 s")
    #expect(Words.share(0.632) == "63 %" && Words.share(0.0299) == "2.99 %")
    #expect(Words.list([]) == "" && Words.list(["a"]) == "a" && Words.list(["a", "b", "c"]) == "a, b and c")
    #expect(Words.fixed(.nan, 2) == "–" && Words.fixed(-1.005, 1) == "-1.0" && Words.bytes(16 << 30) == "16.0 GiB")
  }

  @Test func scalesHaveFewRoundTicks() {
    #expect(Scale.linear(437, start: 0, end: 100).to == 500)
    #expect(Scale.linear(437, start: 0, end: 100).ticks(3) == [0, 200, 400])
    let log = Scale.log(1.1, 1800, start: 0, end: 100)
    #expect(log.from <= 1.1 && log.to >= 1800 && log.decadeTicks == [1, 10, 100, 1000])
    #expect(abs(log(log.from)) < 1e-6 && abs(log(log.to) - 100) < 1e-6)
    let decades = Scale.decades(1, 100, start: 0, end: 90)
    #expect(abs(decades(10) - 45) < 1e-3)
  }
}
