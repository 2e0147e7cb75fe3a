// The fast path out: a method with content (method frame, header frame, body frames) written in one stroke.

/// The methods that content follows, with the arguments as the writer needs them.
enum ContentMethod {
  case publish(exchange: String, routingKey: String, mandatory: Bool, immediate: Bool)
  case deliver(consumerTag: String, deliveryTag: UInt64, redelivered: Bool, exchange: String, routingKey: String)
  case getOk(deliveryTag: UInt64, redelivered: Bool, exchange: String, routingKey: String, messageCount: UInt32)
  case returned(code: ReplyCode, text: String, exchange: String, routingKey: String)

  /// Bytes of the method frame's payload; nil where a string is too long.
  @inline(__always)
  var size: Int? {
    switch self {
    case .publish(let exchange, let routingKey, _, _):
      let (e, k) = (exchange.utf8.count, routingKey.utf8.count)
      return max(e, k) > Limits.shortString ? nil : 9 + e + k
    case .deliver(let consumerTag, _, _, let exchange, let routingKey):
      let (c, e, k) = (consumerTag.utf8.count, exchange.utf8.count, routingKey.utf8.count)
      return max(c, e, k) > Limits.shortString ? nil : 16 + c + e + k
    case .getOk(_, _, let exchange, let routingKey, _):
      let (e, k) = (exchange.utf8.count, routingKey.utf8.count)
      return max(e, k) > Limits.shortString ? nil : 19 + e + k
    case .returned(_, let text, let exchange, let routingKey):
      let (t, e, k) = (text.utf8.count, exchange.utf8.count, routingKey.utf8.count)
      return max(t, e, k) > Limits.shortString ? nil : 9 + t + e + k
    }
  }

  @inline(__always)
  func write(to cursor: inout RawCursor) {
    switch self {
    case .publish(let exchange, let routingKey, let mandatory, let immediate):
      cursor.put(MethodID.basicPublish.rawValue)
      cursor.put(UInt16(0))
      cursor.put(exchange)
      cursor.put(routingKey)
      cursor.put(UInt8((mandatory ? 1 : 0) | (immediate ? 2 : 0)))
    case .deliver(let consumerTag, let deliveryTag, let redelivered, let exchange, let routingKey):
      cursor.put(MethodID.basicDeliver.rawValue)
      cursor.put(consumerTag)
      cursor.put(deliveryTag)
      cursor.put(UInt8(redelivered ? 1 : 0))
      cursor.put(exchange)
      cursor.put(routingKey)
    case .getOk(let deliveryTag, let redelivered, let exchange, let routingKey, let messageCount):
      cursor.put(MethodID.basicGetOk.rawValue)
      cursor.put(deliveryTag)
      cursor.put(UInt8(redelivered ? 1 : 0))
      cursor.put(exchange)
      cursor.put(routingKey)
      cursor.put(messageCount)
    case .returned(let code, let text, let exchange, let routingKey):
      cursor.put(MethodID.basicReturn.rawValue)
      cursor.put(code.rawValue)
      cursor.put(text)
      cursor.put(exchange)
      cursor.put(routingKey)
    }
  }
}

/// Writes into a place whose size was computed before; checks nothing in a release build.
struct RawCursor {
  private(set) var place: UnsafeMutableRawPointer

  @inline(__always)
  init(_ place: UnsafeMutableRawPointer) { self.place = place }

  @inline(__always)
  mutating func put<Number: FixedWidthInteger>(_ value: Number) {
    place.storeBytes(of: value.bigEndian, as: Number.self)
    place += MemoryLayout<Number>.size
  }

  /// A short string of at most 255 bytes.
  @inline(__always)
  mutating func put(_ string: String) {
    put(UInt8(truncatingIfNeeded: string.utf8.count))
    place = ByteBuffer.copy(string, to: place)
  }

  @inline(__always)
  mutating func put(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    place.copyMemory(from: source, byteCount: bytes.count)
    place += bytes.count
  }

  @inline(__always)
  mutating func putFrameHead(_ kind: FrameKind, _ channel: UInt16, _ size: Int) {
    put(kind.rawValue)
    put(channel)
    put(UInt32(truncatingIfNeeded: size))
  }
}

extension ByteBuffer {
  /// Appends method, header and body frames, or nothing. `properties` are flags and values as in the header.
  /// - Throws: 502 for a name over 255 bytes or properties without flags, 501 where the header exceeds `frameMax`.
  @inline(__always)
  mutating func append(
    content method: ContentMethod, channel: UInt16, properties: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer,
    frameMax: Int
  ) throws(AMQPError) {
    let overhead = Limits.frameOverhead
    guard let methodSize = method.size else {
      throw AMQPError(.syntaxError, "a name or text has more than \(Limits.shortString) bytes")
    }
    guard properties.count >= 2 else { throw AMQPError(.syntaxError, "properties without flags") }
    let headerSize = 12 + properties.count
    guard headerSize + overhead <= frameMax else {
      throw AMQPError(.frameError, "a content header of \(headerSize) bytes, too many for one frame")
    }
    let chunk = frameMax - overhead
    let bodyFrames = (body.count + chunk - 1) / chunk
    let total = methodSize + headerSize + 2 * overhead + body.count + bodyFrames * overhead
    var cursor = RawCursor(extend(total))
    let end = cursor.place + total

    cursor.putFrameHead(.method, channel, methodSize)
    method.write(to: &cursor)
    cursor.put(Frame.end)

    cursor.putFrameHead(.header, channel, headerSize)
    cursor.put(MethodID.basicPublish.classId)
    cursor.put(UInt16(0))  // weight, unused
    cursor.put(UInt64(body.count))
    cursor.put(properties)
    cursor.put(Frame.end)

    var sent = 0
    while sent < body.count {
      let part = min(chunk, body.count - sent)
      cursor.putFrameHead(.body, channel, part)
      cursor.put(UnsafeRawBufferPointer(rebasing: body[sent..<sent + part]))
      cursor.put(Frame.end)
      sent += part
    }
    assert(cursor.place == end)
  }
}
