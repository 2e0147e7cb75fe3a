// A queue in a ring: what waits for its turn in a client.

/// First in, first out; grows, never shrinks, appends and takes in amortised constant time.
struct Fifo<Element> {
  private var ring: [Element?]
  private var head = 0
  private(set) var count = 0

  init(minimumCapacity: Int = 16) {
    var capacity = 16
    while capacity < minimumCapacity { capacity *= 2 }
    ring = Array(repeating: nil, count: capacity)
  }

  var isEmpty: Bool { count == 0 }
  var first: Element? { count == 0 ? nil : ring[head] }

  mutating func append(_ element: Element) {
    if count == ring.count { grow() }
    ring[(head + count) & (ring.count - 1)] = element
    count += 1
  }

  mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    let element = ring[head]
    ring[head] = nil
    head = (head + 1) & (ring.count - 1)
    count -= 1
    return element
  }

  mutating func removeAll() {
    while popFirst() != nil {}
  }

  private mutating func grow() {
    var bigger: [Element?] = []
    bigger.reserveCapacity(ring.count * 2)
    for i in 0..<count { bigger.append(ring[(head + i) & (ring.count - 1)]) }
    bigger += Array(repeating: nil, count: ring.count * 2 - count)
    ring = bigger
    head = 0
  }
}
