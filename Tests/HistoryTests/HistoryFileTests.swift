// The binary history: what goes in comes out, cut files read up to the cut, and damage is told, whatever it is.

import Base
import Damage
import Foundation
import Testing

@testable import History

struct HistoryFileTests {
  /// Records `count` random events into a file of small blocks.
  private func record(_ path: String, seed: UInt64, count: Int, close: Bool = true) throws -> (Names, [Event]) {
    var random = SeededGenerator(seed: seed)
    var time: Nanoseconds = 1000
    var names = Names()
    var events: [Event] = []
    let recorder = try HistoryRecorder(path: path, blockEvents: 50)
    for index in 0..<count {
      let before = names.entries.count
      let event = randomEvent(&random, after: &time, names: &names)
      for entry in names.entries[before...] {
        switch entry {
        case .word(let text): _ = recorder.word(text)
        case .route(let queues): _ = recorder.route(to: queues.map { names.text($0) })
        }
      }
      #expect(recorder.append(event) == index)
      events.append(event)
      if random.chance(0.01) { recorder.flush() }
    }
    if close { #expect(recorder.close()) } else { recorder.flush() }
    #expect(recorder.failure == nil)
    return (names, events)
  }

  @Test func whatIsRecordedIsRead() throws {
    try withFile("history.bin") { path in
      let (names, events) = try record(path, seed: 7, count: 2000)
      let history = try HistoryReader.read(path)
      #expect(history.isComplete)
      #expect(history.names == names)
      #expect(history.events.map(fields) == events.map(fields))
    }
  }

  @Test func aMappedFileGivesTheSameEventsInAnyWay() throws {
    try withFile("history.bin") { path in
      let (names, events) = try record(path, seed: 17, count: 1500)
      let mapped = try HistoryFile(path)
      #expect(mapped.isComplete && mapped.names == names && mapped.count == 1500)
      #expect(try mapped.recorded().events.map(fields) == events.map(fields))
      #expect((0..<1500).map { fields(mapped.event($0)) } == events.map(fields))
      for source in [mapped, RecordedHistory(names: names, events: events, isComplete: true)] as [any EventSource] {
        var next = 0
        try source.forEachBlock { block in
          #expect(block.first == next)
          for index in 0..<block.count {
            let event = events[next + index]
            #expect(block.kinds[index] == event.function.rawValue << 2 | event.outcome.rawValue)
            #expect(block.ops[index] == event.op && block.messages[index] == event.message.rawValue)
            #expect(block.attempts[index] == event.attempt)
          }
          next += block.count
        }
        #expect(next == 1500)
      }
    }
  }

  @Test func theSameEventsGiveTheSameBytes() throws {
    let files = try (0..<2).map { _ in
      try withFile("history.bin") { path in
        _ = try record(path, seed: 9, count: 500)
        return try FileBytes.read(path)
      }
    }
    #expect(files[0] == files[1])
  }

  @Test func layoutIsAsDocumented() throws {
    #expect(EventColumns.sizes.count == EventColumns.count)
    #expect(EventColumns.sizes.reduce(0, +) == EventColumns.eventSize)
    for (index, function) in Function.allCases.enumerated() { #expect(Int(function.rawValue) == index) }
    let buffer = EventBuffer(capacity: 10)
    for number in 0..<10 {
      var event = Event()
      event.op = 70_000 + UInt64(number)
      event.tag = 5 << 40
      event.message = number == 0 ? .none : MessageID(producer: 3, sequence: 60_000 + number)
      event.intended = number == 4 ? 500 : 0
      event.function = .ack
      #expect(buffer.append(event, time: 1_000_000_000_000 + Nanoseconds(number) * 300) == number)
    }
    #expect(buffer.append(Event(), time: 2_000_000_000_000) == nil)
    var bytes = [UInt8](repeating: 0xee, count: EventColumns.largestPayload(events: 10))
    let length = bytes.withUnsafeMutableBytes { buffer.pack(to: $0.baseAddress!) }
    // lateness 8 (for one of them), time 2, op 1, sequence 1 and producer 1 (none is 0), else nothing varies.
    #expect(Array(bytes[..<16]) == [8, 2, 1, 1, 0, 0, 1] + [UInt8](repeating: 0, count: 9))
    func base(_ column: EventColumns.Column) -> UInt64 {
      (0..<8).reduce(0) { $0 | UInt64(bytes[16 + 8 * column.rawValue + $1]) << (8 * UInt64($1)) }
    }
    #expect(base(.time) == 999_999_999_999 && base(.op) == 69_999 && base(.tag) == 5 << 40)
    #expect(base(.sequence) == 60_001)
    let start = EventColumns.prefixSize
    #expect(length == start + 80 + 24 + 16 + 16 + 16)
    let times = start + 80
    #expect(bytes[times..<times + 4] == [1, 0, 45, 1])
    #expect(bytes[times + 20..<times + 24] == [0, 0, 0, 0])
    #expect(bytes[times + 24..<times + 34] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    // The first message is none, which stays 0 whatever the base.
    #expect(bytes[times + 40..<times + 50] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  }

  /// An event far away from the others begins a block of its own; small numbers beside large ones do.
  @Test func distantNumbersComeBack() throws {
    var random = SeededGenerator(seed: 5, label: "distances")
    for round in 0..<200 {
      var time: Nanoseconds = 0
      let events = (0..<50).map { _ in
        var event = Event()
        func number() -> UInt64 {
          switch random.below(4) {
          case 0: 0
          case 1: UInt64(random.below(100))
          case 2: 1 << UInt64(random.below(64)) &+ UInt64(random.below(3)) &- 1
          default: random.next()
          }
        }
        (event.op, event.tag, event.transaction) = (number(), number(), number())
        event.message.rawValue = number()
        time += 1 + Nanoseconds(number() >> 30)
        event.time = time
        return event
      }
      try withFile("history.bin") { path in
        let recorder = try HistoryRecorder(path: path)
        for (index, event) in events.enumerated() { #expect(recorder.append(event) == index) }
        #expect(recorder.count == events.count)
        #expect(recorder.close())
        #expect(try HistoryReader.read(path).events.map(fields) == events.map(fields), "round \(round)")
      }
    }
  }

  /// Values at the edges of every width, in every field.
  @Test func everyWidthComesBack() throws {
    let edges: [UInt64] = [0, 1, 0xff, 0x100, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, .max - 1, .max]
    for low in edges {
      for high in edges where high > low {
        let events = [low, high, low].map { value in
          var event = Event()
          (event.op, event.tag, event.transaction) = (value, value, value)
          event.message = MessageID(rawValue: value)
          (event.attempt, event.session) = (UInt32(truncatingIfNeeded: value), UInt32(truncatingIfNeeded: value))
          event.process = Int32(truncatingIfNeeded: value)
          (event.place, event.node) = (UInt16(truncatingIfNeeded: value), UInt16(truncatingIfNeeded: value))
          event.flags = Event.Flags(rawValue: UInt8(truncatingIfNeeded: value))
          event.time = 5
          event.intended = 3 &- Nanoseconds(bitPattern: value & (.max >> 2))
          return event
        }
        try withFile("history.bin") { path in
          let recorder = try HistoryRecorder(path: path)
          for event in events { recorder.append(event) }
          recorder.close()
          let read = try HistoryReader.read(path).events
          #expect(read.map { fields($0).dropFirst() } == events.map { fields($0).dropFirst() }, "\(low) \(high)")
        }
      }
    }
  }

  @Test func timesIncreaseInOrderOfAppending() throws {
    try withFile("history.bin") { path in
      let recorder = try HistoryRecorder(path: path)
      for time: Nanoseconds in [100, 100, 90, 105, 102, 103] {
        var event = Event()
        event.time = time
        recorder.append(event)
      }
      recorder.close()
      #expect(try HistoryReader.read(path).events.map(\.time) == [100, 101, 102, 105, 106, 107])
    }
  }

  @Test func emptyHistoryIsComplete() throws {
    try withFile("history.bin") { path in
      #expect(try HistoryRecorder(path: path).close())
      let history = try HistoryReader.read(path)
      #expect(history.isComplete && history.events.isEmpty && history.names == Names())
    }
  }

  @Test func cutAnywhereIsAPrefix() throws {
    try withFile("history.bin") { path in
      let (names, events) = try record(path, seed: 11, count: 400)
      let bytes = try FileBytes.read(path)
      var longest = 0
      for cut in stride(from: 0, to: bytes.count, by: 7) {
        let history = try HistoryReader.decode(Array(bytes[..<cut]), file: path)
        #expect(!history.isComplete)
        #expect(history.events.count >= longest)
        #expect(names.entries.starts(with: history.names.entries))
        #expect(zip(history.events, events).allSatisfy { fields($0) == fields($1) })
        longest = history.events.count
      }
      #expect(longest > 350)
      let zeros = bytes.dropLast(20) + [UInt8](repeating: 0, count: 4096)
      #expect(try !HistoryReader.decode(Array(zeros), file: path).isComplete)
    }
  }

  @Test func withoutCloseThePrefixIsThere() throws {
    try withFile("history.bin") { path in
      let recorder = try HistoryRecorder(path: path)
      recorder.append(Event())
      recorder.flush()
      while try HistoryReader.read(path).events.isEmpty { usleep(1000) }
      #expect(try !HistoryReader.read(path).isComplete)
      recorder.close()
      #expect(try HistoryReader.read(path).isComplete)
    }
  }

  @Test func damageInTheMiddleIsToldWithItsPlace() throws {
    try withFile("history.bin") { path in
      _ = try record(path, seed: 13, count: 400)
      var bytes = try FileBytes.read(path)
      bytes[5000] ^= 0x10
      let error = #expect(throws: HistoryError.self) { try HistoryReader.decode(bytes, file: "h.bin") }
      #expect(error?.file == "h.bin")
      let byte = try #require(error?.byte)
      #expect(byte <= 5000 && byte > 5000 - 72 * 50 - 64)
      #expect(error?.message.contains("damaged") == true)
    }
  }

  @Test func othersFilesAreRefused() {
    for text in ["{\"time\":1}", "SPh", "SPhx", "\u{0}\u{0}\u{0}\u{0}"] {
      let bytes = Array(text.utf8)
      if text == "SPh" {
        #expect(throws: Never.self) { try HistoryReader.decode(bytes, file: "x") }
      } else {
        #expect(throws: HistoryError.self) { try HistoryReader.decode(bytes, file: "x") }
      }
    }
  }

  /// Thousands of damaged files: an error or a prefix of the truth, never a crash and never something else.
  @Test(arguments: [UInt64(1), 2, 3, 4]) func damagedFilesNeverLie(seed: UInt64) throws {
    try withFile("history.bin") { path in
      let (_, events) = try record(path, seed: seed, count: 300)
      let whole = try FileBytes.read(path)
      var random = SeededGenerator(seed: seed, label: "mutator")
      var refused = 0
      for _ in 0..<1000 {
        var bytes = whole
        for _ in 0...random.below(3) {
          let at = random.below(bytes.count)
          switch random.below(5) {
          case 0: bytes[at] ^= UInt8(1 << random.below(8))
          case 1: bytes[at] = UInt8(random.below(256))
          case 2: bytes.removeSubrange(at..<min(bytes.count, at + random.below(100)))
          case 3:
            bytes.insert(
              contentsOf: bytes[at..<min(bytes.count, at + random.below(100))], at: random.below(bytes.count))
          default: bytes.removeLast(random.below(bytes.count / 2))
          }
          if bytes.isEmpty { break }
        }
        do {
          let history = try HistoryReader.decode(bytes, file: "x")
          #expect(history.events.count <= events.count, "seed \(seed)")
          #expect(zip(history.events, events).allSatisfy { fields($0) == fields($1) }, "seed \(seed)")
          #expect(!history.isComplete || history.events.count == events.count, "seed \(seed)")
        } catch is HistoryError {
          refused += 1
        }
      }
      #expect(refused > 100)
    }
  }

  /// The same with checksums put right after the damage, so that what lies behind them is reached.
  @Test(arguments: [UInt64(21), 22]) func damageUnderAGoodChecksumIsFound(seed: UInt64) throws {
    try withFile("history.bin") { path in
      _ = try record(path, seed: seed, count: 120)
      let whole = try FileBytes.read(path)
      var random = SeededGenerator(seed: seed, label: "mutator")
      var refused = 0
      for _ in 0..<1500 {
        var bytes = whole
        bytes[random.below(bytes.count)] = [0, 1, 0xff, UInt8(random.below(256))][random.below(4)]
        Checksums.repair(&bytes)
        do { _ = try HistoryReader.decode(bytes, file: "x") } catch is HistoryError { refused += 1 }
      }
      #expect(refused > 100)
    }
  }

  @Test func aFullLimitEndsTheRecordingAloud() throws {
    try withFile("history.bin") { path in
      let recorder = try HistoryRecorder(path: path, limit: 4096, blockEvents: 100)
      for _ in 0..<5000 { recorder.append(Event()) }
      recorder.flush()
      #expect(recorder.failure?.contains("does not keep up") == true)
      #expect(!recorder.close())
      #expect(try !HistoryReader.read(path).isComplete)
    }
  }

  @Test func aFullDiskEndsTheRecordingAloud() throws {
    let recorder = try HistoryRecorder(path: "/dev/full")
    for _ in 0..<10_000 { recorder.append(Event()) }
    #expect(!recorder.close())
    #expect(recorder.failure?.contains("cannot be written") == true)
  }

  @Test func aMissingFolderIsAnError() {
    let error = #expect(throws: HistoryError.self) { try HistoryRecorder(path: "/nowhere/history.bin") }
    #expect(error?.description.hasPrefix("/nowhere/history.bin: cannot be created") == true)
  }
}
