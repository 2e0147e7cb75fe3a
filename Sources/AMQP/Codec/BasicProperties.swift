// The properties of a message, as they stand in a content header (section 4.2.6.1).

/// The properties of class basic; each is there or not.
public struct BasicProperties: Hashable, Sendable {
  public var contentType: String?
  public var contentEncoding: String?
  public var headers: Table?
  /// 1: transient, 2: persistent.
  public var deliveryMode: UInt8?
  public var priority: UInt8?
  public var correlationId: String?
  public var replyTo: String?
  /// Milliseconds to live, as decimal digits.
  public var expiration: String?
  public var messageId: String?
  /// Seconds since 1970.
  public var timestamp: UInt64?
  public var type: String?
  public var userId: String?
  public var appId: String?
  public var clusterId: String?

  public init() {}

  public init(deliveryMode: UInt8?, messageId: String? = nil, headers: Table? = nil) {
    self.deliveryMode = deliveryMode
    self.messageId = messageId
    self.headers = headers
  }

  public var isPersistent: Bool { deliveryMode == 2 }

  /// The bytes that stand for these properties in a content header: flags, then values. Made once, they serve for any
  /// number of messages.
  /// - Throws: 502 for a string of more than 255 bytes.
  public func encoded() throws(AMQPError) -> [UInt8] {
    var buffer = ByteBuffer(capacity: 64)
    buffer.append(properties: self)
    if let failure = buffer.failure { throw failure }
    return buffer.takeAll()
  }

  /// Reads flags and values, as `encoded` writes them.
  /// - Throws: 502 for unknown flags, values cut short, bytes left over.
  public init(encoded bytes: UnsafeRawBufferPointer) throws(AMQPError) {
    var reader = ByteReader(bytes)
    let flags: UInt16 = try reader.read()
    guard flags & 0b11 == 0 else { throw AMQPError(.syntaxError, "unknown property flags") }
    if flags & Flag.contentType != 0 { contentType = try reader.shortString() }
    if flags & Flag.contentEncoding != 0 { contentEncoding = try reader.shortString() }
    if flags & Flag.headers != 0 { headers = try reader.table() }
    if flags & Flag.deliveryMode != 0 { deliveryMode = try reader.read(UInt8.self) }
    if flags & Flag.rare != 0 { try readRare(flags, &reader) }
    try reader.finish()
  }

  private mutating func readRare(_ flags: UInt16, _ reader: inout ByteReader) throws(AMQPError) {
    if flags & Flag.priority != 0 { priority = try reader.read(UInt8.self) }
    if flags & Flag.correlationId != 0 { correlationId = try reader.shortString() }
    if flags & Flag.replyTo != 0 { replyTo = try reader.shortString() }
    if flags & Flag.expiration != 0 { expiration = try reader.shortString() }
    if flags & Flag.messageId != 0 { messageId = try reader.shortString() }
    if flags & Flag.timestamp != 0 { timestamp = try reader.read(UInt64.self) }
    if flags & Flag.type != 0 { type = try reader.shortString() }
    if flags & Flag.userId != 0 { userId = try reader.shortString() }
    if flags & Flag.appId != 0 { appId = try reader.shortString() }
    if flags & Flag.clusterId != 0 { clusterId = try reader.shortString() }
  }

  /// Checks flags and values as `init(encoded:)` does, without keeping them; the delivery mode, or 0 where none is set.
  /// A message on its way through needs no more, and making the properties costs more than all the rest.
  /// - Throws: as `init(encoded:)`.
  static func deliveryMode(checking bytes: UnsafeRawBufferPointer) throws(AMQPError) -> UInt8 {
    var reader = ByteReader(bytes)
    let flags: UInt16 = try reader.read()
    var deliveryMode: UInt8 = 0
    guard flags & 0b11 == 0 else { throw AMQPError(.syntaxError, "unknown property flags") }
    if flags & Flag.contentType != 0 { _ = try reader.shortString() }
    if flags & Flag.contentEncoding != 0 { _ = try reader.shortString() }
    if flags & Flag.headers != 0 { _ = try reader.table() }
    if flags & Flag.deliveryMode != 0 { deliveryMode = try reader.read() }
    if flags & Flag.rare != 0 {
      if flags & Flag.priority != 0 { _ = try reader.read(UInt8.self) }
      for flag in [Flag.correlationId, Flag.replyTo, Flag.expiration, Flag.messageId] where flags & flag != 0 {
        _ = try reader.shortString()
      }
      if flags & Flag.timestamp != 0 { _ = try reader.read(UInt64.self) }
      for flag in [Flag.type, Flag.userId, Flag.appId, Flag.clusterId] where flags & flag != 0 {
        _ = try reader.shortString()
      }
    }
    try reader.finish()
    return deliveryMode
  }

  fileprivate enum Flag {
    static let contentType: UInt16 = 1 << 15
    static let contentEncoding: UInt16 = 1 << 14
    static let headers: UInt16 = 1 << 13
    static let deliveryMode: UInt16 = 1 << 12
    static let priority: UInt16 = 1 << 11
    static let correlationId: UInt16 = 1 << 10
    static let replyTo: UInt16 = 1 << 9
    static let expiration: UInt16 = 1 << 8
    static let messageId: UInt16 = 1 << 7
    static let timestamp: UInt16 = 1 << 6
    static let type: UInt16 = 1 << 5
    static let userId: UInt16 = 1 << 4
    static let appId: UInt16 = 1 << 3
    static let clusterId: UInt16 = 1 << 2
    static let rare: UInt16 = 0x0ffc
  }
}

extension ByteBuffer {
  mutating func append(properties: BasicProperties) {
    typealias Flag = BasicProperties.Flag
    let start = mark
    var flags: UInt16 = 0
    append(UInt16(0))
    property(properties.contentType, Flag.contentType, &flags)
    property(properties.contentEncoding, Flag.contentEncoding, &flags)
    if let headers = properties.headers {
      flags |= Flag.headers
      append(table: headers)
    }
    property(properties.deliveryMode, Flag.deliveryMode, &flags)
    property(properties.priority, Flag.priority, &flags)
    property(properties.correlationId, Flag.correlationId, &flags)
    property(properties.replyTo, Flag.replyTo, &flags)
    property(properties.expiration, Flag.expiration, &flags)
    property(properties.messageId, Flag.messageId, &flags)
    property(properties.timestamp, Flag.timestamp, &flags)
    property(properties.type, Flag.type, &flags)
    property(properties.userId, Flag.userId, &flags)
    property(properties.appId, Flag.appId, &flags)
    property(properties.clusterId, Flag.clusterId, &flags)
    patch(flags, at: start)
  }

  private mutating func property(_ value: String?, _ flag: UInt16, _ flags: inout UInt16) {
    guard let value else { return }
    flags |= flag
    append(shortString: value)
  }

  private mutating func property<Number: FixedWidthInteger>(_ value: Number?, _ flag: UInt16, _ flags: inout UInt16) {
    guard let value else { return }
    flags |= flag
    append(value)
  }
}
