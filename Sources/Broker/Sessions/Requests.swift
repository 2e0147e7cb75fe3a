// The requests of one node to the replicated log: put together in batches, sent to whoever leads until they are applied.

/// Whom the outcome of a request is told.
enum Completion {
  case none
  case confirm(Channel, UInt64)
  /// A question of the front end, by its number.
  case wait(UInt64)
  case ready(Session)
}

/// The batches of this node that are not applied yet, in order. Each is sent again to a new leader, and the replicated
/// state takes each once: so a client never learns of a change of leader.
final class Requests {
  struct Batch {
    var data: [UInt8]
    var completions: [Completion]
    /// Answered before its time (planted defect): never sent again.
    var isEarly: Bool
  }

  let board: Switchboard
  let incarnation: UInt64
  /// The number of this start is on disk: only then may anything carry it.
  var isReleased = false
  private(set) var pending = Window<Batch>(start: 1)
  /// Bytes of the batches that are not applied.
  private(set) var pendingBytes = 0
  private var writer: ByteWriter
  private var completions: [Completion] = []
  private var hasSettlements = false
  /// The last batch that went to the present leader.
  private var sent: UInt64 = 0

  static let batchBytes = 256 << 10

  init(board: Switchboard, incarnation: UInt64) {
    self.board = board
    self.incarnation = incarnation
    writer = RequestBatch.begin(origin: board.own, incarnation: incarnation, number: 1)
  }

  func append(_ operation: Operation, _ completion: Completion) {
    switch operation {
    case .settle, .transaction: hasSettlements = true
    default: break
    }
    operation.encode(into: &writer)
    completions.append(completion)
    if writer.count >= Self.batchBytes { closeBatch() }
  }

  /// The common case, without a message of its own: content goes from the client's bytes into the batch.
  func enqueue(
    queues: [UInt32], exchange: String, routingKey: String, isPersistent: Bool, properties: UnsafeRawBufferPointer,
    body: UnsafeRawBufferPointer, _ completion: Completion
  ) {
    writer.put(Operation.Kind.enqueue.rawValue)
    writer.put(queues: queues)
    Message.encode(
      exchange: exchange, routingKey: routingKey, isPersistent: isPersistent, properties: properties, body: body,
      into: &writer)
    completions.append(completion)
    if writer.count >= Self.batchBytes { closeBatch() }
  }

  /// Makes a batch of what came since the last.
  func closeBatch(isEarly: Bool = false) {
    guard !completions.isEmpty else { return }
    let data = RequestBatch.finish(&writer, count: completions.count, hasSettlements: hasSettlements)
    pending.append(Batch(data: data, completions: completions, isEarly: isEarly))
    pendingBytes += data.count
    completions = []
    hasSettlements = false
    writer = RequestBatch.begin(origin: board.own, incarnation: incarnation, number: pending.end)
  }

  /// Sends what the leader has not got yet.
  func send(to leader: Int) {
    guard isReleased else { return }
    closeBatch()
    sent = max(sent, pending.start - 1)
    while sent + 1 < pending.end {
      sent += 1
      if let batch = pending[sent] { board.post(.propose(batch.data), to: leader) }
    }
  }

  /// Whoever leads now, or again, has nothing.
  func sendAllAgain() { sent = 0 }

  /// A batch is applied; its completions, in the order of its operations.
  func applied(_ number: UInt64) -> [Completion] {
    guard let batch = pending.remove(number) else { return [] }
    pendingBytes -= batch.data.count
    return batch.completions
  }

  /// The planted defects: what was answered too early, or torn, does not survive its leader. Returns whom that concerns.
  func blankEarly() -> [Completion] {
    var lost: [Completion] = []
    var number = pending.start
    while let next = pending.next(from: number) {
      number = next + 1
      guard var batch = pending[next], batch.isEarly else { continue }
      lost += batch.completions
      let blank = RequestBatch(
        origin: board.own, incarnation: incarnation, number: next, hasSettlements: false, operations: [.nothing])
      pendingBytes -= batch.data.count
      batch.data = blank.encoded
      pendingBytes += batch.data.count
      batch.completions = [.none]
      batch.isEarly = false
      pending[next] = batch
    }
    return lost
  }
}
