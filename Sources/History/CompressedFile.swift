// Files that may be compressed: plain ones and xz, told apart by their first bytes. The only user of liblzma.

import CLzma

/// Reading of plain and `.xz` files alike.
public enum CompressedFile {
  /// More than this is refused: a few kilobytes of xz can claim any size.
  static let largest = 8 << 30

  /// LZMA_CONCATENATED, a macro that Swift does not import.
  private static let concatenated: UInt32 = 0x08

  /// The content of the file, decompressed where it begins as an xz file does.
  public static func read(_ path: String) throws(HistoryError) -> [UInt8] {
    let bytes = try FileBytes.read(path)
    guard bytes.starts(with: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]) else { return bytes }
    return try decompress(bytes, file: path)
  }

  /// The content of an xz file, several streams one behind the other included.
  static func decompress(_ bytes: [UInt8], file: String) throws(HistoryError) -> [UInt8] {
    var stream = lzma_stream()
    defer { lzma_end(&stream) }
    guard lzma_stream_decoder(&stream, 1 << 30, concatenated) == LZMA_OK else {
      throw HistoryError(file: file, "no memory to decompress it")
    }
    var out: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 20)
    var consumed = 0
    while true {
      let (status, produced): (lzma_ret, Int) = bytes.withUnsafeBufferPointer { input in
        piece.withUnsafeMutableBufferPointer { output in
          stream.next_in = input.baseAddress.map { $0 + consumed }
          stream.avail_in = input.count - consumed
          stream.next_out = output.baseAddress
          stream.avail_out = output.count
          let status = lzma_code(&stream, LZMA_FINISH)
          consumed = input.count - stream.avail_in
          return (status, output.count - stream.avail_out)
        }
      }
      out += piece[..<produced]
      if status == LZMA_STREAM_END { return out }
      guard status == LZMA_OK else {
        let what =
          status == LZMA_BUF_ERROR ? "the file ends too early" : "the file is damaged (liblzma says \(status.rawValue))"
        throw HistoryError(file: file, byte: consumed, "expected xz data: " + what)
      }
      guard out.count <= largest else { throw HistoryError(file: file, "expected at most 8 GiB when decompressed") }
    }
  }
}
