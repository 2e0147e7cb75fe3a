// Histories as JSON lines: there and back, files of others, and mistakes with their place.

import Base
import Foundation
import Testing

@testable import History

struct JSONLinesTests {
  @Test(arguments: [UInt64(1), 2, 3]) func exportParseExportIsTheSame(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let history = randomHistory(&random, events: 2000)
    let text = JSONLines.export(history)
    let parsed = try JSONLines.parse(text, file: "h.jsonl")
    #expect(JSONLines.export(parsed) == text)
    #expect(parsed.events.count == history.events.count)
    for (a, b) in zip(history.events, parsed.events) {
      // Words are numbered anew; everything else is as it was.
      var (a, b) = (a, b)
      if a.function == .publish, a.outcome == .invoke {
        #expect(
          Set(history.names.queues(a.place).map(history.names.text))
            == Set(parsed.names.queues(b.place).map(parsed.names.text)))
      } else if [.subscribe, .deliver, .fault, .drained].contains(a.function) {
        #expect(history.names.text(a.place) == parsed.names.text(b.place))
      }
      #expect(history.names.text(a.node) == parsed.names.text(b.node))
      (a.place, b.place, a.node, b.node) = (0, 0, 0, 0)
      #expect(fields(a) == fields(b))
    }
  }

  @Test func everyLineIsJSON() throws {
    var random = SeededGenerator(seed: 5)
    let text = JSONLines.export(randomHistory(&random, events: 500))
    for line in text.split(separator: 0x0a) {
      #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line)) }
    }
  }

  private func parse(_ text: String) throws -> RecordedHistory {
    try JSONLines.parse(Array(text.utf8), file: "h.jsonl")
  }

  @Test func aDeliveryHistory() throws {
    let history = try parse(
      """
      {"time":1,"process":100,"type":"invoke","f":"subscribe","op":1,"mode":"auto","prefetch":2,"queue":"q0","session":1}
      {"time":3,"process":0,"type":"invoke","f":"publish","op":3,"value":[7,2],"to":["q1","q0"],"channel":3,"tx":4}
      {"time":4,"process":0,"type":"info","f":"publish","op":3,"sent":true,"nack":true}

      { "time" : 5 , "process":100,"type":"ok","f":"deliver","value":null,"bad":"damaged","queue":"q0","session":1,"tag":9,"redelivered":true, "unknown":{"a":[1,2.5e3,"\\u00e9"]}}
      {"time":6,"process":-1,"type":"invoke","f":"fault","value":"f\\u0030"}
      {"time":7,"process":-2,"type":"info","f":"drained","queue":"q2","count":1}
      """)
    #expect(history.isComplete && history.events.count == 6)
    let events = history.events
    #expect(events[0].flags == .autoAck && events[0].tag == 2 && history.names.text(events[0].place) == "q0")
    #expect(
      events[1].message == MessageID(producer: 0, sequence: 7) && events[1].attempt == 2 && events[1].transaction == 4)
    #expect(Set(history.names.queues(events[1].place).map(history.names.text)) == ["q0", "q1"])
    #expect(events[2].flags == [.sent, .nack] && events[2].outcome == .info)
    #expect(events[3].flags == [.damaged, .redelivered] && events[3].message == .none)
    #expect(history.names.text(events[4].place) == "f0" && events[4].process == -1)
    #expect(events[5].tag == 1)
  }

  @Test func aPlainQueueHistoryIsJoinedByProcess() throws {
    let history = try parse(
      """
      {"process":9,"type":"invoke","f":"dequeue","value":null,"time":10}
      {"process":3,"type":"invoke","f":"enqueue","value":1,"time":20}
      {"process":3,"type":"ok","f":"enqueue","value":1,"time":30}
      {"process":9,"type":"ok","f":"dequeue","value":1,"time":40}
      {"process":9,"type":"invoke","f":"dequeue","value":null,"time":50}
      {"process":9,"type":"ok","f":"dequeue","value":null,"time":60}
      """)
    #expect(history.events.map(\.op) == [1, 2, 2, 1, 3, 3])
    #expect(
      history.events.map(\.message) == [
        .none, .init(rawValue: 1), .init(rawValue: 1), .init(rawValue: 1), .none, .none,
      ])
  }

  /// A log and a register as other tools write them; a key-value store differs from a register by its pairs.
  @Test func plainLogsAndRegistersAreJoinedByProcess() throws {
    let log = try parse(
      """
      {"process":1,"type":"invoke","f":"append","value":7,"time":1}
      {"process":2,"type":"invoke","f":"read","value":[0,null],"time":2}
      {"process":1,"type":"ok","f":"append","value":[3,7],"time":3}
      {"process":2,"type":"ok","f":"read","value":[0,null],"time":4}
      """)
    #expect(log.events.map(\.op) == [1, 2, 1, 2])
    #expect(log.events.map(\.tag) == [0, 0, 3, 0])
    #expect(log.events.map(\.message) == [7, .max, 7, .max].map(MessageID.init(rawValue:)))
    let register = try parse(
      """
      {"process":1,"type":"invoke","f":"cas","value":[0,5],"time":1}
      {"process":1,"type":"ok","f":"cas","value":[0,5],"time":2}
      {"process":1,"type":"invoke","f":"read","value":null,"time":3}
      {"process":1,"type":"ok","f":"read","value":5,"time":4}
      {"process":1,"type":"invoke","f":"write","value":6,"time":5}
      """)
    #expect(register.events.map(\.message) == [5, 5, .max, 5, 6].map(MessageID.init(rawValue:)))
    #expect(register.events.allSatisfy { $0.transaction == 0 && $0.tag == 0 && $0.attempt == 0 })
    let store = try parse(
      """
      {"process":1,"type":"invoke","f":"cas","value":[9,[4,5]],"time":1}
      {"process":1,"type":"ok","f":"read","value":[0,5],"op":4,"time":2}
      """)
    #expect(store.events.map(\.tag) == [9, 0] && store.events.map(\.transaction) == [4, 0])
    #expect(store.events.map(\.message.rawValue) == [5, 5] && store.events.map(\.op) == [1, 4])
    // Each goes out in the form in which it came.
    for (history, form) in [
      (log, "\"value\":[3,7]}"), (log, "\"value\":[0,null]}"), (register, "\"value\":[0,5]}"),
      (register, "\"value\":null}"), (register, "\"value\":6}"), (store, "\"value\":[9,[4,5]]}"),
      (store, "\"value\":[0,5]}"),
    ] {
      let text = String(decoding: JSONLines.export(history), as: UTF8.self)
      #expect(text.contains(form), "\(text)")
      #expect(try parse(text).events.map(fields) == history.events.map(fields))
    }
  }

  @Test(arguments: [
    ("append", "ok", "7", "[offset, value]"), ("append", "invoke", "[0,7]", "a value of 0 or more"),
    ("append", "invoke", "null", "a value of 0 or more"), ("write", "invoke", "null", "a value or [key, value]"),
    ("write", "invoke", "[1,null]", "a value or [key, value]"), ("write", "invoke", "-1", "a value or [key, value]"),
    ("read", "ok", "[-1,2]", "null, a value or [key, value]"), ("read", "ok", "[1,[2,3]]", "null, a value"),
    ("read", "ok", "\"x\"", "null, a value"), ("cas", "invoke", "4", "[old, new]"),
    ("cas", "invoke", "[1,null]", "[old, new]"), ("cas", "invoke", "[1,[2,-3]]", "[key, [old, new]]"),
  ]) func valuesMustFitTheirFunction(function: String, type: String, value: String, expected: String) throws {
    let error = try #require(throws: HistoryError.self) {
      try parse(#"{"time":1,"process":0,"type":"\#(type)","f":"\#(function)","value":\#(value)}"#)
    }
    #expect(error.line == 1 && error.message.contains(expected), "\(error)")
  }

  @Test(arguments: [
    ("[1]", 0, "an opening brace"),
    ("{\"time\":1", 9, "a comma or a closing brace"),
    ("{\"time\":\"1\"}", 8, "a time in nanoseconds"),
    ("{\"time\":1.5}", 8, "a time in nanoseconds"),
    ("{\"time\":99999999999999999999}", 8, "63 bits"),
    ("{\"f\":\"swim\"}", 5, "a function such as"),
    ("{\"type\":\"done\"}", 8, "invoke, ok, fail or info"),
    ("{\"a\":tru}", 5, "true or false"),
    ("{\"a\":\"x", 7, "the end of a string"),
    ("{\"queue\":\"\\q\"}", 9, "valid escapes"),
    ("{} x", 3, "the end of the line"),
    ("{\"time\":1,\"process\":0,\"type\":\"ok\",\"f\":\"ack\",\"tag\":1}", 52, "\"session\""),
    ("{\"time\":1,\"process\":0,\"type\":\"fail\",\"f\":\"deliver\"}", 50, "a delivery has no other"),
    ("{\"time\":1,\"process\":0,\"type\":\"ok\",\"f\":\"ack\",\"tag\":1,\"session\":-1}", 62, "\"session\" between"),
  ]) func mistakesAreToldWithTheirPlace(line: String, byte: Int, expected: String) throws {
    let good = "{\"time\":0,\"process\":0,\"type\":\"ok\",\"f\":\"alive\",\"session\":1}\n"
    let error = try #require(throws: HistoryError.self) { try parse(good + line + "\n" + good) }
    #expect(error.file == "h.jsonl")
    #expect(error.line == 2)
    #expect(error.byte == byte, "\(error)")
    #expect(error.message.contains(expected), "\(error)")
  }

  @Test func unsortedTimesAreAMistake() throws {
    let line = "{\"time\":5,\"process\":0,\"type\":\"ok\",\"f\":\"alive\",\"session\":1}\n"
    let error = try #require(throws: HistoryError.self) { try parse(line + line.replacing("5", with: "4")) }
    #expect(error.line == 2 && error.message.contains("sort the file"))
  }

  /// Damaged text: an error with a place in the file, or a history that exports again.
  @Test(arguments: [UInt64(31), 32, 33]) func damagedTextNeverCrashes(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let whole = JSONLines.export(randomHistory(&random, events: 20))
    var refused = 0
    for _ in 0..<1000 {
      var bytes = whole
      for _ in 0...random.below(3) {
        let at = random.below(bytes.count)
        switch random.below(4) {
        case 0: bytes[at] = UInt8(random.below(256))
        case 1: bytes[at] = Array("{}[]\",:\\u019-".utf8)[random.below(13)]
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + random.below(30)))
        default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + random.below(30))], at: at)
        }
      }
      do throws(HistoryError) {
        let text = JSONLines.export(try JSONLines.parse(bytes, file: "x"))
        #expect(JSONLines.export(try JSONLines.parse(text, file: "again")) == text, "seed \(seed)")
      } catch {
        refused += 1
        #expect(error.file == "x", "seed \(seed): \(error)")
        #expect((error.byte ?? -1) >= 0, "seed \(seed): \(error)")
      }
    }
    #expect(refused > 300)
  }

  /// The corpus that the checkers are tested with, made by somebody else.
  @Test func theCorpusReadsAndRoundTrips() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("CheckersTests/Histories/delivery").path
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".xz") }.sorted()
    #expect(names.count > 20)
    for name in names.prefix(12) {
      let history = try JSONLines.parse(try CompressedFile.read(folder + "/" + name), file: name)
      let count = try #require(Int(name.split(separator: "_")[1].dropFirst()))
      // The number in the name is of the history before something was planted.
      #expect(abs(history.events.count - count) < 50)
      let text = JSONLines.export(history)
      #expect(JSONLines.export(try JSONLines.parse(text, file: name)) == text)
    }
  }

  @Test func xzAndPlainFilesReadAlike() throws {
    // `printf 'hello\n' | xz`, twice: streams one behind the other are one file.
    let xz: [UInt8] = [
      0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21, 0x01,
      0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x05, 0x68, 0x65, 0x6c, 0x6c, 0x6f,
      0x0a, 0x00, 0x00, 0x00, 0xa5, 0x60, 0x97, 0xf1, 0x94, 0xf6, 0xfd, 0xe0, 0x00, 0x01, 0x1e, 0x06,
      0xc1, 0x2f, 0xa4, 0x1d, 0x1f, 0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a,
    ]
    let hello = Array("hello\n".utf8)
    for (bytes, content) in [(hello, hello), (xz, hello), (xz + xz, hello + hello)] {
      try withFile("file") { path in
        try FileBytes.replace(path, with: bytes)
        #expect(try CompressedFile.read(path) == content)
      }
    }
    for cut in 6..<xz.count {
      #expect(throws: HistoryError.self) { try CompressedFile.decompress(Array(xz[..<cut]), file: "x") }
    }
    for at in 6..<xz.count {
      var damaged = xz
      damaged[at] ^= 1
      #expect(throws: HistoryError.self, "byte \(at)") { try CompressedFile.decompress(damaged, file: "x") }
    }
    #expect(throws: HistoryError.self) { try CompressedFile.read("/nowhere") }
    #expect(throws: HistoryError.self) { try CompressedFile.read("/") }
  }
}
