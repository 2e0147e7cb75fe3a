// The way in of a message: its header, and its body collected from frames, or handed over where it already lies whole.

/// The payload of a header frame: class, weight, body size, then the properties as they will be handed on.
struct ContentHeader {
  let bodySize: UInt64
  /// Flags and values; points into the frame.
  let rawProperties: UnsafeRawBufferPointer

  /// - Throws: 501 for another class than basic, or a payload too short.
  @inline(__always)
  init(payload: UnsafeRawBufferPointer) throws(AMQPError) {
    guard payload.count >= 14 else { throw AMQPError(.frameError, "a content header of \(payload.count) bytes") }
    let classAndWeight = UInt32(bigEndian: payload.loadUnaligned(as: UInt32.self))
    guard classAndWeight == UInt32(MethodID.basicPublish.classId) << 16 else {
      throw AMQPError(.frameError, "a content header of class \(classAndWeight >> 16)")
    }
    bodySize = UInt64(bigEndian: payload.loadUnaligned(fromByteOffset: 4, as: UInt64.self))
    rawProperties = UnsafeRawBufferPointer(rebasing: payload[12...])
  }
}

/// Properties and body of one message; the pointers are valid during the call that brings them.
public struct Content {
  /// The properties as they came (flags and values), to be stored and sent on unchanged. They are well-formed.
  public let rawProperties: UnsafeRawBufferPointer
  public let body: UnsafeRawBufferPointer
  /// 1: transient, 2: persistent, 0: not said.
  public let deliveryMode: UInt8

  public var isPersistent: Bool { deliveryMode == 2 }

  /// The properties, read anew at each call.
  public var properties: BasicProperties {
    (try? BasicProperties(encoded: rawProperties)) ?? BasicProperties()  // checked when they came
  }
}

/// Content whose header and body lie whole in the received bytes: the common case, handed on without a copy.
struct WholeContent {
  let content: Content
  /// Where the next frame begins.
  let end: Int

  /// Looks behind a method frame for its content; nil where some of it has not come yet, or something else follows.
  @inline(__always)
  static func find(
    _ bytes: UnsafeRawBufferPointer, at offset: Int, channel: UInt16, frameMax: Int, bodyLimit: Int
  ) throws(AMQPError) -> WholeContent? {
    guard let head = try Frame.parse(bytes, at: offset, frameMax: frameMax), head.kind == .header,
      head.channel == channel
    else { return nil }
    let header = try ContentHeader(payload: head.payload)
    guard header.bodySize <= UInt64(bodyLimit) else { return nil }
    var end = offset + head.size
    var body = UnsafeRawBufferPointer(start: nil, count: 0)
    if header.bodySize > 0 {
      guard let frame = try Frame.parse(bytes, at: end, frameMax: frameMax), frame.kind == .body,
        frame.channel == channel, UInt64(frame.payload.count) == header.bodySize
      else { return nil }
      body = frame.payload
      end += frame.size
    }
    let deliveryMode = try BasicProperties.deliveryMode(checking: header.rawProperties)
    let content = Content(rawProperties: header.rawProperties, body: body, deliveryMode: deliveryMode)
    return WholeContent(content: content, end: end)
  }
}

/// A message of which only a part has come: the method that announced it, then header, then body.
final class ContentAssembly {
  let method: Method
  private(set) var bodySize: UInt64?
  private var deliveryMode: UInt8 = 0
  private var rawProperties: [UInt8] = []
  private var body: [UInt8] = []

  init(method: Method) { self.method = method }

  /// Takes the next frame of the channel. True when the message is complete.
  /// - Throws: 505 for a frame out of order, 501 for more body than announced, 502 for malformed properties.
  func take(_ frame: Frame) throws(AMQPError) -> Bool {
    switch frame.kind {
    case .header:
      guard bodySize == nil else { throw AMQPError(.unexpectedFrame, "a second content header") }
      let header = try ContentHeader(payload: frame.payload)
      deliveryMode = try BasicProperties.deliveryMode(checking: header.rawProperties)
      rawProperties = Array(header.rawProperties)
      bodySize = header.bodySize
      return header.bodySize == 0
    case .body:
      guard let bodySize else { throw AMQPError(.unexpectedFrame, "a content body without its header") }
      let count = UInt64(body.count + frame.payload.count)
      guard count <= bodySize else { throw AMQPError(.frameError, "more body than the content header announced") }
      if body.isEmpty { body.reserveCapacity(Int(min(bodySize, 1 << 20))) }  // an announcement alone buys no memory
      body.append(contentsOf: frame.payload)
      return count == bodySize
    case .method, .heartbeat:
      throw AMQPError(.unexpectedFrame, "another frame where content was expected", method: method.id)
    }
  }

  func withContent(_ use: (Content) -> Void) {
    rawProperties.withUnsafeBytes { raw in
      body.withUnsafeBytes { use(Content(rawProperties: raw, body: $0, deliveryMode: deliveryMode)) }
    }
  }
}
