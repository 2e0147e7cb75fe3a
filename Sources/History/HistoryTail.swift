// A history read while it is written: whole blocks as they come, each once.

import Base

#if canImport(Glibc)
  import Glibc
#endif

/// Follows a `history.bin` that a recorder in another process is writing. Belongs to one thread.
public final class HistoryTail {
  /// The words of what was handed out so far.
  public var names: Names { walk.names }
  /// The recorder has closed the history, and all of it was handed out.
  public var isComplete: Bool { walk.isComplete }

  private static let piece = 1 << 20
  private let path: String
  private var descriptor: Int32 = -1
  private var walk: HistoryWalk
  private var lastTime: Nanoseconds?
  /// Read and not yet whole; where they lie in the file.
  private var pending: [UInt8] = []
  private var offset = 0

  /// The file need not be there yet.
  public init(_ path: String) {
    self.path = path
    walk = HistoryWalk(file: path)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Hands out what has come since the last time, block by block; `names` hold the words of each block by then.
  /// - Throws: `HistoryError` for a file that cannot be read, is no history, or has a damaged block that is whole.
  public func read(_ body: ([Event]) -> Void) throws(HistoryError) {
    if descriptor < 0 {
      descriptor = open(path, O_RDONLY | O_CLOEXEC)
      if descriptor < 0 {
        if errno == ENOENT { return }
        throw FileBytes.failure(path, "cannot be opened")
      }
    }
    while try readPiece() { try takeBlocks(body) }
  }

  /// False at the end of the file.
  private func readPiece() throws(HistoryError) -> Bool {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileBytes.failure(path, "cannot be read") }
    let room = min(Int(status.st_size) - offset - pending.count, Self.piece)
    guard room > 0 else { return false }
    var error: Int32 = 0
    let piece = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
      let result = Glibc.read(descriptor, buffer.baseAddress, room)
      error = result < 0 ? errno : 0
      count = max(0, result)
    }
    if error != 0, error != EINTR {
      errno = error
      throw FileBytes.failure(path, "cannot be read")
    }
    pending += piece
    return !piece.isEmpty
  }

  private func takeBlocks(_ body: ([Event]) -> Void) throws(HistoryError) {
    var at = 0
    // A typed throw does not pass through the closure of an older API: carry the result out.
    let result: Result<Void, HistoryError> = pending.withUnsafeBytes { bytes in
      Result { () throws(HistoryError) in
        while at < bytes.count {
          let rest = UnsafeRawBufferPointer(rebasing: bytes[at...])
          let length = try walk.next(rest, at: offset + at)
          if length == 0 { break }
          if let block = walk.blocks.popLast() {
            let payload = UnsafeRawBufferPointer(rebasing: rest[HistoryFormat.headerSize..<length])
            let packed = try HistoryFile.verified(payload, block, file: path, after: &lastTime)
            body(
              [Event](unsafeUninitializedCapacity: packed.count) { buffer, filled in
                packed.unpack(into: buffer)
                filled = packed.count
              })
          }
          at += length
        }
      }
    }
    pending.removeFirst(at)
    offset += at
    try result.get()
  }
}
