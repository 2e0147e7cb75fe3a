// What the log asks of a disk: a flat directory of files, written at offsets and synced. Real, or virtual in the simulator.

/// A failed operation of a disk. Nothing may be confirmed after one, and it is not tried again: what a failed
/// fdatasync has left on the disk is unknown.
public struct DiskError: Error, Equatable, Sendable, CustomStringConvertible {
  /// "write 000003.wal", "sync 000003.wal".
  public var doing: String
  public var errno: Int32

  public init(_ doing: String, errno: Int32) {
    self.doing = doing
    self.errno = errno
  }

  public var description: String { "\(doing): errno \(errno)" }
}

/// A directory of files. One owner at a time; calls may block.
public protocol Disk: AnyObject {
  /// All names, sorted.
  func list() throws(DiskError) -> [String]
  /// The whole content of a file.
  func read(_ name: String) throws(DiskError) -> [UInt8]
  /// Makes an empty file. Its name (not its content) is durable on return.
  func create(_ name: String) throws(DiskError)
  /// Writes at an offset, growing the file as needed. Durable only after `sync`.
  func write(_ name: String, at offset: Int, _ bytes: UnsafeRawBufferPointer) throws(DiskError)
  /// fdatasync: what was written to the file before is durable on return.
  func sync(_ name: String) throws(DiskError)
  /// Cuts a file; durable on return.
  func truncate(_ name: String, to size: Int) throws(DiskError)
  /// Removes a file; durable on return.
  func remove(_ name: String) throws(DiskError)
}
