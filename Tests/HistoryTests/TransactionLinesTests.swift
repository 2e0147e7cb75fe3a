// Transactions as JSON lines: what they become, and what is said of lines that are wrong.

import Base
import Testing

@testable import History

@Suite struct TransactionLinesTests {
  private func parse(_ lines: [String]) throws(HistoryError) -> TransactionHistory {
    try TransactionHistory.parse(Array(lines.joined(separator: "\n").utf8), file: "t.jsonl")
  }

  private func message(_ value: Int) -> MessageID { MessageID(producer: 0, sequence: value) }

  @Test func transactionsOfLines() throws {
    let history = try parse([
      #"{"time":1,"process":0,"type":"invoke","f":"txn","value":[["send","x",1],["poll"],["send",5,2]]}"#,
      #"{"time":2,"process":1,"type":"invoke","f":"poll","value":["poll"]}"#,
      #"{"time":3,"process":0,"type":"ok","f":"txn","value":[["send","x",[7,1]],["poll",{"5":[[0,9],[null,8]],"y":[]}],["send",5,[null,2]]],"rebalance-log":[{"keys":["x",5],"type":"revoked"},{}]}"#,
      "",
      #"{"time":4,"process":"nemesis","type":"info","f":"kill","value":{"n1":["a"]}}"#,
      #"{"time":5,"process":1,"type":"fail","f":"poll","value":null}"#,
      #"{"time":6,"process":1,"type":"invoke","f":"subscribe","value":["x",5]}"#,
      #"{"time":7,"process":1,"type":"ok","f":"subscribe","value":["x",5]}"#,
      #"{"time":8,"process":1,"type":"invoke","f":"send","value":[["send","x",3]]}"#,
      #"{"time":8,"process":2,"type":"invoke","f":"assign","value":["x"],"seek-to-beginning?":true}"#,
      #"{"time":9,"process":2,"type":"ok","f":"assign","value":["x"],"seek-to-beginning?":true}"#,
      #"{"time":9,"process":3,"type":"info","f":"debug-topic-partitions","value":[1]}"#,
      #"{"time":10,"process":4,"type":"ok","f":"poll","value":["poll",{"x":[[7,1],[8,null]]}]}"#,
    ])
    #expect(history.keys == ["x", "5", "y"])
    #expect(history.transactions.map(\.outcome) == [.ok, .fail, .ok, .invoke, .ok, .ok])
    #expect(history.transactions.map(\.process) == [0, 1, 1, 1, 2, 4])
    #expect(history.transactions.map(\.begin) == [1, 2, 6, 8, 8, 1])
    #expect(
      history.transactions.map(\.kind) == [
        .transaction, .transaction, .assignment, .transaction, .assignment, .transaction,
      ])
    #expect(history.transactions.map(\.hasPoll) == [true, true, false, false, false, true])
    #expect(history.transactions.map(\.invocation) == [0, 1, 6, 8, 9, -1])
    #expect(history.transactions.map(\.completion) == [2, 5, 7, -1, 10, 12])
    #expect(history.transactions.map { Array(history.keyLists[$0.keyList]) } == [[0, 1], [], [0, 1], [], [], []])
    #expect(
      Array(history.accesses[history.transactions[0].accesses]) == [
        .init(isSend: true, step: 0, key: 0, offset: 7, value: message(1)),
        .init(isSend: false, step: 1, key: 1, offset: 0, value: message(9)),
        .init(isSend: false, step: 1, key: 1, value: message(8)),
        .init(isSend: true, step: 2, key: 1, value: message(2)),
      ])
    #expect(history.transactions[1].accesses.isEmpty)
    // Of what never ended, the sends it was to make.
    #expect(
      Array(history.accesses[history.transactions[3].accesses]) == [
        .init(isSend: true, step: 0, key: 0, value: message(3))
      ])
    #expect(
      Array(history.accesses[history.transactions[5].accesses]) == [
        .init(isSend: false, step: 0, key: 0, offset: 7, value: message(1))
      ])
  }

  @Test(arguments: [
    (#"{"time":1,"process":0,"type":"maybe","f":"txn","value":[]}"#, 29, "invoke, ok, fail or info"),
    (#"{"time":1,"process":0,"type":"ok","f":"txn","value":[["read"]]}"#, 54, #""send" or "poll""#),
    (#"{"time":1,"process":0,"type":"ok","f":"txn","value":[["send","x"]]}"#, 64, "a comma and a value"),
    (#"{"time":1,"process":0,"type":"ok","f":"txn","value":[["send","x",[-1,2]]]}"#, 66, "an offset of 0 or more"),
    (#"{"time":1,"process":0,"type":"ok","f":"txn","value":[["send","x",-2]]}"#, 65, "a value of 0 or more"),
    (#"{"time":1,"process":0,"type":"ok","f":"txn","value":[["poll",[1]]]}"#, 61, "an object of lists"),
    (#"{"time":1,"process":0,"type":"invoke","f":"txn"}"#, 48, #"the key "value""#),
    (#"{"time":1,"type":"invoke","f":"txn","value":[]}"#, 47, #"the key "process""#),
    (#"{"time":1,"process":3000000000,"type":"invoke","f":"txn","value":[]}"#, 68, #""process" between"#),
    (#"{"process":0,"type":"invoke","f":"txn","value":[]}"#, 50, #"the key "time""#),
    (#"{"time":1,"process":0,"type":"ok","f":"assign","value":7}"#, 55, "a list of keys"),
    (#"{"time":1,"process":0,"type":"ok","f":"txn","value":[]} x"#, 56, "the end of the line"),
    (#"[1]"#, 0, "an opening brace"),
  ]) func mistakesAreTold(line: String, byte: Int, what: String) {
    let good = #"{"time":0,"process":0,"type":"invoke","f":"txn","value":[]}"#
    #expect {
      _ = try parse([good, line])
    } throws: { error in
      guard let error = error as? HistoryError else { return false }
      return error.file == "t.jsonl" && error.line == 2 && error.byte == byte && error.message.contains(what)
    }
  }

  @Test func timesMustAscend() {
    let lines = [5, 4].map { #"{"time":\#($0),"process":0,"type":"invoke","f":"txn","value":[]}"# }
    #expect(throws: HistoryError.self) { _ = try parse(lines) }
  }

  /// No line that was cut off or damaged anywhere may trap; it is read, or told as a mistake of this line.
  @Test func damagedLinesNeverTrap() {
    let line = Array(
      #"{"time":3,"process":0,"type":"ok","f":"txn","value":[["send","x",[7,1]],["poll",{"5":[[0,9],[null,8]]}]],"rebalance-log":[{"keys":["x"]}]}"#
        .utf8)
    var mistakes = 0
    for seed in UInt64(0)..<3000 {
      var rng = SeededGenerator(seed: seed, label: "damage")
      var bytes = line
      for _ in 0...rng.below(2) { bytes[rng.below(bytes.count)] = UInt8(rng.below(256)) }
      if rng.chance(0.3) { bytes.removeLast(rng.below(bytes.count)) }
      do {
        _ = try TransactionHistory.parse(bytes, file: "t.jsonl")
      } catch {
        mistakes += 1
        #expect(error.line != nil && error.byte != nil, "seed \(seed)")
      }
    }
    #expect(mistakes > 1000)
  }
}
