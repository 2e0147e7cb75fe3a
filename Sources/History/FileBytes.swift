// Whole files in and out, by plain system calls: errors name the file and say what the system said.

#if canImport(Glibc)
  import Glibc
#endif

/// Reading and writing of whole files.
public enum FileBytes {
  /// Everything that the file holds.
  public static func read(_ path: String) throws(HistoryError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path, "cannot be opened") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(path, "cannot be read") }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw HistoryError(file: path, "is a directory") }
    var bytes: [UInt8] = []
    var room = max(Int(status.st_size) + 1, 64 << 10)
    while true {
      // One pass for a regular file: the room is its size and a byte that shows its end.
      var result = 0
      let piece = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
        result = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        count = max(result, 0)
      }
      if result < 0 {
        if errno == EINTR { continue }
        throw failure(path, "cannot be read")
      }
      if result == 0 { return bytes }
      if bytes.isEmpty { bytes = piece } else { bytes += piece }
      room = 64 << 10
    }
  }

  /// Whether there is something at this path that can be read.
  public static func exists(_ path: String) -> Bool { access(path, R_OK) == 0 }

  /// Puts `bytes` into place at once: a reader sees the old file or the new one, never a part.
  public static func replace(_ path: String, with bytes: [UInt8]) throws(HistoryError) {
    let temporary = path + ".new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure(temporary, "cannot be created") }
    let problem = bytes.withUnsafeBytes { write(descriptor, all: $0) }
    close(descriptor)
    if let problem { throw HistoryError(file: temporary, "cannot be written: " + problem) }
    guard rename(temporary, path) == 0 else { throw failure(path, "cannot be put into place") }
  }

  /// Nil when every byte was written, otherwise what the system said.
  static func write(_ descriptor: Int32, all bytes: UnsafeRawBufferPointer) -> String? {
    var offset = 0
    while offset < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
      if count < 0 {
        if errno == EINTR { continue }
        return String(cString: strerror(errno))
      }
      offset += count
    }
    return nil
  }

  static func failure(_ path: String, _ what: String) -> HistoryError {
    HistoryError(file: path, "\(what): \(String(cString: strerror(errno)))")
  }
}
