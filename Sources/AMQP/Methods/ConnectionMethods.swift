// The methods of class connection (10): start, tune, open, close, blocked.

/// The server's first word: its version and the ways to log in.
public struct ConnectionStart: MethodFields {
  public var versionMajor: UInt8 = 0
  public var versionMinor: UInt8 = 9
  public var serverProperties: Table = [:]
  public var mechanisms: [UInt8] = [UInt8]("PLAIN".utf8)
  public var locales: [UInt8] = [UInt8]("en_US".utf8)

  public init(
    versionMajor: UInt8 = 0, versionMinor: UInt8 = 9, serverProperties: Table = [:],
    mechanisms: [UInt8] = [UInt8]("PLAIN".utf8), locales: [UInt8] = [UInt8]("en_US".utf8)
  ) {
    self.versionMajor = versionMajor
    self.versionMinor = versionMinor
    self.serverProperties = serverProperties
    self.mechanisms = mechanisms
    self.locales = locales
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.octet(&versionMajor)
    try visitor.octet(&versionMinor)
    try visitor.table(&serverProperties)
    try visitor.longString(&mechanisms)
    try visitor.longString(&locales)
  }
}

/// The client's answer: who it is. PLAIN's response is NUL user NUL password.
public struct ConnectionStartOk: MethodFields {
  public var clientProperties: Table = [:]
  public var mechanism: String = "PLAIN"
  public var response: [UInt8] = []
  public var locale: String = "en_US"

  public init(
    clientProperties: Table = [:], mechanism: String = "PLAIN", response: [UInt8] = [], locale: String = "en_US"
  ) {
    self.clientProperties = clientProperties
    self.mechanism = mechanism
    self.response = response
    self.locale = locale
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.table(&clientProperties)
    try visitor.shortString(&mechanism)
    try visitor.longString(&response)
    try visitor.shortString(&locale)
  }
}

/// A further challenge of the login.
public struct ConnectionSecure: MethodFields {
  public var challenge: [UInt8] = []

  public init(challenge: [UInt8] = []) {
    self.challenge = challenge
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.longString(&challenge)
  }
}

/// The answer to a challenge.
public struct ConnectionSecureOk: MethodFields {
  public var response: [UInt8] = []

  public init(response: [UInt8] = []) {
    self.response = response
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.longString(&response)
  }
}

/// The server's limits: channels, bytes in a frame, seconds between heartbeats; 0 means none.
public struct ConnectionTune: MethodFields {
  public var channelMax: UInt16 = 0
  public var frameMax: UInt32 = 0
  public var heartbeat: UInt16 = 0

  public init(channelMax: UInt16 = 0, frameMax: UInt32 = 0, heartbeat: UInt16 = 0) {
    self.channelMax = channelMax
    self.frameMax = frameMax
    self.heartbeat = heartbeat
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.short(&channelMax)
    try visitor.long(&frameMax)
    try visitor.short(&heartbeat)
  }
}

/// What the client chose within the limits of tune.
public struct ConnectionTuneOk: MethodFields {
  public var channelMax: UInt16 = 0
  public var frameMax: UInt32 = 0
  public var heartbeat: UInt16 = 0

  public init(channelMax: UInt16 = 0, frameMax: UInt32 = 0, heartbeat: UInt16 = 0) {
    self.channelMax = channelMax
    self.frameMax = frameMax
    self.heartbeat = heartbeat
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.short(&channelMax)
    try visitor.long(&frameMax)
    try visitor.short(&heartbeat)
  }
}

/// Chooses the virtual host.
public struct ConnectionOpen: MethodFields {
  public var virtualHost: String = "/"

  public init(virtualHost: String = "/") {
    self.virtualHost = virtualHost
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.shortString(&virtualHost)
    try visitor.reservedShortString()
    var reserved = false
    try visitor.bit(&reserved)
  }
}

/// Ends the connection; class and method name the cause, or are 0.
public struct ConnectionClose: MethodFields {
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

/// The server takes no publishes for now (RabbitMQ).
public struct ConnectionBlocked: MethodFields {
  public var reason: String = ""

  public init(reason: String = "") {
    self.reason = reason
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.shortString(&reason)
  }
}

/// A new password or token for a running connection (RabbitMQ).
public struct ConnectionUpdateSecret: MethodFields {
  public var secret: [UInt8] = []
  public var reason: String = ""

  public init(secret: [UInt8] = [], reason: String = "") {
    self.secret = secret
    self.reason = reason
  }

  init() {}

  mutating func visit<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(AMQPError) {
    try visitor.longString(&secret)
    try visitor.shortString(&reason)
  }
}
