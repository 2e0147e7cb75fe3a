// The log under cuts at every byte, flipped bits, garbage and lost power: no crash, nothing invented, nothing synced lost.

import Base
import Testing

@testable import Broker

@Suite struct StorageFuzzTests {
  /// A log of random records and batches; how many were synced, and what was appended.
  private func write(
    _ disk: MemoryDisk, _ sizes: LogSizes, _ generator: inout SeededGenerator, after earlier: [[UInt8]] = []
  ) throws -> (all: [[UInt8]], synced: Int) {
    let (log, records) = try openLog(disk, sizes)
    #expect(records == earlier)
    var all = earlier
    for _ in 0..<generator.below(30) {
      let record = payload(Int(generator.next() & 0xffff), generator.below(generator.chance(0.1) ? 900 : 60))
      try log.append(record)
      all.append(record)
      if generator.chance(0.3) { try log.sync() }
      if generator.chance(0.1) { try log.write() }
    }
    try log.write()
    return (all, Int(log.syncedSequence))
  }

  private func reopened(_ disk: MemoryDisk) -> Result<[[UInt8]], StorageError> {
    do throws(StorageError) { return .success(try openLog(disk).1) } catch { return .failure(error) }
  }

  @Test func cutAtEveryByte() throws {
    var generator = SeededGenerator(seed: 11)
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    var all: [[UInt8]] = []
    for i in 1...24 {
      all.append(payload(i, generator.below(50)))
      try log.append(all[i - 1])
      if generator.chance(0.4) { try log.sync() }
    }
    try log.sync()
    let last = try #require(try disk.list().last)
    let before = Int(log.segments[log.segments.count - 1].firstSequence) - 1
    let size = try disk.read(last).count
    var counts: Set<Int> = []
    for cut in 0...size {
      let copy = disk.copy()
      try copy.truncate(last, to: cut)
      let (again, records) = try openLog(copy)
      #expect(records == Array(all.prefix(records.count)) && records.count >= before)
      counts.insert(records.count)
      // It goes on from there, and is whole again.
      try again.append([7])
      try again.sync()
      #expect(try openLog(copy).1 == records + [[7]])
    }
    #expect(counts == Set(before...24))
  }

  @Test func everyFlippedBitIsSeen() throws {
    let disk = MemoryDisk()
    let (log, _) = try openLog(disk)
    let all = (1...16).map { payload($0, 12) }
    for (i, record) in all.enumerated() {
      try log.append(record)
      // The last batch has two records: damage there cannot be told from a torn tail, damage before must be.
      if i != 14 { try log.sync() }
    }
    for name in try disk.list() {
      for offset in 0..<(try disk.read(name).count) {
        for bit in [0, 3, 7] {
          let copy = disk.copy()
          copy.damage(name) { $0[offset] ^= 1 << UInt8(bit) }
          switch reopened(copy) {
          case .success(let records): #expect(records == Array(all.prefix(records.count)) && records.count >= 14)
          case .failure(let error):
            guard case .damaged(let file, let at, _) = error else { throw error }
            #expect(file < name || file == name && at <= offset)
          }
        }
      }
    }
  }

  @Test(arguments: 1...200) func powerIsLostAgainAndAgain(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed, label: "power")
    let disk = MemoryDisk()
    let sizes = LogSizes(segment: 200 + generator.below(1500), ahead: generator.below(600))
    var kept: [[UInt8]] = []
    for _ in 0..<5 {
      let (all, synced) = try write(disk, sizes, &generator, after: kept)
      switch generator.below(3) {
      case 0: break  // killed: the page cache stays
      case 1: disk.losePower(.nothing, using: &generator)
      default: disk.losePower(.sectors(generator.unit()), using: &generator)
      }
      kept = try openLog(disk, sizes).1
      #expect(kept.count >= synced && kept == Array(all.prefix(kept.count)), "seed \(seed)")
    }
  }

  @Test(arguments: 1...200) func garbageIsNeverARecord(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed, label: "garbage")
    let disk = MemoryDisk()
    let (all, _) = try write(disk, LogSizes(segment: 700, ahead: 128), &generator)
    for _ in 0..<20 {
      let copy = disk.copy()
      for _ in 0...generator.below(4) {
        let names = try copy.list()
        guard !names.isEmpty else { break }
        copy.damage(names[generator.below(names.count)]) { bytes in
          let at = generator.below(bytes.count + 1)
          switch generator.below(4) {
          case 0: bytes.removeLast(bytes.count - at)
          case 1: bytes.append(contentsOf: (0..<generator.below(200)).map { _ in UInt8(generator.below(256)) })
          case 2: for i in at..<min(bytes.count, at + generator.below(40)) { bytes[i] = UInt8(generator.below(256)) }
          default: bytes.insert(UInt8(generator.below(256)), at: at)
          }
        }
      }
      switch reopened(copy) {
      case .success(let records): #expect(records == Array(all.prefix(records.count)), "seed \(seed)")
      case .failure(.damaged): break
      case .failure(let error): throw error
      }
    }
  }
}
