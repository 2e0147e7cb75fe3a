// Events of appends and reads become operations, whatever their order and however they end.

import Base
import History
import Testing

@testable import Checkers

@Suite struct LogHistoryTests {
  private func parse(_ lines: [String]) throws -> RecordedHistory {
    try JSONLines.parse(Array(lines.joined(separator: "\n").utf8), file: "h.jsonl")
  }

  @Test func operationsOfEvents() throws {
    let history = try parse([
      #"{"time":1,"process":0,"type":"invoke","f":"append","value":7}"#,
      #"{"time":2,"process":1,"type":"invoke","f":"read","value":[0,null]}"#,
      #"{"time":3,"process":0,"type":"ok","f":"append","value":[0,7]}"#,
      #"{"time":4,"process":1,"type":"ok","f":"read","value":[0,7]}"#,
      #"{"time":5,"process":1,"type":"invoke","f":"read","value":[1,null]}"#,
      #"{"time":6,"process":0,"type":"invoke","f":"append","value":8}"#,
      #"{"time":7,"process":1,"type":"ok","f":"read","value":[1,null]}"#,
      #"{"time":8,"process":0,"type":"info","f":"append","value":8}"#,
      #"{"time":9,"process":2,"type":"invoke","f":"append","value":9}"#,
      #"{"time":10,"process":3,"type":"invoke","f":"append","value":10}"#,
      #"{"time":11,"process":3,"type":"fail","f":"append","value":10}"#,
    ])
    let log = LogHistory(history)
    func id(_ value: Int) -> MessageID { MessageID(producer: 0, sequence: value) }
    #expect(
      log.operations == [
        LogOperation(.append, .ok, value: id(7), offset: 0, begin: 1, end: 3),
        LogOperation(.read, .ok, value: id(7), offset: 0, begin: 2, end: 4),
        LogOperation(.read, .ok, value: .none, offset: 1, begin: 5, end: 7),
        LogOperation(.append, .info, value: id(8), begin: 6, end: 8),
        LogOperation(.append, .invoke, value: id(9), begin: 9, end: 9),
        LogOperation(.append, .fail, value: id(10), begin: 10, end: 11),
      ])
    #expect(log.events(of: [0, 3, 4]) == [0, 2, 5, 7, 8])
    #expect(LogChecker.check(history).result.verdict == .valid)
  }

  /// An answer that came after it had been given up counts.
  @Test func whatBecomesKnownLater() throws {
    let history = try parse([
      #"{"time":1,"process":0,"op":1,"type":"invoke","f":"append","value":7}"#,
      #"{"time":2,"process":0,"op":1,"type":"info","f":"append","value":7}"#,
      #"{"time":3,"process":0,"op":1,"type":"ok","f":"append","value":[0,7]}"#,
      #"{"time":4,"process":0,"op":1,"type":"fail","f":"append","value":7}"#,
      #"{"time":5,"process":0,"op":2,"type":"invoke","f":"read","value":[0,null]}"#,
      #"{"time":6,"process":0,"op":2,"type":"ok","f":"read","value":[0,null]}"#,
      #"{"time":7,"process":0,"op":9,"type":"ok","f":"read","value":[0,7]}"#,
    ])
    let (result, log) = LogChecker.check(history)
    #expect(result.findings.map(\.name) == [.lost])
    #expect(log.operations.count == 2 && log.events(of: result.findings.first?.operations ?? []) == [0, 2, 4, 5])
  }
}
