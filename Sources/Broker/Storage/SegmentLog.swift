// The write-ahead log over a disk: segments of about one size, group commit, zeros written ahead, old segments dropped.

/// What keeps a log from being opened or written.
public enum StorageError: Error, Equatable, Sendable, CustomStringConvertible {
  case disk(DiskError)
  /// Bytes that had been synced are not what was written. Not to be repaired by guessing.
  case damaged(file: String, offset: Int, why: String)
  case recordSize(Int)

  public var description: String {
    switch self {
    case .disk(let error): error.description
    case .damaged(let file, let offset, let why): "\(file) is damaged at byte \(offset): \(why)"
    case .recordSize(let size): "a record of \(size) bytes is more than the log takes"
    }
  }
}

/// The sizes of a log, in bytes.
public struct LogSizes: Sendable {
  /// A new segment begins where the next record would go beyond this; a larger record gets a segment of its own.
  public var segment: Int
  /// How far zeros are written ahead, so that fdatasync has no file size to write (measured 1.5 to 2 times faster).
  public var ahead: Int

  public init(segment: Int = 64 << 20, ahead: Int = 1 << 20) {
    self.segment = segment
    self.ahead = ahead
  }
}

/// A log of records with consecutive sequences, from 1. `append` collects, `write` hands to the disk, `sync` makes
/// durable; a record may be confirmed when `syncedSequence` has reached it. After an error the log takes no more.
///
/// Order that recovery relies on: a batch is written only after the one before was synced, and a segment is begun only
/// after the one before was synced whole.
public final class SegmentLog<Storage: Disk> {
  public let disk: Storage
  public let sizes: LogSizes
  /// The sequence of the last record appended; 0 for none.
  public private(set) var lastSequence: UInt64
  /// All up to here is durable.
  public private(set) var syncedSequence: UInt64
  /// Segments on the disk, oldest first.
  public private(set) var segments: [LogRecovery.Segment]
  private var pending: [UInt8] = []
  /// Where `pending` goes in the newest segment.
  private var offset: Int
  /// Up to here the newest segment was written, with records or with zeros.
  private var written: Int
  private var batchBegins = true
  private var unsynced = false
  private var failure: StorageError?

  /// Recovers what is on the disk, cuts a torn tail, and goes on behind it.
  /// - Parameter replay: gets every record in order.
  /// - Throws: `StorageError.damaged` with file and offset for a log that is not whole.
  public init(
    _ disk: Storage, sizes: LogSizes = LogSizes(),
    replay: (_ sequence: UInt64, _ payload: UnsafeRawBufferPointer) -> Void
  ) throws(StorageError) {
    self.disk = disk
    self.sizes = sizes
    recovery = try LogRecovery.run(disk, replay: replay)
    lastSequence = recovery.lastSequence
    syncedSequence = recovery.lastSequence
    segments = recovery.segments
    offset = recovery.end
    written = recovery.torn == nil ? recovery.size : recovery.end
    do {
      if let torn = recovery.torn {
        if torn.offset < LogFormat.headerSize {
          try disk.remove(torn.file)
        } else {
          try disk.truncate(torn.file, to: torn.offset)
        }
      } else if let last = segments.last {
        // Records that were read but never synced (the page cache outlives a killed process) are durable only now.
        try disk.sync(LogFormat.name(last.number))
      }
    } catch {
      throw .disk(error)
    }
  }

  /// What was found when the log was opened.
  public let recovery: LogRecovery

  /// Bytes appended and not yet written.
  public var pendingBytes: Int { pending.count }

  /// Adds a record to the current batch; it is on no disk yet. Touches the disk only where a new segment begins.
  /// - Parameters:
  ///   - size: bytes that `encode` will append: the payload.
  /// - Returns: its sequence.
  @discardableResult
  public func append(size: Int, encode: (inout [UInt8]) -> Void) throws(StorageError) -> UInt64 {
    if let failure { throw failure }
    guard size <= LogFormat.payloadLimit else { throw .recordSize(size) }
    let end = offset + pending.count
    if segments.isEmpty || end + LogFormat.recordOverhead + size > sizes.segment && end > LogFormat.headerSize {
      try roll()
    }
    lastSequence += 1
    LogFormat.appendRecord(&pending, sequence: lastSequence, afterSync: batchBegins, encode: encode)
    batchBegins = false
    return lastSequence
  }

  @discardableResult
  public func append(_ payload: [UInt8]) throws(StorageError) -> UInt64 {
    try append(size: payload.count) { $0.append(contentsOf: payload) }
  }

  /// Hands what was appended to the disk, and zeros behind it where they have run out.
  public func write() throws(StorageError) {
    if let failure { throw failure }
    guard !pending.isEmpty, let last = segments.last else { return }
    let name = LogFormat.name(last.number)
    let end = offset + pending.count
    try put(name, at: offset, pending)
    pending.removeAll(keepingCapacity: pending.capacity <= 4 << 20)
    offset = end
    unsynced = true
    if end > written {
      written = end
      let limit = min(end + sizes.ahead, sizes.segment)
      if limit > end {
        try put(name, at: end, [UInt8](repeating: 0, count: limit - end))
        written = limit
      }
    }
  }

  /// Makes all that was appended durable.
  /// - Returns: the sequence up to which records may be confirmed.
  @discardableResult
  public func sync() throws(StorageError) -> UInt64 {
    try write()
    if unsynced, let last = segments.last {
      do { try disk.sync(LogFormat.name(last.number)) } catch { throw fail(.disk(error)) }
      unsynced = false
    }
    batchBegins = true
    syncedSequence = lastSequence
    return syncedSequence
  }

  /// Removes the segments that hold only records below `sequence`. The newest always stays.
  public func discard(before sequence: UInt64) throws(StorageError) {
    if let failure { throw failure }
    // What is kept must be durable, its segment's header included.
    while segments.count > 1, segments[1].firstSequence <= min(sequence, syncedSequence) {
      do { try disk.remove(LogFormat.name(segments[0].number)) } catch { throw fail(.disk(error)) }
      segments.removeFirst()
    }
  }

  private func roll() throws(StorageError) {
    try sync()
    let number = (segments.last?.number ?? 0) + 1
    do { try disk.create(LogFormat.name(number)) } catch { throw fail(.disk(error)) }
    segments.append(.init(number: number, firstSequence: lastSequence + 1))
    (offset, written) = (0, 0)
    LogFormat.appendHeader(&pending, segment: number, firstSequence: lastSequence + 1)
  }

  private func put(_ name: String, at offset: Int, _ bytes: [UInt8]) throws(StorageError) {
    let error: DiskError? = bytes.withUnsafeBytes { bytes in
      do throws(DiskError) { try disk.write(name, at: offset, bytes) } catch { return error }
      return nil
    }
    if let error { throw fail(.disk(error)) }
  }

  private func fail(_ error: StorageError) -> StorageError {
    failure = error
    return error
  }
}
