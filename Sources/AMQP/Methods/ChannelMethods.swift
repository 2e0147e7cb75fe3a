// The methods of classes channel (20) and exchange (40), and their arguments.

/// Asks the peer to stop (false) or restart (true) sending content.
public struct ChannelFlow: MethodFields {
  public var active: Bool = false

  public init(active: Bool = false) {
    self.active = active
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.bit(&active)
  }
}

/// Says what the peer does about channel.flow.
public struct ChannelFlowOk: MethodFields {
  public var active: Bool = false

  public init(active: Bool = false) {
    self.active = active
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.bit(&active)
  }
}

/// Ends a channel; class and method name the cause, or are 0.
public struct ChannelClose: MethodFields {
  public var replyCode: ReplyCode = .success
  public var replyText: String = ""
  public var classId: UInt16 = 0
  public var methodId: UInt16 = 0

  public init(replyCode: ReplyCode = .success, replyText: String = "", classId: UInt16 = 0, methodId: UInt16 = 0) {
    self.replyCode = replyCode
    self.replyText = replyText
    self.classId = classId
    self.methodId = methodId
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.replyCode(&replyCode)
    try visitor.shortString(&replyText)
    try visitor.short(&classId)
    try visitor.short(&methodId)
  }
}

/// Creates an exchange, or (passive) asks whether it is there.
public struct ExchangeDeclare: MethodFields {
  public var exchange: String = ""
  public var type: String = "direct"
  public var passive: Bool = false
  public var durable: Bool = false
  public var autoDelete: Bool = false
  public var isInternal: Bool = false
  public var noWait: Bool = false
  public var arguments: Table = [:]

  public init(
    exchange: String = "", type: String = "direct", passive: Bool = false, durable: Bool = false,
    autoDelete: Bool = false, isInternal: Bool = false, noWait: Bool = false, arguments: Table = [:]
  ) {
    self.exchange = exchange
    self.type = type
    self.passive = passive
    self.durable = durable
    self.autoDelete = autoDelete
    self.isInternal = isInternal
    self.noWait = noWait
    self.arguments = arguments
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.reservedShort()
    try visitor.shortString(&exchange)
    try visitor.shortString(&type)
    try visitor.bits(&passive, &durable, &autoDelete, &isInternal, &noWait)
    try visitor.table(&arguments)
  }
}

/// Removes an exchange.
public struct ExchangeDelete: MethodFields {
  public var exchange: String = ""
  public var ifUnused: Bool = false
  public var noWait: Bool = false

  public init(exchange: String = "", ifUnused: Bool = false, noWait: Bool = false) {
    self.exchange = exchange
    self.ifUnused = ifUnused
    self.noWait = noWait
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.reservedShort()
    try visitor.shortString(&exchange)
    try visitor.bits(&ifUnused, &noWait)
  }
}

/// Binds an exchange to an exchange (RabbitMQ).
public struct ExchangeBind: MethodFields {
  public var destination: String = ""
  public var source: String = ""
  public var routingKey: String = ""
  public var noWait: Bool = false
  public var arguments: Table = [:]

  public init(
    destination: String = "", source: String = "", routingKey: String = "", noWait: Bool = false,
    arguments: Table = [:]
  ) {
    self.destination = destination
    self.source = source
    self.routingKey = routingKey
    self.noWait = noWait
    self.arguments = arguments
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.reservedShort()
    try visitor.shortString(&destination)
    try visitor.shortString(&source)
    try visitor.shortString(&routingKey)
    try visitor.bit(&noWait)
    try visitor.table(&arguments)
  }
}

/// Undoes exchange.bind (RabbitMQ).
public struct ExchangeUnbind: MethodFields {
  public var destination: String = ""
  public var source: String = ""
  public var routingKey: String = ""
  public var noWait: Bool = false
  public var arguments: Table = [:]

  public init(
    destination: String = "", source: String = "", routingKey: String = "", noWait: Bool = false,
    arguments: Table = [:]
  ) {
    self.destination = destination
    self.source = source
    self.routingKey = routingKey
    self.noWait = noWait
    self.arguments = arguments
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.reservedShort()
    try visitor.shortString(&destination)
    try visitor.shortString(&source)
    try visitor.shortString(&routingKey)
    try visitor.bit(&noWait)
    try visitor.table(&arguments)
  }
}
