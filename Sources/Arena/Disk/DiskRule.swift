// The words of a disk's faults: operations, rules by path and operation, and what several rules together mean.

import Base
import CLinux
import Glibc

/// What a process asks of its disk. The names are those of the scenario file.
public enum DiskOperation: Int, Codable, CaseIterable, Sendable {
  case lookup, getattr, setattr, readlink, symlink, mknod, mkdir, unlink, rmdir, rename, link, open, read, write
  case statfs, release, opendir, readdir, create, fallocate, lseek
  /// fsync, fdatasync, and fsync of a directory.
  case fsync
  case other

  /// Never kept waiting and never failed: a process that ends closes its files, and must be able to.
  public var isSparedByRules: Bool { self == .release || self == .other }

  /// The default of a rule without operations.
  public static let usual: Set<DiskOperation> = [.write, .fsync]

  init(opcode: fuse_opcode) {
    switch opcode {
    case FUSE_LOOKUP: self = .lookup
    case FUSE_GETATTR: self = .getattr
    case FUSE_SETATTR: self = .setattr
    case FUSE_READLINK: self = .readlink
    case FUSE_SYMLINK: self = .symlink
    case FUSE_MKNOD: self = .mknod
    case FUSE_MKDIR: self = .mkdir
    case FUSE_UNLINK: self = .unlink
    case FUSE_RMDIR: self = .rmdir
    case FUSE_RENAME, FUSE_RENAME2: self = .rename
    case FUSE_LINK: self = .link
    case FUSE_OPEN: self = .open
    case FUSE_READ: self = .read
    case FUSE_WRITE: self = .write
    case FUSE_STATFS: self = .statfs
    case FUSE_RELEASE, FUSE_RELEASEDIR: self = .release
    case FUSE_FSYNC, FUSE_FSYNCDIR: self = .fsync
    case FUSE_OPENDIR: self = .opendir
    case FUSE_READDIR, FUSE_READDIRPLUS: self = .readdir
    case FUSE_CREATE: self = .create
    case FUSE_FALLOCATE: self = .fallocate
    case FUSE_LSEEK: self = .lseek
    default: self = .other
    }
  }

  /// `fsync`; nil for a name that no operation has.
  public init?(name: String) {
    guard let operation = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = operation
  }

  public var name: String { "\(self)" }
}

/// What happens to operations on some files of a disk.
public struct DiskRule: Codable, Equatable, Sendable {
  public enum Effect: Codable, Equatable, Sendable {
    /// Nothing is answered until the rule goes.
    case stall
    /// Carried out that much later.
    case delay(Nanoseconds)
    /// Not carried out; the errno is the answer.
    case error(Int32)
  }

  /// A glob over the path inside the disk, without a slash at its beginning; `*` matches `/` too. A rename is matched by
  /// its old path or its new one.
  public var path: String
  /// Empty: `DiskOperation.usual`.
  public var operations: Set<DiskOperation>
  public var effect: Effect

  public init(path: String = "*", operations: Set<DiskOperation> = [], effect: Effect) {
    (self.path, self.operations, self.effect) = (path, operations, effect)
  }

  func touches(_ operation: DiskOperation, _ paths: DiskPaths) -> Bool {
    if operation.isSparedByRules { return false }
    if !(operations.isEmpty ? DiskOperation.usual : operations).contains(operation) { return false }
    // Our own probe shows that the rule is in force, whatever files it is about.
    if paths.isProbe { return true }
    let pattern = path.hasPrefix("/") ? String(path.dropFirst()) : path
    return pattern == "*" || paths.all.contains { fnmatch(pattern, $0, 0) == 0 }
  }
}

/// What a request is about.
struct DiskPaths: Equatable {
  /// Inside the disk, without a slash at the beginning; the root is empty.
  var all: [String]
  var isProbe: Bool
}

/// What all rules together say of one request: a stall first, then the sum of the delays, then the first error.
struct DiskVerdict: Equatable {
  var isStalled = false
  var delay: Nanoseconds = 0
  var error: Int32 = 0

  init(_ rules: [DiskRule], _ operation: DiskOperation, _ paths: DiskPaths) {
    for rule in rules where rule.touches(operation, paths) {
      switch rule.effect {
      case .stall: isStalled = true
      case .delay(let time): delay += max(0, time)
      case .error(let code): if error == 0 { error = code }
      }
    }
  }
}

/// What the supervisor tells a disk's daemon, and what it answers.
enum DiskCommand: Codable, Sendable {
  case rules(Int, [DiskRule])
}

enum DiskReport: Codable, Sendable {
  /// The rules of that number are in force.
  case inForce(Int)
}
