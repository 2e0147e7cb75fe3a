// Transactions as EDN: the same as in JSON lines, and what is said of operations that are wrong.

import Base
import Glibc
import Testing

@testable import History

@Suite struct TransactionEDNTests {
  private func parse(_ text: String) throws(HistoryError) -> TransactionHistory {
    try TransactionHistory.parseEDN(Array(text.utf8), file: "history.edn")
  }

  private let forms = [
    #"{:index 0, :time 1, :type :invoke, :process 0, :f :txn, :value [[:send 5 1] [:poll] [:send 6 2]]}"#,
    #"#jepsen.history.Op{:index 1, :time 2, :type :info, :process :nemesis, :f :kill, :value {"n1" :killed}}"#,
    #"{:index 2, :time 3, :type :ok, :process 0, :f :txn, :value [[:send 5 [7 1]] [:poll {6 [[0 9] [nil 8] [1 nil]], 5 []}] [:send 6 [nil 2]]], :rebalance-log [{:keys #{5 6}, :type :revoked} {}]}"#,
    #"{:index 3, :time 4, :type :invoke, :process 1, :f :subscribe, :value [5 6]}"#,
    #"{:index 4, :time 5, :type :ok, :process 1, :f :subscribe, :value [5 6]}"#,
    #"{:index 5, :time 6, :type :invoke, :process 1, :f :poll, :value [[:poll]]}"#,
    #"{:index 6, :time 7, :type :info, :process 1, :f :poll, :value nil, :error :timeout}"#,
    #"{:index 7, :time 8, :type :invoke, :process 2, :f :crash, :value nil}"#,
    #"{:index 8, :time 9, :type :invoke, :process 0, :f :send, :value [[:send 5 3]]}"#,
    #"{:index 9, :time 10, :type :fail, :process 0, :f :send, :value [[:send 5 3]]}"#,
  ]

  private let lines = [
    #"{"time":1,"process":0,"type":"invoke","f":"txn","value":[["send",5,1],["poll"],["send",6,2]]}"#,
    #"{"time":2,"process":"nemesis","type":"info","f":"kill","value":{"n1":"killed"}}"#,
    #"{"time":3,"process":0,"type":"ok","f":"txn","value":[["send",5,[7,1]],["poll",{"6":[[0,9],[null,8],[1,null]],"5":[]}],["send",6,[null,2]]],"rebalance-log":[{"keys":[5,6]},{}]}"#,
    #"{"time":4,"process":1,"type":"invoke","f":"subscribe","value":[5,6]}"#,
    #"{"time":5,"process":1,"type":"ok","f":"subscribe","value":[5,6]}"#,
    #"{"time":6,"process":1,"type":"invoke","f":"poll","value":[["poll"]]}"#,
    #"{"time":7,"process":1,"type":"info","f":"poll","value":null,"error":"timeout"}"#,
    #"{"time":8,"process":2,"type":"invoke","f":"crash","value":null}"#,
    #"{"time":9,"process":0,"type":"invoke","f":"send","value":[["send",5,3]]}"#,
    #"{"time":10,"process":0,"type":"fail","f":"send","value":[["send",5,3]]}"#,
  ]

  @Test func theSameAsInJSONLines() throws {
    let expected = try TransactionHistory.parse(Array(lines.joined(separator: "\n").utf8), file: "t.jsonl")
    #expect(expected.transactions.count == 4 && expected.accesses.count == 5)
    #expect(try parse(forms.joined(separator: "\n")) == expected)
    // As one vector, too.
    #expect(try parse("[" + forms.joined(separator: "\n ") + "]\n") == expected)
  }

  @Test func keysAreKnownByTheirText() throws {
    let history = try parse(
      #"{:time 1 :process 0 :type :ok :f :txn :value [[:send :x 1] [:send "x" 2] [:send x 3] [:send 7 4]]}"#)
    #expect(history.keys == ["x", "7"] && history.accesses.map(\.key) == [0, 0, 0, 1])
  }

  @Test(arguments: [
    (#"7"#, "an operation, a map, found 7"),
    (#"{:process 0 :type :ok :f :txn :value []}"#, "a :time in nanoseconds, found nothing"),
    (#"{:time 6 :process 0 :type :maybe :f :txn :value []}"#, ":type :invoke, :ok, :fail or :info, found :maybe"),
    (#"{:time 6 :process 0 :type :ok :f "txn" :value []}"#, #"a keyword as :f, found "txn""#),
    (#"{:time 6 :type :ok :f :txn :value []}"#, "a :process, found nothing"),
    (#"{:time 6 :process 3000000000 :type :ok :f :txn :value []}"#, "a :process between"),
    (#"{:time 6 :process 0 :type :ok :f :txn :value 3}"#, "a vector of micro-operations, found 3"),
    (#"{:time 6 :process 0 :type :ok :f :txn :value [[:read 3]]}"#, "[:send key value]"),
    (#"{:time 6 :process 0 :type :ok :f :txn :value [[:send 3]]}"#, "found [:send 3]"),
    (#"{:time 6 :process 0 :type :ok :f :txn :value [[:send 3 [-1 2]]]}"#, "an offset of 0 or more, or nil, found -1"),
    (#"{:time 6 :process 0 :type :ok :f :txn :value [[:send 3 :a]]}"#, "a value of 0 or more, found :a"),
    (#"{:time 6 :process 0 :type :ok :f :txn :value [[:send 3 [1 2 3]]]}"#, "[offset value], found [1 2 3]"),
    (#"{:time 6 :process 0 :type :ok :f :txn :value [[:poll [1]]]}"#, "a map of vectors"),
    (#"{:time 6 :process 0 :type :ok :f :txn :value [[:poll {1 2}]]}"#, "a vector of [offset value], found 2"),
    (#"{:time 6 :process 0 :type :ok :f :assign :value 3}"#, "a vector of keys, found 3"),
    (#"{:time 6 :process 0 :type :ok :f :txn :value [] :rebalance-log 3}"#, "a vector of rebalances, found 3"),
  ]) func mistakesAreTold(form: String, what: String) {
    #expect {
      _ = try parse("{:time 5 :process 0 :type :invoke :f :txn :value []}\n" + form)
    } throws: { error in
      guard let error = error as? HistoryError else { return false }
      return error.file == "history.edn" && error.line == 2 && error.byte == 0 && error.message.contains(what)
    }
  }

  @Test func whatDidNotSucceedMayHaveAnythingAsItsValue() throws {
    let history = try parse(
      """
      {:time 5 :process 0 :type :invoke :f :send :value [[:send 1 2]]}
      {:time 3 :process 0 :type :info :f :send :value :timeout}
      """)
    #expect(history.transactions.map(\.outcome) == [.info] && history.transactions.map(\.end) == [5])
    #expect(history.accesses.map(\.value.rawValue) == [2])
  }

  /// Files say by their first bytes what they are.
  @Test func filesOfBothKinds() throws {
    let path = "/tmp/stormproof-transactions-\(UInt64.random(in: 0...UInt64.max))"
    defer { unlink(path) }
    var read: [TransactionHistory] = []
    for text in [forms, lines].map({ $0.joined(separator: "\n") }) {
      try FileBytes.replace(path, with: Array(text.utf8))
      read.append(try TransactionHistory.read(path))
    }
    #expect(read[0] == read[1] && read[0].transactions.count == 4)
    try FileBytes.replace(path, with: Array("hello".utf8))
    #expect(throws: HistoryError.self) { try TransactionHistory.read(path) }
  }
}
