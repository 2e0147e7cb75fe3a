// The operations of the replicated state, as they stand in entries of the consensus log.

/// The kinds of exchanges.
enum ExchangeKind: UInt8, Sendable {
  case direct = 1
  case fanout, topic

  init?(name: String) {
    switch name {
    case "direct": self = .direct
    case "fanout": self = .fanout
    case "topic": self = .topic
    default: return nil
    }
  }

  var name: String {
    switch self {
    case .direct: "direct"
    case .fanout: "fanout"
    case .topic: "topic"
    }
  }
}

struct ExchangeDefinition: Hashable, Sendable {
  var name: String
  var kind: ExchangeKind
  var isDurable: Bool
  var isAutoDelete: Bool
  var isInternal: Bool
}

/// A connection as the whole cluster names it.
struct ConnectionName: Hashable, Sendable {
  var node: Int
  var incarnation: UInt64
  var connection: UInt64
}

struct QueueDefinition: Hashable, Sendable {
  enum Kind: UInt8, Sendable {
    case classic = 1
    /// Replicated on every node.
    case quorum
  }

  var name: String
  var kind: Kind
  var isDurable: Bool
  var isAutoDelete: Bool
  /// The connection that alone may use it, and with which it ends.
  var owner: ConnectionName?
  /// The node that holds a classic queue.
  var home: Int
}

struct Binding: Hashable, Sendable {
  var exchange: String
  var queue: String
  var key: String
}

/// One delivery that is done with: where it was checked out, and to whom.
struct Settlement: Hashable, Sendable {
  var queue: UInt32
  var position: UInt64
  var attachment: UInt64

  static let size = 20
}

/// A message and the queues it goes to.
struct Enqueue: Sendable {
  var message: Message
  var queues: [UInt32]
}

enum Operation: Sendable {
  /// Changes nothing; that it was applied says that everything before it was.
  case nothing
  /// In place of a transaction that the leader refused, because it acknowledges what is not checked out.
  case refused
  case declareExchange(ExchangeDefinition)
  case deleteExchange(name: String, ifUnused: Bool)
  case declareQueue(QueueDefinition)
  case deleteQueue(id: UInt32)
  case bind(Binding)
  case unbind(Binding)
  case enqueue(Enqueue)
  case settle([Settlement])
  /// All of it or nothing.
  case transaction([Enqueue], [Settlement])

  enum Kind: UInt8 {
    case nothing = 1
    case refused, declareExchange, deleteExchange, declareQueue, deleteQueue, bind, unbind, enqueue, settle
    case transaction
  }
}

extension Operation {
  func encode(into writer: inout ByteWriter) {
    switch self {
    case .nothing: writer.put(Kind.nothing.rawValue)
    case .refused: writer.put(Kind.refused.rawValue)
    case .declareExchange(let exchange):
      writer.put(Kind.declareExchange.rawValue)
      writer.put(exchange.name)
      writer.put(exchange.kind.rawValue)
      writer.put(exchange.isDurable)
      writer.put(exchange.isAutoDelete)
      writer.put(exchange.isInternal)
    case .deleteExchange(let name, let ifUnused):
      writer.put(Kind.deleteExchange.rawValue)
      writer.put(name)
      writer.put(ifUnused)
    case .declareQueue(let queue):
      writer.put(Kind.declareQueue.rawValue)
      writer.put(queue.name)
      writer.put(queue.kind.rawValue)
      writer.put(queue.isDurable)
      writer.put(queue.isAutoDelete)
      writer.put(UInt8(truncatingIfNeeded: queue.home))
      writer.put(queue.owner != nil)
      if let owner = queue.owner {
        writer.put(UInt8(truncatingIfNeeded: owner.node))
        writer.put(owner.incarnation)
        writer.put(owner.connection)
      }
    case .deleteQueue(let id):
      writer.put(Kind.deleteQueue.rawValue)
      writer.put(id)
    case .bind(let binding):
      writer.put(Kind.bind.rawValue)
      binding.encode(into: &writer)
    case .unbind(let binding):
      writer.put(Kind.unbind.rawValue)
      binding.encode(into: &writer)
    case .enqueue(let enqueue):
      writer.put(Kind.enqueue.rawValue)
      enqueue.encode(into: &writer)
    case .settle(let settlements):
      writer.put(Kind.settle.rawValue)
      writer.put(settlements: settlements)
    case .transaction(let enqueues, let settlements):
      writer.put(Kind.transaction.rawValue)
      writer.put(enqueues: enqueues)
      writer.put(settlements: settlements)
    }
  }

  /// Reads one operation; `storage` holds the bytes that the scanner reads.
  init(_ scanner: inout ByteScanner, storage: [UInt8]) throws(DecodingError) {
    let raw = try scanner.take(UInt8.self)
    switch Kind(rawValue: raw) {
    case .nothing: self = .nothing
    case .refused: self = .refused
    case .declareExchange:
      let name = try scanner.takeString()
      guard let kind = ExchangeKind(rawValue: try scanner.take()) else { throw DecodingError("a kind of exchange") }
      self = .declareExchange(
        ExchangeDefinition(
          name: name, kind: kind, isDurable: try scanner.takeBool(), isAutoDelete: try scanner.takeBool(),
          isInternal: try scanner.takeBool()))
    case .deleteExchange:
      self = .deleteExchange(name: try scanner.takeString(), ifUnused: try scanner.takeBool())
    case .declareQueue: self = .declareQueue(try QueueDefinition(&scanner))
    case .deleteQueue: self = .deleteQueue(id: try scanner.take())
    case .bind: self = .bind(try Binding(&scanner))
    case .unbind: self = .unbind(try Binding(&scanner))
    case .enqueue: self = .enqueue(try Enqueue(&scanner, storage: storage))
    case .settle: self = .settle(try scanner.takeSettlements())
    case .transaction:
      let enqueues = try scanner.takeEnqueues(storage: storage)
      self = .transaction(enqueues, try scanner.takeSettlements())
    case nil: throw DecodingError("an operation of kind \(raw)")
    }
  }
}

extension QueueDefinition {
  fileprivate init(_ scanner: inout ByteScanner) throws(DecodingError) {
    let name = try scanner.takeString()
    guard let kind = Kind(rawValue: try scanner.take()) else { throw DecodingError("a kind of queue") }
    self.init(
      name: name, kind: kind, isDurable: try scanner.takeBool(), isAutoDelete: try scanner.takeBool(), owner: nil,
      home: Int(try scanner.take(UInt8.self)))
    guard try scanner.takeBool() else { return }
    owner = ConnectionName(
      node: Int(try scanner.take(UInt8.self)), incarnation: try scanner.take(), connection: try scanner.take())
  }
}

extension Binding {
  fileprivate init(_ scanner: inout ByteScanner) throws(DecodingError) {
    self.init(
      exchange: try scanner.takeString(), queue: try scanner.takeString(), key: try scanner.takeString())
  }

  fileprivate func encode(into writer: inout ByteWriter) {
    writer.put(exchange)
    writer.put(queue)
    writer.put(key)
  }
}

extension Enqueue {
  init(_ scanner: inout ByteScanner, storage: [UInt8]) throws(DecodingError) {
    let count = try scanner.takeCount(of: 4)
    queues = []
    queues.reserveCapacity(count)
    for _ in 0..<count { queues.append(try scanner.take()) }
    message = try Message(&scanner, storage: storage)
  }

  func encode(into writer: inout ByteWriter) {
    writer.put(queues: queues)
    message.encode(into: &writer)
  }
}

extension ByteWriter {
  mutating func put(queues: [UInt32]) {
    put(UInt32(truncatingIfNeeded: queues.count))
    for queue in queues { put(queue) }
  }

  mutating func put(positions: [UInt64]) {
    put(UInt32(truncatingIfNeeded: positions.count))
    for position in positions { put(position) }
  }

  mutating func put(settlements: [Settlement]) {
    put(UInt32(truncatingIfNeeded: settlements.count))
    for settlement in settlements {
      put(settlement.queue)
      put(settlement.position)
      put(settlement.attachment)
    }
  }

  mutating func put(enqueues: [Enqueue]) {
    put(UInt32(truncatingIfNeeded: enqueues.count))
    for enqueue in enqueues { enqueue.encode(into: &self) }
  }
}

extension ByteScanner {
  mutating func takePositions() throws(DecodingError) -> [UInt64] {
    let count = try takeCount(of: 8)
    var positions: [UInt64] = []
    positions.reserveCapacity(count)
    for _ in 0..<count { positions.append(try take()) }
    return positions
  }

  mutating func takeSettlements() throws(DecodingError) -> [Settlement] {
    let count = try takeCount(of: Settlement.size)
    var settlements: [Settlement] = []
    settlements.reserveCapacity(count)
    for _ in 0..<count {
      settlements.append(Settlement(queue: try take(), position: try take(), attachment: try take()))
    }
    return settlements
  }

  mutating func takeEnqueues(storage: [UInt8]) throws(DecodingError) -> [Enqueue] {
    let count = try takeCount(of: 4 + Message.smallest)
    var enqueues: [Enqueue] = []
    enqueues.reserveCapacity(count)
    for _ in 0..<count { enqueues.append(try Enqueue(&self, storage: storage)) }
    return enqueues
  }
}
