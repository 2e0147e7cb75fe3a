// Files that may be compressed: plain ones, xz and gzip, told apart by their first bytes and never by their names.

/// Reading of plain, `.xz` and `.gz` files alike.
public enum CompressedFile {
  /// More than this is refused: a few kilobytes of xz can claim any size.
  static let largest = 8 << 30

  /// The content of the file, decompressed where it begins as a compressed one does.
  /// - Parameter path: `-` is standard input.
  public static func read(_ path: String) throws(HistoryError) -> [UInt8] {
    try read(ByteWindow(FileStream(path)))
  }

  /// The content of a file in memory.
  static func decompress(_ bytes: [UInt8], file: String) throws(HistoryError) -> [UInt8] {
    try read(ByteWindow(bytes, file: file))
  }

  private static func read(_ window: ByteWindow) throws(HistoryError) -> [UInt8] {
    guard let content = try content(of: window) else { return try window.rest() }
    return try ByteWindow(content).rest()
  }

  /// What the window's stream compresses; nil where it is none of the compressed kinds, and nothing is taken then.
  static func content(of window: ByteWindow) throws(HistoryError) -> (any ByteStream)? {
    try window.fill(XzStream.magic.count)
    if window.bytes.starts(with: XzStream.magic) { return LimitedStream(try XzStream(window)) }
    if window.bytes.starts(with: GzipStream.magic) { return LimitedStream(try GzipStream(window)) }
    return nil
  }
}

/// Ends aloud where a file claims more content than anybody can want.
private final class LimitedStream: ByteStream {
  let file: String
  private let stream: any ByteStream
  private var produced = 0

  init(_ stream: any ByteStream) {
    self.stream = stream
    file = stream.file
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(HistoryError) -> Int {
    let count = try stream.read(into: buffer)
    produced += count
    guard produced <= CompressedFile.largest else {
      throw HistoryError(file: file, "expected at most \(CompressedFile.largest >> 30) GiB when decompressed")
    }
    return count
  }
}
