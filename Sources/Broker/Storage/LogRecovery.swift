// What the segments of a log hold after a crash: every whole record, a torn tail cut, damage in the middle refused.

/// The outcome of reading a log.
public struct LogRecovery: Equatable, Sendable {
  public struct Segment: Equatable, Sendable {
    public var number: UInt64
    public var firstSequence: UInt64
  }

  /// Bytes behind the last whole record that were never synced: the end of a batch cut by a crash.
  public struct TornTail: Equatable, Sendable {
    public var file: String
    /// Where the tail begins, and the file was cut; below the header's size the file was removed.
    public var offset: Int
    /// From there to the last byte that is not zero.
    public var bytes: Int
  }

  public var records = 0
  /// The sequence of the last record; 0 for an empty log.
  public var lastSequence: UInt64 = 0
  public var segments: [Segment] = []
  /// Where the next record goes in the last segment.
  public var end = 0
  public var torn: TornTail?
  /// The size of the last segment's file.
  var size = 0

  /// Reads all segments of a disk and gives their records to `replay`. Changes nothing.
  ///
  /// In the last segment the log ends at the first record that is not whole, unless a later batch stands behind it (see
  /// `LogFormat`); everywhere else such a record is damage.
  static func run(
    _ disk: some Disk, replay: (_ sequence: UInt64, _ payload: UnsafeRawBufferPointer) -> Void
  ) throws(StorageError) -> LogRecovery {
    var recovery = LogRecovery()
    let names: [String]
    do { names = try disk.list() } catch { throw .disk(error) }
    let numbers = names.compactMap(LogFormat.number).sorted()
    for (index, number) in numbers.enumerated() {
      let name = LogFormat.name(number)
      if index > 0, numbers[index - 1] + 1 != number {
        throw .damaged(file: LogFormat.name(numbers[index - 1] + 1), offset: 0, why: "the segment is missing")
      }
      let bytes: [UInt8]
      do { bytes = try disk.read(name) } catch { throw .disk(error) }
      let failure: StorageError? = bytes.withUnsafeBytes { bytes in
        do throws(StorageError) {
          try recovery.read(bytes, number, isFirst: index == 0, isLast: number == numbers.last, replay)
          return nil
        } catch { return error }
      }
      if let failure { throw failure }
    }
    return recovery
  }

  private mutating func read(
    _ bytes: UnsafeRawBufferPointer, _ number: UInt64, isFirst: Bool, isLast: Bool,
    _ replay: (UInt64, UnsafeRawBufferPointer) -> Void
  ) throws(StorageError) {
    let name = LogFormat.name(number)
    guard let first = LogFormat.readHeader(bytes, segment: number) else {
      // The header is synced together with the first batch: nothing here was ever confirmed, if no later batch follows.
      // What came before a segment is dropped only when its header is durable.
      if isLast, number == 1 || !isFirst,
        LogFormat.laterBatch(bytes, behind: LogFormat.headerSize, next: lastSequence + 1) == nil
      {
        torn = TornTail(file: name, offset: 0, bytes: Self.used(bytes))
        return
      }
      throw .damaged(file: name, offset: 0, why: "the header is not whole")
    }
    if isFirst, first > 0 { lastSequence = first - 1 }
    guard first == lastSequence + 1 else {
      let previous = LogFormat.name(number - 1)
      if isFirst { throw .damaged(file: name, offset: 16, why: "the first sequence is 0") }
      throw .damaged(
        file: previous, offset: end, why: "record \(lastSequence + 1) is not whole, and \(name) begins with \(first)")
    }
    segments.append(Segment(number: number, firstSequence: first))
    end = LogFormat.headerSize
    size = bytes.count
    while let record = LogFormat.readRecord(bytes, at: end), record.sequence == lastSequence + 1 {
      replay(record.sequence, UnsafeRawBufferPointer(rebasing: bytes[record.payload]))
      lastSequence = record.sequence
      records += 1
      end = record.end
    }
    guard isLast else { return }
    let used = Self.used(bytes)
    guard used > end else { return }
    if let later = LogFormat.laterBatch(bytes, behind: end, next: lastSequence + 1) {
      throw .damaged(
        file: name, offset: end,
        why: "record \(lastSequence + 1) is not whole, and a later batch stands at byte \(later)")
    }
    torn = TornTail(file: name, offset: end, bytes: used - end)
  }

  /// The count of bytes up to the last that is not zero.
  private static func used(_ bytes: UnsafeRawBufferPointer) -> Int {
    var count = bytes.count
    while count >= 8, bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self) == 0 { count -= 8 }
    while count > 0, bytes[count - 1] == 0 { count -= 1 }
    return count
  }
}
