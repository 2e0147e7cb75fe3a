// The state that every node has alike: exchanges, queues, bindings, the messages of quorum queues, what was applied.
import AMQP

/// What the appliance of an operation came to, told to the node whose client wanted it.
enum OperationResult {
  case done
  case declared(QueueState)
  case failed(ReplyCode, String)
  case refused
}

/// Who must know what the replicated state goes through on this node.
protocol StateObserver: AnyObject {
  func queueCreated(_ queue: QueueState)
  func queueDeleted(_ queue: QueueState)
  func enqueued(_ queue: QueueState)
  func removed(_ position: UInt64, from queue: QueueState)
  func applied(_ batch: RequestBatch, results: [OperationResult])
  func handedOut(_ handout: Handout, _ message: Message, _ queue: QueueState)
  func purged(_ purge: Purge, count: Int)
}

/// Changes only by `apply`, entry by entry, and the same entries make it the same everywhere.
final class ReplicatedState {
  private(set) var exchanges: [String: Exchange] = [:]
  private(set) var queues: [String: QueueState] = [:]
  private(set) var queuesByID: [UInt32: QueueState] = [:]
  /// For each node: its latest start, and the last batch of it that was applied.
  private(set) var origins: [(incarnation: UInt64, number: UInt64)]
  /// Grows with every change of exchanges, queues and bindings: what was routed before must be routed anew.
  private(set) var topologyVersion: UInt64 = 0
  private var nextQueue: UInt32 = 1
  unowned let observer: any StateObserver

  static let predeclared: [(String, ExchangeKind)] = [
    ("", .direct), ("amq.direct", .direct), ("amq.fanout", .fanout), ("amq.topic", .topic),
  ]

  init(members: Int, observer: any StateObserver) {
    self.observer = observer
    origins = Array(repeating: (0, 0), count: members)
    for (name, kind) in Self.predeclared {
      exchanges[name] = Exchange(
        ExchangeDefinition(name: name, kind: kind, isDurable: true, isAutoDelete: false, isInternal: false))
    }
  }

  /// The queues for a routing key, or nil where the exchange is not known.
  func route(exchange: String, key: String) -> [QueueState]? {
    if exchange.isEmpty { return queues[key].map { [$0] } ?? [] }
    return exchanges[exchange]?.route(key)
  }

  /// All queues, by age.
  var allQueues: [QueueState] { queuesByID.values.sorted { $0.id < $1.id } }

  /// Applies one committed entry. What cannot be read changes nothing, on every node alike.
  func apply(_ data: [UInt8]) {
    guard let payload = try? EntryPayload(data) else { return }
    switch payload {
    case .requests(let batch): apply(batch)
    case .handouts(let handouts):
      for handout in handouts {
        guard let queue = queuesByID[handout.queue], let message = queue.messages[handout.position] else { continue }
        remove(handout.position, from: queue)
        observer.handedOut(handout, message, queue)
      }
    case .purge(let purge):
      var count = 0
      if let queue = queuesByID[purge.queue] {
        for position in purge.positions where queue.messages[position] != nil {
          remove(position, from: queue)
          count += 1
        }
      }
      observer.purged(purge, count: count)
    }
  }

  private func apply(_ batch: RequestBatch) {
    guard batch.origin < origins.count else { return }
    let known = origins[batch.origin]
    if batch.incarnation > known.incarnation {
      origins[batch.origin] = (batch.incarnation, 0)
      for queue in allQueues {
        guard let owner = queue.definition.owner, owner.node == batch.origin, owner.incarnation < batch.incarnation
        else { continue }
        delete(queue)
      }
    }
    let last = origins[batch.origin]
    guard batch.incarnation == last.incarnation, batch.number == last.number + 1 else { return }
    origins[batch.origin].number = batch.number
    var results: [OperationResult] = []
    results.reserveCapacity(batch.operations.count)
    for operation in batch.operations { results.append(apply(operation)) }
    observer.applied(batch, results: results)
  }

  private func apply(_ operation: Operation) -> OperationResult {
    switch operation {
    case .enqueue(let one): enqueue(one)
    case .settle(let settlements): settle(settlements)
    case .transaction(let enqueues, let settlements):
      for one in enqueues { enqueue(one) }
      settle(settlements)
    case .nothing: break
    case .refused: return .refused
    case .declareExchange(let definition): return declare(definition)
    case .deleteExchange(let name, let ifUnused): return deleteExchange(name, ifUnused: ifUnused)
    case .declareQueue(let definition): return declare(definition)
    case .deleteQueue(let id):
      if let queue = queuesByID[id] { delete(queue) }
    case .bind(let binding): return bind(binding)
    case .unbind(let binding): return unbind(binding)
    }
    return .done
  }

  // MARK: Messages

  private func enqueue(_ one: Enqueue) {
    for id in one.queues {
      guard let queue = queuesByID[id], queue.isQuorum else { continue }
      queue.messages.append(one.message)
      observer.enqueued(queue)
    }
  }

  private func settle(_ settlements: [Settlement]) {
    for settlement in settlements {
      guard let queue = queuesByID[settlement.queue], queue.isQuorum else { continue }
      remove(settlement.position, from: queue)
    }
  }

  private func remove(_ position: UInt64, from queue: QueueState) {
    if queue.messages.remove(position) != nil { observer.removed(position, from: queue) }
  }

  // MARK: Exchanges, queues, bindings

  private func declare(_ wanted: ExchangeDefinition) -> OperationResult {
    if let exchange = exchanges[wanted.name] {
      return exchange.definition.conflict(with: wanted).map { .failed(.preconditionFailed, $0) } ?? .done
    }
    exchanges[wanted.name] = Exchange(wanted)
    topologyVersion += 1
    return .done
  }

  private func deleteExchange(_ name: String, ifUnused: Bool) -> OperationResult {
    guard let exchange = exchanges[name] else { return .done }
    if ifUnused, !exchange.bindings.isEmpty {
      return .failed(.preconditionFailed, "PRECONDITION_FAILED - exchange '\(name)' in vhost '/' in use")
    }
    for (_, queue) in exchange.bindings { queue.boundTo.removeAll { $0 == name } }
    exchanges[name] = nil
    topologyVersion += 1
    return .done
  }

  private func declare(_ wanted: QueueDefinition) -> OperationResult {
    if let queue = queues[wanted.name] {
      if let (code, text) = queue.definition.conflict(with: wanted) { return .failed(code, text) }
      return .declared(queue)
    }
    let queue = QueueState(id: nextQueue, definition: wanted)
    nextQueue += 1
    queues[wanted.name] = queue
    queuesByID[queue.id] = queue
    topologyVersion += 1
    observer.queueCreated(queue)
    return .declared(queue)
  }

  private func delete(_ queue: QueueState) {
    for name in queue.boundTo {
      guard let exchange = exchanges[name] else { continue }
      exchange.unbindAll(of: queue)
      deleteIfAbandoned(exchange)
    }
    queues[queue.name] = nil
    queuesByID[queue.id] = nil
    queue.markDeleted()
    topologyVersion += 1
    observer.queueDeleted(queue)
  }

  private func bind(_ binding: Binding) -> OperationResult {
    guard let exchange = exchanges[binding.exchange] else {
      return .failed(.notFound, Text.noExchange(binding.exchange))
    }
    guard let queue = queues[binding.queue] else { return .failed(.notFound, Text.noQueue(binding.queue)) }
    guard !exchange.has(binding.key, queue) else { return .done }
    exchange.bind(binding.key, queue)
    queue.boundTo.append(binding.exchange)
    topologyVersion += 1
    return .done
  }

  private func unbind(_ binding: Binding) -> OperationResult {
    guard let exchange = exchanges[binding.exchange], let queue = queues[binding.queue],
      exchange.has(binding.key, queue)
    else { return .done }
    exchange.unbind(binding.key, queue)
    if let index = queue.boundTo.firstIndex(of: binding.exchange) { queue.boundTo.remove(at: index) }
    topologyVersion += 1
    deleteIfAbandoned(exchange)
    return .done
  }

  private func deleteIfAbandoned(_ exchange: Exchange) {
    guard exchange.definition.isAutoDelete, exchange.bindings.isEmpty else { return }
    exchanges[exchange.definition.name] = nil
  }
}

/// The texts of refusals, as clients know them from other brokers.
enum Text {
  static func noExchange(_ name: String) -> String { "NOT_FOUND - no exchange '\(name)' in vhost '/'" }
  static func noQueue(_ name: String) -> String { "NOT_FOUND - no queue '\(name)' in vhost '/'" }
  static func locked(_ name: String) -> String {
    "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '\(name)' in vhost '/'"
  }
  static func inequivalent(_ argument: String, _ what: String, received: String, current: String) -> String {
    "PRECONDITION_FAILED - inequivalent arg '\(argument)' for \(what) in vhost '/': received '\(received)' but current is '\(current)'"
  }
}

extension ExchangeDefinition {
  fileprivate func conflict(with wanted: ExchangeDefinition) -> String? {
    let what = "exchange '\(name)'"
    if wanted.kind != kind {
      return Text.inequivalent("type", what, received: wanted.kind.name, current: kind.name)
    }
    if wanted.isDurable != isDurable {
      return Text.inequivalent("durable", what, received: "\(wanted.isDurable)", current: "\(isDurable)")
    }
    if wanted.isAutoDelete != isAutoDelete {
      return Text.inequivalent("auto_delete", what, received: "\(wanted.isAutoDelete)", current: "\(isAutoDelete)")
    }
    if wanted.isInternal != isInternal {
      return Text.inequivalent("internal", what, received: "\(wanted.isInternal)", current: "\(isInternal)")
    }
    return nil
  }
}

extension QueueDefinition {
  fileprivate func conflict(with wanted: QueueDefinition) -> (ReplyCode, String)? {
    if let owner, owner != wanted.owner { return (.resourceLocked, Text.locked(name)) }
    func differs(_ argument: String, _ received: Any, _ current: Any) -> (ReplyCode, String) {
      let text = Text.inequivalent(argument, "queue '\(name)'", received: "\(received)", current: "\(current)")
      return (.preconditionFailed, text)
    }
    if wanted.kind != kind { return differs("x-queue-type", wanted.kind, kind) }
    if wanted.isDurable != isDurable { return differs("durable", wanted.isDurable, isDurable) }
    if wanted.isAutoDelete != isAutoDelete { return differs("auto_delete", wanted.isAutoDelete, isAutoDelete) }
    if (wanted.owner != nil) != (owner != nil) { return differs("exclusive", wanted.owner != nil, owner != nil) }
    return nil
  }
}
