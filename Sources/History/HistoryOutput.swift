// Where an export goes, piece by piece: standard output, or a file that is there whole or not at all.

#if canImport(Glibc)
  import Glibc
#endif

/// A file under way, or standard output.
public final class HistoryOutput {
  private let path: String?
  private let temporary: String
  private var descriptor: Int32
  /// Whoever reads it has had enough.
  private var isOver = false

  /// - Parameter path: nil: standard output.
  public init(_ path: String?) throws(HistoryError) {
    self.path = path
    temporary = path.map { $0 + ".new" } ?? "standard output"
    descriptor = path == nil ? STDOUT_FILENO : open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileBytes.failure(temporary, "cannot be created") }
  }

  deinit {
    guard path != nil, descriptor >= 0 else { return }
    close(descriptor)
    unlink(temporary)
  }

  /// A reader of standard output that goes away is no mistake: what follows is dropped.
  public func write(_ bytes: [UInt8]) throws(HistoryError) {
    if isOver { return }
    errno = 0
    guard let problem = bytes.withUnsafeBytes({ FileBytes.write(descriptor, all: $0) }) else { return }
    if path == nil, errno == EPIPE {
      isOver = true
      return
    }
    throw HistoryError(file: temporary, "cannot be written: " + problem)
  }

  /// Puts the file into place.
  public func finish() throws(HistoryError) {
    guard let path else { return }
    let result = close(descriptor)
    descriptor = -1
    guard result == 0 else {
      unlink(temporary)
      throw FileBytes.failure(temporary, "cannot be written")
    }
    guard rename(temporary, path) == 0 else {
      unlink(temporary)
      throw FileBytes.failure(path, "cannot be put into place")
    }
  }
}
