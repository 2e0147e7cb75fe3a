// What the broker sends on a connection.

extension ServerConnection {
  /// Sends a method. False, and nothing sent, where the channel is not open (any more).
  @discardableResult
  public func send(_ method: Method, channel: UInt16) -> Bool {
    guard isOpen(channel: channel) else { return false }
    write(method, channel: channel)
    return true
  }

  /// connection.blocked, unblocked: methods of channel 0.
  @discardableResult
  public func sendOnConnection(_ method: Method) -> Bool {
    guard isOpen else { return false }
    write(method)
    return true
  }

  public func sendHeartbeat() {
    if isOpen { output.appendHeartbeat() }
  }

  /// A message for a consumer. `rawProperties` as they came with the publish. False where the channel is not open.
  @discardableResult
  public func deliver(
    channel: UInt16, consumerTag: String, deliveryTag: UInt64, redelivered: Bool, exchange: String, routingKey: String,
    rawProperties: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer
  ) -> Bool {
    send(
      .deliver(
        consumerTag: consumerTag, deliveryTag: deliveryTag, redelivered: redelivered, exchange: exchange,
        routingKey: routingKey), channel, rawProperties, body)
  }

  /// The answer to basic.get; `messageCount` messages are left in the queue. False where the channel is not open.
  @discardableResult
  public func getOk(
    channel: UInt16, deliveryTag: UInt64, redelivered: Bool, exchange: String, routingKey: String,
    messageCount: UInt32, rawProperties: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer
  ) -> Bool {
    send(
      .getOk(
        deliveryTag: deliveryTag, redelivered: redelivered, exchange: exchange, routingKey: routingKey,
        messageCount: messageCount), channel, rawProperties, body)
  }

  /// A mandatory message comes back. False where the channel is not open.
  @discardableResult
  public func returnMessage(
    channel: UInt16, code: ReplyCode = .noRoute, text: String = "NO_ROUTE", exchange: String, routingKey: String,
    rawProperties: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer
  ) -> Bool {
    send(
      .returned(code: code, text: text.shortened, exchange: exchange, routingKey: routingKey), channel, rawProperties,
      body)
  }

  @inline(__always)
  private func send(
    _ method: ContentMethod, _ channel: UInt16, _ rawProperties: UnsafeRawBufferPointer,
    _ body: UnsafeRawBufferPointer
  ) -> Bool {
    guard isOpen(channel: channel) else { return false }
    do throws(AMQPError) {
      try output.append(
        content: method, channel: channel, properties: rawProperties, body: body, frameMax: frameMax)
      return true
    } catch {
      abort(error)
      return false
    }
  }

  /// A channel exception: sends channel.close, and ignores what still comes on the channel until close-ok. The number
  /// can then be opened anew. No `channelClosed` event follows: the caller knows.
  public func closeChannel(_ channel: UInt16, code: ReplyCode, text: String, method: MethodID? = nil) {
    guard isOpen(channel: channel) else { return }
    closeChannel(
      channel,
      CloseReason(code: code, text: text, classId: method?.classId ?? 0, methodId: method?.methodId ?? 0))
  }

  /// A connection exception: sends connection.close; all further input but close-ok is ignored. `closed` follows when
  /// the client confirms, or with `connectionLost`.
  public func closeConnection(code: ReplyCode, text: String, method: MethodID? = nil) {
    switch phase {
    case .closing, .finished: return
    case .awaitHeader, .awaitStartOk: phase = .finished
    case .awaitTuneOk, .awaitOpen, .open:
      close(CloseReason(code: code, text: text, classId: method?.classId ?? 0, methodId: method?.methodId ?? 0))
    }
  }
}
