// The log on real files, through its thread: what was told durable is there for the next start.

import Broker
import Glibc
import Synchronization
import Testing

@testable import stormproof_node

private func scratch() throws -> String {
  var template = Array("/tmp/stormproof-node-XXXXXX".utf8CString)
  try #require(mkdtemp(&template) != nil)
  return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

private func remove(_ path: String) {
  for name in ["lock", "000001.wal", "000002.wal", "000003.wal"] { unlink("\(path)/\(name)") }
  rmdir(path)
}

@Suite struct FileDiskTests {
  @Test func filesAsTheLogWantsThem() throws {
    let path = try scratch()
    defer { remove(path) }
    let disk = try FileDisk(path)
    try disk.create("000001.wal")
    #expect(throws: DiskError("create \(path)/000001.wal", errno: EEXIST)) { try disk.create("000001.wal") }
    try [1, 2, 3, 4].withUnsafeBytes { try disk.write("000001.wal", at: 2, UnsafeRawBufferPointer(rebasing: $0[..<3])) }
    try disk.sync("000001.wal")
    #expect(try disk.read("000001.wal") == [0, 0, 1, 0, 0])
    try disk.truncate("000001.wal", to: 3)
    #expect(try disk.read("000001.wal") == [0, 0, 1])
    #expect(try disk.list() == ["000001.wal", "lock"])
    try disk.remove("000001.wal")
    #expect(try disk.list() == ["lock"])
    #expect(throws: DiskError("open \(path)/000001.wal", errno: ENOENT)) { try disk.read("000001.wal") }
    // flock belongs to the open file: a second one is refused in the same process too.
    #expect(throws: DiskError("lock \(path)", errno: EWOULDBLOCK)) { try FileDisk(path) }
  }

  @Test func theThreadTellsWhatIsDurable() throws {
    let path = try scratch()
    defer { remove(path) }
    let told = Mutex<[LogPosition]>([])
    let ended = Atomic(false)
    let thread = LogThread(
      persisted: { position in told.withLock { $0.append(position) } },
      stopped: { ended.store(true, ordering: .releasing) })
    let copy = path
    try thread.start(SegmentLog(try FileDisk(copy), sizes: LogSizes(segment: 8000, ahead: 1000)) { _, _ in })
    for i in 1...300 {
      thread.submit([.entry(index: UInt64(i), term: 1, data: Array("entry \(i)".utf8))], LogPosition(UInt64(i)))
    }
    thread.stop()
    while !ended.load(ordering: .acquiring) { usleep(1000) }
    let positions = told.withLock { $0 }
    #expect(positions.last == LogPosition(300) && positions == positions.sorted())
    #expect(thread.backlog == 0)
    // A node that starts anew; the lock of the old one goes with its process, so the files are read from a copy.
    let memory = MemoryDisk()
    for number in 1...2 as ClosedRange<UInt64> {
      let name = LogFormat.name(number)
      let file = try #require(fopen("\(path)/\(name)", "r"))
      defer { fclose(file) }
      var bytes = [UInt8](repeating: 0, count: 20_000)
      let count = fread(&bytes, 1, bytes.count, file)
      try memory.create(name)
      try bytes[..<count].withUnsafeBytes { try memory.write(name, at: 0, $0) }
    }
    var records: [LogRecord] = []
    _ = try SegmentLog(memory) { _, payload in
      if let record = try? LogRecord(payload) { records.append(record) }
    }
    #expect(records == (1...300).map { .entry(index: UInt64($0), term: 1, data: Array("entry \($0)".utf8)) })
  }
}
