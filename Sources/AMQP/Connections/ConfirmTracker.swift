// Delivery tags of one channel in confirm mode: which publishes the server has not answered yet.

/// The publishes of one channel since confirm.select, in order of their delivery tags (1, 2, …), each with what the
/// caller wants back when the server confirms it. A ring: appending and settling cost amortised constant time.
public struct ConfirmTracker<Element> {
  private var ring: [Element?]
  /// The lowest tag that can still be outstanding.
  private var first: UInt64 = 1
  /// The tag that the next publish gets.
  public private(set) var nextTag: UInt64 = 1
  /// Publishes without an answer.
  public private(set) var outstanding = 0

  public init(minimumCapacity: Int = 64) {
    var capacity = 16
    while capacity < minimumCapacity { capacity *= 2 }
    ring = Array(repeating: nil, count: capacity)
  }

  /// A message has been published. Returns its delivery tag.
  @discardableResult
  public mutating func append(_ element: Element) -> UInt64 {
    if nextTag - first >= UInt64(ring.count) { grow() }
    let tag = nextTag
    ring[slot(tag)] = element
    nextTag += 1
    outstanding += 1
    return tag
  }

  /// One publish that is answered, or abandoned.
  public struct Settled {
    public let tag: UInt64
    public let element: Element
  }

  /// basic.ack or basic.nack has come: appends to `settled` each publish that it answers, in order of their tags.
  /// `multiple` means all outstanding up to the tag, and with tag 0 all there are.
  /// - Throws: 406 for a tag that was never given out, and for a single one that is settled already; nothing changes.
  public mutating func settle(tag: UInt64, multiple: Bool, into settled: inout [Settled]) throws(AMQPError) {
    let last = multiple && tag == 0 ? nextTag - 1 : tag
    guard last < nextTag, multiple || last >= first, multiple || ring[slot(last)] != nil else {
      throw AMQPError(.preconditionFailed, "unknown delivery tag \(tag)")
    }
    if multiple {
      while first <= last { takeFirst(&settled) }
    } else {
      take(last, &settled)
    }
    while first < nextTag, ring[slot(first)] == nil { first += 1 }
  }

  /// The channel is gone: appends all publishes that have no answer, in order, and starts again at tag 1.
  public mutating func abandon(into settled: inout [Settled]) {
    while first < nextTag { takeFirst(&settled) }
    first = 1
    nextTag = 1
  }

  /// Shows the publishes that have no answer, the oldest first, until `body` says false. It may change what is kept of them.
  public mutating func visit(_ body: (inout Element) -> Bool) {
    for tag in first..<nextTag {
      guard var element = ring[slot(tag)] else { continue }
      let goOn = body(&element)
      ring[slot(tag)] = element
      if !goOn { return }
    }
  }

  private func slot(_ tag: UInt64) -> Int { Int(truncatingIfNeeded: tag) & (ring.count - 1) }

  private mutating func take(_ tag: UInt64, _ settled: inout [Settled]) {
    guard let element = ring[slot(tag)] else { return }
    ring[slot(tag)] = nil
    outstanding -= 1
    settled.append(Settled(tag: tag, element: element))
  }

  private mutating func takeFirst(_ settled: inout [Settled]) {
    take(first, &settled)
    first += 1
  }

  private mutating func grow() {
    let old = ring
    ring = Array(repeating: nil, count: old.count * 2)
    for tag in first..<nextTag { ring[slot(tag)] = old[Int(truncatingIfNeeded: tag) & (old.count - 1)] }
  }
}
