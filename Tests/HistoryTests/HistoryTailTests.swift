// A history read while it grows: every event once and in order, whatever part of a block has come.

import Base
import Foundation
import Testing

@testable import History

struct HistoryTailTests {
  /// A recorded file and what is in it.
  private func recorded(_ seed: UInt64, in folder: String) throws -> (bytes: [UInt8], history: RecordedHistory) {
    var random = SeededGenerator(seed: seed, label: "tail")
    let path = folder + "/whole.bin"
    let recorder = try HistoryRecorder(path: path, blockEvents: 20)
    var time: Nanoseconds = 1000
    for _ in 0..<200 + random.below(200) {
      var event = Event()
      time += 1 + Nanoseconds(random.below(1000))
      (event.time, event.function, event.op) = (time, .publish, UInt64(1 + random.below(1000)))
      event.message = MessageID(producer: random.below(4), sequence: random.below(1000))
      // New words come in the middle, too.
      event.place = recorder.route(to: ["queue \(random.below(30))"])
      recorder.append(event)
      if random.chance(0.05) { recorder.flush() }
    }
    #expect(recorder.close())
    return (try FileBytes.read(path), try HistoryReader.read(path))
  }

  private func inFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "stormproof-tail-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  private func append(_ bytes: ArraySlice<UInt8>, to path: String) throws {
    if !FileManager.default.fileExists(atPath: path) { try Data().write(to: URL(fileURLWithPath: path)) }
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(bytes))
    try handle.close()
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>) func everyEventComesOnce(seed: UInt64) throws {
    try inFolder { folder in
      let (bytes, history) = try recorded(seed, in: folder)
      var random = SeededGenerator(seed: seed, label: "pieces")
      let path = folder + "/growing.bin"
      let tail = HistoryTail(path)
      var events: [Event] = []
      var calls = 0
      func look() throws {
        try tail.read { block in
          calls += 1
          for event in block { #expect(!tail.names.queues(event.place).isEmpty, "its words are known") }
          events += block
        }
      }
      try look()
      #expect(events.isEmpty)
      var at = 0
      while at < bytes.count {
        let next = min(bytes.count, at + 1 + random.below(random.chance(0.5) ? 40 : 3000))
        try append(bytes[at..<next], to: path)
        at = next
        try look()
        #expect(tail.isComplete == (at == bytes.count))
      }
      #expect(calls > 5)
      #expect(events.map(\.time) == history.events.map(\.time))
      #expect(events.map(\.message) == history.events.map(\.message))
      #expect(tail.names == history.names)
    }
  }

  @Test func aDamagedBlockIsAnErrorWithItsPlace() throws {
    try inFolder { folder in
      var (bytes, _) = try recorded(7, in: folder)
      bytes[bytes.count / 2] ^= 0x55
      let path = folder + "/damaged.bin"
      try append(bytes[...], to: path)
      let tail = HistoryTail(path)
      var count = 0
      // A damaged header is taken for one that has not come yet; a damaged payload is one.
      do throws(HistoryError) {
        try tail.read { count += $0.count }
        #expect(!tail.isComplete)
      } catch {
        #expect(error.description.contains(path) && error.description.contains("damaged"))
      }
      #expect(count > 0)
    }
  }
}
