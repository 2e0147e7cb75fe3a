// Requests about names and attributes, passed through to the backing directory.

import CLinux
import Glibc

/// An errno, as the kernel gets it.
struct FuseError: Error, Equatable {
  let number: Int32
  init(_ number: Int32) { self.number = number }

  /// Throws what is not 0.
  static func check(_ code: Int32) throws(FuseError) {
    if code != 0 { throw FuseError(code) }
  }

  /// Throws errno for a call that returned below 0.
  static func check(returned value: some SignedInteger) throws(FuseError) {
    if value < 0 { throw FuseError(errno) }
  }
}

extension FuseServer {
  /// How long the kernel may believe what we said, in seconds: nobody but this mount changes the backing directory.
  private static let validity: UInt64 = 3600

  func inode(_ id: UInt64) throws(FuseError) -> Inode {
    guard let inode = inodes[id] else { throw FuseError(ESTALE) }
    return inode
  }

  /// Carries a request out and answers it. Returns the bytes that were read or written.
  /// - Throws: the errno to answer with.
  func perform(_ request: FuseRequest, _ output: UnsafeMutableRawBufferPointer) throws(FuseError) -> Int {
    let unique = request.header.unique
    switch request.opcode {
    case FUSE_LOOKUP: device.answer(unique, try entry(try inode(request.header.nodeid), request.name(at: 0)))
    case FUSE_GETATTR: try getAttributes(request)
    case FUSE_SETATTR: try setAttributes(request)
    case FUSE_READLINK: try readLink(request, output)
    case FUSE_SYMLINK, FUSE_MKNOD, FUSE_MKDIR, FUSE_LINK: try make(request)
    case FUSE_UNLINK: try remove(request, flags: 0)
    case FUSE_RMDIR: try remove(request, flags: AT_REMOVEDIR)
    case FUSE_RENAME, FUSE_RENAME2: try rename(request)
    case FUSE_STATFS: try fileSystemStatus(request)
    case FUSE_OPEN: try open(request)
    case FUSE_OPENDIR: try openDirectory(request)
    case FUSE_CREATE: try create(request)
    case FUSE_READ: return try read(request, output)
    case FUSE_WRITE: return try write(request)
    case FUSE_FSYNC, FUSE_FSYNCDIR: try synchronize(request)
    case FUSE_FALLOCATE: try allocate(request)
    case FUSE_LSEEK: try seek(request)
    case FUSE_READDIR: try readDirectory(request, output, plus: false)
    case FUSE_READDIRPLUS: try readDirectory(request, output, plus: true)
    case FUSE_RELEASE, FUSE_RELEASEDIR:
      close(Self.descriptor(request.load(fuse_release_in.self).fh))
      device.succeed(unique)
    case FUSE_IOCTL: throw FuseError(ENOTTY)
    // Answered with ENOSYS once, the kernel asks no more: flush (nothing waits here for a close), access
    // (default_permissions lets the kernel check), extended attributes, and what it can do by other requests.
    default: throw FuseError(ENOSYS)
    }
    return 0
  }

  /// Looks a name up, for an answer that makes the kernel know the inode.
  func entry(_ parent: Inode, _ name: UnsafePointer<CChar>) throws(FuseError) -> fuse_entry_out {
    var info = stat()
    let (code, inode) = inodes.lookup(parent, name, &info)
    guard let inode, code == 0 else { throw FuseError(code) }
    var entry = fuse_entry_out()
    entry.nodeid = inode.id
    entry.attr = Self.attributes(info)
    entry.entry_valid = Self.validity
    entry.attr_valid = Self.validity
    return entry
  }

  private static func attributes(_ info: stat) -> fuse_attr {
    var attributes = fuse_attr()
    attributes.ino = UInt64(info.st_ino)
    attributes.size = UInt64(info.st_size)
    attributes.blocks = UInt64(info.st_blocks)
    attributes.atime = UInt64(bitPattern: Int64(info.st_atim.tv_sec))
    attributes.mtime = UInt64(bitPattern: Int64(info.st_mtim.tv_sec))
    attributes.ctime = UInt64(bitPattern: Int64(info.st_ctim.tv_sec))
    attributes.atimensec = UInt32(info.st_atim.tv_nsec)
    attributes.mtimensec = UInt32(info.st_mtim.tv_nsec)
    attributes.ctimensec = UInt32(info.st_ctim.tv_nsec)
    attributes.mode = info.st_mode
    attributes.nlink = UInt32(truncatingIfNeeded: info.st_nlink)
    attributes.uid = info.st_uid
    attributes.gid = info.st_gid
    attributes.rdev = UInt32(truncatingIfNeeded: info.st_rdev)
    attributes.blksize = UInt32(truncatingIfNeeded: info.st_blksize)
    return attributes
  }

  private func answerAttributes(_ unique: UInt64, _ info: stat) {
    var answer = fuse_attr_out()
    answer.attr_valid = Self.validity
    answer.attr = Self.attributes(info)
    device.answer(unique, answer)
  }

  private func getAttributes(_ request: FuseRequest) throws(FuseError) {
    var info = stat()
    try FuseError.check(try inode(request.header.nodeid).attributes(&info))
    answerAttributes(request.header.unique, info)
  }

  private func setAttributes(_ request: FuseRequest) throws(FuseError) {
    let inode = try inode(request.header.nodeid)
    let change = request.load(fuse_setattr_in.self)
    func has(_ flag: Int32) -> Bool { change.valid & UInt32(flag) != 0 }
    if has(FATTR_MODE) { try FuseError.check(returned: chmod(inode.path, change.mode)) }
    if has(FATTR_UID) || has(FATTR_GID) {
      let user = has(FATTR_UID) ? change.uid : uid_t.max
      let group = has(FATTR_GID) ? change.gid : gid_t.max
      try FuseError.check(returned: fchownat(inode.descriptor, "", user, group, Int32(CL_AT_EMPTY_PATH)))
    }
    if has(FATTR_SIZE) {
      let size = off_t(change.size)
      let result = has(FATTR_FH) ? ftruncate(Self.descriptor(change.fh), size) : truncate(inode.path, size)
      try FuseError.check(returned: result)
    }
    if has(FATTR_ATIME) || has(FATTR_MTIME) {
      // UTIME_OMIT and UTIME_NOW, by utimensat(2).
      let (omit, now) = (timespec(tv_sec: 0, tv_nsec: 0x3fff_fffe), timespec(tv_sec: 0, tv_nsec: 0x3fff_ffff))
      let access = timespec(tv_sec: Int(change.atime), tv_nsec: Int(change.atimensec))
      let modification = timespec(tv_sec: Int(change.mtime), tv_nsec: Int(change.mtimensec))
      let times = [
        !has(FATTR_ATIME) ? omit : has(FATTR_ATIME_NOW) ? now : access,
        !has(FATTR_MTIME) ? omit : has(FATTR_MTIME_NOW) ? now : modification,
      ]
      try FuseError.check(returned: utimensat(AT_FDCWD, inode.path, times, 0))
    }
    var info = stat()
    try FuseError.check(inode.attributes(&info))
    answerAttributes(request.header.unique, info)
  }

  private func readLink(_ request: FuseRequest, _ output: UnsafeMutableRawBufferPointer) throws(FuseError) {
    let inode = try inode(request.header.nodeid)
    guard let base = output.baseAddress?.assumingMemoryBound(to: CChar.self) else { throw FuseError(ENOMEM) }
    let count = readlinkat(inode.descriptor, "", base, Int(PATH_MAX))
    try FuseError.check(returned: count)
    device.answer(request.header.unique, UnsafeRawBufferPointer(rebasing: output[0..<count]))
  }

  private func make(_ request: FuseRequest) throws(FuseError) {
    let directory = try inode(request.header.nodeid)
    let at = directory.descriptor
    let name: UnsafePointer<CChar>
    switch request.opcode {
    case FUSE_SYMLINK:
      name = request.name(at: 0)
      try FuseError.check(returned: symlinkat(request.name(after: name), at, name))
    case FUSE_MKNOD:
      let arguments = request.load(fuse_mknod_in.self)
      name = request.name(at: MemoryLayout<fuse_mknod_in>.size)
      try FuseError.check(returned: mknodat(at, name, arguments.mode, dev_t(arguments.rdev)))
    case FUSE_MKDIR:
      name = request.name(at: MemoryLayout<fuse_mkdir_in>.size)
      try FuseError.check(returned: mkdirat(at, name, request.load(fuse_mkdir_in.self).mode))
    default:
      let old = try inode(request.load(fuse_link_in.self).oldnodeid)
      name = request.name(at: MemoryLayout<fuse_link_in>.size)
      try FuseError.check(returned: linkat(AT_FDCWD, old.path, at, name, AT_SYMLINK_FOLLOW))
    }
    if request.opcode != FUSE_LINK { give(to: request.header, directory, name) }
    device.answer(request.header.unique, try entry(directory, name))
  }

  /// What a process makes belongs to it. Where the user has no number here, the process would not either.
  func give(to header: fuse_in_header, _ directory: Inode, _ name: UnsafePointer<CChar>) {
    if header.uid == geteuid() && header.gid == getegid() { return }
    _ = fchownat(directory.descriptor, name, header.uid, header.gid, AT_SYMLINK_NOFOLLOW)
  }

  private func remove(_ request: FuseRequest, flags: Int32) throws(FuseError) {
    let directory = try inode(request.header.nodeid)
    try FuseError.check(returned: unlinkat(directory.descriptor, request.name(at: 0), flags))
    device.succeed(request.header.unique)
  }

  private func rename(_ request: FuseRequest) throws(FuseError) {
    let arguments = FuseRename(request)
    let source = try inode(request.header.nodeid)
    let target = try inode(arguments.directory)
    try FuseError.check(
      cl_rename(source.descriptor, arguments.oldName, target.descriptor, arguments.newName, arguments.flags))
    inodes.moved(target, arguments.newName)
    if arguments.flags != 0 { inodes.moved(source, arguments.oldName) }
    device.succeed(request.header.unique)
  }

  private func fileSystemStatus(_ request: FuseRequest) throws(FuseError) {
    var status = statvfs()
    try FuseError.check(returned: fstatvfs(inodes.root.descriptor, &status))
    var answer = fuse_statfs_out()
    answer.st.blocks = UInt64(status.f_blocks)
    answer.st.bfree = UInt64(status.f_bfree)
    answer.st.bavail = UInt64(status.f_bavail)
    answer.st.files = UInt64(status.f_files)
    answer.st.ffree = UInt64(status.f_ffree)
    answer.st.bsize = UInt32(truncatingIfNeeded: status.f_bsize)
    answer.st.frsize = UInt32(truncatingIfNeeded: status.f_frsize)
    answer.st.namelen = UInt32(truncatingIfNeeded: status.f_namemax)
    device.answer(request.header.unique, answer)
  }
}
