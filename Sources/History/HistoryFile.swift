// A `history.bin` looked at where it lies: its blocks are found at once, and unpacked one after the other when asked for.

import Base
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// What a check reads of some events, field by field. Valid only inside the call that hands it out.
public struct EventBlock {
  /// Number in the history of the first event.
  public var first: Int
  public var count: Int
  /// `function × 4 + outcome`, raw values.
  public var kinds: UnsafeMutablePointer<UInt8>
  public var ops: UnsafeMutablePointer<UInt64>
  /// Raw values of `Event.message`.
  public var messages: UnsafeMutablePointer<UInt64>
  public var attempts: UnsafeMutablePointer<UInt32>
}

/// A history of any origin: blocks in the order of its events, and any single event again.
public protocol EventSource {
  var count: Int { get }
  var isComplete: Bool { get }
  /// Event `number`, from 0 to `count` − 1.
  func event(_ number: Int) -> Event
  /// Calls `body` with all events in their order.
  func forEachBlock(_ body: (EventBlock) -> Void) throws(HistoryError)
}

/// Room for the fields of a block.
final class BlockScratch {
  static let capacity = 4096
  private(set) var capacity: Int
  private(set) var block: EventBlock

  init(capacity: Int = BlockScratch.capacity) {
    self.capacity = capacity
    block = EventBlock(
      first: 0, count: 0, kinds: .allocate(capacity: capacity), ops: .allocate(capacity: capacity),
      messages: .allocate(capacity: capacity), attempts: .allocate(capacity: capacity))
  }

  deinit {
    block.kinds.deallocate()
    block.ops.deallocate()
    block.messages.deallocate()
    block.attempts.deallocate()
  }
}

extension RecordedHistory: EventSource {
  public var count: Int { events.count }
  public func event(_ number: Int) -> Event { events[number] }

  public func forEachBlock(_ body: (EventBlock) -> Void) { forEachBlock(inOrder: { $0 }, body) }

  /// The events in another order: `number` says which event stands at a position.
  public func forEachBlock(inOrder number: (Int) -> Int, _ body: (EventBlock) -> Void) {
    let scratch = BlockScratch()
    var block = scratch.block
    events.withUnsafeBufferPointer { events in
      while block.first < events.count {
        block.count = min(scratch.capacity, events.count - block.first)
        for index in 0..<block.count {
          let event = events[number(block.first + index)]
          block.kinds[index] = event.function.rawValue << 2 | event.outcome.rawValue
          block.ops[index] = event.op
          block.messages[index] = event.message.rawValue
          block.attempts[index] = event.attempt
        }
        body(block)
        block.first += block.count
      }
    }
  }
}

/// A binary history in memory-mapped form. Its end may be torn: what is whole is there.
///
/// Opening looks at the headers of the blocks only. The checksum of a block, and what is in it, is looked at when the block
/// is read, so that each byte is touched once.
public final class HistoryFile: EventSource, @unchecked Sendable {
  public let file: String
  public let names: Names
  public let isComplete: Bool
  public let count: Int
  private let bytes: UnsafeRawBufferPointer
  private let blocks: [HistoryWalk.Block]
  private let release: () -> Void

  /// Maps the file.
  /// - Throws: `HistoryError` where it cannot be read, is no history, or is damaged before its tail.
  public convenience init(_ path: String) throws(HistoryError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileBytes.failure(path, "cannot be opened") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileBytes.failure(path, "cannot be read") }
    guard status.st_mode & S_IFMT == S_IFREG else { throw HistoryError(file: path, "is not a plain file") }
    let size = Int(status.st_size)
    guard size > 0, let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
      if size == 0 { try self.init(bytes: [], file: path) } else { throw FileBytes.failure(path, "cannot be mapped") }
      return
    }
    madvise(base, size, MADV_SEQUENTIAL)
    try self.init(UnsafeRawBufferPointer(start: base, count: size), file: path) { munmap(base, size) }
  }

  /// The same of a file that is in memory already; `file` is only for errors.
  public convenience init(bytes: [UInt8], file: String) throws(HistoryError) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 16)
    copy.copyBytes(from: bytes)
    try self.init(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(copy)[..<bytes.count]), file: file) {
      copy.deallocate()
    }
  }

  private init(_ bytes: UnsafeRawBufferPointer, file: String, release: @escaping () -> Void) throws(HistoryError) {
    var walk = HistoryWalk(file: file)
    do { try walk.run(bytes) } catch {
      release()
      throw error
    }
    (self.bytes, self.file, self.release) = (bytes, file, release)
    (names, isComplete, blocks, count) = (walk.names, walk.isComplete, walk.blocks, walk.events)
  }

  deinit { release() }

  /// All events as values.
  public func recorded() throws(HistoryError) -> RecordedHistory {
    var events: [Event] = []
    events.reserveCapacity(count)
    var last: Nanoseconds?
    for block in blocks {
      let packed = try read(block, after: &last)
      // Not more at once than is there for certain.
      events.append(
        contentsOf: [Event](unsafeUninitializedCapacity: packed.count) { buffer, filled in
          packed.unpack(into: buffer)
          filled = packed.count
        })
    }
    return RecordedHistory(names: names, events: events, isComplete: isComplete)
  }

  public func forEachBlock(_ body: (EventBlock) -> Void) throws(HistoryError) {
    let scratch = BlockScratch(capacity: max(1, blocks.map(\.count).max() ?? 0))
    var last: Nanoseconds?
    for block in blocks {
      let packed = try read(block, after: &last)
      var fields = scratch.block
      (fields.first, fields.count) = (block.firstEvent, block.count)
      packed.forEach(.kind) { fields.kinds[$0] = UInt8(truncatingIfNeeded: $1) }
      packed.forEach(.op) { fields.ops[$0] = $1 }
      if packed.isConstant(.producer) {
        let high = packed.base(.producer) << 40
        packed.forEach(.sequence) { fields.messages[$0] = (high &+ $1) &- 1 }
      } else {
        packed.forEach(.producer) { fields.messages[$0] = $1 << 40 }
        packed.forEach(.sequence) { fields.messages[$0] = (fields.messages[$0] &+ $1) &- 1 }
      }
      packed.forEach(.attempt) { fields.attempts[$0] = UInt32(truncatingIfNeeded: $1) }
      body(fields)
    }
  }

  /// A single event of a block that has been read before.
  public func event(_ number: Int) -> Event {
    var (low, high) = (0, blocks.count)
    while low < high {
      let middle = (low + high) / 2
      if blocks[middle].firstEvent + blocks[middle].count <= number { low = middle + 1 } else { high = middle }
    }
    guard low < blocks.count, number >= 0,
      let packed = try? PackedEvents(payload(blocks[low]), count: blocks[low].count)
    else { return Event() }
    return packed.event(number - blocks[low].firstEvent)
  }

  private func payload(_ block: HistoryWalk.Block) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[block.offset..<block.offset + block.length])
  }

  /// Looks at all that can be wrong with a block: an enum is never made from a byte that is no case of it.
  private func read(_ block: HistoryWalk.Block, after last: inout Nanoseconds?) throws(HistoryError) -> PackedEvents {
    try Self.verified(payload(block), block, file: file, after: &last)
  }

  static func verified(
    _ payload: UnsafeRawBufferPointer, _ block: HistoryWalk.Block, file: String, after last: inout Nanoseconds?
  ) throws(HistoryError) -> PackedEvents {
    try HistoryWalk.verify(payload, block.checksum, at: block.offset, file: file)
    let packed: PackedEvents
    do { packed = try PackedEvents(payload, count: block.count) } catch {
      throw HistoryError(file: file, byte: block.offset + error.byte, error.message)
    }
    guard packed.count > 0 else { return packed }
    var worst: UInt64 = 0
    if let greatest = packed.greatestByte(.kind) {
      worst = UInt64(greatest >> 2)
    } else {
      packed.forEach(.kind) { worst = max(worst, $1 >> 2) }
    }
    guard worst < UInt64(HistoryFormat.functions) else {
      throw HistoryError(
        file: file, byte: block.offset + packed.offset(of: .kind),
        "expected functions from 0 to \(HistoryFormat.functions - 1), found \(worst)")
    }
    let first = Nanoseconds(bitPattern: packed.value(.time, 0))
    var grows = last.map { first > $0 } ?? true
    var end = first &- 1
    if grows, packed.isAscending(.time) {
      end = Nanoseconds(bitPattern: packed.value(.time, packed.count - 1))
    } else {
      packed.forEach(.time) {
        let time = Nanoseconds(bitPattern: $1)
        grows = grows && (time > end || $0 == 0)
        end = time
      }
    }
    guard grows else {
      throw HistoryError(
        file: file, byte: block.offset + packed.offset(of: .time), "expected each time above the one before")
    }
    guard Event.times.contains(first), Event.times.contains(end) else {
      throw HistoryError(
        file: file, byte: block.offset + packed.offset(of: .time),
        "expected times between \(Event.times.lowerBound) and \(Event.times.upperBound)")
    }
    last = end
    return packed
  }
}
