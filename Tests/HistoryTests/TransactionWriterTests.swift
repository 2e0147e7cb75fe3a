// Transactions written and read again, in both notations; and histories of events as a recorder leaves them.

import Base
import Foundation
import Testing

@testable import History

@Suite struct TransactionWriterTests {
  private func lines(_ history: TransactionHistory) -> [UInt8] {
    var bytes: [UInt8] = []
    history.exportJSONLines { bytes += $0 }
    return bytes
  }

  private func forms(_ history: TransactionHistory) -> [UInt8] {
    var bytes: [UInt8] = []
    history.exportEDN { bytes += $0 }
    return bytes
  }

  /// Without what another file numbers otherwise: lines, and keys by the order in which they come.
  private struct Plain: Equatable {
    var process: Int32
    var outcome: Outcome
    var kind: TransactionHistory.Kind
    var times: [Nanoseconds]
    var hasPoll: Bool
    var keys: [String]
    var accesses: [String]
  }

  private func plain(_ history: TransactionHistory) -> [Plain] {
    history.transactions.map { one in
      Plain(
        process: one.process, outcome: one.outcome, kind: one.kind,
        times: one.outcome == .info || one.outcome == .invoke ? [one.begin] : [one.begin, one.end],
        hasPoll: one.hasPoll, keys: history.keyLists[one.keyList].map { history.keys[Int($0)] },
        accesses: history.accesses[one.accesses].map {
          "\($0.isSend) \($0.step) \(history.keys[Int($0.key)]) \($0.offset) \($0.value)"
        })
    }
  }

  @Test(arguments: TransactionSamples.lines.indices) func theSameAgain(number: Int) throws {
    let history = try TransactionHistory.parse(TransactionSamples.lines[number], file: "x")
    let again = try TransactionHistory.parse(lines(history), file: "again")
    // A completion whose invocation nobody recorded began with the first line, whatever else was left out.
    #expect(plain(again) == plain(history))
    #expect(plain(try TransactionHistory.parseEDN(forms(history), file: "again")) == plain(history))
    #expect(lines(again) == lines(history))
  }

  @Test func aLineOfEach() throws {
    let history = try TransactionHistory.parse(
      Array(
        """
        {"time":1,"process":0,"type":"invoke","f":"txn","value":[["poll"],["send","x",1]]}
        {"time":3,"process":0,"type":"ok","f":"txn","value":[["poll",{"5":[[0,9],[null,8]],"y":[[1,4]]}],["send","x",[7,1]]],"rebalance-log":[{"keys":["x",5]}]}
        {"time":4,"process":1,"type":"invoke","f":"subscribe","value":["x",5]}
        """.utf8), file: "x")
    #expect(
      String(decoding: lines(history), as: UTF8.self) == """
        {"time":1,"process":0,"type":"invoke","f":"txn","value":[["poll"],["send","x",1]]}
        {"time":3,"process":0,"type":"ok","f":"txn","value":[["poll",{"5":[[0,9],[null,8]],"y":[[1,4]]}],["send","x",[7,1]]],"rebalance-log":[{"keys":["x",5]}]}
        {"time":4,"process":1,"type":"invoke","f":"assign","value":["x",5]}

        """)
    #expect(
      String(decoding: forms(history), as: UTF8.self) == """
        {:index 0, :time 1, :process 0, :type :invoke, :f :txn, :value [[:poll] [:send "x" 1]]}
        {:index 1, :time 3, :process 0, :type :ok, :f :txn, :value [[:poll {5 [[0 9] [nil 8]] "y" [[1 4]]}] [:send "x" [7 1]]], :rebalance-log [{:keys ["x" 5]}]}
        {:index 2, :time 4, :process 1, :type :invoke, :f :assign, :value ["x" 5]}

        """)
  }

  /// Whatever was read is written so that reading and writing change nothing any more.
  @Test func whatIsWrittenStays() throws {
    for text in TransactionSamples.forms {
      let history = try TransactionHistory.parseEDN(text, file: "x")
      let written = lines(history)
      #expect(try lines(TransactionHistory.parse(written, file: "x")) == written)
      #expect(try lines(TransactionHistory.parseEDN(forms(history), file: "x")) == written)
    }
  }

  @Test(arguments: [true, false]) func eventsAsARecorderLeavesThem(isComplete: Bool) throws {
    var random = SeededGenerator(seed: 5, label: "binary")
    var history = randomHistory(&random, events: 3000)
    history.isComplete = isComplete
    try withFile("history.bin") { path in
      try history.write(to: path)
      let again = try HistoryReader.read(path)
      #expect(again.names == history.names && again.isComplete == isComplete)
      #expect(again.events.map(fields) == history.events.map(fields))
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: (path as NSString).deletingLastPathComponent).count == 1)
      let error = #expect(throws: HistoryError.self) { try history.write(to: path + "/none/history.bin") }
      #expect(error?.message.contains("cannot be created") == true)
    }
  }
}
