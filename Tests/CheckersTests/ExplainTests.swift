// Pictures of findings: which operations are drawn, how long each lasts, and what a terminal shows of them.

import Base
import History
import Testing

@testable import Checkers

@Suite struct ExplainTests {
  private func lanes(_ builder: HistoryBuilder, level: ReliabilityLevel = .medium) throws -> [Lanes] {
    var report = try CheckCommandCore.run(builder.history, level: level)
    report.explain(builder.history)
    return report.findings.compactMap(\.lanes)
  }

  private func labels(_ lanes: Lanes) -> [String: [String]] {
    Dictionary(uniqueKeysWithValues: lanes.rows.map { ($0.name, $0.intervals.map(\.label)) })
  }

  private func lost() -> HistoryBuilder {
    var builder = HistoryBuilder()
    builder.subscribe(1)
    builder.send(7)
    builder.send(8)
    builder.fault("crash#1", .invoke)
    builder.deliver(7, session: 1, tag: 1)
    builder.nack(session: 1, tag: 1)
    builder.fault("crash#1", .ok)
    builder.deliver(8, session: 1, tag: 2)
    builder.ack(session: 1, tag: 2)
    builder.drained()
    return builder
  }

  @Test func aLossShowsPublishDeliveryFaultAndDrain() throws {
    let all = try lanes(lost())
    let picture = try #require(all.first)
    #expect(all.count == 1)
    #expect(
      picture.sentence
        == "1:7 was confirmed and delivered once, requeued, and never again, and q was drained to the last message: somebody must have got it, and nobody did."
    )
    #expect(
      labels(picture).values.flatMap { $0 }.sorted() == [
        "crash#1", "deliver 1:7 from q, given back", "drain q: empty", "publish 1:7 to q: confirmed",
      ])
    let intervals = picture.rows.flatMap(\.intervals)
    // Seconds from the first event, a millisecond each: event 2 and 3, 7 and 8, 6 and 9.
    let publish = try #require(intervals.first { $0.role == .put })
    #expect(publish.begin == 0.002 && publish.end == 0.003 && publish.ending == .ok)
    let delivery = try #require(intervals.first { $0.role == .take })
    #expect(delivery.begin == 0.007 && delivery.end == 0.008)
    let fault = try #require(picture.rows.last?.intervals.first)
    #expect(picture.rows.last?.name == "fault" && fault.begin == 0.006 && fault.end == 0.009)
  }

  @Test func whatNobodyAnsweredHasNoEnd() throws {
    var builder = HistoryBuilder()
    builder.subscribe(1)
    builder.subscribe(2)
    builder.publish(1)
    builder.deliver(1, session: 1, tag: 1)
    builder.deliver(1, session: 2, tag: 1, flags: .redelivered)
    builder.ackAnswered(session: 1, tag: 1)
    // So the second was not sent before the first and read late.
    builder.alive(2)
    builder.drained()
    let picture = try #require(try lanes(builder).first)
    let ends = picture.rows.flatMap(\.intervals).map { ($0.label, $0.ending, $0.end == nil) }
    #expect(ends.contains { $0 == ("publish 1:1 to q: unknown", .open, true) })
    #expect(ends.contains { $0 == ("deliver 1:1 from q as redelivery, held", .open, true) })
    #expect(ends.contains { $0 == ("deliver 1:1 from q, ack answered", .ok, false) })
    #expect(picture.sentence.hasPrefix("1:1 was delivered again though the first delivery's acknowledgement"))
    #expect(picture.text(width: 100).contains("→"))
  }

  @Test func aTornTransactionShowsTheMissingOneAndOneThatCame() throws {
    var builder = HistoryBuilder()
    builder.subscribe(1)
    for id in 1...12 { builder.publish(id, tx: 5) }
    builder.end(.commit, tx: 5, .ok)
    for id in 1...11 {
      builder.deliver(id, session: 1, tag: UInt64(id))
      builder.ackAnswered(session: 1, tag: UInt64(id))
    }
    builder.drained()
    var report = try CheckCommandCore.run(builder.history, level: .high)
    report.explain(builder.history)
    let picture = try #require(report.findings.first { $0.name == "torn-transaction" }?.lanes)
    let all = labels(picture).values.flatMap { $0 }
    #expect(all.contains("publish 1:12 to q in tx 5") && all.contains("commit tx 5"))
    #expect(all.contains("publish 1:10 to q in tx 5") && all.contains("deliver 1:10 from q, ack answered"))
    #expect(all.count == 4, "\(all)")
    #expect(picture.sentence.hasSuffix("some of it came, 1:12 never did."))
  }

  @Test func aQueueOutOfOrderShowsBothEnqueuesAndBothDequeues() throws {
    var builder = HistoryBuilder()
    for id in 1...4 { builder.enqueue(id) }
    for id in [1, 3, 2, 4] { builder.dequeue(id) }
    let all = try lanes(builder)
    #expect(all.count == 1)
    let picture = try #require(all.first)
    #expect(
      labels(picture)["process 0"]
        == ["enqueue 1:2", "enqueue 1:3", "dequeue → 1:3", "dequeue → 1:2"])
    #expect(picture.sentence == "1:2 was dequeued after 1:3, which was enqueued later.")
  }

  @Test func aFalseEmptyShowsWhatWasInside() throws {
    var builder = HistoryBuilder()
    builder.enqueue(1)
    builder.enqueue(2)
    builder.dequeue(nil)
    builder.dequeue(1)
    builder.dequeue(2)
    let picture = try #require(try lanes(builder).first)
    let all = labels(picture).values.flatMap { $0 }
    #expect(all.contains("dequeue → empty"))
    // Of both the one that stayed longest says it all.
    #expect(all.contains("enqueue 1:2") && all.contains("dequeue → 1:2") && all.count == 3, "\(all)")
  }

  @Test func onlyTheFirstOfEachNameAreDrawn() throws {
    var builder = HistoryBuilder()
    for id in 1...10 { builder.send(id) }
    builder.drained()
    var report = try CheckCommandCore.run(builder.history)
    report.explain(builder.history)
    #expect(report.findings.count == 10)
    #expect(report.findings.filter { $0.lanes != nil }.count == Explainer.perName)
    #expect(report.findings.prefix(Explainer.perName).allSatisfy { $0.lanes != nil })
    let json = String(decoding: report.json, as: UTF8.self)
    #expect(json.contains("\"lanes\"") && json.contains("\"sentence\"") && json.contains("\"rows\""))
    #expect(!String(decoding: try CheckCommandCore.run(builder.history).json, as: UTF8.self).contains("\"lanes\""))
  }

  @Test func theTextIsThePicture() throws {
    let picture = try #require(try lanes(lost()).first)
    let text = picture.text(width: 90)
    #expect(
      text == """
        1:7 was confirmed and delivered once, requeued, and never again, and q was drained to the
        last message: somebody must have got it, and nobody did.
        client 0      ├─────────┤ publish 1:7 to q: confirmed         drain q: empty ├─────────┤
                                                     ├──────────┤ deliver 1:7 from q, given back
        fault                              ▒▒ crash#1 ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒
                      ┴─────────┴──────────┴─────────┴──────────┴─────────┴──────────┴─────────┴─→
        not to scale  0.002 s          +4.00 ms  +5.00 ms   +6.00 ms  +7.00 ms            +11.0 ms

        """, "\(text)")
  }

  /// Whatever is planted, and however narrow the terminal: pictures hold, and are of the findings.
  @Test(arguments: [40, 72, 100, 240]) func picturesFitTheirWidth(width: Int) throws {
    var drawn = 0
    let rounds = Rounds("pictures of \(width) columns", usual: 120, parts: 40)
    for seed in rounds.seeds {
      var rng = SeededGenerator(seed: seed, label: "explain")
      let level = rng.pick(ReliabilityLevel.allCases)
      let history = SimulatedRun(
        seed: seed, level: level, messages: 1 + rng.below(9), producers: 2, consumers: 3, queues: 2, isRough: true
      ).history
      let damaged = EditableHistory(history, rng).damaged()
      var report = try CheckCommandCore.run(damaged, level: level)
      report.explain(damaged)
      for finding in report.findings {
        guard let lanes = finding.lanes else { continue }
        drawn += 1
        let note: Comment = "seed \(seed) \(level) \(finding.name)"
        #expect(!lanes.rows.isEmpty && !lanes.sentence.isEmpty, note)
        let lines = lanes.text(width: width).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.count <= width && $0.last != " " }, "\(note) \(lines)")
        let count = lanes.rows.reduce(0) { $0 + $1.intervals.count }
        #expect(count <= Explainer.mostOperations + Explainer.mostFaults + 1, note)
        for interval in lanes.rows.flatMap(\.intervals) {
          #expect((interval.end == nil) == (interval.ending == .open), note)
          if let end = interval.end { #expect(end >= interval.begin, note) }
        }
        // The message that it is about is in the picture.
        if let id = finding.id, finding.name != "out-of-order" {
          #expect(lanes.rows.contains { $0.intervals.contains { $0.label.contains(" \(id)") } }, "\(note) \(lanes)")
        }
      }
    }
    #expect(drawn > 50)
  }

  @Test func positionsKeepTheOrder() {
    let intervals = [(0.0, 0.001), (0.0005, 60), (60, 60)].map {
      Lanes.Interval(begin: $0.0, end: $0.1, label: "x", role: .other, ending: .ok)
    }
    let scale = LaneScale(Lanes(sentence: "", rows: [Lanes.Row(name: "p", intervals: intervals)]))
    #expect(scale.moments == [0, 0.0005, 0.001, 60])
    let positions = scale.moments.map(scale.position)
    #expect(positions == positions.sorted() && positions.first == 0 && positions.last == 1)
    // A millisecond is still to be seen beside a minute.
    #expect(positions[1] > 0.15)
  }

  @Test func lengthsAreAsPeopleReadThem() {
    #expect(
      [1e-9, 0.0000122, 0.00085, 0.00316, 0.0301, 0.999_9, 16.44, 250].map(Lanes.length) == [
        "1 ns", "12 µs", "850 µs", "3.16 ms", "30.1 ms", "1.00 s", "16.4 s", "250 s",
      ])
  }
}
