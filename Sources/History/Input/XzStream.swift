// Decompression of xz, as much at a time as is asked for. The only user of liblzma.

import CLzma

/// The content of an xz file, several streams one behind the other included.
final class XzStream: ByteStream {
  static let magic: [UInt8] = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]
  /// LZMA_CONCATENATED, a macro that Swift does not import.
  private static let concatenated: UInt32 = 0x08

  let file: String
  private let window: ByteWindow
  private var stream = lzma_stream()
  private var isOver = false

  /// - Parameter window: Stands at the begin of the compressed data.
  init(_ window: ByteWindow) throws(HistoryError) {
    self.window = window
    file = window.stream.file
    guard lzma_stream_decoder(&stream, 1 << 30, Self.concatenated) == LZMA_OK else {
      throw HistoryError(file: file, "no memory to decompress it")
    }
  }

  deinit { lzma_end(&stream) }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(HistoryError) -> Int {
    stream.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.avail_out = buffer.count
    while !isOver, stream.avail_out == buffer.count {
      if window.bytes.isEmpty { try window.more() }
      let input = window.bytes
      stream.next_in = input.baseAddress
      stream.avail_in = input.count
      let status = lzma_code(&stream, window.isFinal ? LZMA_FINISH : LZMA_RUN)
      window.drop(input.count - stream.avail_in)
      if status == LZMA_STREAM_END {
        isOver = true
      } else if status != LZMA_OK {
        let what =
          status == LZMA_BUF_ERROR
          ? "the file ends too early: it was cut off" : "the file is damaged (liblzma says \(status.rawValue))"
        throw HistoryError(file: file, byte: window.offset, "expected xz data: " + what)
      }
    }
    return buffer.count - stream.avail_out
  }
}
