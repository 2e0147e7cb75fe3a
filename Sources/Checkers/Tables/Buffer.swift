// Plain memory for the tables of the hot passes: no check of uniqueness, none of bounds, at each of some billion accesses.

#if canImport(Glibc)
  import Glibc
#endif

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
    base = Self.memory(for: self.capacity)
    base.initialize(repeating: element, count: count)
  }

  /// Large tables in large pages, where the system has them: each small page would be a fault of its own, and one more
  /// address to translate.
  private static func memory(for capacity: Int) -> UnsafeMutablePointer<Element> {
    let (size, page) = (capacity * MemoryLayout<Element>.stride, 2 << 20)
    guard size >= 2 * page else { return .allocate(capacity: capacity) }
    let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: page)
    madvise(memory, size & ~(page - 1), MADV_HUGEPAGE)
    return memory.bindMemory(to: Element.self, capacity: capacity)
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
      let larger = Self.memory(for: capacity)
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
