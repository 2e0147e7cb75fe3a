// Histories in every dress: what a file is shows in its first bytes, compressed ones are cut off aloud.

import Base
import Foundation
import Testing

@testable import History

/// `gzip` and `xz` of the tests: the decoders are ours, what they decode must be somebody else's.
func compressed(_ bytes: [UInt8], by program: String) throws -> [UInt8] {
  try withFile("plain") { path in
    try FileBytes.replace(path, with: bytes)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program, "-k", path]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    return try FileBytes.read(path + (program == "xz" ? ".xz" : ".gz"))
  }
}

struct HistoryInputTests {
  private func history(_ seed: UInt64, _ count: Int = 300) -> RecordedHistory {
    var random = SeededGenerator(seed: seed)
    return foreseeingNothing(randomHistory(&random, events: count))
  }

  @Test func everyKindInEveryDressIsTheSameHistory() throws {
    let original = history(5)
    let text = JSONLines.export(original)
    for (what, bytes) in [
      ("binary", try binary(original)), ("JSON lines", text), ("EDN", JepsenHistory.export(original)),
    ] {
      for (how, dressed) in [
        ("plain", bytes), ("xz", try compressed(bytes, by: "xz")), ("gzip", try compressed(bytes, by: "gzip")),
      ] {
        // By name it is something else each time.
        try withFile("history.txt") { path in
          try FileBytes.replace(path, with: dressed)
          let isSame = JSONLines.export(try HistoryInput.read(path)) == text
          #expect(isSame, "\(what), \(how)")
        }
        let isSame = JSONLines.export(try HistoryInput.decode(dressed, file: "x")) == text
        #expect(isSame, "\(what), \(how)")
      }
    }
  }

  @Test func aPipeIsReadAsItComes() throws {
    let original = history(6, 3000)
    for bytes in [JSONLines.export(original), try compressed(JepsenHistory.export(original), by: "gzip")] {
      try withFile("pipe") { path in
        #expect(mkfifo(path, 0o600) == 0)
        let writer = Thread {
          guard let file = FileHandle(forWritingAtPath: path) else { return }
          for start in stride(from: 0, to: bytes.count, by: 1000) {
            try? file.write(contentsOf: bytes[start..<min(start + 1000, bytes.count)])
          }
          try? file.close()
        }
        writer.start()
        var told: [HistoryInput.Progress] = []
        let found = try HistoryInput.read(path, name: "standard input") { told.append($0) }
        let isSame = JSONLines.export(found) == JSONLines.export(original)
        #expect(isSame)
        #expect(told.allSatisfy { $0.size == nil && $0.bytes > 0 })
      }
    }
  }

  @Test func progressGrowsToTheWhole() throws {
    try withFile("h.jsonl") { path in
      try FileBytes.replace(path, with: JSONLines.export(history(7, 30_000)))
      var told: [HistoryInput.Progress] = []
      _ = try HistoryInput.read(path) { told.append($0) }
      #expect(told.count > 2 && told.last?.events == 30_000 && told.last?.bytes == told.last?.size)
      #expect(zip(told, told.dropFirst()).allSatisfy { $0.events <= $1.events && $0.bytes <= $1.bytes })
    }
  }

  @Test(arguments: [
    ("{\"time\":1}", HistoryInput.Kind.jsonLines), (" \n\t{ \"time\"", .jsonLines), ("{}", .jsonLines),
    ("{:process", .edn), ("[{:process", .edn), ("({", .edn), ("[]", .edn), ("#jepsen.history.Op{", .edn),
    ("; comment", .edn), ("#_1", .edn), ("[ #jepsen", .edn), ("SPhb\u{1}", .binary),
  ]) func kindsAreKnownByTheirBegin(text: String, kind: HistoryInput.Kind) throws {
    let found = try Array(text.utf8).withUnsafeBufferPointer { bytes in try HistoryInput.kind(of: bytes, file: "x") }
    #expect(found == kind)
  }

  @Test(arguments: [
    ("", "found nothing"), (" \n", "found something else"), ("time,process", "found something else"),
    ("\u{7f}ELF", "found something else"), ("[{\"time\":1}]", "found an array"), ("[\n {\"a", "found an array"),
  ]) func othersFilesAreRefused(text: String, expected: String) throws {
    let error = try #require(throws: HistoryError.self) { try HistoryInput.decode(Array(text.utf8), file: "x") }
    #expect(error.message.contains(expected) && error.message.contains("JSON lines"), "\(error)")
  }

  @Test(arguments: ["xz", "gzip"]) func cutAndDamagedCompressedFilesAreTold(program: String) throws {
    let bytes = try compressed(JSONLines.export(history(8, 200)), by: program)
    for cut in stride(from: 6, to: bytes.count, by: 3) + [bytes.count - 1] {
      let error = try #require(throws: HistoryError.self) {
        _ = try HistoryInput.decode(Array(bytes[..<cut]), file: "x")
      }
      #expect(error.message.contains("cut off") && error.byte == cut, "\(cut): \(error)")
    }
    let content = try CompressedFile.decompress(bytes, file: "x")
    var refused = 0
    // Behind the name of the file, which nothing guards.
    for at in stride(from: 20, to: bytes.count, by: 7) {
      var damaged = bytes
      damaged[at] ^= 0x10
      do throws(HistoryError) {
        // A bit that no code needs.
        let isWhole = try CompressedFile.decompress(damaged, file: "x") == content
        #expect(isWhole, "byte \(at)")
      } catch {
        #expect(error.file == "x")
        refused += 1
      }
    }
    #expect(refused > bytes.count / 8)
    // Several behind each other are one; zeros pad gzip; anything else does not belong there.
    let two = try HistoryInput.decode(bytes + (program == "xz" ? [] : [0, 0, 0]), file: "x")
    #expect(two.events.count == 200)
    let isTwice = try CompressedFile.decompress(bytes + bytes, file: "x") == content + content
    #expect(isTwice)
    let error = try #require(throws: HistoryError.self) { try CompressedFile.decompress(bytes + [1, 2, 3], file: "x") }
    #expect(error.message.contains(program == "xz" ? "xz data" : "more gzip data"), "\(error)")
  }

  @Test func linesOfAnyLengthAreRead() throws {
    // Longer than a window.
    let long = String(repeating: "x", count: 1_200_000)
    let line = "{\"time\":1,\"process\":0,\"type\":\"ok\",\"f\":\"alive\",\"session\":1,\"note\":\"\(long)\"}"
    let text = line + "\n\n" + line + "\r\n" + line
    try withFile("h.jsonl") { path in
      try FileBytes.replace(path, with: Array(text.utf8))
      #expect(try HistoryInput.read(path).events.count == 3)
      try FileBytes.replace(path, with: Array((text + "}").utf8))
      let error = try #require(throws: HistoryError.self) { try HistoryInput.read(path) }
      #expect(error.line == 4 && error.byte == line.utf8.count, "\(error)")
    }
  }

  @Test func wordsAndTheirNumbersAgree() {
    let words: [(UInt64, String)] = [
      (JSONWord.time, "time"), (JSONWord.process, "process"), (JSONWord.type, "type"), (JSONWord.f, "f"),
      (JSONWord.op, "op"), (JSONWord.value, "value"), (JSONWord.to, "to"), (JSONWord.queue, "queue"),
      (JSONWord.node, "node"), (JSONWord.channel, "channel"), (JSONWord.session, "session"), (JSONWord.tx, "tx"),
      (JSONWord.tag, "tag"), (JSONWord.key, "key"), (JSONWord.count, "count"), (JSONWord.requeue, "requeue"),
      (JSONWord.sent, "sent"),
      (JSONWord.nack, "nack"), (JSONWord.mode, "mode"), (JSONWord.bad, "bad"), (JSONWord.invoke, "invoke"),
      (JSONWord.ok, "ok"), (JSONWord.fail, "fail"), (JSONWord.info, "info"), (JSONWord.auto, "auto"),
      (JSONWord.manual, "manual"), (JSONWord.damaged, "damaged"), (JSONWord.foreign, "foreign"),
    ]
    for (number, word) in words { #expect(number == JSONWord.number(of: word), "\(word)") }
  }
}

/// The history as the recorder leaves it.
func binary(_ history: RecordedHistory) throws -> [UInt8] {
  try withFile("history.bin") { path in
    try history.write(to: path)
    return try FileBytes.read(path)
  }
}
