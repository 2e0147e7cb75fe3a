// What `stormproof check` says of logs and of transactions on them.

import Base
import History
import Testing

@testable import Checkers

@Suite struct LogReportTests {
  @Test func logsAreToldFromRegisters() throws {
    let lines = [
      #"{"time":1,"process":1,"type":"invoke","f":"read","value":[0,null]}"#,
      #"{"time":2,"process":0,"type":"invoke","f":"append","value":7}"#,
      #"{"time":3,"process":0,"type":"ok","f":"append","value":[0,7]}"#,
      #"{"time":4,"process":1,"type":"ok","f":"read","value":[0,7]}"#,
      #"{"time":5,"process":1,"type":"invoke","f":"read","value":[0,null]}"#,
      #"{"time":6,"process":1,"type":"ok","f":"read","value":[0,null]}"#,
    ]
    func report(_ count: Int) throws -> CheckReport {
      let text = lines.prefix(count).joined(separator: "\n")
      return try CheckCommandCore.run(JSONLines.parse(Array(text.utf8), file: "h.jsonl"))
    }
    let good = try report(4)
    #expect(good.model == .log && good.exitCode == 0 && good.counts["reads"] == 1)
    let bad = try report(6)
    #expect(bad.model == .log && bad.exitCode == 1 && bad.findings.map(\.events) == [[1, 2, 4, 5]])
    #expect(bad.text().contains("lost: nothing at offset 0, though offset 0 was filled before"))
  }

  @Test func transactionsAndWhatWasAllowed() throws {
    let lines = [
      #"{"time":1000000000,"process":0,"type":"invoke","f":"txn","value":[["send","x",1]]}"#,
      #"{"time":1500000000,"process":0,"type":"fail","f":"txn","value":[["send","x",1]]}"#,
      #"{"time":2000000000,"process":1,"type":"invoke","f":"poll","value":[["poll"]]}"#,
      #"{"time":3000000000,"process":1,"type":"ok","f":"poll","value":[["poll",{"x":[[4,1]]}]]}"#,
      #"{"time":4000000000,"process":0,"type":"invoke","f":"send","value":[["send","y",2]]}"#,
      #"{"time":5000000000,"process":0,"type":"ok","f":"send","value":[["send","y",[0,2]]]}"#,
    ]
    let history = try TransactionHistory.parse(Array(lines.joined(separator: "\n").utf8), file: "t.jsonl")
    let report = CheckCommandCore.run(history)
    #expect(report.model == .kafka && report.exitCode == 1 && report.events == 6)
    #expect(report.transactions == TransactionOptions())
    let text = report.text()
    #expect(
      text.contains(
        "aborted-read 1 in x: polled from x though its transaction failed for certain (0.0 to 2.0 s, events 0 1 2 3)"))
    #expect(text.contains("unseen                  1  allowed"))
    let json = String(decoding: report.json, as: UTF8.self)
    #expect(json.contains("\"subscribes\" : true") && json.contains("\"verdict\" : \"violated\""))
    var options = TransactionOptions()
    options.allowances.readsUncommitted = true
    #expect(CheckCommandCore.run(history, options: options).exitCode == 0)
    options.allowances = try #require(KafkaAllowances(allowing: ["rebalances"]))
    let strict = CheckCommandCore.run(history, options: options)
    #expect(strict.exitCode == 1 && strict.text().contains("unseen                  1  violation"))
    #expect(CheckCommandCore.run(TransactionHistory()).note == "Nothing was committed.")
  }

  @Test func allowancesGoByTheirWords() throws {
    #expect(KafkaAllowances().held == ["rebalances", "interleaved-writes", "partial-polls", "unread-ends"])
    #expect(KafkaAllowances(allowing: [])?.held == [])
    for word in KafkaAllowances.words { #expect(KafkaAllowances(allowing: [word])?.held == [word]) }
    #expect(KafkaAllowances(allowing: KafkaAllowances.words.reversed())?.held == KafkaAllowances.words)
    #expect(KafkaAllowances(allowing: ["rebalances", "none"]) == nil)
    let byField = try #require(KafkaAllowances(allowing: ["overtaking-sends", "uncommitted-reads"]))
    #expect(byField.sendsOvertake && byField.readsUncommitted && !byField.subscribes && !byField.writesInterleave)
  }

  /// Kafka's markers of transactions take offsets: claimed dense, the gap is a violation, else not.
  @Test func sparseOffsetsAreNoGaps() throws {
    let text =
      #"{"process":0,"type":"invoke","f":"append","value":1,"time":1}"# + "\n"
      + #"{"process":0,"type":"ok","f":"append","value":[0,1],"time":2}"# + "\n"
      + #"{"process":0,"type":"invoke","f":"append","value":2,"time":3}"# + "\n"
      + #"{"process":0,"type":"ok","f":"append","value":[5,2],"time":4}"#
    let history = try JSONLines.parse(Array(text.utf8), file: "h.jsonl")
    #expect(try CheckCommandCore.run(history).exitCode == 1)
    var sparse = LogOptions()
    sparse.isDense = false
    #expect(try CheckCommandCore.run(history, log: sparse).exitCode == 0)
  }
}
