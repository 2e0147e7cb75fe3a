// Histories as EDN: there and back, those of Jepsen's queue workloads, and mistakes with their place.

import Base
import Foundation
import Testing

@testable import History

struct JepsenHistoryTests {
  private func parse(_ text: String) throws -> RecordedHistory {
    try JepsenHistory.parse(Array(text.utf8), file: "h.edn")
  }

  @Test(arguments: [UInt64(1), 2, 3]) func eventsToEDNAndBackAreTheSame(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let history = foreseeingNothing(randomHistory(&random, events: 1000))
    let text = JepsenHistory.export(history)
    let parsed = try JepsenHistory.parse(text, file: "h.edn")
    let isSame = JepsenHistory.export(parsed) == text
    #expect(isSame, "seed \(seed)")
    // The same through the other notation.
    let isSameAsLines = JSONLines.export(parsed) == JSONLines.export(history)
    #expect(isSameAsLines, "seed \(seed)")
  }

  @Test func anExportedLineIsAsJepsenPrintsIt() throws {
    let history = try JSONLines.parse(
      Array(
        """
        {"process":9,"type":"invoke","f":"dequeue","value":null,"time":10}
        {"process":9,"type":"ok","f":"dequeue","value":7,"time":40}
        """.utf8), file: "h.jsonl")
    #expect(
      String(decoding: JepsenHistory.export(history), as: UTF8.self) == """
        {:index 0, :time 10, :process 9, :type :invoke, :f :dequeue, :op 1, :value nil}
        {:index 1, :time 40, :process 9, :type :ok, :f :dequeue, :op 1, :value 7}

        """)
  }

  private static let operations = [
    "{:process 0, :type :invoke, :f :enqueue, :value 1, :time 10, :index 0}",
    "{:process :nemesis, :type :info, :f :start, :value nil, :time 12, :index 1}",
    "{:process 1, :type :invoke, :f :dequeue, :time 14, :index 2}",
    "{:process 0, :type :ok, :f :enqueue, :value 1, :time 20, :index 3}",
    "{:process :nemesis, :type :info, :f :start, :value [:isolated {\"n1\" #{\"n2\"}}], :time 22, :index 4}",
    "{:process 1, :type :fail, :f :dequeue, :value :exhausted, :error :empty, :time 24, :index 5}",
    "{:process 0, :type :invoke, :f :enqueue, :value 2, :time 30, :index 6}",
    "{:process 0, :type :info, :f :enqueue, :value :timeout, :error [:timeout \"late\"], :time 40, :index 7}",
    "{:process 1, :type :invoke, :f :dequeue, :value 1, :time 41, :index 8}",
    "{:process 1, :type :ok, :f :dequeue, :value 1, :time 50, :index 9}",
  ]

  @Test func theWaysInWhichJepsenPrintsAHistory() throws {
    let plain = try parse(Self.operations.joined(separator: "\n"))
    #expect(plain.isComplete && plain.events.count == 8)
    #expect(plain.events.map(\.time) == [10, 14, 20, 24, 30, 40, 41, 50])
    #expect(plain.events.map(\.op) == [1, 2, 1, 2, 3, 3, 4, 4])
    #expect(
      plain.events.map(\.message) == [1, .max, 1, .max, 2, 2, .max, 1].map(MessageID.init(rawValue:)))
    #expect(plain.events.map(\.outcome) == [.invoke, .invoke, .ok, .fail, .invoke, .info, .invoke, .ok])
    for text in [
      "[" + Self.operations.joined(separator: "\n ") + "]", "(" + Self.operations.joined(separator: ", ") + ")",
      Self.operations.map { "#jepsen.history.Op" + $0 }.joined(separator: "\n"),
      "; a comment\n" + Self.operations.joined(separator: " #_{:process 7} "),
    ] { #expect(try parse(text).events.map(fields) == plain.events.map(fields)) }
    // Without times the places stand for them.
    let untimed = try parse(
      Self.operations.map { $0.replacing(/:time \d+,/, with: "") }.joined(separator: "\n"))
    #expect(untimed.events.map(\.time) == [0, 2, 3, 5, 6, 7, 8, 9])
    #expect(untimed.events.map(\.message) == plain.events.map(\.message))
  }

  @Test func clocksThatStepBackStandStill() throws {
    let history = try parse(
      """
      {:process 0, :type :invoke, :f :enqueue, :value 1, :time 10}
      {:process 0, :type :ok, :f :enqueue, :value 1, :time 8}
      {:process 0, :type :invoke, :f :enqueue, :value 2, :time 11}
      """)
    #expect(history.events.map(\.time) == [10, 10, 11])
  }

  @Test func drainsAreDequeuesAndAnEmptyAnswer() throws {
    let history = try parse(
      """
      {:process 0, :type :invoke, :f :drain, :value nil, :time 10}
      {:process 1, :type :invoke, :f :drain, :value nil, :time 11}
      {:process 2, :type :invoke, :f :drain, :value nil, :time 12}
      {:process 0, :type :ok, :f :drain, :value [5 6], :time 20}
      {:process 2, :type :fail, :f :drain, :value nil, :time 25}
      {:process 1, :type :ok, :f :drain, :value [], :time 30}
      """)
    func lines(_ events: [Event]) -> [String] {
      events.map {
        "\($0.time) \($0.function) \($0.outcome) \($0.process) \($0.message == .none ? "-" : "\($0.message)")"
      }
    }
    #expect(
      lines(history.events) == [
        "10 dequeue invoke 0 -", "10 dequeue invoke 0 -", "11 dequeue invoke 1 -", "20 dequeue ok 0 5",
        "20 dequeue ok 0 6", "30 dequeue ok 1 -",
      ])
    #expect(Set(history.events.map(\.op)).count == 3)
    // One that crashed, and one that never ended: they may have taken what nobody else took.
    for end in ["", "{:process 0, :type :info, :f :drain, :value :crashed, :time 40}"] {
      let unknown = try parse(
        """
        {:process 3, :type :invoke, :f :enqueue, :value 7, :time 1}
        {:process 3, :type :invoke, :f :enqueue, :value 8, :time 2}
        {:process 0, :type :invoke, :f :drain, :value nil, :time 10}
        {:process 1, :type :invoke, :f :drain, :value nil, :time 11}
        {:process 1, :type :ok, :f :drain, :value [7], :time 30}
        \(end)
        """)
      #expect(
        lines(unknown.events) == [
          "1 enqueue invoke 3 7", "2 enqueue invoke 3 8", "10 dequeue invoke 0 -", "11 dequeue invoke 1 -",
          "30 dequeue ok 1 7",
        ])
    }
  }

  @Test(arguments: [
    ("3", 0, "expected a map such as"),
    ("{:type :ok}", 0, ":process"),
    ("{:process 99999999999 :type :ok}", 0, ":process of 32 bits"),
    ("{:process 0 :type \"ok\"}", 0, ":type as :invoke"),
    ("{:process 0 :type :ok}", 0, ":f as :enqueue"),
    ("{:process 0 :type :ok :f :txn}", 0, ":f as :enqueue"),
    ("{:process 0 :type :ok :f :drain :value [1]}", 0, "invocation of this :drain"),
    ("{:process 1 :type :ok :f :drain :value [:a]}", 0, "a vector of integers"),
    ("{:process 1 :type :ok :f :drain}", 0, "a vector of integers"),
    ("{:process 0 :type :invoke :f :enqueue :value [1 2 3]}", 0, "a vector of two"),
    ("{:process 0 :type :invoke :f :enqueue :value -4}", 0, "an id of 0 or more"),
    ("{:process 0 :type :invoke :f :enqueue :value 1 :time 1.5}", 0, "whole nanoseconds"),
    ("{:process 0 :type :invoke :f :ack :op 1 :tag :x}", 0, ":tag as an integer"),
    ("{:process 0 :type :invoke :f :ack :op 1 :tag 4}", 0, "\"session\""),
    ("{:process 0 :type :invoke :f :publish :to [:q]}", 0, ":to as a vector of strings"),
    ("{:process 0 :type :invoke :f :subscribe :mode :other}", 0, ":mode as :manual or :auto"),
    ("{:process 0 :type :invoke :f :subscribe :queue 4}", 0, ":queue as a string"),
    ("{:process 0 :type :ok :f :deliver :bad true}", 0, ":bad as"),
    ("{:process 0 :type :ok :f :deliver :redelivered 1}", 0, ":redelivered as true or false"),
    ("{:process 0 :type", 0, "a value behind the key"),
  ]) func mistakesAreToldWithTheirPlace(form: String, byte: Int, expected: String) throws {
    let good = "{:process 1 :type :invoke :f :drain :time 1}\n  "
    let error = try #require(throws: HistoryError.self) { try parse(good + form) }
    #expect(error.file == "h.edn" && error.line == 2 && error.message.contains(expected), "\(error)")
    #expect(try #require(error.byte) >= 2 + byte, "\(error)")
  }
}

/// What a dequeue will bring cannot be known when it begins, and is not read there.
func foreseeingNothing(_ history: RecordedHistory) -> RecordedHistory {
  var history = history
  for at in history.events.indices where history.events[at].function == .dequeue {
    if history.events[at].outcome == .invoke { history.events[at].message = .none }
  }
  return history
}
