// One mounted /dev/fuse: requests out of it, answers into it (fuse(4), linux/fuse.h).

import CLinux
import Glibc

/// A request as the kernel wrote it. The bytes are those of a reader's buffer, or of a copy that waits.
struct FuseRequest {
  let header: fuse_in_header
  /// What follows the header; aligned to eight bytes.
  let body: UnsafeMutableRawPointer
  /// Bytes of the body.
  let count: Int

  static let headerSize = MemoryLayout<fuse_in_header>.size

  init?(_ buffer: UnsafeMutableRawPointer, count: Int) {
    guard count >= Self.headerSize else { return nil }
    header = buffer.load(as: fuse_in_header.self)
    body = buffer + Self.headerSize
    self.count = count - Self.headerSize
  }

  var opcode: fuse_opcode { fuse_opcode(rawValue: header.opcode) }

  /// The structure with which the body begins; all zero where an old kernel sends a shorter one.
  func load<T: BitwiseCopyable>(_ type: T.Type, at offset: Int = 0) -> T {
    withUnsafeTemporaryAllocation(byteCount: MemoryLayout<T>.size, alignment: MemoryLayout<T>.alignment) { copy in
      copy.initializeMemory(as: UInt8.self, repeating: 0)
      let available = max(0, min(MemoryLayout<T>.size, count - offset))
      copy.copyMemory(from: UnsafeRawBufferPointer(start: body + offset, count: available))
      return copy.load(as: T.self)
    }
  }

  /// A name that ends with a zero byte, `offset` bytes into the body. The kernel ends each of them.
  func name(at offset: Int) -> UnsafePointer<CChar> {
    UnsafePointer((body + min(offset, count)).assumingMemoryBound(to: CChar.self))
  }

  /// The name behind that one.
  func name(after first: UnsafePointer<CChar>) -> UnsafePointer<CChar> { first + strlen(first) + 1 }
}

struct FuseDevice: Sendable {
  let descriptor: Int32

  /// The largest write and read, in bytes, and the buffer that holds such a request.
  static let transferLimit = 1 << 20
  static let bufferSize = transferLimit + (64 << 10)

  /// Fills the buffer with the next request. Its length; 0: none this time; below 0: the mount is gone (-errno).
  func receive(_ buffer: UnsafeMutableRawPointer) -> Int {
    let n = read(descriptor, buffer, Self.bufferSize)
    if n >= 0 { return n }
    // ENOENT: the request was taken back before we got it.
    return [EINTR, EAGAIN, ENOENT].contains(errno) ? 0 : -Int(errno)
  }

  func fail(_ unique: UInt64, _ code: Int32) { send(unique, code, Self.nothing, Self.nothing) }

  func succeed(_ unique: UInt64) { send(unique, 0, Self.nothing, Self.nothing) }

  func answer<T: BitwiseCopyable>(_ unique: UInt64, _ value: T) {
    withUnsafeBytes(of: value) { send(unique, 0, $0, Self.nothing) }
  }

  func answer<T: BitwiseCopyable, U: BitwiseCopyable>(_ unique: UInt64, _ first: T, _ second: U) {
    withUnsafeBytes(of: first) { first in withUnsafeBytes(of: second) { send(unique, 0, first, $0) } }
  }

  func answer(_ unique: UInt64, _ bytes: UnsafeRawBufferPointer) { send(unique, 0, bytes, Self.nothing) }

  private static var nothing: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

  /// An answer is one write. That nobody waits for it any more (ENOENT) is well.
  private func send(_ unique: UInt64, _ code: Int32, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer)
  {
    let size = MemoryLayout<fuse_out_header>.size
    var header = fuse_out_header(len: UInt32(size + first.count + second.count), error: -code, unique: unique)
    withUnsafeMutableBytes(of: &header) { header in
      let parts = (
        iovec(iov_base: header.baseAddress, iov_len: size),
        iovec(iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress), iov_len: first.count),
        iovec(iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress), iov_len: second.count)
      )
      withUnsafeBytes(of: parts) { _ = writev(descriptor, $0.assumingMemoryBound(to: iovec.self).baseAddress, 3) }
    }
  }
}
