// Plain memory for the tables of the hot passes: no check of uniqueness, none of bounds, at each of some billion accesses.

/// Elements from 0 to `count` − 1, for one owner at a time; an index beyond them is a mistake of the caller.
final class Buffer<Element: BitwiseCopyable> {
  // One owner, one thread: what the language would check at every access is known.
  @exclusivity(unchecked) private(set) var base: UnsafeMutablePointer<Element>
  @exclusivity(unchecked) private(set) var count: Int
  private var capacity: Int

  /// - Parameter capacity: Memory that is not written to is not taken.
  init(count: Int = 0, capacity: Int = 0, repeating element: Element) {
    self.capacity = max(capacity, count, 16)
    self.count = count
    base = .allocate(capacity: self.capacity)
    base.initialize(repeating: element, count: count)
  }

  deinit { base.deallocate() }

  @inline(__always)
  subscript(index: Int) -> Element {
    get { base[index] }
    set { base[index] = newValue }
  }

  /// More elements, all alike.
  func grow(to count: Int, repeating element: Element) {
    guard count > self.count else { return }
    if count > capacity {
      capacity = max(count, capacity * 2)
      let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
      larger.moveInitialize(from: base, count: self.count)
      base.deallocate()
      base = larger
    }
    (base + self.count).initialize(repeating: element, count: count - self.count)
    self.count = count
  }

  /// All of them, to go through; not to be kept.
  var elements: UnsafeMutableBufferPointer<Element> { UnsafeMutableBufferPointer(start: base, count: count) }
  var indices: Range<Int> { 0..<count }
}
