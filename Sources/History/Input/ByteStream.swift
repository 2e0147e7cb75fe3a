// Where bytes come from, piece by piece: a file, standard input, memory; and the window through which parsers see them.

#if canImport(Glibc)
  import Glibc
#endif

/// A source of bytes that ends.
protocol ByteStream: AnyObject {
  /// The name of the file, for errors.
  var file: String { get }
  /// Fills at most all of `buffer`.
  /// - Returns: the bytes written; 0 at the end only.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(HistoryError) -> Int
}

/// A file, a pipe or a terminal by its descriptor.
final class FileStream: ByteStream {
  let file: String
  /// Bytes of the file; nil of what has no size, such as a pipe.
  let size: Int?
  /// Bytes read so far.
  private(set) var position = 0
  private let descriptor: Int32
  private let isOurs: Bool

  /// - Parameter path: `-` is standard input.
  init(_ path: String, name: String? = nil) throws(HistoryError) {
    let isInput = path == "-"
    file = name ?? (isInput ? "standard input" : path)
    descriptor = isInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    isOurs = !isInput
    guard descriptor >= 0 else {
      size = nil
      throw FileBytes.failure(file, "cannot be opened")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      size = nil
      throw FileBytes.failure(file, "cannot be read")
    }
    let kind = status.st_mode & S_IFMT
    size = kind == S_IFREG ? Int(status.st_size) : nil
    guard kind != S_IFDIR else { throw HistoryError(file: file, "is a directory") }
    if kind == S_IFREG { posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL) }
  }

  deinit { if isOurs, descriptor >= 0 { close(descriptor) } }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(HistoryError) -> Int {
    while true {
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count >= 0 {
        position += count
        return count
      }
      guard errno == EINTR else { throw FileBytes.failure(file, "cannot be read") }
    }
  }
}

/// Bytes that are there already.
final class MemoryStream: ByteStream {
  let file: String
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8], file: String) {
    self.bytes = bytes
    self.file = file
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(buffer.count, bytes.count - position)
    buffer.copyBytes(from: bytes[position..<position + count])
    position += count
    return count
  }
}

/// A stretch of a stream in memory, that moves on. Parsers look at `bytes`, say how much of it they are done with, and ask
/// for more.
final class ByteWindow {
  /// Newlines behind `bytes` that may be read too, so that a scanner needs to look for the end only where it sees one.
  static let padding = 32

  let stream: any ByteStream
  /// Offset in the stream of the first byte of the window.
  private(set) var offset = 0
  /// The stream has given all it has.
  private(set) var isFinal = false
  private var storage: UnsafeMutableBufferPointer<UInt8>
  private var start = 0
  private var end = 0

  /// Over bytes that are there already.
  convenience init(_ bytes: [UInt8], file: String) {
    self.init(MemoryStream(bytes, file: file), piece: min(bytes.count + 1, 1 << 20))
  }

  /// - Parameter piece: Bytes to ask for at once; the window grows only where more is needed together.
  init(_ stream: any ByteStream, piece: Int = 1 << 20) {
    self.stream = stream
    storage = .allocate(capacity: max(piece, 64) + Self.padding)
    pad()
  }

  deinit { storage.deallocate() }

  /// Valid until the next call of `more`.
  var bytes: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: UnsafeBufferPointer(storage)[start..<end])
  }

  /// `bytes` and the padding behind them. Valid until the next call of `more`.
  var padded: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: UnsafeBufferPointer(storage)[start..<end + Self.padding])
  }

  /// The first `count` bytes of the window are not needed any more.
  func drop(_ count: Int) {
    start += count
    offset += count
  }

  /// Hands over the rest of the stream in pieces of whole lines: `padded`, and where in it the piece ends.
  func forEachPiece(
    _ body: (UnsafeBufferPointer<UInt8>, Int) throws(HistoryError) -> Void
  ) throws(HistoryError) {
    while true {
      let end = isFinal ? bytes.count : (bytes.lastIndex(of: 0x0a) ?? -1) + 1
      if end > 0 {
        try body(padded, end)
        drop(end)
      }
      if isFinal { break }
      try more()
    }
  }

  /// Reads on. What was in the window stays, at another address.
  /// - Returns: false at the end of the stream.
  @discardableResult func more() throws(HistoryError) -> Bool {
    guard !isFinal else { return false }
    let kept = end - start
    if kept > storage.count / 2 {
      let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 2 * storage.count)
      _ = larger.update(fromContentsOf: bytes)
      storage.deallocate()
      storage = larger
    } else if kept > 0, start > 0 {
      storage.baseAddress.map { $0.update(from: $0 + start, count: kept) }
    }
    (start, end) = (0, kept)
    let free = UnsafeMutableBufferPointer(rebasing: storage[end..<storage.count - Self.padding])
    let count = try stream.read(into: UnsafeMutableRawBufferPointer(free))
    end += count
    pad()
    isFinal = count == 0
    return count > 0
  }

  private func pad() {
    for at in end..<end + Self.padding { storage.initializeElement(at: at, to: 0x0a) }
  }

  /// Reads until there are `count` bytes, or all that there are.
  func fill(_ count: Int) throws(HistoryError) {
    while end - start < count, try more() {}
  }

  /// Everything that is left, in memory.
  func rest() throws(HistoryError) -> [UInt8] {
    var all: [UInt8] = []
    repeat {
      all += bytes
      drop(bytes.count)
    } while try more()
    return all
  }
}
