// A disk in memory that loses what was not synced, wholly or sector by sector, by a seed; and fails where it is told to.

import Base

/// For tests and the simulator. Names are durable when made or removed, content when synced.
public final class MemoryDisk: Disk {
  public enum Operation: Sendable { case list, read, create, write, sync, truncate, remove }

  /// What of the unsynced writes survives a loss of power.
  public enum Survival: Sendable {
    /// Nothing does.
    case nothing
    /// Each sector of 512 bytes by itself, with this probability, in any order: torn writes.
    case sectors(Double)
  }

  public static let sector = 512
  /// Asked before each operation; what it returns is thrown, and the operation is not done.
  public var fault: ((Operation, String) -> DiskError?)?
  private var files: [String: File] = [:]

  private struct File {
    var bytes: [UInt8] = []
    /// What each write since the last sync replaced, oldest first.
    var undo: [Undo] = []
  }

  private struct Undo {
    var offset: Int
    var count: Int
    var old: [UInt8]
  }

  public init() {}

  /// The same content on another disk, all of it durable.
  public func copy() -> MemoryDisk {
    let copy = MemoryDisk()
    copy.files = files.mapValues { File(bytes: $0.bytes) }
    return copy
  }

  /// Loses unsynced writes.
  public func losePower(_ survival: Survival, using generator: inout SeededGenerator) {
    for name in files.keys.sorted() {
      guard var file = files[name] else { continue }
      for undo in file.undo.reversed() { revert(&file.bytes, undo, survival, &generator) }
      file.undo = []
      files[name] = file
    }
  }

  private func revert(
    _ bytes: inout [UInt8], _ undo: Undo, _ survival: Survival, _ generator: inout SeededGenerator
  ) {
    var size = undo.offset + undo.old.count < undo.offset + undo.count ? undo.offset + undo.old.count : bytes.count
    var at = undo.offset
    while at < undo.offset + undo.count {
      let end = min((at / Self.sector + 1) * Self.sector, undo.offset + undo.count)
      if case .sectors(let probability) = survival, generator.chance(probability) {
        size = max(size, end)
      } else {
        for i in at..<end { bytes[i] = i - undo.offset < undo.old.count ? undo.old[i - undo.offset] : 0 }
      }
      at = end
    }
    bytes.removeLast(bytes.count - min(size, bytes.count))
  }

  /// Changes bytes as a failing medium does, past all syncing.
  public func damage(_ name: String, _ body: (inout [UInt8]) -> Void) {
    if var file = files[name] {
      body(&file.bytes)
      file.undo = []
      files[name] = file
    }
  }

  public func list() throws(DiskError) -> [String] {
    try check(.list, "")
    return files.keys.sorted()
  }

  public func read(_ name: String) throws(DiskError) -> [UInt8] {
    try check(.read, name)
    guard let file = files[name] else { throw DiskError("read \(name)", errno: Self.noEntry) }
    return file.bytes
  }

  public func create(_ name: String) throws(DiskError) {
    try check(.create, name)
    guard files[name] == nil else { throw DiskError("create \(name)", errno: Self.exists) }
    files[name] = File()
  }

  public func write(_ name: String, at offset: Int, _ bytes: UnsafeRawBufferPointer) throws(DiskError) {
    try check(.write, name)
    guard files[name] != nil else { throw DiskError("write \(name)", errno: Self.noEntry) }
    Self.put(&files[name, default: File()], offset, bytes)
  }

  private static func put(_ file: inout File, _ offset: Int, _ bytes: UnsafeRawBufferPointer) {
    // A gap is part of the write, so that undoing it restores the size.
    let begin = min(offset, file.bytes.count)
    let end = offset + bytes.count
    file.undo.append(
      Undo(offset: begin, count: end - begin, old: Array(file.bytes[begin..<min(end, file.bytes.count)])))
    if file.bytes.count < end { file.bytes.append(contentsOf: repeatElement(0, count: end - file.bytes.count)) }
    file.bytes.withUnsafeMutableBytes {
      UnsafeMutableRawBufferPointer(rebasing: $0[offset..<end]).copyMemory(from: bytes)
    }
  }

  public func sync(_ name: String) throws(DiskError) {
    try check(.sync, name)
    guard files[name] != nil else { throw DiskError("sync \(name)", errno: Self.noEntry) }
    files[name]?.undo.removeAll(keepingCapacity: true)
  }

  public func truncate(_ name: String, to size: Int) throws(DiskError) {
    try check(.truncate, name)
    guard var file = files.removeValue(forKey: name) else { throw DiskError("cut \(name)", errno: Self.noEntry) }
    if size < file.bytes.count { file.bytes.removeLast(file.bytes.count - size) }
    file.undo = []
    files[name] = file
  }

  public func remove(_ name: String) throws(DiskError) {
    try check(.remove, name)
    guard files.removeValue(forKey: name) != nil else { throw DiskError("remove \(name)", errno: Self.noEntry) }
  }

  private func check(_ operation: Operation, _ name: String) throws(DiskError) {
    if let error = fault?(operation, name) { throw error }
  }

  private static let noEntry: Int32 = 2
  private static let exists: Int32 = 17
}
