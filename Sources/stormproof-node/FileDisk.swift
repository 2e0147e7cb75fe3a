// A `Disk` of real files: one directory, locked so that no two nodes share it, written by pwrite and fdatasync.

import Broker
import Glibc

/// Owned by one thread at a time. Descriptors stay open until the file is removed or the process ends.
final class FileDisk: Disk {
  private let path: String
  private let directory: Int32
  private var open: [String: Int32] = [:]

  /// Makes the directory where it is missing, and takes its lock for the life of the process.
  /// - Throws: `DiskError`; EWOULDBLOCK where another node holds the lock.
  init(_ path: String) throws(DiskError) {
    self.path = path
    if mkdir(path, 0o700) != 0, errno != EEXIST { throw DiskError("make \(path)", errno: errno) }
    directory = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if directory < 0 { throw DiskError("open \(path)", errno: errno) }
    let lock = openat(directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    if lock < 0 { throw DiskError("open \(path)/lock", errno: errno) }
    if flock(lock, LOCK_EX | LOCK_NB) != 0 { throw DiskError("lock \(path)", errno: errno) }
  }

  func list() throws(DiskError) -> [String] {
    guard let stream = opendir(path) else { throw DiskError("list \(path)", errno: errno) }
    defer { closedir(stream) }
    var names: [String] = []
    errno = 0
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
      errno = 0
    }
    if errno != 0 { throw DiskError("list \(path)", errno: errno) }
    return names.sorted()
  }

  func read(_ name: String) throws(DiskError) -> [UInt8] {
    let descriptor = try descriptor(name)
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw failure("read", name) }
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
      while count < buffer.count {
        let got = pread(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count, off_t(count))
        if got == 0 { break }
        if got < 0 && errno != EINTR {
          code = errno
          break
        }
        count += max(0, got)
      }
    }
    if code != 0 { throw DiskError("read \(path)/\(name)", errno: code) }
    return bytes
  }

  func create(_ name: String) throws(DiskError) {
    let descriptor = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if descriptor < 0 { throw failure("create", name) }
    open[name] = descriptor
    if fsync(directory) != 0 { throw failure("sync the directory of", name) }
  }

  func write(_ name: String, at offset: Int, _ bytes: UnsafeRawBufferPointer) throws(DiskError) {
    let descriptor = try descriptor(name)
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
      if count < 0 && errno != EINTR { throw failure("write", name) }
      done += max(0, count)
    }
  }

  func sync(_ name: String) throws(DiskError) {
    // Not again after EINTR: whether the error of a writeback was told and cleared cannot be known.
    if fdatasync(try descriptor(name)) != 0 { throw failure("sync", name) }
  }

  func truncate(_ name: String, to size: Int) throws(DiskError) {
    let descriptor = try descriptor(name)
    if ftruncate(descriptor, off_t(size)) != 0 { throw failure("cut", name) }
    if fsync(descriptor) != 0 { throw failure("sync", name) }
  }

  func remove(_ name: String) throws(DiskError) {
    if let descriptor = open.removeValue(forKey: name) { close(descriptor) }
    if unlinkat(directory, name, 0) != 0 { throw failure("remove", name) }
    if fsync(directory) != 0 { throw failure("sync the directory of", name) }
  }

  private func descriptor(_ name: String) throws(DiskError) -> Int32 {
    if let descriptor = open[name] { return descriptor }
    let descriptor = openat(directory, name, O_RDWR | O_CLOEXEC)
    if descriptor < 0 { throw failure("open", name) }
    open[name] = descriptor
    return descriptor
  }

  private func failure(_ doing: String, _ name: String) -> DiskError {
    DiskError("\(doing) \(path)/\(name)", errno: errno)
  }
}
