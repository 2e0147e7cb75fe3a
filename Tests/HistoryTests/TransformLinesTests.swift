// What a transformer did as JSON lines: what is read, and what is said of lines that are wrong.

import Base
import Testing

@testable import History

@Suite struct TransformLinesTests {
  private func parse(_ lines: [String]) throws(HistoryError) -> TransformHistory {
    try TransformHistory.parse(Array(lines.joined(separator: "\n").utf8), file: "t.jsonl")
  }

  private func id(_ number: UInt64) -> MessageID { MessageID(rawValue: number) }

  private static let lines = [
    #"{"time":10,"f":"input","value":7,"partition":"in-0","offset":12,"parts":2}"#,
    #"{"time":11,"f":"input","value":8,"partition":1,"offset":0,"type":"ok"}"#,
    #"{"time":12,"f":"transaction","value":3,"type":"invoke","process":4}"#,
    #"{"time":13,"f":"output","value":7,"part":1,"transaction":3}"#,
    #"{"time":13,"f":"output","value":8,"transaction":9}"#,
    #"{"time":14,"f":"transaction","value":3,"type":"ok"}"#,
    #"{"time":15,"f":"committed","partition":"in-0","offset":12}"#,
    #"{"time":16,"f":"committed","partition":"in-0","offset":13}"#,
    #"{"time":17,"f":"committed","partition":"1","offset":1}"#,
    #"{"time":17,"f":"fault","value":"pause","type":"ok"}"#,
    #"{"time":18,"f":"drained"}"#,
  ]

  @Test func transformersOfLines() throws {
    let history = try parse(Self.lines)
    func mark(_ line: Int, _ time: Nanoseconds) -> LineMark { LineMark(line: line, time: time) }
    #expect(
      history.inputs == [
        .init(id(7), partition: 0, offset: 12, parts: 2, mark: mark(0, 10)),
        .init(id(8), partition: 1, offset: 0, parts: 1, mark: mark(1, 11)),
      ])
    #expect(history.transactions.map(\.number) == [3] && history.transactions[0].told.outcome == .ok)
    #expect(history.transactions[0].told.marks == [mark(2, 12), mark(5, 14)])
    #expect(
      history.effects == [
        .init(of: id(7), part: 1, transaction: 3, mark: mark(3, 13)),
        .init(of: id(8), part: 0, transaction: 9, mark: mark(4, 13)),
      ])
    #expect(history.partitions.map(\.name) == ["in-0", "1"] && history.partitions.map(\.committed) == [13, 1])
    #expect(history.partitions.map(\.mark) == [mark(7, 16), mark(8, 17)])
    #expect(history.isDrained && history.events == 10 && history.start == 10)
  }

  @Test func onlyTheLastLineSaysThatAllWasDrained() throws {
    #expect(try !parse(Self.lines.dropLast()).isDrained)
    for line in Self.lines.dropLast().map({ $0.replacing(#""time":1"#, with: #""time":2"#) }) {
      let other = line.replacing(#""value":7,"partition""#, with: #""value":70,"partition""#)
        .replacing(#""value":8,"partition""#, with: #""value":80,"partition""#)
        .replacing(#""value":3"#, with: #""value":30"#)
      #expect(try parse(Self.lines + [other]).isDrained == line.contains("fault"), "\(line)")
    }
  }

  @Test func compressedFilesAreReadAlike() throws {
    let bytes = Array(Self.lines.joined(separator: "\n").utf8)
    let expected = try parse(Self.lines)
    try withFile("transform") { path in
      for content in [bytes, try compressed(bytes, by: "gzip"), try compressed(bytes, by: "xz")] {
        #expect(try TransformHistory.parse(content, file: "t") == expected)
        try FileBytes.replace(path, with: content)
        #expect(try TransformHistory.read(path) == expected)
      }
      try FileBytes.replace(path, with: Array(try compressed(bytes, by: "xz").dropLast(20)))
      let error = #expect(throws: HistoryError.self) { _ = try TransformHistory.read(path, name: "cut.xz") }
      #expect(error?.file == "cut.xz")
      #expect(throws: HistoryError.self) { _ = try TransformHistory.read(path + ".none") }
    }
  }

  @Test(arguments: [
    (#"{"f":"input","partition":"p","offset":1}"#, 40, #"the key "value""#),
    (#"{"f":"input","value":-2,"partition":"p","offset":1}"#, 21, "the id of an input, 0 or more"),
    (#"{"f":"input","value":9,"offset":1}"#, 34, #"the key "partition""#),
    (#"{"f":"input","value":9,"partition":true,"offset":1}"#, 35, "the name or number of a partition"),
    (#"{"f":"input","value":9,"partition":"p"}"#, 39, #"the key "offset""#),
    (#"{"f":"input","value":9,"partition":"p","offset":-1}"#, 48, "an offset of 0 or more"),
    (#"{"f":"input","value":9,"partition":"p","offset":1.5}"#, 48, "an offset of 0 or more"),
    (#"{"f":"input","value":9,"partition":"p","offset":1,"parts":-1}"#, 58, "how many outputs it is to have"),
    (#"{"f":"input","value":9,"partition":"p","offset":1,"parts":4294967296}"#, 58, "from 0 to 4294967295"),
    (#"{"f":"input","value":7,"partition":"p","offset":1}"#, 50, "each input once: 7 is in line 1"),
    (#"{"f":"input","value":9,"partition":"p","offset":1,"type":"fail"}"#, 64, "an input has no other"),
    (#"{"f":"output","transaction":3}"#, 30, #"the key "value""#),
    (#"{"f":"output","value":"x","transaction":3}"#, 22, "the id of the input it came from"),
    (#"{"f":"output","value":7}"#, 24, #"the key "transaction""#),
    (#"{"f":"output","value":7,"transaction":-3}"#, 38, "the number of a transaction"),
    (#"{"f":"output","value":7,"part":-1,"transaction":3}"#, 31, "which output of its input it is"),
    (#"{"f":"output","value":7,"transaction":3,"type":"info"}"#, 54, "an output has no other"),
    (#"{"f":"transaction","type":"ok"}"#, 31, #"the key "value""#),
    (#"{"f":"transaction","value":4}"#, 29, #"the key "type""#),
    (#"{"f":"transaction","value":-4,"type":"ok"}"#, 27, "the number of a transaction"),
    (#"{"f":"transaction","value":4,"type":"aborted"}"#, 36, "one of invoke, ok, fail or info"),
    (#"{"f":"transaction","value":3,"type":"fail"}"#, 43, "no more of transaction 3, whose end was told in line 6"),
    (#"{"f":"committed","offset":3}"#, 28, #"the key "partition""#),
    (#"{"f":"committed","partition":"p"}"#, 33, #"the key "offset""#),
    (#"{"f":"committed","partition":"p","offset":1,"type":"fail"}"#, 58, "a committed offset has no other"),
    (#"{"f":"order","value":1,"type":"ok"}"#, 5, "one of transaction, input, output, committed or drained"),
    (#"{"f":"drained","time":17}"#, 25, "a time not below 18"),
    (#"{"f":"drained" "x":1}"#, 15, "a comma or a closing brace"),
  ]) func mistakesAreTold(line: String, byte: Int, what: String) {
    let error = #expect(throws: HistoryError.self) { _ = try parse(Self.lines + [line]) }
    #expect(error?.file == "t.jsonl" && error?.line == 12 && error?.byte == byte, "\(String(describing: error))")
    #expect(error?.message.contains(what) == true, "\(String(describing: error))")
  }

  @Test func filesOfOtherKindsAreRefused() {
    let error = #expect(throws: HistoryError.self) { _ = try parse(["[{:f :input}]"]) }
    #expect(error?.message == "expected inputs, outputs and transactions as JSON lines, found EDN")
  }

  @Test func damagedLinesNeverTrap() {
    damageNeverTraps(
      { bytes throws(HistoryError) in _ = try TransformHistory.parse(bytes, file: "t") }, of: Self.lines)
  }
}
