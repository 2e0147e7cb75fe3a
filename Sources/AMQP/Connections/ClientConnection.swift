// One connection as the client sees it: bytes in, events out, bytes out. No socket, no clock.

/// The client's side of one connection. Not thread-safe: it belongs to the thread of its socket.
///
/// A new one has the protocol header in its `output` already. The I/O layer calls `receive` with all unread bytes,
/// drops as many as it returns, and writes what `output` holds. When `isFinished` is true it writes the rest of the
/// output and ends the socket; when the socket ends by itself it calls `connectionLost`.
/// Every method of this class may be called from inside the event handler.
public final class ClientConnection {
  private enum Phase {
    case awaitStart, awaitTune, awaitOpenOk, open
    /// connection.close is sent; only its close-ok counts.
    case closing
    case finished
  }

  public let config: ClientConfig
  /// What waits to be written.
  public var output = ByteBuffer()
  public private(set) var serverProperties = Table()
  /// Seconds between heartbeats as agreed; 0: none. Give it to a `HeartbeatMonitor`.
  public private(set) var heartbeat: UInt16
  /// Largest frame in bytes as agreed.
  public private(set) var frameMax: Int
  /// Highest channel number as agreed.
  public private(set) var channelMax: UInt16

  private var phase = Phase.awaitStart
  private var channels = ChannelTable()
  private var closeReason: CloseReason?
  private var closedIsTold = false

  public init(config: ClientConfig) {
    self.config = config
    heartbeat = config.heartbeat
    frameMax = max(config.frameMax, Limits.smallestFrameMax)
    channelMax = max(config.channelMax, 1)
    output.append(bytes: protocolHeader)
  }

  /// True after the handshake and until the connection closes.
  public var isOpen: Bool { phase == .open }
  /// True when nothing more is expected: write what `output` still holds, then end the socket.
  public var isFinished: Bool { phase == .finished }
  public func isOpen(channel: UInt16) -> Bool { phase == .open && channels.isOpen(channel) }

  // MARK: Receiving

  /// Handles every whole frame of `bytes`. Returns how many bytes were used; give the rest again, with more.
  /// The rest is always shorter than `frameMax`.
  public func receive(_ bytes: UnsafeRawBufferPointer, _ handle: (ClientEvent) -> Void) -> Int {
    if phase == .awaitStart, bytes.first == protocolHeader[0] {  // no frame type: the server refused our version
      phase = .finished
      tellClosed(CloseReason(code: .frameError, text: "the server does not speak AMQP 0-9-1", byPeer: true), handle)
    }
    var offset = 0
    while phase != .finished {
      do throws(AMQPError) {
        guard let frame = try Frame.parse(bytes, at: offset, frameMax: frameMax) else { return offset }
        offset += frame.size
        try take(frame, bytes, &offset, handle)
      } catch {
        fail(error, handle)
      }
    }
    return bytes.count
  }

  /// The socket is gone: tells the client, unless it knows.
  public func connectionLost(_ handle: (ClientEvent) -> Void) {
    let text = phase == .awaitTune ? "the connection was lost during login" : "the connection was lost"
    phase = .finished
    tellClosed(closeReason ?? CloseReason(code: .connectionForced, text: text, byPeer: true), handle)
  }

  @inline(__always)
  private func take(
    _ frame: Frame, _ bytes: UnsafeRawBufferPointer, _ offset: inout Int, _ handle: (ClientEvent) -> Void
  ) throws(AMQPError) {
    let channel = frame.channel
    if phase == .open, channels.isOpen(channel) {
      if let assembly = channels.assembly(channel) {
        let isComplete = try assembly.take(frame)
        if let size = assembly.bodySize, size > UInt64(config.bodyLimit) {
          throw AMQPError(.frameError, "a body of \(size) bytes, more than \(config.bodyLimit)")
        }
        guard isComplete else { return }
        channels[channel].assembly = nil
        assembly.withContent { tell(assembly.method, channel, $0, handle) }
      } else {
        guard frame.kind == .method else { throw AMQPError(.unexpectedFrame, "content without a method") }
        let method = try Method(payload: frame.payload)
        switch method {
        case .basicDeliver, .basicGetOk, .basicReturn:
          let whole = try WholeContent.find(
            bytes, at: offset, channel: channel, frameMax: frameMax, bodyLimit: config.bodyLimit)
          if let whole {
            offset = whole.end
            tell(method, channel, whole.content, handle)
          } else {
            channels[channel].assembly = ContentAssembly(method: method)
          }
        default: try take(method, on: channel, handle)
        }
      }
    } else {
      try takeRare(frame, handle)
    }
  }

  @inline(__always)
  private func tell(_ method: Method, _ channel: UInt16, _ content: Content, _ handle: (ClientEvent) -> Void) {
    switch method {
    case .basicDeliver(let deliver): handle(.delivery(channel: channel, deliver, content))
    case .basicGetOk(let getOk): handle(.getOk(channel: channel, getOk, content))
    case .basicReturn(let returned): handle(.returned(channel: channel, returned, content))
    default: break
    }
  }

  /// A method without content, on an open channel.
  private func take(_ method: Method, on channel: UInt16, _ handle: (ClientEvent) -> Void) throws(AMQPError) {
    switch method {
    case .basicAck, .basicNack, .basicCancel, .basicCancelOk, .basicConsumeOk, .basicGetEmpty, .basicQosOk,
      .basicRecoverOk, .confirmSelectOk, .txSelectOk, .txCommitOk, .txRollbackOk, .channelFlowOk,
      .exchangeDeclareOk, .exchangeDeleteOk, .exchangeBindOk, .exchangeUnbindOk,
      .queueDeclareOk, .queueBindOk, .queueUnbindOk, .queuePurgeOk, .queueDeleteOk:
      handle(.method(channel: channel, method))
    case .channelFlow(let flow):
      write(.channelFlowOk(ChannelFlowOk(active: flow.active)), channel: channel)
      handle(.method(channel: channel, method))
    case .channelClose(let close):
      channels[channel] = ChannelTable.Slot()
      write(.channelCloseOk, channel: channel)
      handle(.channelClosed(channel, CloseReason(close)))
    case .channelCloseOk: break  // crossed a close of the server's
    default: throw AMQPError(.commandInvalid, "\(method.id) is not for a client on a channel", method: method.id)
    }
  }

  /// A frame that is not for an open channel: connection methods, channels opening and closing, heartbeats.
  private func takeRare(_ frame: Frame, _ handle: (ClientEvent) -> Void) throws(AMQPError) {
    if frame.kind == .heartbeat {
      guard frame.channel == 0 else { throw AMQPError(.frameError, "a heartbeat on channel \(frame.channel)") }
      return handle(.heartbeat)
    }
    if frame.channel == 0 {
      guard frame.kind == .method else { throw AMQPError(.unexpectedFrame, "content on channel 0") }
      return try takeConnectionMethod(try Method(payload: frame.payload), handle)
    }
    if phase == .closing { return }
    let slot = channels[frame.channel]
    guard phase == .open, frame.kind == .method else {
      if slot.phase == .closing { return }
      throw AMQPError(.unexpectedFrame, "content on channel \(frame.channel), which is not open")
    }
    switch (try Method(payload: frame.payload), slot.phase) {
    case (.channelCloseOk, .closed), (.channelCloseOk, .opening):
      return  // both had closed at once; the number was free again with the server's close
    case (_, .closed):
      throw AMQPError(.channelError, "a frame for channel \(frame.channel), which is not open")
    case (.channelOpenOk, .opening):
      channels[frame.channel].phase = .open
      handle(.channelOpened(frame.channel))
    case (.channelClose(let close), _):
      channels[frame.channel] = ChannelTable.Slot()
      write(.channelCloseOk, channel: frame.channel)
      handle(.channelClosed(frame.channel, CloseReason(close)))
    case (.channelCloseOk, .closing):
      channels[frame.channel] = ChannelTable.Slot()
      handle(.channelClosed(frame.channel, slot.closeReason ?? CloseReason(code: .success, text: "")))
    case (_, .closing): return
    case (let method, _):
      throw AMQPError(.commandInvalid, "\(method.id) before channel.open-ok", method: method.id)
    }
  }

  private func takeConnectionMethod(_ method: Method, _ handle: (ClientEvent) -> Void) throws(AMQPError) {
    switch (phase, method) {
    case (.awaitStart, .connectionStart(let start)): try logIn(start)
    case (.awaitTune, .connectionTune(let tune)): try self.tune(tune)
    case (.awaitOpenOk, .connectionOpenOk):
      phase = .open
      handle(.opened)
    case (.open, .connectionBlocked), (.open, .connectionUnblocked), (.open, .connectionUpdateSecretOk):
      handle(.method(channel: 0, method))
    case (.closing, .connectionCloseOk):
      phase = .finished
      tellClosed(closeReason ?? CloseReason(code: .success, text: ""), handle)
    case (_, .connectionClose(let close)):
      let ours = phase == .closing ? closeReason : nil
      write(.connectionCloseOk)
      phase = .finished
      tellClosed(ours ?? CloseReason(close), handle)
    case (.closing, _): return
    default: throw AMQPError(.commandInvalid, "\(method.id) out of its order", method: method.id)
    }
  }

  private func logIn(_ start: ConnectionStart) throws(AMQPError) {
    guard start.versionMajor == 0, start.versionMinor == 9 else {
      throw AMQPError(.notImplemented, "AMQP \(start.versionMajor)-\(start.versionMinor)", method: .connectionStart)
    }
    guard start.mechanisms.split(separator: UInt8(ascii: " ")).contains(where: { $0.elementsEqual("PLAIN".utf8) })
    else { throw AMQPError(.notImplemented, "the server offers no PLAIN login", method: .connectionStart) }
    serverProperties = start.serverProperties
    phase = .awaitTune
    let response = [0] + Array(config.user.utf8) + [0] + Array(config.password.utf8)
    write(
      .connectionStartOk(
        ConnectionStartOk(clientProperties: config.clientProperties, mechanism: "PLAIN", response: response)))
  }

  private func tune(_ tune: ConnectionTune) throws(AMQPError) {
    if tune.channelMax > 0 { channelMax = min(channelMax, tune.channelMax) }
    if tune.frameMax > 0 { frameMax = min(frameMax, Int(tune.frameMax)) }
    if tune.heartbeat > 0 { heartbeat = min(heartbeat, tune.heartbeat) }
    guard frameMax >= Limits.smallestFrameMax else {
      throw AMQPError(.syntaxError, "a frame_max of \(frameMax)", method: .connectionTune)
    }
    phase = .awaitOpenOk
    write(
      .connectionTuneOk(
        ConnectionTuneOk(channelMax: channelMax, frameMax: UInt32(frameMax), heartbeat: heartbeat)))
    write(.connectionOpen(ConnectionOpen(virtualHost: config.virtualHost)))
  }

  // MARK: Ending

  private func fail(_ error: AMQPError, _ handle: (ClientEvent) -> Void) {
    if phase == .closing {  // another breach while we wait for close-ok
      phase = .finished
    } else {
      close(CloseReason(error))
      if error.code == .frameError { phase = .finished }  // where the next frame begins is unknown
    }
    tellClosed(closeReason ?? CloseReason(error), handle)
  }

  private func close(_ reason: CloseReason) {
    closeReason = reason
    phase = .closing
    channels.removeAll()
    write(reason.connectionClose)
  }

  private func tellClosed(_ reason: CloseReason, _ handle: (ClientEvent) -> Void) {
    channels.removeAll()
    guard !closedIsTold else { return }
    closedIsTold = true
    handle(.closed(reason))
  }

  /// Writes a method of our own making. One that cannot be carried (a virtual host of 300 bytes) ends the connection.
  private func write(_ method: Method, channel: UInt16 = 0) {
    do throws(AMQPError) {
      try output.append(method: method, channel: channel, frameMax: frameMax)
    } catch {
      closeReason = CloseReason(error)
      phase = .finished
    }
  }
}

// MARK: Sending

extension ClientConnection {
  /// Asks for a channel; `channelOpened` follows.
  /// - Throws: 504 where the connection is not open, the number is in use, 0, or above `channelMax`.
  public func openChannel(_ channel: UInt16) throws(AMQPError) {
    guard phase == .open, channel > 0, channel <= channelMax, channels[channel].phase == .closed else {
      throw AMQPError(.channelError, "channel \(channel) cannot be opened")
    }
    channels[channel].phase = .opening
    write(.channelOpen, channel: channel)
  }

  /// Ends a channel; `channelClosed` follows, and nothing else of the channel before it.
  /// - Throws: 504 where the channel is not open.
  public func closeChannel(
    _ channel: UInt16, code: ReplyCode = .success, text: String = ""
  ) throws(AMQPError) {
    try requireOpen(channel)
    let reason = CloseReason(code: code, text: text)
    channels[channel] = ChannelTable.Slot(phase: .closing, closeReason: reason)
    write(reason.channelClose, channel: channel)
  }

  /// Sends a method without content.
  /// - Throws: 504 where the channel is not open; 502, 501 where the method cannot be carried. Nothing is sent then.
  public func send(_ method: Method, channel: UInt16) throws(AMQPError) {
    try requireOpen(channel)
    try output.append(method: method, channel: channel, frameMax: frameMax)
  }

  /// Publishes a message. `rawProperties` come from `BasicProperties.encoded()`, made once for many messages.
  /// - Throws: 504 where the channel is not open; 502, 501 where the message cannot be carried. Nothing is sent then.
  public func publish(
    channel: UInt16, exchange: String, routingKey: String, mandatory: Bool = false,
    rawProperties: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer
  ) throws(AMQPError) {
    try requireOpen(channel)
    try output.append(
      content: .publish(exchange: exchange, routingKey: routingKey, mandatory: mandatory, immediate: false),
      channel: channel, properties: rawProperties, body: body, frameMax: frameMax)
  }

  /// Publishes a message with properties of its own.
  /// - Throws: as above.
  public func publish(
    channel: UInt16, exchange: String, routingKey: String, mandatory: Bool = false, properties: BasicProperties,
    body: UnsafeRawBufferPointer
  ) throws(AMQPError) {
    let raw = try properties.encoded()
    do {
      try raw.withUnsafeBytes { raw in
        try publish(
          channel: channel, exchange: exchange, routingKey: routingKey, mandatory: mandatory, rawProperties: raw,
          body: body)
      }
    } catch let error as AMQPError {
      throw error
    } catch {
      throw AMQPError(.internalError, "\(error)")
    }
  }

  public func sendHeartbeat() {
    if phase == .open { output.appendHeartbeat() }
  }

  /// Ends the connection in order; `closed` follows when the server confirms, or with `connectionLost`.
  public func closeConnection(code: ReplyCode = .success, text: String = "goodbye") {
    switch phase {
    case .closing, .finished: return
    case .awaitStart: phase = .finished
    case .awaitTune, .awaitOpenOk, .open: close(CloseReason(code: code, text: text))
    }
  }

  private func requireOpen(_ channel: UInt16) throws(AMQPError) {
    guard phase == .open, channels.isOpen(channel) else {
      throw AMQPError(.channelError, "channel \(channel) is not open")
    }
  }
}
