// The reader of `history.bin`: everything up to a torn tail, and damage before it as an error that says where.

import Base

/// Reads what `HistoryRecorder` wrote.
public enum HistoryReader {
  /// The history in the file. `isComplete` is false where its end block is missing.
  public static func read(_ path: String) throws(HistoryError) -> RecordedHistory {
    try decode(FileBytes.read(path), file: path)
  }

  /// The history in `bytes`; `file` is only for errors.
  ///
  /// A file may end anywhere: a last block that is cut off or damaged, or a tail of zeros, is a torn tail and left out. A
  /// damaged block that is followed by another one is an error.
  public static func decode(_ bytes: [UInt8], file: String) throws(HistoryError) -> RecordedHistory {
    try HistoryFile(bytes: bytes, file: file).recorded()
  }
}

/// Finds the blocks of a history by their headers; reads the small ones, and notes where the events lie.
struct HistoryWalk {
  struct Block {
    /// Of the payload in the file.
    var offset: Int
    var length: Int
    var checksum: UInt32
    var firstEvent: Int
    var count: Int
  }

  let file: String
  var names = Names()
  var blocks: [Block] = []
  var events = 0
  var isComplete = false
  private var sequence: UInt64 = 0

  init(file: String) { self.file = file }

  mutating func run(_ bytes: UnsafeRawBufferPointer) throws(HistoryError) {
    var offset = 0
    while offset < bytes.count {
      if isComplete { throw wrong(offset, "expected the end of the file behind the end block") }
      guard let header = try header(bytes, at: offset) else { return }
      let start = offset + HistoryFormat.headerSize
      let end = start + header.length
      guard end <= bytes.count else { return }
      let payload = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      // A block of events in the middle is looked at when it is read.
      if end == bytes.count, CRC32C.checksum(payload) != header.checksum { return }
      try take(header, payload, at: offset)
      offset = end
    }
  }

  /// The next block, if all of it is there: for a file that is still being written, of which `bytes` are not read yet and
  /// `offset` lies at their begin.
  /// - Returns: Its length; 0 where more has to come first.
  mutating func next(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(HistoryError) -> Int {
    guard !isComplete, let header = try plainHeader(bytes, at: 0) else { return 0 }
    let length = HistoryFormat.headerSize + header.length
    guard length <= bytes.count else { return 0 }
    try take(header, UnsafeRawBufferPointer(rebasing: bytes[HistoryFormat.headerSize..<length]), at: offset)
    return length
  }

  private mutating func take(_ header: HistoryFormat.Header, _ payload: UnsafeRawBufferPointer, at offset: Int)
    throws(HistoryError)
  {
    let start = offset + HistoryFormat.headerSize
    if header.kind != .events { try Self.verify(payload, header.checksum, at: start, file: file) }
    guard header.sequence == sequence else {
      throw wrong(offset, "expected block \(sequence), found block \(header.sequence)")
    }
    switch (header.kind, sequence) {
    case (.begin, 0): try readBegin(payload, at: start)
    case (_, 0): throw wrong(offset, "expected a begin block")
    case (.begin, _): throw wrong(offset, "expected a block of names, events or the end, found a second begin")
    case (.names, _): try readNames(payload, count: header.count, at: start)
    case (.events, _):
      blocks.append(
        Block(
          offset: start, length: header.length, checksum: header.checksum, firstEvent: events, count: header.count))
      events += header.count
      // A payload of a few bytes could claim any number of events that are all alike.
      guard header.count <= HistoryFormat.largestBlock, events < Int(Int32.max) else {
        throw wrong(offset + 16, "expected at most \(HistoryFormat.largestBlock) events in a block, 2^31 in all")
      }
    case (.end, _): try readEnd(payload, at: start)
    }
    sequence += 1
  }

  /// Nil at a torn tail.
  private func header(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(HistoryError) -> HistoryFormat.Header? {
    let size = HistoryFormat.headerSize
    if let header = try plainHeader(bytes, at: offset) { return header }
    // The first block tells what the file is: without it there is nothing to be a tail of.
    if offset == 0 {
      let isCut =
        bytes.count < size
        && bytes.prefix(4).elementsEqual(HistoryFormat.littleEndian(HistoryFormat.magic).prefix(bytes.count))
      if isCut { return nil }
      throw wrong(0, "expected a history file, which begins with the bytes SPhb")
    }
    var next = offset + 1
    while next + size <= bytes.count {
      if bytes[next] == 0x53, try plainHeader(bytes, at: next) != nil {
        throw wrong(
          offset, "expected a block header: the block is damaged, and one that is whole follows at byte \(next)")
      }
      next += 1
    }
    return nil
  }

  /// Nil where there is no whole header.
  private func plainHeader(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(HistoryError) -> HistoryFormat
    .Header?
  {
    guard bytes.count - offset >= HistoryFormat.headerSize, load(bytes, offset, UInt32.self) == HistoryFormat.magic,
      CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + 28]))
        == load(bytes, offset + 28, UInt32.self)
    else { return nil }
    let version = load(bytes, offset + 6, UInt16.self)
    guard version == HistoryFormat.version else {
      throw wrong(offset + 6, "expected version \(HistoryFormat.version), found \(version)")
    }
    guard let kind = HistoryFormat.Kind(rawValue: load(bytes, offset + 4, UInt16.self)) else {
      throw wrong(offset + 4, "expected a kind of block from 1 to 4")
    }
    let length = Int(load(bytes, offset + 20, UInt32.self))
    guard length <= HistoryFormat.largestPayload else {
      throw wrong(offset + 20, "expected at most \(HistoryFormat.largestPayload) bytes in a block")
    }
    return HistoryFormat.Header(
      kind: kind, sequence: load(bytes, offset + 8, UInt64.self), count: Int(load(bytes, offset + 16, UInt32.self)),
      length: length, checksum: load(bytes, offset + 24, UInt32.self))
  }

  private func readBegin(_ payload: UnsafeRawBufferPointer, at offset: Int) throws(HistoryError) {
    guard payload.count >= 4, load(payload, 0, UInt32.self) == UInt32(EventColumns.count) else {
      throw wrong(offset, "expected events of \(EventColumns.count) columns")
    }
  }

  private mutating func readEnd(_ payload: UnsafeRawBufferPointer, at offset: Int) throws(HistoryError) {
    guard payload.count == 16, load(payload, 0, UInt64.self) == UInt64(events),
      load(payload, 8, UInt64.self) == UInt64(names.entries.count)
    else {
      throw wrong(offset, "expected an end after \(events) events and \(names.entries.count) names")
    }
    isComplete = true
  }

  private mutating func readNames(_ payload: UnsafeRawBufferPointer, count: Int, at base: Int) throws(HistoryError) {
    var offset = 0
    for _ in 0..<count {
      guard payload.count - offset >= 5 else { throw wrong(base + offset, "expected a name") }
      let kind = payload[offset]
      let length = Int(load(payload, offset + 1, UInt32.self))
      offset += 5
      let entry: Names.Entry
      switch kind {
      case 0:
        guard length <= payload.count - offset,
          let text = String(validating: payload[offset..<offset + length], as: UTF8.self)
        else { throw wrong(base + offset, "expected a name of \(length) bytes in UTF-8") }
        entry = .word(text)
        offset += length
      case 1:
        guard length <= (payload.count - offset) / 2 else {
          throw wrong(base + offset, "expected a route to \(length) queues")
        }
        entry = .route((0..<length).map { load(payload, offset + 2 * $0, UInt16.self) })
        offset += 2 * length
      default: throw wrong(base + offset - 5, "expected a word (0) or a route (1), found \(kind)")
      }
      let expected = names.entries.count
      guard Int(names.intern(entry)) == expected, expected < Int(Names.none) else {
        throw wrong(base + offset, "expected a new name")
      }
    }
    guard offset == payload.count else { throw wrong(base + offset, "expected the end of the names") }
  }

  static func verify(_ payload: UnsafeRawBufferPointer, _ checksum: UInt32, at offset: Int, file: String)
    throws(HistoryError)
  {
    guard CRC32C.checksum(payload) == checksum else {
      throw HistoryError(
        file: file, byte: offset,
        "expected \(payload.count) bytes with the checksum \(checksum): the block is damaged")
    }
  }

  private func load<T: FixedWidthInteger & BitwiseCopyable>(_ bytes: UnsafeRawBufferPointer, _ offset: Int, _: T.Type)
    -> T
  {
    T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  private func wrong(_ byte: Int, _ message: String) -> HistoryError { HistoryError(file: file, byte: byte, message) }
}
