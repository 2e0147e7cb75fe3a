// Requests about open files and directories. A handle of the kernel's is the number of our own descriptor.

import CLinux
import Glibc

extension FuseServer {
  /// The descriptor behind a handle that `opened` gave out.
  static func descriptor(_ handle: UInt64) -> Int32 { Int32(truncatingIfNeeded: handle) }

  private static func opened(_ descriptor: Int32, _ inode: Inode) -> fuse_open_out {
    var answer = fuse_open_out()
    answer.fh = UInt64(descriptor)
    // A probe of ours must reach us with each read; all others may keep what they have read: only this mount changes it.
    answer.open_flags = UInt32(inode.isProbe ? FOPEN_DIRECT_IO : FOPEN_KEEP_CACHE)
    return answer
  }

  func open(_ request: FuseRequest) throws(FuseError) {
    let inode = try inode(request.header.nodeid)
    let flags = cl_open_flags_passed_on(Int32(bitPattern: request.load(fuse_open_in.self).flags))
    let descriptor = cl_open_at(AT_FDCWD, inode.path, flags, 0)
    if descriptor < 0 { throw FuseError(-descriptor) }
    device.answer(request.header.unique, Self.opened(descriptor, inode))
  }

  func openDirectory(_ request: FuseRequest) throws(FuseError) {
    let inode = try inode(request.header.nodeid)
    let descriptor = cl_open_at(inode.descriptor, ".", O_RDONLY | O_DIRECTORY, 0)
    if descriptor < 0 { throw FuseError(-descriptor) }
    var answer = fuse_open_out()
    answer.fh = UInt64(descriptor)
    device.answer(request.header.unique, answer)
  }

  func create(_ request: FuseRequest) throws(FuseError) {
    let directory = try inode(request.header.nodeid)
    let arguments = request.load(fuse_create_in.self)
    let name = request.name(at: MemoryLayout<fuse_create_in>.size)
    let flags = Int32(bitPattern: arguments.flags)
    let passedOn = cl_open_flags_passed_on(flags) | O_CREAT | (flags & O_EXCL)
    let descriptor = cl_open_at(directory.descriptor, name, passedOn, mode_t(arguments.mode))
    if descriptor < 0 { throw FuseError(-descriptor) }
    give(to: request.header, directory, name)
    do throws(FuseError) {
      let entry = try entry(directory, name)
      device.answer(request.header.unique, entry, Self.opened(descriptor, try inode(entry.nodeid)))
    } catch {
      close(descriptor)
      throw error
    }
  }

  func read(_ request: FuseRequest, _ output: UnsafeMutableRawBufferPointer) throws(FuseError) -> Int {
    let arguments = request.load(fuse_read_in.self)
    let size = min(Int(arguments.size), output.count)
    let count = pread(Self.descriptor(arguments.fh), output.baseAddress, size, off_t(arguments.offset))
    try FuseError.check(returned: count)
    device.answer(request.header.unique, UnsafeRawBufferPointer(rebasing: output[0..<count]))
    return count
  }

  func write(_ request: FuseRequest) throws(FuseError) -> Int {
    let arguments = request.load(fuse_write_in.self)
    let begin = MemoryLayout<fuse_write_in>.size
    let size = min(Int(arguments.size), request.count - begin)
    let count = pwrite(Self.descriptor(arguments.fh), request.body + begin, size, off_t(arguments.offset))
    try FuseError.check(returned: count)
    var answer = fuse_write_out()
    answer.size = UInt32(count)
    device.answer(request.header.unique, answer)
    return count
  }

  func synchronize(_ request: FuseRequest) throws(FuseError) {
    let arguments = request.load(fuse_fsync_in.self)
    let descriptor = Self.descriptor(arguments.fh)
    let dataOnly = arguments.fsync_flags & UInt32(FUSE_FSYNC_FDATASYNC) != 0
    try FuseError.check(returned: dataOnly ? fdatasync(descriptor) : fsync(descriptor))
    device.succeed(request.header.unique)
  }

  func allocate(_ request: FuseRequest) throws(FuseError) {
    let arguments = request.load(fuse_fallocate_in.self)
    try FuseError.check(
      cl_allocate(
        Self.descriptor(arguments.fh), Int32(bitPattern: arguments.mode), Int64(bitPattern: arguments.offset),
        Int64(bitPattern: arguments.length)))
    device.succeed(request.header.unique)
  }

  /// SEEK_DATA and SEEK_HOLE; the kernel does the others by itself.
  func seek(_ request: FuseRequest) throws(FuseError) {
    let arguments = request.load(fuse_lseek_in.self)
    let offset = lseek(
      Self.descriptor(arguments.fh), off_t(Int64(bitPattern: arguments.offset)), Int32(arguments.whence))
    try FuseError.check(returned: offset)
    var answer = fuse_lseek_out()
    answer.offset = UInt64(offset)
    device.answer(request.header.unique, answer)
  }

  /// As many entries as fit; with `plus` each with its attributes, and counted as a lookup, but for the two dots.
  func readDirectory(
    _ request: FuseRequest, _ output: UnsafeMutableRawBufferPointer, plus: Bool
  ) throws(FuseError) {
    let arguments = request.load(fuse_read_in.self)
    let directory = try inode(request.header.nodeid)
    let limit = min(Int(arguments.size), output.count)
    // What the backing directory gives at once: never more than fits, since a record of ours is larger than its own.
    let records = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1024, limit / 2), alignment: 16)
    defer { records.deallocate() }
    let found = cl_read_directory(
      Self.descriptor(arguments.fh), Int64(bitPattern: arguments.offset), records.baseAddress, records.count)
    if found < 0 { throw FuseError(Int32(-found)) }
    var used = 0
    var position = 0
    while position < found, let base = records.baseAddress, let out = output.baseAddress {
      var (number, next, type, length) = (UInt64(0), Int64(0), UInt32(0), 0)
      var name: UnsafePointer<CChar>?
      position += cl_directory_entry(base + position, &number, &next, &type, &name, &length)
      guard let name else { break }
      // A broker may refuse a directory with strange files in it.
      if DiskProbe.isProbe(directory, name) { continue }
      let attributesSize = plus ? MemoryLayout<fuse_entry_out>.size : 0
      let size = (attributesSize + FuseDirectoryEntry.headerSize + length + 7) & ~7
      if used + size > limit { break }
      if plus {
        var attributes = fuse_entry_out()
        // An inode number of 0 says: no attributes known. That is so for the dots, and for what has just been removed.
        if strcmp(name, ".") != 0 && strcmp(name, "..") != 0, let known = try? entry(directory, name) {
          attributes = known
        }
        (out + used).storeBytes(of: attributes, as: fuse_entry_out.self)
      }
      let header = FuseDirectoryEntry(
        inode: number, next: UInt64(bitPattern: next), length: UInt32(length), type: type)
      let place = out + used + attributesSize
      place.storeBytes(of: header, as: FuseDirectoryEntry.self)
      memcpy(place + FuseDirectoryEntry.headerSize, name, length)
      let end = attributesSize + FuseDirectoryEntry.headerSize + length
      memset(out + used + end, 0, size - end)
      used += size
    }
    device.answer(request.header.unique, UnsafeRawBufferPointer(rebasing: output[0..<used]))
  }
}

/// `fuse_dirent` without the name that follows it.
private struct FuseDirectoryEntry {
  var inode: UInt64
  var next: UInt64
  var length: UInt32
  var type: UInt32
  static let headerSize = 24
}
