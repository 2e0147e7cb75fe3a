// Frames: type, channel, size, payload, end mark (section 4.2.3); found in received bytes, and put around methods.

public enum FrameKind: UInt8, Sendable {
  case method = 1
  case header = 2
  case body = 3
  case heartbeat = 8
}

/// One whole frame inside received bytes. Its payload points into them.
public struct Frame {
  public let kind: FrameKind
  public let channel: UInt16
  public let payload: UnsafeRawBufferPointer

  /// Bytes of the whole frame, with head and end mark.
  @inline(__always)
  public var size: Int { payload.count + Limits.frameOverhead }

  static let end: UInt8 = 0xCE

  /// The frame that begins at `offset`, or nil where it is not all there yet. `frameMax` counts the whole frame.
  /// - Throws: 501 for an unknown type, a frame over `frameMax`, a wrong end mark.
  @inline(__always)
  public static func parse(
    _ bytes: UnsafeRawBufferPointer, at offset: Int, frameMax: Int
  ) throws(AMQPError) -> Frame? {
    let available = bytes.count - offset
    guard available > 0, offset >= 0 else { return nil }
    guard let kind = FrameKind(rawValue: bytes[offset]) else {
      throw AMQPError(.frameError, "unknown frame type \(bytes[offset])")
    }
    guard available >= 7 else { return nil }
    let channel = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 1, as: UInt16.self))
    let size = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 3, as: UInt32.self)))
    guard size <= frameMax - Limits.frameOverhead else {
      throw AMQPError(.frameError, "a frame of \(size + Limits.frameOverhead) bytes, more than \(frameMax)")
    }
    guard available >= size + Limits.frameOverhead else { return nil }
    guard bytes[offset + 7 + size] == end else { throw AMQPError(.frameError, "a frame without its end mark") }
    return Frame(
      kind: kind, channel: channel,
      payload: UnsafeRawBufferPointer(rebasing: bytes[offset + 7..<offset + 7 + size]))
  }
}

extension ByteBuffer {
  /// Appends a method frame, or nothing.
  /// - Throws: 502 where a string is too long for AMQP, 501 where the frame would exceed `frameMax`.
  public mutating func append(method: Method, channel: UInt16, frameMax: Int) throws(AMQPError) {
    let start = mark
    append(FrameKind.method.rawValue)
    append(channel)
    append(UInt32(0))
    append(method: method)
    let size = mark - start - 7
    patch(UInt32(truncatingIfNeeded: size), at: start + 3)
    append(Frame.end)
    if size + Limits.frameOverhead > frameMax {
      failure = failure ?? AMQPError(.frameError, "\(method.id) has \(size) bytes, too many for one frame")
    }
    if var error = failure {
      failure = nil
      rewind(to: start)
      error.method = method.id
      throw error
    }
  }

  public mutating func appendHeartbeat() {
    append(FrameKind.heartbeat.rawValue)
    append(UInt16(0))
    append(UInt32(0))
    append(Frame.end)
  }
}
