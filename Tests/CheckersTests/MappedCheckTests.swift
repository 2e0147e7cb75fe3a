// A history on disk gets the same report whether it is read into memory or looked at where it lies.

import Base
import Foundation
import History
import Testing

@testable import Checkers

@Suite struct MappedCheckTests {
  /// Records the events, and calls `body` with the path.
  private func withRecorded<T>(_ history: RecordedHistory, close: Bool = true, _ body: (String) throws -> T) throws -> T
  {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mapped-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("history.bin").path
    let recorder = try HistoryRecorder(path: path, blockEvents: 7)
    for event in history.events { recorder.append(event) }
    if close { #expect(recorder.close()) } else { recorder.flush() }
    recorder.waitUntilWritten()
    return try body(path)
  }

  @Test func theReportIsTheSame() throws {
    var verdicts: [HistoryVerdict: Int] = [:]
    for row in try CorpusTests.manifest("queues") {
      try withRecorded(CorpusTests.history("queues", row)) { path in
        for model in [CheckModel.fifo, .bag] {
          let mapped = try #require(try HistoryInput.mapped(path))
          var last = 0
          let report = try #require(try CheckCommandCore.run(mapped, model: model) { last = $0 })
          #expect(report == (try CheckCommandCore.run(HistoryReader.read(path), model: model)), "\(row) \(model)")
          #expect(last == mapped.count && report.events == mapped.count)
          verdicts[report.verdict, default: 0] += 1
        }
      }
    }
    #expect(verdicts[.valid, default: 0] > 10 && verdicts[.violated, default: 0] > 10)
  }

  @Test func aCutHistoryIsNotDecided() throws {
    var builder = HistoryBuilder()
    builder.enqueue(1)
    builder.dequeue(1)
    let undone = RecordedHistory(names: builder.names, events: Array(builder.events.prefix(3)), isComplete: true)
    try withRecorded(undone, close: false) { path in
      let file = try #require(try HistoryInput.mapped(path))
      let report = try #require(try CheckCommandCore.run(file))
      #expect(report.exitCode == 3 && report.note == "The history was cut short.")
      #expect(report == (try CheckCommandCore.run(HistoryReader.read(path))))
    }
  }

  @Test func otherHistoriesAndModelsAreReadIntoMemory() throws {
    var queue = HistoryBuilder()
    queue.enqueue(1)
    try withRecorded(queue.history) { path in
      let file = try HistoryFile(path)
      #expect(try CheckCommandCore.run(file, model: .register) == nil)
      #expect(try CheckCommandCore.run(file, model: .atLeastOnce) == nil)
    }
    var delivery = HistoryBuilder()
    delivery.send(1)
    try withRecorded(delivery.history) { path in
      let report = try CheckCommandCore.run(HistoryFile(path))
      #expect(report == nil)
    }
    try withRecorded(RecordedHistory(names: Names(), events: [], isComplete: true)) { path in
      let report = try CheckCommandCore.run(HistoryFile(path))
      #expect(report == nil)
    }
    #expect(try HistoryInput.mapped("/dev/null") == nil)
    #expect(try HistoryInput.mapped("/nowhere") == nil)
  }

  @Test func aStrangerAmongOperationsIsToldWithItsNumber() throws {
    var builder = HistoryBuilder()
    builder.enqueue(1)
    builder.send(2)
    try withRecorded(builder.history) { path in
      let expected = #expect(throws: ModelMismatch.self) {
        try CheckCommandCore.run(HistoryReader.read(path), model: .fifo)
      }
      let found = #expect(throws: ModelMismatch.self) { try CheckCommandCore.run(HistoryFile(path), model: .fifo) }
      #expect(found == expected && found?.description.hasPrefix("event 2 is ") == true)
    }
  }
}
