// A history from a file or standard input, whatever it is written in: its first bytes say what it is.

#if canImport(Glibc)
  import Glibc
#endif

/// Reading of histories of every kind: the binary one of a run, JSON lines, EDN, and each of them compressed.
public enum HistoryInput {
  /// How a history is written down.
  public enum Kind: String, Sendable {
    case binary
    case jsonLines = "JSON lines"
    case edn = "EDN"
  }

  /// How far the reading is.
  public struct Progress: Sendable {
    /// Bytes of the file, compressed where it is.
    public var bytes: Int
    /// Bytes of all of it; nil where nobody knows, as of a pipe.
    public var size: Int?
    public var events: Int

    public init(bytes: Int, size: Int?, events: Int) { (self.bytes, self.size, self.events) = (bytes, size, events) }
  }

  /// The history in a file.
  /// - Parameters:
  ///   - path: `-` is standard input.
  ///   - name: What errors call it; nil: its path.
  ///   - progress: Called after each piece of about a megabyte.
  /// - Throws: a file that cannot be read, is none of these kinds, is cut off or damaged; with its place.
  public static func read(
    _ path: String, name: String? = nil, progress: ((Progress) -> Void)? = nil
  ) throws(HistoryError) -> RecordedHistory {
    let file = try FileStream(path, name: name)
    let window = ByteWindow(file)
    let tell: ((Int) -> Void)? = progress.map { progress in
      { progress(Progress(bytes: file.position, size: file.size, events: $0)) }
    }
    guard let content = try CompressedFile.content(of: window) else {
      return try read(window, size: file.size, progress: tell)
    }
    return try read(ByteWindow(content), size: nil, progress: tell)
  }

  /// The file looked at where it lies; nil where it is no plain file, or no binary history.
  /// - Throws: a binary history that cannot be read or is damaged before its tail.
  public static func mapped(_ path: String) throws(HistoryError) -> HistoryFile? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    let window = ByteWindow(try FileStream(path))
    try window.fill(4)
    return window.bytes.starts(with: HistoryFormat.littleEndian(HistoryFormat.magic)) ? try HistoryFile(path) : nil
  }

  /// The history in `bytes`, which may be compressed; `file` is only for errors.
  public static func decode(_ bytes: [UInt8], file: String) throws(HistoryError) -> RecordedHistory {
    let window = ByteWindow(bytes, file: file)
    guard let content = try CompressedFile.content(of: window) else {
      return try read(window, size: bytes.count, progress: nil)
    }
    return try read(ByteWindow(content), size: nil, progress: nil)
  }

  private static func read(
    _ window: ByteWindow, size: Int?, progress: ((Int) -> Void)?
  ) throws(HistoryError) -> RecordedHistory {
    try window.fill(4096)
    switch try kind(of: window.bytes, file: window.stream.file) {
    case .binary: return try HistoryReader.decode(window.rest(), file: window.stream.file)
    case .jsonLines: return try JSONLines.read(window, size: size, progress: progress)
    case .edn: return try JepsenHistory.read(window, progress: progress)
    }
  }

  /// What a file that begins with these bytes is.
  static func kind(of bytes: UnsafeBufferPointer<UInt8>, file: String) throws(HistoryError) -> Kind {
    if bytes.starts(with: HistoryFormat.littleEndian(HistoryFormat.magic)) { return .binary }
    var at = 0
    /// The next byte that is no blank; 0 at the end.
    func next() -> UInt8 {
      while at < bytes.count, bytes[at] <= 0x20 || bytes[at] == 0x2c { at += 1 }
      defer { at += 1 }
      return at < bytes.count ? bytes[at] : 0
    }
    switch next() {
    case 0x7b: return [0x22, 0x7d].contains(next()) ? .jsonLines : .edn
    case 0x5b, 0x28:
      guard next() == 0x7b, next() == 0x22 else { return .edn }
      throw HistoryError(
        file: file, line: 1, byte: 0, "expected JSON lines, an object a line, found an array around the objects")
    case 0x23, 0x3b: return .edn
    default:
      let what = bytes.isEmpty ? "found nothing" : "found something else"
      throw HistoryError(
        file: file, byte: 0,
        "expected a history (of a run, as JSON lines or as EDN; plain, or compressed by xz or gzip), " + what)
    }
  }
}
