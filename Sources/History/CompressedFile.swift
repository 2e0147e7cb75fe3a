// Files that may be compressed: plain ones, xz and gzip, told apart by their first bytes and never by their names.

/// Reading of plain, `.xz` and `.gz` files alike.
public enum CompressedFile {
  /// More than this is refused: a few kilobytes of xz can claim any size.
  static let largest = 8 << 30

  /// The content of the file, decompressed where it begins as a compressed one does.
  /// - Parameter path: `-` is standard input.
  public static func read(_ path: String) throws(HistoryError) -> [UInt8] {
    try content(ByteWindow(open(FileStream(path))))
  }

  /// The content of a compressed file in memory.
  static func decompress(_ bytes: [UInt8], file: String) throws(HistoryError) -> [UInt8] {
    try content(ByteWindow(open(MemoryStream(bytes, file: file))))
  }

  private static func content(_ window: ByteWindow) throws(HistoryError) -> [UInt8] {
    var all: [UInt8] = []
    while try window.more() {
      all += window.bytes
      window.drop(window.bytes.count)
    }
    return all
  }

  /// The stream itself, or that of its content.
  static func open(_ stream: any ByteStream) throws(HistoryError) -> any ByteStream {
    let window = ByteWindow(stream)
    try window.fill(XzStream.magic.count)
    if window.bytes.starts(with: XzStream.magic) { return LimitedStream(try XzStream(window)) }
    if window.bytes.starts(with: GzipStream.magic) { return LimitedStream(try GzipStream(window)) }
    return WindowStream(window)
  }
}

/// What is left behind a window that was looked into.
private final class WindowStream: ByteStream {
  let file: String
  private let window: ByteWindow

  init(_ window: ByteWindow) {
    self.window = window
    file = window.stream.file
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(HistoryError) -> Int {
    let count = min(window.bytes.count, buffer.count)
    // What was looked into first, and the rest without a detour.
    if count == 0 { return window.isFinal ? 0 : try window.stream.read(into: buffer) }
    buffer.copyBytes(from: window.bytes[..<count])
    window.drop(count)
    return count
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
