// A message as the broker keeps it: its bytes lie where they came in, in a log entry or a buffer of their own.
import AMQP

/// A message. Its content is a part of an array that it shares, so that a body is copied once on its way in.
final class Message: Sendable {
  let exchange: String
  let routingKey: String
  let isPersistent: Bool
  private let storage: [UInt8]
  private let properties: Range<Int>
  private let body: Range<Int>

  /// Copies content that came from a client.
  init(
    exchange: String, routingKey: String, isPersistent: Bool, properties: UnsafeRawBufferPointer,
    body: UnsafeRawBufferPointer
  ) {
    self.exchange = exchange
    self.routingKey = routingKey
    self.isPersistent = isPersistent
    storage = [UInt8](unsafeUninitializedCapacity: properties.count + body.count) { buffer, count in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      raw.copyMemory(from: properties)
      UnsafeMutableRawBufferPointer(rebasing: raw[properties.count...]).copyMemory(from: body)
      count = properties.count + body.count
    }
    self.properties = 0..<properties.count
    self.body = properties.count..<properties.count + body.count
  }

  /// Reads what `encode` wrote; `storage` holds the bytes that the scanner reads.
  init(_ scanner: inout ByteScanner, storage: [UInt8]) throws(DecodingError) {
    exchange = try scanner.takeString()
    routingKey = try scanner.takeString()
    isPersistent = try scanner.takeBool()
    properties = try scanner.takeRun()
    body = try scanner.takeRun()
    self.storage = storage
    guard exchange.utf8.count <= 255, routingKey.utf8.count <= 255, properties.count >= 2 else {
      throw DecodingError("a message that no client can have sent")
    }
  }

  /// Bytes of properties and body.
  var size: Int { properties.count + body.count }

  func withContent<Result>(
    _ use: (_ properties: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer) -> Result
  ) -> Result {
    storage.withUnsafeBytes {
      use(UnsafeRawBufferPointer(rebasing: $0[properties]), UnsafeRawBufferPointer(rebasing: $0[body]))
    }
  }

  func encode(into writer: inout ByteWriter) {
    withContent { properties, body in
      Self.encode(
        exchange: exchange, routingKey: routingKey, isPersistent: isPersistent, properties: properties, body: body,
        into: &writer)
    }
  }

  static func encode(
    exchange: String, routingKey: String, isPersistent: Bool, properties: UnsafeRawBufferPointer,
    body: UnsafeRawBufferPointer, into writer: inout ByteWriter
  ) {
    writer.put(exchange)
    writer.put(routingKey)
    writer.put(isPersistent)
    writer.put(run: properties)
    writer.put(run: body)
  }

  /// The fewest bytes that `encode` writes.
  static let smallest = 15
}
