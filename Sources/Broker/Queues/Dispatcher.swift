// Which message of one queue goes to which consumer next; kept only by the queue's master, and in memory.

/// A front end's hold on one queue, as the master knows it: a consumer, or the gets of one channel.
final class Attachment {
  struct Key: Hashable {
    let node: Int
    let number: UInt64
  }

  let key: Key
  let queue: UInt32
  let noAck: Bool
  let isExclusive: Bool
  /// How many messages it may still be sent.
  var credit: UInt32
  /// What it holds: delivered, not settled, not on its way to being settled.
  var checkouts: Set<UInt64> = []

  init(key: Key, queue: UInt32, noAck: Bool, isExclusive: Bool, credit: UInt32) {
    self.key = key
    self.queue = queue
    self.noAck = noAck
    self.isExclusive = isExclusive
    self.credit = credit
  }
}

final class Dispatcher {
  struct Ready {
    let position: UInt64
    let isRedelivered: Bool
  }

  struct Checkout {
    let attachment: Attachment
    /// Its settlement is proposed: it does not go back any more.
    var isSettling = false
  }

  let queue: QueueState
  /// In the order in which they get their turns.
  private(set) var consumers: [Attachment] = []
  private var turn = 0
  /// Messages below were all served before, or are gone.
  private var cursor: UInt64
  /// Messages below the cursor that came back, at their old places.
  private var returned = MinimumHeap()
  /// Below, somebody may have had the message from a master before this one.
  private let flaggedBefore: UInt64
  private(set) var checkouts: [UInt64: Checkout] = [:]
  /// The first message of each transaction that is not on disk yet, in order: from the first of these on nobody gets any.
  private var veils: [UInt64] = []
  /// It stands in the master's list of queues to look after.
  var isTouched = false

  /// - Parameter isInherited: another master, or an earlier start of this one, may have served what is there.
  init(queue: QueueState, isInherited: Bool) {
    self.queue = queue
    cursor = queue.messages.start
    flaggedBefore = isInherited ? queue.messages.end : 0
  }

  /// Messages that nobody holds.
  var readyCount: Int { queue.messages.count - checkouts.count }

  func add(_ consumer: Attachment) { consumers.append(consumer) }

  /// True where it was a consumer.
  @discardableResult
  func remove(_ consumer: Attachment) -> Bool {
    guard let index = consumers.firstIndex(where: { $0 === consumer }) else { return false }
    consumers.remove(at: index)
    if turn > index { turn -= 1 }
    return true
  }

  /// The consumer whose turn it is, of those that may be sent something.
  func nextConsumer() -> Attachment? {
    for _ in 0..<consumers.count {
      if turn >= consumers.count { turn = 0 }
      let consumer = consumers[turn]
      turn += 1
      if consumer.credit > 0 { return consumer }
    }
    return nil
  }

  /// Takes the first message that nobody holds; the caller checks it out, or removes it.
  func takeReady() -> Ready? {
    while let position = returned.first {
      returned.removeFirst()
      if queue.messages[position] != nil { return Ready(position: position, isRedelivered: true) }
    }
    guard let position = queue.messages.next(from: cursor) else {
      cursor = queue.messages.end
      return nil
    }
    if let veil = veils.first, position >= veil { return nil }
    cursor = position + 1
    return Ready(position: position, isRedelivered: position < flaggedBefore)
  }

  /// All that nobody holds, in order; the caller removes them.
  func takeAllReady() -> [UInt64] {
    var positions: [UInt64] = []
    while let ready = takeReady() { positions.append(ready.position) }
    return positions
  }

  /// Hides what comes from here on, until `unveil`.
  func veil(from position: UInt64) { veils.append(position) }

  func unveil(from position: UInt64) {
    if let at = veils.firstIndex(of: position) { veils.remove(at: at) }
  }

  func checkOut(_ position: UInt64, to attachment: Attachment, isSettling: Bool = false) {
    checkouts[position] = Checkout(attachment: attachment, isSettling: isSettling)
    if !isSettling { attachment.checkouts.insert(position) }
  }

  /// Marks a delivery as about to be settled. False where the attachment does not hold it.
  func beginSettling(_ position: UInt64, of key: Attachment.Key) -> Bool {
    guard let checkout = checkouts[position], !checkout.isSettling, checkout.attachment.key == key else { return false }
    checkouts[position]?.isSettling = true
    checkout.attachment.checkouts.remove(position)
    return true
  }

  func undoSettling(_ position: UInt64) {
    guard let checkout = checkouts[position], checkout.isSettling else { return }
    checkouts[position]?.isSettling = false
    checkout.attachment.checkouts.insert(position)
  }

  /// What an attachment holds goes back to its place. False where it does not hold it.
  func putBack(_ position: UInt64, of attachment: Attachment) -> Bool {
    guard attachment.checkouts.remove(position) != nil else { return false }
    checkouts[position] = nil
    returned.insert(position)
    return true
  }

  /// The message is gone from the queue.
  func forget(_ position: UInt64) {
    guard let checkout = checkouts.removeValue(forKey: position) else { return }
    checkout.attachment.checkouts.remove(position)
  }
}
