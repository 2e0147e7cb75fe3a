// Sagas as JSON lines: what is read, and what is said of lines that are wrong.

import Base
import Testing

@testable import History

@Suite struct SagaLinesTests {
  private func parse(_ lines: [String]) throws(HistoryError) -> SagaHistory {
    try SagaHistory.parse(Array(lines.joined(separator: "\n").utf8), file: "s.jsonl")
  }

  private func id(_ number: UInt64) -> MessageID { MessageID(rawValue: number) }

  private static let services = #"{"f":"services","value":["stock","billing"]}"#

  @Test func sagasOfLines() throws {
    let history = try parse([
      #"{"time":5,"f":"services","value":["stock","billing"],"comment":{"a":[1]}}"#,
      #"{"time":10,"process":0,"type":"invoke","f":"order","value":7}"#,
      #" {"f" : "complete", "value" : 7, "service" : "stock", "type":"ok", "time":null} "#,
      "",
      #"{"time":15,"f":"fault","value":"crash","type":"invoke"}"#,
      #"{"time":20,"f":"compensate","value":7,"service":"stock"}"#,
      #"{"time":20,"f":"complete","value":8,"service":"audit"}"#,
      #"{"time":30,"type":"fail","f":"order","value":7}"#,
      #"{"time":31,"type":"ok","f":"order","value":1099511627777}"#,
      #"{"time":32,"type":"invoke","f":"order","value":9}"#,
      #"{"time":40,"f":"drained"}"#,
    ])
    #expect(history.services == ["stock", "billing"] && history.strangers == ["audit"])
    #expect(history.orders.map(\.id) == [id(7), MessageID(producer: 1, sequence: 1), id(9)])
    #expect(history.orders.map(\.told.outcome) == [.fail, .ok, .invoke])
    #expect(history.orders.map { $0.told.marks.map(\.line) } == [[1, 7], [8], [9]])
    #expect(history.orders[0].told.completion == LineMark(line: 7, time: 30))
    #expect(
      history.steps == [
        .init(id(7), service: 0, .completed, mark: LineMark(line: 2, time: 10)),
        .init(id(7), service: 0, .compensated, mark: LineMark(line: 5, time: 20)),
        .init(id(8), service: 2, .completed, mark: LineMark(line: 6, time: 20)),
      ])
    #expect(history.isDrained && history.events == 9 && history.start == 5)
  }

  @Test func onlyTheLastLineSaysThatAllWasDrained() throws {
    let order = #"{"f":"order","value":1,"type":"ok"}"#
    let step = #"{"f":"complete","value":1,"service":"stock"}"#
    let drained = #"{"f":"drained"}"#
    #expect(try !parse([Self.services, order, step]).isDrained)
    #expect(try !parse([Self.services, order, drained, step]).isDrained)
    #expect(try !parse([Self.services, step, drained, order]).isDrained)
    #expect(try parse([Self.services, step, drained, order, drained, #"{"f":"fault","value":"x"}"#]).isDrained)
    #expect(try parse([Self.services, #"{"f":"drained","type":"invoke"}"#, #"{"f":"drained","type":"ok"}"#]).isDrained)
    #expect(try !parse([Self.services, drained, #"{"f":"drained","type":"info"}"#]).isDrained)
  }

  @Test func withoutTimesTheOrderOfTheLinesCounts() throws {
    let history = try parse([
      Self.services, #"{"f":"order","value":1,"type":"ok"}"#, #"{"f":"complete","value":1,"service":"stock"}"#,
    ])
    #expect(history.steps[0].mark == LineMark(line: 2, time: 2) && history.start == 0)
  }

  @Test(arguments: [
    (#"{"f":"order","value":1}"#, 23, #"the key "type""#),
    (#"{"f":"order","type":"ok"}"#, 25, #"the key "value""#),
    (#"{"f":"order","value":null,"type":"ok"}"#, 38, #"the key "value""#),
    (#"{"f":"order","value":-1,"type":"ok"}"#, 21, "the id of an order, 0 or more"),
    (#"{"f":"order","value":"a","type":"ok"}"#, 21, "the id of an order, 0 or more"),
    (#"{"f":"order","value":[1,2],"type":"ok"}"#, 21, "the id of an order, 0 or more"),
    (#"{"f":"order","value":99999999999999999999,"type":"ok"}"#, 21, "at most 63 bits"),
    (#"{"f":"order","value":1,"type":"maybe"}"#, 30, "one of invoke, ok, fail or info"),
    (#"{"f":"order","value":1,"type":3}"#, 30, "invoke, ok, fail or info"),
    (#"{"f":"order","value":5,"type":"fail"}"#, 37, "no more of order 5, whose end was told in line 2"),
    (#"{"f":"order","value":5,"type":"invoke"}"#, 39, "no more of order 5, whose end was told in line 2"),
    (#"{"f":"order","value":6,"type":"invoke"}"#, 39, "the end of order 6, which was begun in line 3"),
    (#"{"f":"complete","value":1}"#, 26, #"the key "service""#),
    (#"{"f":"complete","service":"stock"}"#, 34, #"the key "value""#),
    (#"{"f":"complete","value":1,"service":2}"#, 36, "the name of a service"),
    (#"{"f":"compensate","value":1,"service":"stock","type":"fail"}"#, 60, "what a service did has no other"),
    (#"{"f":"services","value":["a"]}"#, 30, "the first is in line 1"),
    (#"{"f":"drained","type":"yes"}"#, 22, "one of invoke, ok, fail or info"),
    (#"{"f":"publish","value":1}"#, 5, "one of services, order, complete, compensate or drained"),
    (#"{"value":1}"#, 11, #"the key "f""#),
    (#"{"f":7}"#, 5, "the name of a function"),
    (#"{"f":"drained","time":"x"}"#, 22, "a time in nanoseconds"),
    (#"{"f":"drained","time":-7}"#, 25, "sort the file by time"),
    (#"{"f":"drained"} x"#, 16, "the end of the line"),
    (#"{"f":"drained""#, 14, "a comma or a closing brace"),
    (#"{"f":"dr"#, 8, "the end of a string"),
    (#"[1]"#, 0, "an opening brace"),
  ]) func mistakesAreTold(line: String, byte: Int, what: String) {
    let error = #expect(throws: HistoryError.self) {
      _ = try parse([
        Self.services, #"{"f":"order","value":5,"type":"ok"}"#, #"{"f":"order","value":6,"type":"invoke"}"#, line,
      ])
    }
    #expect(error?.file == "s.jsonl" && error?.line == 4 && error?.byte == byte, "\(String(describing: error))")
    #expect(error?.message.contains(what) == true, "\(String(describing: error))")
  }

  /// Without all the services nobody knows what is missing.
  @Test(arguments: [
    (#"{"f":"order","value":1,"type":"ok"}"#, 35, #"expected a line {"f":"services""#),
    (#"{"f":"complete","value":1,"service":"stock"}"#, 44, #"expected a line {"f":"services""#),
    (#"{"f":"services"}"#, 16, #"expected the key "value""#),
    (#"{"f":"services","value":[]}"#, 24, "the names of services, at least one"),
    (#"{"f":"services","value":"a"}"#, 24, "a list of the names of services"),
    (#"{"f":"services","value":["a",1]}"#, 29, "a list of the names of services"),
    (#"{"f":"services","value":["a", "a"]}"#, 30, "the names of services, each once"),
    (#"{"f":"services","value":["a"],"type":"info"}"#, 44, "the list of services has no other"),
  ]) func theServicesComeFirst(line: String, byte: Int, what: String) {
    let error = #expect(throws: HistoryError.self) { _ = try parse(["", line, Self.services]) }
    #expect(error?.line == 2 && error?.byte == byte, "\(String(describing: error))")
    #expect(error?.message.contains(what) == true, "\(String(describing: error))")
  }

  @Test func filesOfOtherKindsAreRefused() {
    func message(_ bytes: [UInt8]) -> String? {
      do throws(HistoryError) { _ = try SagaHistory.parse(bytes, file: "s") } catch { return error.description }
      return nil
    }
    #expect(
      message(Array("{:f :order}".utf8))
        == "s: byte 0: expected orders and what services did for them as JSON lines, found EDN")
    #expect(message(HistoryFormat.littleEndian(HistoryFormat.magic))?.hasSuffix("found the history of a run") == true)
    #expect(message([])?.hasSuffix("found nothing") == true)
    #expect(message(Array("[{\"f\":1}]".utf8))?.hasPrefix("s:1: byte 0: expected JSON lines") == true)
  }

  @Test func damagedLinesNeverTrap() {
    let lines = [
      Self.services, #"{"time":4,"f":"order","value":7,"type":"ok"}"#,
      #"{"time":5,"f":"complete","value":7,"service":"st\u006fck"}"#, #"{"time":6,"f":"drained"}"#,
    ]
    damageNeverTraps({ bytes throws(HistoryError) in _ = try SagaHistory.parse(bytes, file: "s") }, of: lines)
  }

  /// Further apart than 64 bits can say, the difference of two would trap.
  @Test(arguments: [Int64.min, -1 << 62, Int64.max]) func timesAtTheEdgesAreRefused(time: Int64) {
    let text = #"{"time":\#(time),"f":"services","value":["a"]}"#
    let error = #expect(throws: HistoryError.self) { try SagaHistory.parse(Array(text.utf8), file: "x") }
    #expect(error?.line == 1 && error?.message.contains("expected a time between") == true)
  }
}

/// Lines that were cut off or damaged anywhere are read, or told as a mistake with its place.
func damageNeverTraps(_ parse: ([UInt8]) throws(HistoryError) -> Void, of lines: [String]) {
  let whole = Array(lines.joined(separator: "\n").utf8)
  var mistakes = 0
  for seed in UInt64(0)..<3000 {
    var rng = SeededGenerator(seed: seed, label: "damage")
    var bytes = whole
    for _ in 0...rng.below(2) { bytes[rng.below(bytes.count)] = UInt8(rng.below(256)) }
    if rng.chance(0.3) { bytes.removeLast(rng.below(bytes.count)) }
    do throws(HistoryError) { try parse(bytes) } catch {
      mistakes += 1
      #expect(error.byte != nil && !error.message.isEmpty, "seed \(seed)")
    }
  }
  #expect(mistakes > 1000 && mistakes < 3000)
}
