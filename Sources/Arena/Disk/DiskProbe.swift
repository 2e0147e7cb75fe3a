// A probe of a disk: every operation that a rule can touch, done through the mount by a process that may hang.

import Base
import Glibc

/// What became of a probe: how long each step took, as far as it came.
public struct DiskProbe: Codable, Equatable, Sendable {
  public struct Step: Codable, Equatable, Sendable {
    public var operation: DiskOperation
    public var time: Nanoseconds
    /// errno; 0: it went well.
    public var error: Int32
  }

  public var steps: [Step] = []
  /// The step in which it hung until the time was over.
  public var hungIn: DiskOperation?
  /// Why nothing can be said: the process could not be started, or died.
  public var failure: String?

  public init() {}

  public subscript(operation: DiskOperation) -> Step? { steps.first { $0.operation == operation } }

  /// Every step went well.
  public var isWell: Bool { hungIn == nil && failure == nil && steps.allSatisfy { $0.error == 0 } }

  /// Whether any of these operations was touched: hung, failed, or took at least `delay`.
  public func shows(_ effect: DiskRule.Effect, on operations: Set<DiskOperation>) -> Bool {
    let operations = operations.isEmpty ? DiskOperation.usual : operations
    switch effect {
    case .stall: return hungIn.map { operations.contains($0) } ?? false
    case .delay(let time):
      return hungIn.map { operations.contains($0) } == true
        || steps.contains { operations.contains($0.operation) && $0.time >= time }
    case .error(let code): return steps.contains { operations.contains($0.operation) && $0.error == code }
    }
  }

  /// At the root of the disk, followed by a hyphen and the pid of the probe's process; in no listing, and gone when the
  /// probe is over.
  static let fileName = ".stormproof-probe"

  /// The pid in the name of a probe's file; nil for another file's.
  static func pid(ofFile name: String) -> pid_t? {
    guard name.hasPrefix(fileName + "-") else { return nil }
    return pid_t(name.dropFirst(fileName.utf8.count + 1).prefix { $0.isNumber })
  }

  /// Whether a name in a directory is that of a probe.
  static func isProbe(_ directory: Inode, _ name: UnsafePointer<CChar>) -> Bool {
    directory.id == InodeTable.rootID && strncmp(name, fileName, fileName.utf8.count) == 0
  }
}

/// The hidden subcommand `disk-probe`: says each step on standard output, before it and after it.
public enum DiskProbeProcess {
  /// `arguments`: where the disk is mounted.
  public static func main(_ arguments: [String]) -> Int32 {
    guard let mount = arguments.first else { return 2 }
    let path = "\(mount)/\(DiskProbe.fileName)-\(getpid())"
    let moved = path + "-moved"
    let block = [UInt8](repeating: 0x5a, count: 4096)
    var buffer = block
    var descriptor: Int32 = -1
    var info = statvfs()
    step(.create) {
      descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      return Int(descriptor)
    }
    if descriptor >= 0 {
      step(.write) { pwrite(descriptor, block, block.count, 0) }
      step(.fsync) { Int(fsync(descriptor)) }
      step(.read) { pread(descriptor, &buffer, buffer.count, 0) }
      step(.fallocate) { Int(posix_fallocate(descriptor, 0, 8192)) }
      step(.setattr) { Int(ftruncate(descriptor, 16)) }
      close(descriptor)
      step(.open) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        return Int(descriptor)
      }
      if descriptor >= 0 { close(descriptor) }
      step(.rename) { Int(rename(path, moved)) }
      step(.statfs) { Int(statvfs(mount, &info)) }
      step(.unlink) { Int(unlink(moved)) }
      // Where a rule refused the one, the other still leads to the file.
      unlink(path)
      unlink(moved)
    }
    return 0
  }

  private static func step(_ operation: DiskOperation, _ body: () -> Int) {
    say("begin \(operation.name)")
    let begin = monotonicNow()
    errno = 0
    let result = body()
    // posix_fallocate returns its errno.
    let code = operation == .fallocate ? Int32(result) : result < 0 ? errno : 0
    say("end \(operation.name) \(monotonicNow() - begin) \(code)")
  }

  private static func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
  }

  /// What the supervisor makes of those lines. A step that began and did not end is the one that hung.
  static func parse(_ text: String) -> DiskProbe {
    var probe = DiskProbe()
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count >= 2, let operation = DiskOperation(name: String(words[1])) else { continue }
      if words[0] == "begin" { probe.hungIn = operation }
      if words[0] == "end", words.count == 4, let time = Nanoseconds(words[2]), let error = Int32(words[3]) {
        probe.hungIn = nil
        probe.steps.append(.init(operation: operation, time: time, error: error))
      }
    }
    return probe
  }
}
