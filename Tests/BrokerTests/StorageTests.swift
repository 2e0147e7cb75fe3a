// The write-ahead log on a disk in memory: what is written comes back, in segments, after a cut tail, and not after damage.

import Base
import Testing

@testable import Broker

/// Small enough that a few records fill segments.
private let small = LogSizes(segment: 400, ahead: 100)

func openLog(_ disk: MemoryDisk, _ sizes: LogSizes = small) throws(StorageError) -> (SegmentLog<MemoryDisk>, [[UInt8]])
{
  var records: [[UInt8]] = []
  let log = try SegmentLog(disk, sizes: sizes) { _, payload in records.append(Array(payload)) }
  return (log, records)
}

func payload(_ i: Int, _ count: Int = 20) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: i &* 31 &+ $0 &+ 1) }
}

@Suite struct StorageTests {
  @Test func whatIsWrittenComesBack() throws {
    let disk = MemoryDisk()
    let (log, none) = try openLog(disk)
    #expect(none.isEmpty && log.lastSequence == 0)
    for i in 1...50 {
      #expect(try log.append(payload(i)) == UInt64(i))
      if i % 3 == 0 { #expect(try log.sync() == UInt64(i)) }
    }
    #expect(log.syncedSequence == 48)
    try log.sync()
    let (again, records) = try openLog(disk)
    #expect(records == (1...50).map { payload($0) })
    #expect(again.lastSequence == 50 && again.syncedSequence == 50 && again.recovery.torn == nil)
    #expect(again.segments.count > 3)
    #expect(try disk.list() == (1...again.segments.count).map { LogFormat.name(UInt64($0)) })
    // No segment is larger than its size.
    for name in try disk.list() { #expect(try disk.read(name).count <= small.segment) }
    try again.append([])
    try again.sync()
    #expect(try openLog(disk).1.last == [])
  }

  @Test func aLargeRecordGetsASegmentOfItsOwn() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    let payloads = [payload(1), payload(2, 1000), payload(3), payload(4, 2000)]
    for payload in payloads { try log.append(payload) }
    try log.sync()
    let (again, records) = try openLog(disk)
    #expect(records == payloads)
    #expect(again.segments.map(\.firstSequence) == [1, 2, 3, 4])
  }

  @Test func zerosAreWrittenAheadOnce() throws {
    let disk = MemoryDisk()
    var writes = 0
    disk.fault = { operation, _ in
      if operation == .write { writes += 1 }
      return nil
    }
    let (log, _) = try openLog(disk, LogSizes(segment: 4000, ahead: 1000))
    for i in 1...40 {
      try log.append(payload(i))
      try log.sync()
    }
    // 40 records of 36 bytes and a header; zeros at 0 and once more when 1000 are used up.
    #expect(writes == 42)
    #expect(try disk.read("000001.wal").count < 40 * 36 + 32 + 1000)
  }

  @Test func oldSegmentsGoAndTheRestStays() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    for i in 1...50 {
      try log.append(payload(i))
      try log.sync()
    }
    try log.discard(before: 30)
    let first = try #require(log.segments.first).firstSequence
    #expect(first <= 30 && log.segments[1].firstSequence > 30)
    let (again, records) = try openLog(disk)
    #expect(records == (Int(first)...50).map { payload($0) })
    #expect(again.lastSequence == 50)
    try again.discard(before: 1000)
    #expect(again.segments.count == 1)
    #expect(try openLog(disk).0.lastSequence == 50)
  }

  /// A new segment may not be all there is before its header is durable.
  @Test func nothingIsDiscardedForAnUnsyncedSegment() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    var i = 0
    while log.segments.count < 2 {
      i += 1
      try log.append(payload(i))
    }
    try log.discard(before: .max)
    #expect(log.segments.count == 2)
    var generator = SeededGenerator(seed: 1)
    disk.losePower(.nothing, using: &generator)
    let (again, records) = try openLog(disk)
    #expect(records == (1..<i).map { payload($0) })
    #expect(again.recovery.torn == .init(file: "000002.wal", offset: 0, bytes: 0))
    #expect(try again.append(payload(i)) == UInt64(i))
    try again.sync()
    #expect(try openLog(disk).1.count == i)
  }

  @Test func aTornTailIsToldAndCut() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    for i in 1...3 { try log.append(payload(i)) }
    try log.sync()
    for i in 4...5 { try log.append(payload(i)) }
    try log.write()
    // The first sector of the last batch did not arrive, the next did.
    let tail = LogFormat.headerSize + 3 * 36
    disk.damage("000001.wal") { bytes in for i in tail..<tail + 30 { bytes[i] = 0 } }
    let (again, records) = try openLog(disk)
    #expect(records == (1...3).map { payload($0) })
    #expect(again.recovery.torn == .init(file: "000001.wal", offset: tail, bytes: 2 * 36))
    #expect(try disk.read("000001.wal").count == tail)
    try again.append(payload(9))
    try again.sync()
    #expect(try openLog(disk).1 == [1, 2, 3, 9].map { payload($0) })
  }

  @Test func damageBeforeALaterBatchIsRefusedWithFileAndOffset() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk, LogSizes(segment: 4000, ahead: 1000))
    for i in 1...4 {
      try log.append(payload(i))
      try log.sync()
    }
    for offset in [LogFormat.headerSize + 36 + 20, LogFormat.headerSize + 36] {
      let copy = disk.copy()
      copy.damage("000001.wal") { $0[offset] ^= 0x40 }
      #expect {
        try openLog(copy)
      } throws: {
        guard case .damaged("000001.wal", 68, _) = $0 as? StorageError else { return false }
        return true
      }
    }
    // A length of zero says "the end", a later batch says "no".
    disk.damage("000001.wal") { bytes in for i in 68..<72 { bytes[i] = 0 } }
    #expect(throws: StorageError.self) { try openLog(disk) }
  }

  @Test func damageInAnEarlierSegmentIsRefused() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    for i in 1...50 { try log.append(payload(i)) }
    try log.sync()
    for damage in [(32, "000001.wal"), (32 + 36 * 8, "000001.wal"), (3, "000002.wal"), (100, "000003.wal")] {
      let copy = disk.copy()
      copy.damage(damage.1) { $0[damage.0] ^= 1 }
      #expect {
        try openLog(copy)
      } throws: {
        guard case .damaged(damage.1, _, _) = $0 as? StorageError else { return false }
        return true
      }
    }
    try disk.remove("000002.wal")
    #expect(throws: StorageError.damaged(file: "000002.wal", offset: 0, why: "the segment is missing")) {
      try openLog(disk)
    }
  }

  @Test func otherFilesAreNoSegments() throws {
    let disk = MemoryDisk()
    for name in ["lock", "1.wal", "0000001.wal", "000000.wal", "-00001.wal", "000001.wal.tmp"] { try disk.create(name) }
    #expect(try openLog(disk).1.isEmpty)
    #expect(LogFormat.number(LogFormat.name(1_234_567)) == 1_234_567)
  }

  @Test(arguments: [MemoryDisk.Operation.write, .sync, .create, .remove]) func afterAnErrorNothingIsTaken(
    _ broken: MemoryDisk.Operation
  ) throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    for i in 1...20 { try log.append(payload(i)) }
    try log.sync()
    let eio = DiskError("\(broken)", errno: 5)
    disk.fault = { operation, _ in operation == broken ? eio : nil }
    #expect(throws: StorageError.disk(eio)) {
      for i in 21...40 { try log.append(payload(i)) }
      try log.sync()
      try log.discard(before: .max)
    }
    disk.fault = nil
    #expect(throws: StorageError.disk(eio)) { try log.append(payload(0)) }
    #expect(throws: StorageError.disk(eio)) { try log.sync() }
  }
}
