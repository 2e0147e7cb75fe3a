// What `stormproof check` says of the files of sagas and of transformers: every finding, and what was not drained or cut.

import Base
import History
import Testing

@testable import Checkers

@Suite struct PipelineReportTests {
  private static let saga = [
    #"{"time":1000000000,"f":"services","value":["stock","billing"]}"#,
    #"{"time":2000000000,"f":"order","value":1,"type":"invoke"}"#,
    #"{"time":3000000000,"f":"complete","value":1,"service":"stock"}"#,
    #"{"time":4000000000,"f":"complete","value":1,"service":"billing"}"#,
    #"{"time":5000000000,"f":"order","value":1,"type":"ok"}"#,
    #"{"time":6000000000,"f":"order","value":2,"type":"invoke"}"#,
    #"{"time":7000000000,"f":"complete","value":2,"service":"stock"}"#,
    #"{"time":8000000000,"f":"compensate","value":2,"service":"stock"}"#,
    #"{"time":9000000000,"f":"order","value":2,"type":"fail"}"#,
    #"{"time":10000000000,"f":"drained"}"#,
  ]

  private static let transform = [
    #"{"time":1000000000,"f":"input","value":1,"partition":"in-0","offset":0,"parts":2}"#,
    #"{"time":1000000000,"f":"input","value":2,"partition":"in-0","offset":1}"#,
    #"{"time":2000000000,"f":"transaction","value":0,"type":"fail"}"#,
    #"{"time":3000000000,"f":"transaction","value":1,"type":"ok"}"#,
    #"{"time":4000000000,"f":"output","value":1,"part":0,"transaction":1}"#,
    #"{"time":4000000000,"f":"output","value":1,"part":1,"transaction":1}"#,
    #"{"time":4000000000,"f":"output","value":2,"transaction":1}"#,
    #"{"time":5000000000,"f":"committed","partition":"in-0","offset":2}"#,
    #"{"time":6000000000,"f":"drained"}"#,
  ]

  private func saga(_ lines: [String]) throws -> CheckReport {
    CheckCommandCore.run(try SagaHistory.parse(Array(lines.joined(separator: "\n").utf8), file: "s.jsonl"))
  }

  private func transform(_ lines: [String]) throws -> CheckReport {
    CheckCommandCore.run(try TransformHistory.parse(Array(lines.joined(separator: "\n").utf8), file: "t.jsonl"))
  }

  @Test func sagasThatAreWhole() throws {
    let report = try saga(Self.saga)
    #expect(report.model == .saga && report.exitCode == 0 && report.events == 10 && report.findings.isEmpty)
    #expect(
      report.counts == [
        "services": 2, "orders": 2, "steps": 4, "unknown": 0, "completed": 1, "compensated": 1, "partial": 0,
      ])
    #expect(report.summary.map(\.name) == SagaFindingName.allCases.map(\.rawValue))
    let text = report.text()
    #expect(text.hasPrefix("valid: saga\n") && text.contains("torn-transaction        0\n"))
    // A service that did nothing at all belongs to it too.
    let third = Self.saga[0].replacing("]", with: #","mail"]"#)
    let torn = try saga([third] + Self.saga.dropFirst())
    #expect(torn.exitCode == 1 && torn.findings.map(\.events) == [[1, 2, 3, 4]])
    #expect(torn.text().contains("completed by stock, billing, and not, or no more, by mail"))
  }

  /// What becomes of the whole sagas when a line is replaced.
  @Test(arguments: [
    (
      3, #"{"time":4000000000,"f":"complete","value":9,"service":"billing"}"#,
      [
        "unexpected 9: billing did something for what never was (3.0 to 3.0 s, events 3)",
        "torn-transaction 1: completed by stock, and not, or no more, by billing (1.0 to 4.0 s, events 1 2 4)",
      ]
    ),
    (
      7, #"{"time":8000000000,"f":"compensate","value":2,"service":"audit"}"#,
      [
        "unexpected 2: done by audit, which is none of its services (5.0 to 8.0 s, events 5 7 8)",
        "torn-transaction 2: completed by stock, and not, or no more, by billing (5.0 to 8.0 s, events 5 6 8)",
      ]
    ),
    (
      5, #"{"time":6000000000,"f":"complete","value":1,"service":"stock"}"#,
      ["duplicated 1: completed more than once by stock (1.0 to 5.0 s, events 1 2 4 5)"]
    ),
    (
      8, #"{"time":9000000000,"f":"order","value":2,"type":"ok"}"#,
      ["lost 2: said to have succeeded, and nothing is left of it (5.0 to 8.0 s, events 5 6 7 8)"]
    ),
    (
      4, #"{"time":5000000000,"f":"order","value":1,"type":"fail"}"#,
      ["aborted-read 1: said to have failed, and completed (1.0 to 4.0 s, events 1 2 3 4)"]
    ),
  ]) func findingsOfSagas(number: Int, line: String, words: [String]) throws {
    var lines = Self.saga
    lines[number] = line
    let report = try saga(lines)
    #expect(report.exitCode == 1 && report.findings.count == words.count)
    for word in words { #expect(report.text().contains(word), "\(report.text())") }
  }

  @Test func sagasWithoutTheirEnd() throws {
    for count in 1..<Self.saga.count {
      let report = try saga(Array(Self.saga.prefix(count)))
      #expect(report.exitCode == 3 && report.findings.isEmpty, "\(count)")
      #expect(report.note == "Nothing says that everything was drained in the end: more could have come.")
    }
    let half = try saga(Array(Self.saga.prefix(3)))
    #expect(half.text().contains("torn-transaction        0  and 1 undecided"), "\(half.text())")
    #expect(try saga([Self.saga[0], Self.saga[9]]).note == "There were no orders.")
    #expect(throws: HistoryError.self) { _ = try saga([Self.saga[0], String(Self.saga[1].dropLast(5))]) }
  }

  @Test func transformersThatAreWhole() throws {
    let report = try transform(Self.transform)
    #expect(report.model == .transform && report.exitCode == 0 && report.events == 9 && report.findings.isEmpty)
    #expect(
      report.counts == [
        "inputs": 2, "outputs": 3, "transactions": 2, "unknown": 0, "processed": 2, "pending": 0,
      ])
    #expect(report.summary.map(\.name) == TransformFindingName.allCases.map(\.rawValue))
    #expect(report.text().hasPrefix("valid: transform\n"))
  }

  @Test(arguments: [
    (
      6, #"{"time":4000000000,"f":"output","value":1,"part":2,"transaction":1}"#,
      [
        "unexpected 1: part 2 of 2, which count from 0 (0.0 to 3.0 s, events 0 6)",
        "lost 2: offset 1 of in-0 is committed, and no output is there (0.0 to 4.0 s, events 1 7)",
      ]
    ),
    (
      6, #"{"time":4000000000,"f":"output","value":2,"transaction":0}"#,
      [
        "aborted-read 2: written by transaction 0, which failed for certain (0.0 to 3.0 s, events 1 2 6)",
        "lost 2: offset 1 of in-0 is committed, and no output is there (0.0 to 4.0 s, events 1 7)",
      ]
    ),
    (
      2, #"{"time":4000000000,"f":"output","value":2,"transaction":1}"#,
      ["duplicated 2: 2 outputs are there, 1 of them different (0.0 to 3.0 s, events 1 2 6)"]
    ),
    (
      2, #"{"time":4000000000,"f":"output","value":5,"transaction":1}"#,
      ["unexpected 5: an output of an input that never was (3.0 to 3.0 s, events 2)"]
    ),
    (
      2, #"{"time":4000000000,"f":"output","value":1,"transaction":7}"#,
      ["unexpected 1: written by transaction 7, which never was (0.0 to 3.0 s, events 0 2)"]
    ),
    (
      5, #"{"time":4000000000,"f":"fault","value":"x"}"#,
      ["torn-transaction 1: 1 of 2 outputs are there (0.0 to 3.0 s, events 0 4)"]
    ),
    (
      7, #"{"time":5000000000,"f":"committed","partition":"in-0","offset":1}"#,
      ["uncommitted-offset 2: its output is there, and offset 1 of in-0 not committed (0.0 to 4.0 s, events 1 6 7)"]
    ),
    (
      2, #"{"time":4000000000,"f":"input","value":3,"partition":"in-1","offset":4}"#,
      ["unprocessed 3: neither output nor committed offset (3.0 to 3.0 s, events 2)"]
    ),
  ]) func findingsOfTransformers(number: Int, line: String, words: [String]) throws {
    var lines = Self.transform
    // Only the order of the lines counts where some have no time; these are given one that fits.
    lines[number] = line
    if number == 2 { lines[3] = lines[3].replacing("3000000000", with: "4000000000") }
    let report = try transform(lines)
    #expect(report.exitCode == 1 && report.findings.count == words.count, "\(report.text())")
    for word in words { #expect(report.text().contains(word), "\(report.text())") }
  }

  @Test func transformersWithoutTheirEnd() throws {
    for count in 1..<Self.transform.count {
      let report = try transform(Array(Self.transform.prefix(count)))
      #expect(report.exitCode == 3 && report.findings.isEmpty, "\(count)")
      #expect(report.note == "Nothing says that everything was drained in the end: more could have come.")
    }
    let half = try transform(Array(Self.transform.prefix(5)))
    #expect(half.text().contains("torn-transaction        0  and 1 undecided"), "\(half.text())")
    #expect(try transform([Self.transform[3], Self.transform[8]]).note == "There were no inputs.")
    #expect(throws: HistoryError.self) { _ = try transform([String(Self.transform[1].dropLast(5))]) }
  }
}
