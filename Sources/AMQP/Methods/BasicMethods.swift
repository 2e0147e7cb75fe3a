// The methods of class basic (60): messages, consumers, acknowledgements.

/// Limits what may be delivered and not yet acknowledged, in bytes (0: no limit) and in messages.
public struct BasicQos: MethodFields {
  public var prefetchSize: UInt32 = 0
  public var prefetchCount: UInt16 = 0
  public var isGlobal: Bool = false

  public init(prefetchSize: UInt32 = 0, prefetchCount: UInt16 = 0, isGlobal: Bool = false) {
    self.prefetchSize = prefetchSize
    self.prefetchCount = prefetchCount
    self.isGlobal = isGlobal
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.long(&prefetchSize)
    try visitor.short(&prefetchCount)
    try visitor.bit(&isGlobal)
  }
}

/// Starts a consumer; an empty tag lets the server choose one.
public struct BasicConsume: MethodFields {
  public var queue: String = ""
  public var consumerTag: String = ""
  public var noLocal: Bool = false
  public var noAck: Bool = false
  public var exclusive: Bool = false
  public var noWait: Bool = false
  public var arguments: Table = [:]

  public init(
    queue: String = "", consumerTag: String = "", noLocal: Bool = false, noAck: Bool = false,
    exclusive: Bool = false, noWait: Bool = false, arguments: Table = [:]
  ) {
    self.queue = queue
    self.consumerTag = consumerTag
    self.noLocal = noLocal
    self.noAck = noAck
    self.exclusive = exclusive
    self.noWait = noWait
    self.arguments = arguments
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.reservedShort()
    try visitor.shortString(&queue)
    try visitor.shortString(&consumerTag)
    try visitor.bits(&noLocal, &noAck, &exclusive, &noWait)
    try visitor.table(&arguments)
  }
}

/// The consumer's tag.
public struct BasicConsumeOk: MethodFields {
  public var consumerTag: String = ""

  public init(consumerTag: String = "") {
    self.consumerTag = consumerTag
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.shortString(&consumerTag)
  }
}

/// Ends a consumer; sent by the server where the queue is gone (consumer_cancel_notify).
public struct BasicCancel: MethodFields {
  public var consumerTag: String = ""
  public var noWait: Bool = false

  public init(consumerTag: String = "", noWait: Bool = false) {
    self.consumerTag = consumerTag
    self.noWait = noWait
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.shortString(&consumerTag)
    try visitor.bit(&noWait)
  }
}

/// The consumer has ended.
public struct BasicCancelOk: MethodFields {
  public var consumerTag: String = ""

  public init(consumerTag: String = "") {
    self.consumerTag = consumerTag
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.shortString(&consumerTag)
  }
}

/// A message for an exchange; content follows.
public struct BasicPublish: MethodFields {
  public var exchange: String = ""
  public var routingKey: String = ""
  public var mandatory: Bool = false
  public var immediate: Bool = false

  public init(exchange: String = "", routingKey: String = "", mandatory: Bool = false, immediate: Bool = false) {
    self.exchange = exchange
    self.routingKey = routingKey
    self.mandatory = mandatory
    self.immediate = immediate
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.reservedShort()
    try visitor.shortString(&exchange)
    try visitor.shortString(&routingKey)
    try visitor.bits(&mandatory, &immediate)
  }
}

/// A message that could not be routed comes back; content follows.
public struct BasicReturn: MethodFields {
  public var replyCode: ReplyCode = .success
  public var replyText: String = ""
  public var exchange: String = ""
  public var routingKey: String = ""

  public init(
    replyCode: ReplyCode = .success, replyText: String = "", exchange: String = "", routingKey: String = ""
  ) {
    self.replyCode = replyCode
    self.replyText = replyText
    self.exchange = exchange
    self.routingKey = routingKey
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.replyCode(&replyCode)
    try visitor.shortString(&replyText)
    try visitor.shortString(&exchange)
    try visitor.shortString(&routingKey)
  }
}

/// A message for a consumer; content follows.
public struct BasicDeliver: MethodFields {
  public var consumerTag: String = ""
  public var deliveryTag: UInt64 = 0
  public var redelivered: Bool = false
  public var exchange: String = ""
  public var routingKey: String = ""

  public init(
    consumerTag: String = "", deliveryTag: UInt64 = 0, redelivered: Bool = false, exchange: String = "",
    routingKey: String = ""
  ) {
    self.consumerTag = consumerTag
    self.deliveryTag = deliveryTag
    self.redelivered = redelivered
    self.exchange = exchange
    self.routingKey = routingKey
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.shortString(&consumerTag)
    try visitor.longLong(&deliveryTag)
    try visitor.bit(&redelivered)
    try visitor.shortString(&exchange)
    try visitor.shortString(&routingKey)
  }
}

/// Asks for one message of a queue.
public struct BasicGet: MethodFields {
  public var queue: String = ""
  public var noAck: Bool = false

  public init(queue: String = "", noAck: Bool = false) {
    self.queue = queue
    self.noAck = noAck
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.reservedShort()
    try visitor.shortString(&queue)
    try visitor.bit(&noAck)
  }
}

/// The message asked for, and how many are left; content follows.
public struct BasicGetOk: MethodFields {
  public var deliveryTag: UInt64 = 0
  public var redelivered: Bool = false
  public var exchange: String = ""
  public var routingKey: String = ""
  public var messageCount: UInt32 = 0

  public init(
    deliveryTag: UInt64 = 0, redelivered: Bool = false, exchange: String = "", routingKey: String = "",
    messageCount: UInt32 = 0
  ) {
    self.deliveryTag = deliveryTag
    self.redelivered = redelivered
    self.exchange = exchange
    self.routingKey = routingKey
    self.messageCount = messageCount
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.longLong(&deliveryTag)
    try visitor.bit(&redelivered)
    try visitor.shortString(&exchange)
    try visitor.shortString(&routingKey)
    try visitor.long(&messageCount)
  }
}

/// Acknowledges a delivery, or (from the server) confirms a publish; multiple: all up to the tag.
public struct BasicAck: MethodFields {
  public var deliveryTag: UInt64 = 0
  public var multiple: Bool = false

  public init(deliveryTag: UInt64 = 0, multiple: Bool = false) {
    self.deliveryTag = deliveryTag
    self.multiple = multiple
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.longLong(&deliveryTag)
    try visitor.bit(&multiple)
  }
}

/// Refuses one delivery.
public struct BasicReject: MethodFields {
  public var deliveryTag: UInt64 = 0
  public var requeue: Bool = false

  public init(deliveryTag: UInt64 = 0, requeue: Bool = false) {
    self.deliveryTag = deliveryTag
    self.requeue = requeue
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.longLong(&deliveryTag)
    try visitor.bit(&requeue)
  }
}

/// basic.recover without an answer (deprecated).
public struct BasicRecoverAsync: MethodFields {
  public var requeue: Bool = false

  public init(requeue: Bool = false) {
    self.requeue = requeue
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.bit(&requeue)
  }
}

/// Asks for all unacknowledged deliveries of the channel again.
public struct BasicRecover: MethodFields {
  public var requeue: Bool = false

  public init(requeue: Bool = false) {
    self.requeue = requeue
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.bit(&requeue)
  }
}

/// Refuses deliveries, or (from the server) a publish (RabbitMQ).
public struct BasicNack: MethodFields {
  public var deliveryTag: UInt64 = 0
  public var multiple: Bool = false
  public var requeue: Bool = false

  public init(deliveryTag: UInt64 = 0, multiple: Bool = false, requeue: Bool = false) {
    self.deliveryTag = deliveryTag
    self.multiple = multiple
    self.requeue = requeue
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.longLong(&deliveryTag)
    try visitor.bits(&multiple, &requeue)
  }
}
