// The master of queues: the home of a classic queue, and for quorum queues the leader while it serves.
import Base

/// Holds what is checked out to whom, and hands out what is ready. Front ends, its own node's included, talk to it by
/// messages only.
///
/// What it holds for quorum queues is void as soon as it does not lead any more; nothing of it is replicated. The next
/// leader flags all that it finds as redelivered.
final class Master {
  let board: Switchboard
  let state: ReplicatedState
  let defects: Set<Defect>
  private(set) var dispatchers: [UInt32: Dispatcher] = [:]
  private var attachments: [Attachment.Key: Attachment] = [:]
  private var touched: [Dispatcher] = []
  /// The highest queue number that this node has heard of from its own state.
  private var newestQueue: UInt32 = 0
  private var recovered: RecoveredQueues
  /// Messages of nodes that are ahead of this one in the log: they name queues that are not created here yet.
  private var parked: [[PeerMessage]]

  // Of a leader.
  private(set) var isServing = false
  /// The last batch of each node that was proposed or applied.
  var intake: [(incarnation: UInt64, number: UInt64)] = []
  /// Entries to be proposed.
  var proposals: [[UInt8]] = []
  private var handouts: [Handout] = []
  /// Answers that are right only if this node still leads.
  var reads: [(node: Int, answer: PeerMessage)] = []

  // Of a home.
  var record = ClassicRecord()
  /// Publishes and transactions in `record`.
  var unsynced: [(node: Int, serial: UInt64)] = []
  /// What transactions in `record` put into queues: first positions. Half of a transaction must not be seen and the other
  /// half be lost with the node, so nobody sees any of it before it is on disk.
  var veiled: [Place] = []
  private var confirmed: [[UInt64]]
  var lateParts: [LatePart] = []
  /// Auto-delete queues without a consumer, and queues whose deletion this master wants for other reasons.
  var abandoned: [UInt32] = []
  var generator: SeededGenerator
  var now: Nanoseconds = 0

  init(board: Switchboard, state: ReplicatedState, config: BrokerConfig, recovered: RecoveredQueues) {
    self.board = board
    self.state = state
    defects = config.defects
    self.recovered = recovered
    parked = Array(repeating: [], count: config.members.count)
    confirmed = Array(repeating: [], count: config.members.count)
    generator = SeededGenerator(seed: config.seed, label: "master.\(config.id)")
  }

  // MARK: What the replicated state goes through

  func queueCreated(_ queue: QueueState) {
    newestQueue = max(newestQueue, queue.id)
    if queue.isQuorum {
      if isServing { dispatchers[queue.id] = Dispatcher(queue: queue, isInherited: false) }
    } else if queue.definition.home == board.own {
      if let messages = recovered.take(queue.id) { queue.messages = messages }
      dispatchers[queue.id] = Dispatcher(queue: queue, isInherited: true)
    }
    for node in board.members where !parked[node].isEmpty {
      let waiting = parked[node]
      parked[node] = []
      for message in waiting { receive(message, from: node) }
    }
  }

  func queueDeleted(_ queue: QueueState) {
    guard let dispatcher = dispatchers.removeValue(forKey: queue.id) else { return }
    for consumer in dispatcher.consumers { attachments[consumer.key] = nil }
    for key in attachments.filter({ $0.value.queue == queue.id }).keys { attachments[key] = nil }
  }

  func enqueued(_ queue: QueueState) {
    if let dispatcher = dispatchers[queue.id] { touch(dispatcher) }
  }

  func removed(_ position: UInt64, from queue: QueueState) { dispatchers[queue.id]?.forget(position) }

  // MARK: Leading

  /// This node leads, and its state is the newest: it serves quorum queues from now on.
  func startServing(term: UInt64) {
    stopServing()
    isServing = true
    intake = state.origins
    for queue in state.allQueues where queue.isQuorum {
      dispatchers[queue.id] = Dispatcher(queue: queue, isInherited: true)
    }
    for node in board.members { board.post(.serving(term: term), to: node) }
  }

  func stopServing() {
    isServing = false
    intake = []
    proposals = []
    handouts = []
    reads = []
    for key in attachments.filter({ isQuorum($0.value.queue) }).keys { attachments[key] = nil }
    dispatchers = dispatchers.filter { !$0.value.queue.isQuorum }
    touched.removeAll { $0.queue.isQuorum }
  }

  private func isQuorum(_ queue: UInt32) -> Bool { state.queuesByID[queue]?.isQuorum ?? true }

  // MARK: What front ends say

  func receive(_ message: PeerMessage, from node: Int) {
    guard parked[node].isEmpty, !isAhead(message) else {
      parked[node].append(message)
      return
    }
    switch message {
    case .propose(let batch): propose(batch, from: node)
    case .reset: drop(node) { isQuorum($0) }
    case .attach(let number, let queue, let noAck, let exclusive, let credit):
      attach(
        Attachment(
          key: .init(node: node, number: number), queue: queue, noAck: noAck, isExclusive: exclusive, credit: credit))
    case .cancel(let number):
      guard let attachment = attachments[.init(node: node, number: number)] else { return }
      stopConsuming(attachment)
      board.post(.cancelled(attachment: number), to: node)
    case .detach(let number):
      guard let attachment = attachments[.init(node: node, number: number)] else { return }
      detach(attachment)
    case .credit(let number, let more):
      guard let attachment = attachments[.init(node: node, number: number)] else { return }
      attachment.credit &+= more
      if let dispatcher = dispatchers[attachment.queue] { touch(dispatcher) }
    case .requeue(let number, let positions):
      guard let attachment = attachments[.init(node: node, number: number)] else { return }
      requeue(positions, of: attachment)
    case .get(let wait, let number, let queue, let noAck):
      get(wait, .init(node: node, number: number), queue, noAck)
    case .count(let wait, let queue):
      guard let dispatcher = dispatchers[queue] else { return }
      let answer = PeerMessage.counted(
        wait: wait, ready: UInt32(clamping: dispatcher.readyCount), consumers: UInt32(dispatcher.consumers.count))
      if dispatcher.queue.isQuorum { reads.append((node, answer)) } else { board.post(answer, to: node) }
    case .purge(let wait, let queue): purge(wait, queue, for: node)
    case .publish(let serial, let enqueue): publish(serial, enqueue, from: node)
    case .transact(let serial, let enqueues, let settlements): transact(serial, enqueues, settlements, from: node)
    case .settle(let settlements):
      for settlement in settlements { _ = settle(settlement, from: node) }
    default: break  // not for a master
    }
  }

  /// Names a queue that this node has not heard of yet.
  private func isAhead(_ message: PeerMessage) -> Bool {
    switch message {
    case .attach(_, let queue, _, _, _), .get(_, _, let queue, _), .count(_, let queue), .purge(_, let queue):
      queue > newestQueue
    case .publish(_, let enqueue): enqueue.queues.contains { $0 > newestQueue }
    case .transact(_, let enqueues, _): enqueues.contains { $0.queues.contains { $0 > newestQueue } }
    default: false
    }
  }

  /// The node has said hello anew, or was gone for too long: nothing that it held is its own any more.
  func drop(_ node: Int, where isMeant: (UInt32) -> Bool = { _ in true }) {
    parked[node] = []
    let meant = attachments.filter { $0.key.node == node && isMeant($0.value.queue) }
    for attachment in meant.values.sorted(by: { $0.key.number < $1.key.number }) { detach(attachment) }
  }

  func linkLost(_ node: Int) {
    parked[node] = []
    confirmed[node] = []
    unsynced.removeAll { $0.node == node }
  }

  // MARK: Consumers

  private func attach(_ attachment: Attachment) {
    guard let dispatcher = dispatchers[attachment.queue], attachments[attachment.key] == nil else { return }
    let consumers = dispatcher.consumers
    guard consumers.isEmpty || (!attachment.isExclusive && !consumers.contains { $0.isExclusive }) else {
      return board.post(.attachRefused(attachment: attachment.key.number), to: attachment.key.node)
    }
    attachments[attachment.key] = attachment
    dispatcher.add(attachment)
    board.post(.attached(attachment: attachment.key.number), to: attachment.key.node)
    touch(dispatcher)
  }

  private func stopConsuming(_ attachment: Attachment) {
    guard let dispatcher = dispatchers[attachment.queue], dispatcher.remove(attachment) else { return }
    if dispatcher.queue.definition.isAutoDelete, dispatcher.consumers.isEmpty { abandoned.append(attachment.queue) }
  }

  private func detach(_ attachment: Attachment) {
    attachments[attachment.key] = nil
    stopConsuming(attachment)
    requeue(attachment.checkouts.sorted(), of: attachment)
  }

  private func requeue(_ positions: [UInt64], of attachment: Attachment) {
    guard let dispatcher = dispatchers[attachment.queue] else { return }
    if defects.contains(.dropOnRequeue) { return lose(positions, of: attachment, dispatcher) }
    for position in positions { _ = dispatcher.putBack(position, of: attachment) }
    touch(dispatcher)
  }

  /// The planted defect: what should go back is gone.
  private func lose(_ positions: [UInt64], of attachment: Attachment, _ dispatcher: Dispatcher) {
    let held = positions.filter { dispatcher.beginSettling($0, of: attachment.key) }
    guard !held.isEmpty else { return }
    if dispatcher.queue.isQuorum {
      let purge = Purge(queue: attachment.queue, positions: held, node: board.own, wait: 0)
      proposals.append(EntryPayload.encode(purge))
    } else {
      for position in held { remove(position, from: dispatcher) }
    }
  }

  // MARK: Handing out

  private func touch(_ dispatcher: Dispatcher) {
    guard !dispatcher.isTouched else { return }
    dispatcher.isTouched = true
    touched.append(dispatcher)
  }

  /// Serves every queue where something has changed, and puts together what was decided.
  func dispatch() {
    while let dispatcher = touched.popLast() {
      dispatcher.isTouched = false
      while let consumer = dispatcher.nextConsumer(), let ready = dispatcher.takeReady() {
        consumer.credit -= 1
        handOut(ready, of: dispatcher, to: consumer)
      }
    }
    if !handouts.isEmpty {
      proposals.append(EntryPayload.encode(handouts))
      handouts = []
    }
    for node in board.members where !confirmed[node].isEmpty {
      board.post(.confirmed(confirmed[node]), to: node)
      confirmed[node] = []
    }
  }

  private func handOut(_ ready: Dispatcher.Ready, of dispatcher: Dispatcher, to consumer: Attachment) {
    let queue = dispatcher.queue
    let message = queue.messages[ready.position]
    if consumer.noAck, queue.isQuorum {
      giveAway(ready, of: dispatcher, to: consumer, wait: 0)
      return
    }
    if consumer.noAck {
      remove(ready.position, from: dispatcher)
    } else {
      dispatcher.checkOut(ready.position, to: consumer)
    }
    board.post(
      .deliver(
        attachment: consumer.key.number, queue: queue.id, position: ready.position, isRedelivered: ready.isRedelivered,
        queue.isQuorum ? nil : message), to: consumer.key.node)
  }

  /// Without acknowledgement a message of a quorum queue leaves only by the log, before anybody sees it.
  private func giveAway(_ ready: Dispatcher.Ready, of dispatcher: Dispatcher, to attachment: Attachment, wait: UInt64) {
    dispatcher.checkOut(ready.position, to: attachment, isSettling: true)
    handouts.append(
      Handout(
        queue: dispatcher.queue.id, position: ready.position, isRedelivered: ready.isRedelivered,
        node: attachment.key.node, attachment: attachment.key.number, wait: wait,
        remaining: UInt32(clamping: dispatcher.readyCount)))
  }

  private func get(_ wait: UInt64, _ key: Attachment.Key, _ id: UInt32, _ noAck: Bool) {
    guard let dispatcher = dispatchers[id] else { return }
    let queue = dispatcher.queue
    guard let ready = dispatcher.takeReady() else {
      if queue.isQuorum {
        reads.append((key.node, .empty(wait: wait)))
      } else {
        board.post(.empty(wait: wait), to: key.node)
      }
      return
    }
    let attachment =
      attachments[key] ?? Attachment(key: key, queue: id, noAck: noAck, isExclusive: false, credit: 0)
    attachments[key] = attachment
    let message = queue.messages[ready.position]
    if noAck, queue.isQuorum {
      giveAway(ready, of: dispatcher, to: attachment, wait: wait)
      return
    }
    if noAck { remove(ready.position, from: dispatcher) } else { dispatcher.checkOut(ready.position, to: attachment) }
    board.post(
      .got(
        wait: wait, attachment: key.number, queue: id, position: ready.position, isRedelivered: ready.isRedelivered,
        remaining: UInt32(clamping: dispatcher.readyCount), queue.isQuorum ? nil : message), to: key.node)
  }

  private func purge(_ wait: UInt64, _ id: UInt32, for node: Int) {
    guard let dispatcher = dispatchers[id] else { return }
    let positions = dispatcher.takeAllReady()
    if dispatcher.queue.isQuorum {
      let nobody = Attachment(key: .init(node: node, number: 0), queue: id, noAck: true, isExclusive: false, credit: 0)
      for position in positions { dispatcher.checkOut(position, to: nobody, isSettling: true) }
      proposals.append(EntryPayload.encode(Purge(queue: id, positions: positions, node: node, wait: wait)))
    } else {
      for position in positions { remove(position, from: dispatcher) }
      board.post(.purged(wait: wait, count: UInt32(clamping: positions.count)), to: node)
    }
  }

  /// A message of a classic queue is done with.
  func remove(_ position: UInt64, from dispatcher: Dispatcher) {
    let queue = dispatcher.queue
    guard let message = queue.messages.remove(position) else { return }
    dispatcher.forget(position)
    if message.isPersistent, queue.definition.isDurable {
      record.settled.append(Place(queue: queue.id, position: position))
    }
  }

  /// Transactions are on disk.
  func unveil(_ places: [Place]) {
    for place in places {
      guard let dispatcher = dispatchers[place.queue] else { continue }
      dispatcher.unveil(from: place.position)
      touch(dispatcher)
    }
  }

  func arrived(_ queue: QueueState) { enqueued(queue) }

  /// 0 wants no answer.
  func confirm(_ serial: UInt64, to node: Int) {
    if serial != 0 { confirmed[node].append(serial) }
  }
}
