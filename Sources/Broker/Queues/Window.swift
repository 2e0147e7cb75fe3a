// Elements under consecutive numbers, of which the old ones go: messages of a queue, deliveries of a channel.

/// A queue of elements, each under the number it got when it was appended. Removing leaves a gap, and gaps at the front
/// are forgotten, so that memory follows what lies between the oldest element and the end.
struct Window<Element> {
  private var slots: [Element?] = []
  private var head = 0
  /// The number of `slots[0]`.
  private var base: UInt64
  /// Elements that are there.
  private(set) var count = 0

  init(start: UInt64 = 0) { base = start }

  var isEmpty: Bool { count == 0 }
  /// The number that the next element gets.
  var end: UInt64 { base + UInt64(slots.count) }
  /// No element has a number below.
  var start: UInt64 { base + UInt64(head) }

  @discardableResult
  mutating func append(_ element: Element) -> UInt64 {
    slots.append(element)
    count += 1
    return end - 1
  }

  /// Appends under a number of the caller's, which leaves a gap. Ignored where the number was given before.
  mutating func append(_ element: Element, at number: UInt64) {
    guard number >= end else { return }
    skip(to: number)
    append(element)
  }

  /// Numbers below are never given (any more).
  mutating func skip(to number: UInt64) {
    guard number > end else { return }
    if count == 0 {
      slots.removeAll(keepingCapacity: true)
      head = 0
      base = number
    } else {
      while end < number { slots.append(nil) }
    }
  }

  subscript(number: UInt64) -> Element? {
    get { number >= start && number < end ? slots[Int(number - base)] : nil }
    set {
      guard let newValue, number >= start, number < end, slots[Int(number - base)] != nil else { return }
      slots[Int(number - base)] = newValue
    }
  }

  @discardableResult
  mutating func remove(_ number: UInt64) -> Element? {
    guard number >= start, number < end, let element = slots[Int(number - base)] else { return nil }
    slots[Int(number - base)] = nil
    count -= 1
    while head < slots.count, slots[head] == nil { head += 1 }
    if head == slots.count {
      base = end
      slots.removeAll(keepingCapacity: slots.count <= 1 << 16)
      head = 0
    } else if head >= 64, head > slots.count / 2 {
      slots.removeFirst(head)
      base += UInt64(head)
      head = 0
    }
    return element
  }

  /// The first number from `number` on under which there is an element.
  func next(from number: UInt64) -> UInt64? {
    var index = Int(max(number, start) - base)
    while index < slots.count {
      if slots[index] != nil { return base + UInt64(index) }
      index += 1
    }
    return nil
  }
}

extension Window: Sendable where Element: Sendable {}

/// Numbers of which the least comes first.
struct MinimumHeap {
  private var items: [UInt64] = []

  var first: UInt64? { items.first }
  var count: Int { items.count }

  mutating func insert(_ item: UInt64) {
    items.append(item)
    var child = items.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard items[child] < items[parent] else { return }
      items.swapAt(child, parent)
      child = parent
    }
  }

  mutating func removeFirst() {
    guard let last = items.popLast(), !items.isEmpty else { return }
    items[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < items.count && items[child] < items[least] {
        least = child
      }
      guard least != parent else { return }
      items.swapAt(parent, least)
      parent = least
    }
  }
}
