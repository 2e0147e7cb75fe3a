// The methods of class queue (50), and their arguments.

/// Creates a queue, or (passive) asks whether it is there; an empty name lets the server choose one.
public struct QueueDeclare: MethodFields {
  public var queue: String = ""
  public var passive: Bool = false
  public var durable: Bool = false
  public var exclusive: Bool = false
  public var autoDelete: Bool = false
  public var noWait: Bool = false
  public var arguments: Table = [:]

  public init(
    queue: String = "", passive: Bool = false, durable: Bool = false, exclusive: Bool = false,
    autoDelete: Bool = false, noWait: Bool = false, arguments: Table = [:]
  ) {
    self.queue = queue
    self.passive = passive
    self.durable = durable
    self.exclusive = exclusive
    self.autoDelete = autoDelete
    self.noWait = noWait
    self.arguments = arguments
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.reservedShort()
    try visitor.shortString(&queue)
    try visitor.bits(&passive, &durable, &exclusive, &autoDelete, &noWait)
    try visitor.table(&arguments)
  }
}

/// The queue's name, its ready messages, its consumers.
public struct QueueDeclareOk: MethodFields {
  public var queue: String = ""
  public var messageCount: UInt32 = 0
  public var consumerCount: UInt32 = 0

  public init(queue: String = "", messageCount: UInt32 = 0, consumerCount: UInt32 = 0) {
    self.queue = queue
    self.messageCount = messageCount
    self.consumerCount = consumerCount
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.shortString(&queue)
    try visitor.long(&messageCount)
    try visitor.long(&consumerCount)
  }
}

/// Binds a queue to an exchange.
public struct QueueBind: MethodFields {
  public var queue: String = ""
  public var exchange: String = ""
  public var routingKey: String = ""
  public var noWait: Bool = false
  public var arguments: Table = [:]

  public init(
    queue: String = "", exchange: String = "", routingKey: String = "", noWait: Bool = false, arguments: Table = [:]
  ) {
    self.queue = queue
    self.exchange = exchange
    self.routingKey = routingKey
    self.noWait = noWait
    self.arguments = arguments
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.reservedShort()
    try visitor.shortString(&queue)
    try visitor.shortString(&exchange)
    try visitor.shortString(&routingKey)
    try visitor.bit(&noWait)
    try visitor.table(&arguments)
  }
}

/// Undoes queue.bind.
public struct QueueUnbind: MethodFields {
  public var queue: String = ""
  public var exchange: String = ""
  public var routingKey: String = ""
  public var arguments: Table = [:]

  public init(queue: String = "", exchange: String = "", routingKey: String = "", arguments: Table = [:]) {
    self.queue = queue
    self.exchange = exchange
    self.routingKey = routingKey
    self.arguments = arguments
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.reservedShort()
    try visitor.shortString(&queue)
    try visitor.shortString(&exchange)
    try visitor.shortString(&routingKey)
    try visitor.table(&arguments)
  }
}

/// Drops the ready messages of a queue.
public struct QueuePurge: MethodFields {
  public var queue: String = ""
  public var noWait: Bool = false

  public init(queue: String = "", noWait: Bool = false) {
    self.queue = queue
    self.noWait = noWait
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.reservedShort()
    try visitor.shortString(&queue)
    try visitor.bit(&noWait)
  }
}

/// How many messages were dropped.
public struct QueuePurgeOk: MethodFields {
  public var messageCount: UInt32 = 0

  public init(messageCount: UInt32 = 0) {
    self.messageCount = messageCount
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.long(&messageCount)
  }
}

/// Removes a queue.
public struct QueueDelete: MethodFields {
  public var queue: String = ""
  public var ifUnused: Bool = false
  public var ifEmpty: Bool = false
  public var noWait: Bool = false

  public init(queue: String = "", ifUnused: Bool = false, ifEmpty: Bool = false, noWait: Bool = false) {
    self.queue = queue
    self.ifUnused = ifUnused
    self.ifEmpty = ifEmpty
    self.noWait = noWait
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.reservedShort()
    try visitor.shortString(&queue)
    try visitor.bits(&ifUnused, &ifEmpty, &noWait)
  }
}

/// How many messages went with the queue.
public struct QueueDeleteOk: MethodFields {
  public var messageCount: UInt32 = 0

  public init(messageCount: UInt32 = 0) {
    self.messageCount = messageCount
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.long(&messageCount)
  }
}
