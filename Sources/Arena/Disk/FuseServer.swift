// The daemon's work: threads that read requests, the gate they pass, and who carries them out.

import CLinux
import Glibc

/// Serves one mount from one backing directory. Everything is synchronous but what the gate keeps.
final class FuseServer: Sendable {
  static let readers = 8
  /// Threads that carry out what has waited.
  static let releasers = 4

  let device: FuseDevice
  let inodes: InodeTable
  let table: DiskTable
  let gate: DiskGate

  /// Takes over the descriptors.
  init(device: FuseDevice, backing: Int32, table: DiskTable) throws(ArenaError) {
    self.device = device
    self.table = table
    inodes = try InodeTable(root: backing)
    gate = try DiskGate(table: table, slots: Self.readers + Self.releasers)
  }

  /// Starts all threads. False when the system has none to give.
  func start() -> Bool {
    for slot in 0..<Self.readers {
      guard startThread({ self.serve(slot: slot) }) else { return false }
    }
    for slot in Self.readers..<Self.readers + Self.releasers {
      guard startThread({ self.release(slot: slot) }) else { return false }
    }
    return true
  }

  private static func buffer() -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer.allocate(byteCount: FuseDevice.bufferSize, alignment: 4096)
  }

  /// A reader's life. When the mount is gone, so is the reason for this process.
  private func serve(slot: Int) {
    let (input, output) = (Self.buffer(), Self.buffer())
    guard let base = input.baseAddress else { return }
    while true {
      let count = device.receive(base)
      if count < 0 { exit(count == -Int(ENODEV) ? 0 : 1) }
      guard let request = FuseRequest(base, count: count) else { continue }
      gate.deals(slot: slot, with: request.header.unique)
      handle(request, UnsafeRawBufferPointer(rebasing: input[0..<count]), output)
      gate.deals(slot: slot, with: 0)
    }
  }

  private func release(slot: Int) {
    let output = Self.buffer()
    gate.run { waiting in
      gate.deals(slot: slot, with: waiting.unique)
      if waiting.error != 0 {
        if !waiting.paths.isProbe { table.add(waiting.operation, .failed) }
        finish(waiting.operation, waiting.unique, error: waiting.error, isProbe: waiting.paths.isProbe)
      } else if let base = waiting.bytes.baseAddress, let request = FuseRequest(base, count: waiting.bytes.count) {
        carryOut(request, waiting.operation, output)
      }
      gate.deals(slot: slot, with: 0)
      waiting.bytes.deallocate()
    } giveUp: { waiting in
      finish(waiting.operation, waiting.unique, error: EINTR, isProbe: waiting.paths.isProbe)
      waiting.bytes.deallocate()
    }
  }

  private func handle(
    _ request: FuseRequest, _ bytes: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
  ) {
    switch request.opcode {
    case FUSE_FORGET:
      inodes.forget(request.header.nodeid, request.load(fuse_forget_in.self).nlookup)
    case FUSE_BATCH_FORGET:
      let size = MemoryLayout<fuse_forget_one>.size
      for index in 0..<Int(request.load(fuse_batch_forget_in.self).count) where 8 + (index + 1) * size <= request.count
      {
        let one = request.load(fuse_forget_one.self, at: 8 + index * size)
        inodes.forget(one.nodeid, one.nlookup)
      }
    case FUSE_INTERRUPT:
      if !gate.interrupt(request.load(fuse_interrupt_in.self).unique) { device.fail(request.header.unique, EAGAIN) }
    case FUSE_INIT: device.answer(request.header.unique, Self.terms(request.load(fuse_init_in.self)))
    case FUSE_DESTROY: device.succeed(request.header.unique)
    default:
      let operation = DiskOperation(opcode: request.opcode)
      if gate.isActive && !operation.isSparedByRules, let paths = paths(of: request) {
        let isWriteBack =
          operation == .write && request.load(fuse_write_in.self).write_flags & UInt32(FUSE_WRITE_CACHE) != 0
        switch gate.admit(bytes, request, operation, paths, mayStall: !isWriteBack) {
        case .waits: return
        case .fail(let code):
          return finish(operation, request.header.unique, error: code, isProbe: paths.isProbe)
        case .proceed: break
        }
      }
      carryOut(request, operation, output)
    }
  }

  private func carryOut(
    _ request: FuseRequest, _ operation: DiskOperation, _ output: UnsafeMutableRawBufferPointer
  ) {
    let isProbe = isProbe(request)
    do {
      let bytes = try perform(request, output)
      if !isProbe { table.completed(operation, bytes: bytes, well: true) }
    } catch {
      finish(operation, request.header.unique, error: error.number, isProbe: isProbe)
    }
  }

  private func finish(_ operation: DiskOperation, _ unique: UInt64, error: Int32, isProbe: Bool) {
    device.fail(unique, error)
    if !isProbe { table.completed(operation, bytes: 0, well: false) }
  }

  /// What we and the kernel agree on.
  private static func terms(_ offered: fuse_init_in) -> fuse_init_out {
    var terms = fuse_init_out()
    terms.major = UInt32(FUSE_KERNEL_VERSION)
    terms.minor = min(offered.minor, UInt32(FUSE_KERNEL_MINOR_VERSION))
    terms.max_readahead = offered.max_readahead
    terms.max_background = 64
    terms.congestion_threshold = 48
    terms.max_write = UInt32(FuseDevice.transferLimit)
    terms.max_pages = UInt16(FuseDevice.transferLimit / 4096)
    terms.time_gran = 1
    // No write-back cache: a write must reach the gate when it is made. Locks are left to the kernel.
    let wanted =
      FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_ATOMIC_O_TRUNC | FUSE_PARALLEL_DIROPS
      | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO
    terms.flags = UInt32(wanted) & offered.flags
    return terms
  }

  /// The paths that a request is about; nil for an inode that is unknown, which only its answer can tell.
  private func paths(of request: FuseRequest) -> DiskPaths? {
    guard let inode = inodes[request.header.nodeid] else { return nil }
    let all: [String]
    switch request.opcode {
    case FUSE_RENAME, FUSE_RENAME2:
      let rename = FuseRename(request)
      let target = inodes[rename.directory] ?? inode
      all = [inodes.path(inode, child: rename.oldName), inodes.path(target, child: rename.newName)]
    default: all = [inodes.path(inode, child: Self.childName(request))]
    }
    return DiskPaths(all: all, isProbe: isProbe(request))
  }

  private func isProbe(_ request: FuseRequest) -> Bool {
    guard let inode = inodes[request.header.nodeid] else { return false }
    if inode.isProbe { return true }
    guard inode.id == InodeTable.rootID else { return false }
    switch request.opcode {
    case FUSE_RENAME, FUSE_RENAME2: return DiskProbe.isProbe(inode, FuseRename(request).oldName)
    default: return Self.childName(request).map { DiskProbe.isProbe(inode, $0) } ?? false
    }
  }

  /// The name in a directory that a request is about, where it is about one.
  private static func childName(_ request: FuseRequest) -> UnsafePointer<CChar>? {
    switch request.opcode {
    case FUSE_LOOKUP, FUSE_UNLINK, FUSE_RMDIR, FUSE_SYMLINK: request.name(at: 0)
    case FUSE_MKDIR: request.name(at: MemoryLayout<fuse_mkdir_in>.size)
    case FUSE_MKNOD: request.name(at: MemoryLayout<fuse_mknod_in>.size)
    case FUSE_LINK: request.name(at: MemoryLayout<fuse_link_in>.size)
    case FUSE_CREATE: request.name(at: MemoryLayout<fuse_create_in>.size)
    default: nil
    }
  }
}

/// FUSE_RENAME and FUSE_RENAME2, which differ in what comes before the names.
struct FuseRename {
  let directory: UInt64
  let flags: UInt32
  let oldName: UnsafePointer<CChar>
  let newName: UnsafePointer<CChar>

  init(_ request: FuseRequest) {
    if request.opcode == FUSE_RENAME2 {
      let arguments = request.load(fuse_rename2_in.self)
      (directory, flags) = (arguments.newdir, arguments.flags)
      oldName = request.name(at: MemoryLayout<fuse_rename2_in>.size)
    } else {
      (directory, flags) = (request.load(fuse_rename_in.self).newdir, 0)
      oldName = request.name(at: MemoryLayout<fuse_rename_in>.size)
    }
    newName = request.name(after: oldName)
  }
}
