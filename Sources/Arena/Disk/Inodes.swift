// The files that the kernel knows of, by the number it calls them: a handle on each, and where it was last seen.

import CLinux
import Glibc
import Synchronization

/// One file or directory of the backing directory. Its handle (O_PATH) lives as long as somebody holds the object, so
/// that a request in flight outlives a forget.
final class Inode: @unchecked Sendable {
  struct Key: Hashable {
    var device: UInt64
    var number: UInt64

    init(_ info: stat) { (device, number) = (UInt64(info.st_dev), UInt64(info.st_ino)) }
  }

  let id: UInt64
  let descriptor: Int32
  let key: Key
  /// Of a probe of ours: its requests are not counted, and rules touch it whatever files they are about.
  let isProbe: Bool
  // Under the table's lock.
  fileprivate var lookups: UInt64 = 0
  fileprivate var parent: Inode?
  fileprivate var name: [CChar]

  fileprivate init(id: UInt64, descriptor: Int32, key: Key, parent: Inode?, name: [CChar], isProbe: Bool = false) {
    (self.id, self.descriptor, self.key, self.parent, self.name) = (id, descriptor, key, parent, name)
    self.isProbe = isProbe
  }

  deinit { close(descriptor) }

  /// A path by which any call reaches the file, whatever it is called now.
  var path: String { "/proc/self/fd/\(descriptor)" }

  /// Its attributes, or errno.
  func attributes(_ info: inout stat) -> Int32 { fstat(descriptor, &info) == 0 ? 0 : errno }
}

/// All inodes, counted by the kernel's lookups (FUSE_LOOKUP adds one, FUSE_FORGET takes some away).
final class InodeTable: Sendable {
  private struct State {
    var byID: [UInt64: Inode] = [:]
    var byKey: [Inode.Key: Inode] = [:]
    var nextID: UInt64 = InodeTable.rootID + 1
  }

  static let rootID = UInt64(FUSE_ROOT_ID)
  let root: Inode
  private let state: Mutex<State>

  /// Takes over the descriptor of the backing directory.
  init(root descriptor: Int32) throws(ArenaError) {
    var info = stat()
    if fstat(descriptor, &info) != 0 { throw ArenaError("look at the backing directory", code: errno) }
    root = Inode(id: Self.rootID, descriptor: descriptor, key: Inode.Key(info), parent: nil, name: [])
    let root = root
    state = Mutex(State(byID: [Self.rootID: root], byKey: [root.key: root]))
  }

  subscript(id: UInt64) -> Inode? { state.withLock { $0.byID[id] } }

  /// Finds a name in a directory and counts the lookup. 0 with inode and attributes, or errno.
  func lookup(_ parent: Inode, _ name: UnsafePointer<CChar>, _ info: inout stat) -> (Int32, Inode?) {
    let descriptor = cl_open_path(parent.descriptor, name)
    if descriptor < 0 { return (-descriptor, nil) }
    if fstat(descriptor, &info) != 0 {
      let code = errno
      close(descriptor)
      return (code, nil)
    }
    let key = Inode.Key(info)
    let characters = Array(UnsafeBufferPointer(start: name, count: strlen(name)))
    let inode = state.withLock { state in
      if let known = state.byKey[key] {
        close(descriptor)
        known.lookups += 1
        if known.id != Self.rootID { (known.parent, known.name) = (parent, characters) }
        return known
      }
      let inode = Inode(
        id: state.nextID, descriptor: descriptor, key: key, parent: parent, name: characters,
        isProbe: DiskProbe.isProbe(parent, name))
      state.nextID += 1
      inode.lookups = 1
      state.byID[inode.id] = inode
      state.byKey[key] = inode
      return inode
    }
    return (0, inode)
  }

  func forget(_ id: UInt64, _ count: UInt64) {
    let last: Inode? = state.withLock { state in
      guard id != Self.rootID, let inode = state.byID[id] else { return nil }
      inode.lookups -= min(count, inode.lookups)
      if inode.lookups > 0 { return nil }
      state.byID[id] = nil
      state.byKey[inode.key] = nil
      return inode
    }
    _ = last  // closed here, without the lock
  }

  /// After a rename: what is called `name` in `directory` now is there.
  func moved(_ directory: Inode, _ name: UnsafePointer<CChar>) {
    var info = stat()
    if fstatat(directory.descriptor, name, &info, AT_SYMLINK_NOFOLLOW) != 0 { return }
    let characters = Array(UnsafeBufferPointer(start: name, count: strlen(name)))
    state.withLock { state in
      guard let inode = state.byKey[Inode.Key(info)] else { return }
      (inode.parent, inode.name) = (directory, characters)
    }
  }

  /// The path inside the disk without a slash at the beginning; empty for the root. Not all names are UTF-8; what is not
  /// is repaired, since rules are text.
  func path(_ inode: Inode, child name: UnsafePointer<CChar>? = nil) -> String {
    var parts: [String] = name.map { [String(cString: $0)] } ?? []
    state.withLock { _ in
      var current: Inode? = inode
      // A bound, because a rename that we mistook must not hang a request.
      while let one = current, one.id != Self.rootID, parts.count < 256 {
        parts.append(String(decoding: one.name.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        current = one.parent
      }
    }
    return parts.reversed().joined(separator: "/")
  }
}
