// The front end: the clients of this node, what they wait for, and whom to ask on their behalf.
import AMQP
import Base

/// A front end's hold on a queue.
struct Hold {
  let channel: Channel
  let queue: QueueState
  /// Nil for gets, and for a consumer that was cancelled.
  var consumer: Consumer?
}

/// A question that a channel waits for.
struct Wait {
  enum Kind {
    /// The state must be as new as the request; then it is tried again.
    case barrier(Deferred)
    /// The outcome of an operation in the log, then this answer.
    case operation(Method?)
    case declare(QueueDeclare)
    /// How many messages and consumers there are.
    case count(QueueState, noWait: Bool)
    case deleteCheck(QueueDelete, QueueState)
    case delete(QueueDelete, count: UInt32)
    case purge(QueueState, noWait: Bool)
    case get(QueueState, noAck: Bool)
    case consume(Consumer, noWait: Bool)
    case cancel(Consumer, noWait: Bool)
    case commit(Commit)
  }

  let channel: Channel
  var kind: Kind
  let since: Nanoseconds
}

final class FrontEnd {
  let config: BrokerConfig
  let board: Switchboard
  let state: ReplicatedState
  let requests: Requests
  var now: Nanoseconds
  private(set) var sessions: [ConnectionID: Session] = [:]
  /// In the order of their coming.
  private(set) var sessionsInOrder: [Session] = []
  /// Channels of clients that are gone, with something left to do.
  var orphans: [Channel] = []

  /// Who leads and serves, as it has said itself.
  private(set) var leader: (node: Int, term: UInt64)?
  var waits: [UInt64: Wait] = [:]
  private var lastNumber: UInt64 = 0
  var holds: [UInt64: Hold] = [:]
  /// Deliveries that this node's state is too old for, in their order.
  var held: [HeldDelivery] = []
  /// Publishes and transactions at the homes of classic queues, by their serial numbers.
  var outstanding: [Window<Completion>]

  // What the end of the turn puts together.
  var settlements: [Settlement] = []
  var homeSettlements: [[Settlement]]
  var owed: [Consumer] = []
  var answering: [Channel] = []

  // Planted defects.
  var late: [LateRequest] = []
  var generator: SeededGenerator
  var lastRelease: Nanoseconds = 0

  init(
    config: BrokerConfig, board: Switchboard, state: ReplicatedState, requests: Requests, now: Nanoseconds
  ) {
    self.config = config
    self.board = board
    self.state = state
    self.requests = requests
    self.now = now
    // The serials of one start are none of another's: a home may still confirm to a node what it sent before it fell.
    let start = (requests.incarnation << 40) + 1
    outstanding = (0..<config.members.count).map { _ in Window<Completion>(start: start) }
    homeSettlements = Array(repeating: [], count: config.members.count)
    generator = SeededGenerator(seed: config.seed, label: "front.\(config.id)")
  }

  /// A number for a question or a hold: never used before by any start of this node.
  func newNumber() -> UInt64 {
    lastNumber += 1
    return requests.incarnation << 40 | lastNumber
  }

  /// This node's state is as new as any answer that any client has had.
  var isCurrent: Bool { leader?.node == board.own }

  /// Who answers for a queue; nil where nobody can at the moment.
  func master(of queue: QueueState) -> Int? {
    if queue.isQuorum { return leader?.node }
    return board.isUp[queue.definition.home] ? queue.definition.home : nil
  }

  // MARK: Sessions

  func open(_ session: Session) {
    sessions[session.id] = session
    sessionsInOrder.append(session)
  }

  func forget(_ id: ConnectionID) {
    sessions[id] = nil
    sessionsInOrder.removeAll { $0.id == id }
  }

  func handle(_ event: ServerEvent, _ session: Session) {
    switch event {
    case .connectionOpened:
      session.heartbeat = HeartbeatMonitor(seconds: session.connection.heartbeat, now: now)
      session.openedAt = now
      if isCurrent {
        session.isReady = true
      } else {
        // What was declared before this client came must be known here before it may do anything.
        requests.append(.nothing, .ready(session))
      }
    case .channelOpened(let number): session.channels[number] = Channel(session: session, number: number)
    case .channelClosed(let number, _):
      if let channel = session.channels.removeValue(forKey: number) { retire(channel) }
    case .request(let number, let method):
      guard let channel = session.channels[number] else { return }
      if channel.isBlocked { channel.put(off: .method(method)) } else { run(method, channel) }
    case .publish(let number, let publish, let content):
      guard let channel = session.channels[number] else { return }
      if channel.isBlocked {
        channel.put(
          off: .publish(
            publish,
            Message(
              exchange: publish.exchange, routingKey: publish.routingKey, isPersistent: content.isPersistent,
              properties: content.rawProperties, body: content.body)))
      } else {
        self.publish(
          publish, content.isPersistent, content.rawProperties, content.body, channel, isFresh: isCurrent)
      }
    case .closed: end(session)
    }
  }

  /// The client is gone: what it held goes back, what it sent is still done.
  func end(_ session: Session) {
    guard !session.isEnded else { return }
    session.isEnded = true
    let channels = session.channelsInOrder
    session.channels = [:]
    for channel in channels { retire(channel) }
    for queue in session.exclusiveQueues { requests.append(.deleteQueue(id: queue), .none) }
  }

  /// The client has closed the channel: what it sent before is still done, then all is given back.
  private func retire(_ channel: Channel) {
    channel.isGone = true
    if channel.hasDeferred { orphans.append(channel) } else { finish(channel) }
  }

  /// Gives back what a channel holds.
  func finish(_ channel: Channel) {
    guard !channel.isEnded else { return }
    channel.isEnded = true
    channel.isGone = true
    channel.dropDeferred()
    if channel.wait != 0 { waits[channel.wait] = nil }
    channel.wait = 0
    flushSettlements()  // before the holds end, or they would count for nothing
    for number in channel.attachments {
      guard let hold = holds.removeValue(forKey: number) else { continue }
      if let master = master(of: hold.queue) { board.post(.detach(attachment: number), to: master) }
    }
    channel.consumers = []
    channel.unacked = Window(start: channel.unacked.end)
    channel.transaction = Transaction()
  }

  /// A channel exception.
  func close(_ channel: Channel, _ code: ReplyCode, _ text: String, _ method: MethodID? = nil) {
    if !channel.isGone {
      channel.session.connection.closeChannel(channel.number, code: code, text: text, method: method)
      channel.session.channels[channel.number] = nil
    }
    finish(channel)
  }

  /// A connection exception.
  func close(_ session: Session, _ code: ReplyCode, _ text: String, _ method: MethodID? = nil) {
    session.connection.closeConnection(code: code, text: text, method: method)
    session.closeDeadline = now + 5 * .second
    end(session)
  }

  // MARK: Waiting

  func wait(_ channel: Channel, _ kind: Wait.Kind) -> UInt64 {
    let number = newNumber()
    waits[number] = Wait(channel: channel, kind: kind, since: now)
    channel.wait = number
    return number
  }

  /// The channel has its answer: on with what it sent meanwhile.
  func takeWait(_ number: UInt64) -> Wait? {
    guard let wait = waits.removeValue(forKey: number) else { return nil }
    wait.channel.wait = 0
    return wait
  }

  func pump(_ channel: Channel) {
    while !channel.isEnded, !channel.isBlocked, let item = channel.nextDeferred() {
      run(item, channel, isFresh: isCurrent)
    }
    if channel.isGone, !channel.isEnded, !channel.isBlocked || !channel.hasDeferred {
      orphans.removeAll { $0 === channel }
      finish(channel)
    }
  }

  func run(_ item: Deferred, _ channel: Channel, isFresh: Bool) {
    switch item {
    case .method(let method): run(method, channel, isFresh: isFresh)
    case .publish(let publish, let message):
      message.withContent { self.publish(publish, message.isPersistent, $0, $1, channel, isFresh: isFresh) }
    }
  }

  /// Tries again once this node's state is as new as now.
  func retryWhenCurrent(_ item: Deferred, _ channel: Channel) {
    requests.append(.nothing, .wait(wait(channel, .barrier(item))))
  }

  // MARK: The log

  func applied(_ batch: RequestBatch, _ results: [OperationResult]) {
    let completions = requests.applied(batch.number)
    for (completion, result) in zip(completions, results) { complete(completion, result) }
  }

  func complete(_ completion: Completion, _ result: OperationResult) {
    switch completion {
    case .none: break
    case .confirm(let channel, let tag): confirmed(channel, tag)
    case .wait(let number): answer(number, result)
    case .ready(let session):
      session.isReady = true
      for channel in session.channelsInOrder { pump(channel) }
      for channel in orphans where channel.session === session { pump(channel) }
    }
  }

  func queueDeleted(_ queue: QueueState) {
    for number in holds.filter({ $0.value.queue === queue }).keys.sorted() { release(number) }
    for session in sessionsInOrder {
      session.exclusiveQueues.removeAll { $0 == queue.id }
      for channel in session.channelsInOrder {
        for consumer in channel.consumers where consumer.queue === queue && !consumer.isCancelling {
          if consumer.wait == 0 { channel.send(.basicCancel(BasicCancel(consumerTag: consumer.tag, noWait: true))) }
          channel.consumers.removeAll { $0 === consumer }
        }
        channel.getters.removeAll { $0.queue === queue }
      }
    }
    for (number, wait) in waitsInOrder where wait.concerns(queue) {
      _ = takeWait(number)
      close(wait.channel, .notFound, Text.noQueue(queue.name))
    }
  }

  var waitsInOrder: [(key: UInt64, value: Wait)] { waits.sorted { $0.key < $1.key } }

  /// A hold is void: nothing it brought can be settled any more.
  func release(_ number: UInt64) {
    guard let hold = holds.removeValue(forKey: number) else { return }
    hold.channel.attachments.removeAll { $0 == number }
    hold.channel.getters.removeAll { $0.attachment == number }
    guard let consumer = hold.consumer else { return }
    consumer.attachment = 0
    consumer.credit = 0
    if consumer.isCancelling { cancelled(consumer) }
  }

  // MARK: The leader

  /// A node leads and serves: it gets every request that is not applied, and every consumer.
  func serving(_ node: Int, term: UInt64) {
    if let leader, leader.term > term { return }
    leaderLost()
    leader = (node, term)
    board.post(.reset, to: node)
    requests.sendAllAgain()
    requests.send(to: node)
    for session in sessionsInOrder {
      for channel in session.channelsInOrder {
        for consumer in channel.consumers where consumer.queue.isQuorum { attach(consumer) }
      }
    }
    for (number, wait) in waitsInOrder { ask(number, wait) }
  }

  /// Nobody leads, as far as is known: what its master held for this node is void.
  func leaderLost() {
    guard leader != nil else { return }
    flushSettlements()
    leader = nil
    held.removeAll { $0.isOfQuorum }
    for number in holds.filter({ $0.value.queue.isQuorum }).keys.sorted() { release(number) }
    loseLateRequests()
  }

  func termSeen(_ term: UInt64, isLeading: Bool) {
    guard let leader else { return }
    if leader.term < term || (leader.node == board.own && !isLeading) { leaderLost() }
  }

  /// Asks a question again that only the leader can answer.
  private func ask(_ number: UInt64, _ wait: Wait) {
    switch wait.kind {
    case .count(let queue, _), .deleteCheck(_, let queue):
      if queue.isQuorum { post(.count(wait: number, queue: queue.id), to: queue) }
    case .purge(let queue, _): if queue.isQuorum { post(.purge(wait: number, queue: queue.id), to: queue) }
    case .get(let queue, let noAck): if queue.isQuorum { askForMessage(number, queue, noAck, wait.channel) }
    default: break
    }
  }

  func post(_ message: PeerMessage, to queue: QueueState) {
    if let node = master(of: queue) { board.post(message, to: node) }
  }

  // MARK: Homes

  /// The link to a node is gone: what its classic queues held for clients here is void, and they must notice.
  func linkLost(_ node: Int) {
    if leader?.node == node { leaderLost() }
    let lost = holds.filter { !$0.value.queue.isQuorum && $0.value.queue.definition.home == node }
    var channels: [Channel] = []
    for number in lost.keys.sorted() {
      guard let hold = lost[number] else { continue }
      release(number)
      if hold.consumer != nil { channels.append(hold.channel) }
    }
    for (_, wait) in waitsInOrder where wait.asks(node) { channels.append(wait.channel) }
    for channel in channels where !channel.isEnded {
      close(channel, .notFound, "NOT_FOUND - the home of a queue, node '\(config.members[node])', is down")
    }
    var number = outstanding[node].start
    while let next = outstanding[node].next(from: number) {
      number = next + 1
      if let completion = outstanding[node].remove(next) { fail(completion) }
    }
    homeSettlements[node] = []
  }

  /// Whether it took effect will never be known.
  func fail(_ completion: Completion) {
    switch completion {
    case .confirm(let channel, let tag):
      channel.confirms.fail(tag)
      noteAnswers(channel)
    case .wait(let number):
      guard let wait = takeWait(number) else { return }
      close(wait.channel.session, .internalError, "INTERNAL_ERROR - the outcome of the transaction is not known")
    case .none, .ready: break
    }
  }
}

extension Wait {
  var queue: QueueState? {
    switch kind {
    case .count(let queue, _), .deleteCheck(_, let queue), .purge(let queue, _), .get(let queue, _): queue
    case .consume(let consumer, _): consumer.queue
    default: nil
    }
  }

  func concerns(_ queue: QueueState) -> Bool { self.queue === queue }

  /// Waits for an answer of this node for a classic queue.
  func asks(_ node: Int) -> Bool {
    guard let queue, !queue.isQuorum else { return false }
    return queue.definition.home == node
  }
}
