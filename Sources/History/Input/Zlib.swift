// Deflate in its two wrappings: gzip files, as much at a time as is asked for, and zlib streams in memory. The only user
// of zlib.

import CZlib

/// The content of a gzip file, several members one behind the other included, as gzip itself has it.
final class GzipStream: ByteStream {
  static let magic: [UInt8] = [0x1f, 0x8b]

  let file: String
  private let window: ByteWindow
  private var inflater: Inflater
  private var isBetween = false
  private var isOver = false

  /// - Parameter window: Stands at the begin of the compressed data.
  init(_ window: ByteWindow) throws(HistoryError) {
    self.window = window
    file = window.stream.file
    guard let inflater = Inflater(.gzip) else { throw HistoryError(file: file, "no memory to decompress it") }
    self.inflater = inflater
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(HistoryError) -> Int {
    while !isOver {
      if window.bytes.isEmpty { try window.more() }
      if isBetween, try !next() { break }
      let step = inflater.run(UnsafeRawBufferPointer(window.bytes), into: buffer)
      window.drop(step.consumed)
      switch step.status {
      case .over: isBetween = true
      case .running:
        if step.consumed == 0, step.produced == 0, window.isFinal, window.bytes.isEmpty {
          throw HistoryError(
            file: file, byte: window.offset, "expected gzip data: the file ends too early: it was cut off")
        }
      case .damaged(let what):
        throw HistoryError(file: file, byte: window.offset, "expected gzip data: the file is damaged (\(what))")
      }
      if step.produced > 0 { return step.produced }
    }
    return 0
  }

  /// Behind a member: whether another begins. Zeros are padding.
  private func next() throws(HistoryError) -> Bool {
    while true {
      let zeros = window.bytes.prefix { $0 == 0 }.count
      window.drop(zeros)
      if !window.bytes.isEmpty { break }
      if window.isFinal {
        isOver = true
        return false
      }
      try window.more()
    }
    guard window.bytes.first == Self.magic[0], let fresh = Inflater(.gzip) else {
      throw HistoryError(file: file, byte: window.offset, "expected the end of the file or more gzip data")
    }
    inflater = fresh
    isBetween = false
    return true
  }
}

/// zlib streams (RFC 1950) in memory.
enum Zlib {
  struct Failure: Error { var message: String }

  /// The bytes compressed, best before fast.
  static func compress(_ bytes: [UInt8]) -> [UInt8] {
    var length = compressBound(UInt(bytes.count))
    var status = Z_MEM_ERROR
    let out = [UInt8](unsafeUninitializedCapacity: Int(length)) { buffer, count in
      status = compress2(buffer.baseAddress, &length, bytes, UInt(bytes.count), Z_BEST_COMPRESSION)
      count = status == Z_OK ? Int(length) : 0
    }
    // With room enough it fails only without memory, and then nothing else works either.
    precondition(status == Z_OK, "no memory to compress \(bytes.count) bytes")
    return out
  }

  /// The bytes of a stream that must end where `bytes` do.
  /// - Parameter limit: More than this is refused: a few bytes can claim any size.
  static func decompress(_ bytes: ArraySlice<UInt8>, limit: Int) throws(Failure) -> [UInt8] {
    guard let inflater = Inflater(.zlib) else { throw Failure(message: "no memory to decompress it") }
    var out: [UInt8] = []
    var rest = bytes
    while true {
      var step = Inflater.Step()
      let piece = [UInt8](unsafeUninitializedCapacity: 16 << 10) { buffer, count in
        step = rest.withUnsafeBytes { inflater.run($0, into: UnsafeMutableRawBufferPointer(buffer)) }
        count = step.produced
      }
      out += piece
      rest = rest.dropFirst(step.consumed)
      guard out.count <= limit else { throw Failure(message: "expected at most \(limit) bytes of content") }
      switch step.status {
      case .over:
        guard rest.isEmpty else { throw Failure(message: "expected the end of the zlib data") }
        return out
      case .running:
        guard step.consumed > 0 || step.produced > 0 else {
          throw Failure(message: "expected zlib data: it ends too early")
        }
      case .damaged(let what): throw Failure(message: "expected zlib data: it is damaged (\(what))")
      }
    }
  }
}

/// zlib's state of one member or stream.
private final class Inflater {
  enum Wrapping: Int32 {
    case zlib = 15
    case gzip = 31
  }
  enum Status: Equatable {
    case running, over
    case damaged(String)
  }
  struct Step {
    var consumed = 0
    var produced = 0
    var status = Status.running
  }

  private var stream = z_stream()

  init?(_ wrapping: Wrapping) {
    guard
      inflateInit2_(&stream, wrapping.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
  }

  deinit { inflateEnd(&stream) }

  /// One step: until the input is used up, the output full, or the stream over.
  func run(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Step {
    let (most, room) = (min(input.count, 1 << 30), min(output.count, 1 << 30))
    stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.avail_in = UInt32(most)
    stream.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.avail_out = UInt32(room)
    let result = inflate(&stream, Z_NO_FLUSH)
    var step = Step(consumed: most - Int(stream.avail_in), produced: room - Int(stream.avail_out))
    switch result {
    case Z_OK, Z_BUF_ERROR: step.status = .running
    case Z_STREAM_END: step.status = .over
    default: step.status = .damaged(stream.msg.map { String(cString: $0) } ?? "zlib says \(result)")
    }
    return step
  }
}
