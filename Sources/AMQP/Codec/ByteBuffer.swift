// The output side of a connection: a growing stretch of raw bytes, appended at its end and taken from its front.
import Glibc

/// A growing byte queue in network byte order. Unique by its type, so that appending never checks for sharing.
///
/// A value that AMQP cannot carry (a short string of 300 bytes) does not trap and does not throw at each field: it
/// leaves a note, and the frame that holds it is withdrawn as a whole (`endFrame`).
public struct ByteBuffer: ~Copyable {
  private var base: UnsafeMutableRawPointer
  private var capacity: Int
  private var head = 0
  private var tail = 0
  /// What could not be encoded since the frame began.
  var failure: AMQPError?

  public init(capacity: Int = 4096) {
    self.capacity = max(64, capacity)
    base = .allocate(byteCount: self.capacity, alignment: 16)
  }

  deinit { base.deallocate() }

  /// Bytes waiting to be taken.
  public var count: Int { tail - head }
  public var isEmpty: Bool { tail == head }

  /// What is waiting; valid until the buffer changes.
  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try body(UnsafeRawBufferPointer(start: base + head, count: tail - head))
  }

  /// Drops up to `count` bytes from the front: those the socket took.
  public mutating func removeFirst(_ count: Int) {
    head += min(max(0, count), tail - head)
    if head == tail {
      head = 0
      tail = 0
    }
  }

  /// All that is waiting, as an array; the buffer is empty afterwards.
  public mutating func takeAll() -> [UInt8] {
    let bytes = withUnsafeBytes { Array($0) }
    removeFirst(bytes.count)
    return bytes
  }

  /// Makes room for `count` bytes behind the end, moves the end and returns where they begin. The caller fills them.
  @inline(__always)
  mutating func extend(_ count: Int) -> UnsafeMutableRawPointer {
    if capacity - tail < count { grow(count) }
    let place = base + tail
    tail += count
    return place
  }

  @inline(never)
  private mutating func grow(_ count: Int) {
    let used = tail - head
    if used + count <= capacity / 2 {  // mostly taken already: move to the front rather than grow
      memmove(base, base + head, used)
    } else {
      capacity = max(capacity * 2, used + count)
      let bigger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
      memcpy(bigger, base + head, used)
      base.deallocate()
      base = bigger
    }
    head = 0
    tail = used
  }

  @inline(__always)
  mutating func append<Number: FixedWidthInteger>(_ value: Number) {
    extend(MemoryLayout<Number>.size).storeBytes(of: value.bigEndian, as: Number.self)
  }

  @inline(__always)
  public mutating func append(bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    memcpy(extend(bytes.count), source, bytes.count)
  }

  public mutating func append(bytes: [UInt8]) {
    bytes.withUnsafeBytes { append(bytes: $0) }
  }

  @inline(__always)
  mutating func append(utf8 string: String) {
    let count = string.utf8.count
    guard count > 0 else { return }
    Self.copy(string, to: extend(count))
  }

  /// Copies the UTF-8 of a string; the place has room for it. Returns where it ends.
  @inline(__always) @discardableResult
  static func copy(_ string: String, to place: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
    var string = string
    return string.withUTF8 { utf8 in
      if let source = utf8.baseAddress { memcpy(place, source, utf8.count) }
      return place + utf8.count
    }
  }

  /// Where the next byte will lie, counted from the front; good for `rewind` and `patch` while nothing is taken.
  var mark: Int { tail - head }

  mutating func rewind(to mark: Int) { tail = head + min(mark, tail - head) }

  /// Overwrites a number written before.
  mutating func patch<Number: FixedWidthInteger>(_ value: Number, at mark: Int) {
    guard mark >= 0, head + mark + MemoryLayout<Number>.size <= tail else { return }
    (base + head + mark).storeBytes(of: value.bigEndian, as: Number.self)
  }
}
