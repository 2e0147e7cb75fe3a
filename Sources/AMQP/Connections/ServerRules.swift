// The seldom frames of a server's connection: handshake, channels opening and closing, and who may say what.

extension ServerConnection {
  /// A frame that is not for an open channel: connection methods, channel.open, leftovers of a closing channel.
  func takeRare(_ frame: Frame, _ handle: (ServerEvent) -> Void) throws(AMQPError) {
    if phase == .closing {
      guard frame.channel == 0, frame.kind == .method else { return }
      return takeWhileClosing(try Method(payload: frame.payload), handle)
    }
    if frame.channel == 0 {
      guard frame.kind == .method else { throw AMQPError(.unexpectedFrame, "content on channel 0") }
      return try takeConnectionMethod(try Method(payload: frame.payload), handle)
    }
    guard phase == .open else {
      throw AMQPError(.commandInvalid, "channel \(frame.channel) before the connection is open")
    }
    let isClosing = channels[frame.channel].phase == .closing
    guard frame.kind == .method else {
      if isClosing { return }
      throw AMQPError(.channelError, "content on channel \(frame.channel), which is not open")
    }
    let method = try Method(payload: frame.payload)
    switch method {
    case .channelOpen where !isClosing:
      guard frame.channel <= channelMax else {
        throw AMQPError(.notAllowed, "channel \(frame.channel), the highest is \(channelMax)", method: method.id)
      }
      channels[frame.channel] = ChannelTable.Slot(phase: .open)
      write(.channelOpenOk, channel: frame.channel)
      handle(.channelOpened(frame.channel))
    case .channelClose where isClosing:  // both closed at once
      channels[frame.channel] = ChannelTable.Slot()
      write(.channelCloseOk, channel: frame.channel)
    case .channelCloseOk:  // also one that crossed a close of the client's
      if isClosing { channels[frame.channel] = ChannelTable.Slot() }
    default:
      if isClosing { return }
      throw AMQPError(.channelError, "channel \(frame.channel) is not open", method: method.id)
    }
  }

  /// A method on an open channel, other than basic.publish.
  func takeRequest(_ method: Method, on channel: UInt16, _ handle: (ServerEvent) -> Void) throws(AMQPError) {
    switch method {
    case .exchangeDeclare, .exchangeDelete, .exchangeBind, .exchangeUnbind,
      .queueDeclare, .queueBind, .queueUnbind, .queuePurge, .queueDelete,
      .basicQos, .basicConsume, .basicCancel, .basicGet, .basicAck, .basicReject, .basicNack, .basicRecover,
      .basicRecoverAsync, .confirmSelect, .txSelect, .txCommit, .txRollback:
      handle(.request(channel: channel, method))
    case .channelClose(let close):
      channels[channel] = ChannelTable.Slot()
      write(.channelCloseOk, channel: channel)
      handle(.channelClosed(channel, CloseReason(close)))
    case .channelFlow(let flow):
      guard flow.active else { throw AMQPError(.notImplemented, "channel.flow active=false", method: method.id) }
      write(.channelFlowOk(ChannelFlowOk(active: true)), channel: channel)
    case .channelFlowOk, .basicCancelOk, .channelCloseOk:
      break  // answers that change nothing here
    case .channelOpen:
      throw AMQPError(.channelError, "channel \(channel) is open already", method: method.id)
    default:
      throw AMQPError(.commandInvalid, "\(method.id) is not for a server on a channel", method: method.id)
    }
  }

  private func takeConnectionMethod(_ method: Method, _ handle: (ServerEvent) -> Void) throws(AMQPError) {
    switch (phase, method) {
    case (.awaitStartOk, .connectionStartOk(let startOk)): try logIn(startOk, handle)
    case (.awaitTuneOk, .connectionTuneOk(let tuneOk)): try tune(tuneOk)
    case (.awaitOpen, .connectionOpen(let open)):
      guard config.hasVirtualHost(open.virtualHost) else {
        throw AMQPError(.notAllowed, "vhost \(open.virtualHost) not found", method: method.id)
      }
      virtualHost = open.virtualHost
      phase = .open
      write(.connectionOpenOk)
      handle(.connectionOpened)
    case (.open, .connectionUpdateSecret): write(.connectionUpdateSecretOk)
    case (.open, .connectionCloseOk): break
    case (_, .connectionClose(let close)):
      write(.connectionCloseOk)
      phase = .finished
      tellClosed(CloseReason(close), handle)
    default: throw AMQPError(.commandInvalid, "\(method.id) out of its order", method: method.id)
    }
  }

  private func takeWhileClosing(_ method: Method, _ handle: (ServerEvent) -> Void) {
    switch method {
    case .connectionClose:  // both closed at once; its close-ok may never come
      write(.connectionCloseOk)
      phase = .finished
    case .connectionCloseOk: phase = .finished
    default: return
    }
    if let closeReason { tellClosed(closeReason, handle) }
  }

  private func logIn(_ startOk: ConnectionStartOk, _ handle: (ServerEvent) -> Void) throws(AMQPError) {
    guard let (name, password) = startOk.credentials else {
      throw AMQPError(.syntaxError, "no mechanism or response that we know", method: .connectionStartOk)
    }
    clientProperties = startOk.clientProperties
    guard config.authenticate(name, password) else {
      let text = "ACCESS_REFUSED - Login was refused using authentication mechanism \(startOk.mechanism)."
      let reason = CloseReason(code: .accessRefused, text: text)
      if clientProperties["capabilities"]?.table?["authentication_failure_close"]?.bool == true { close(reason) }
      phase = .finished  // other clients know a refusal by the end of the connection alone
      return tellClosed(reason, handle)
    }
    user = name
    phase = .awaitTuneOk
    write(
      .connectionTune(
        ConnectionTune(channelMax: channelMax, frameMax: UInt32(frameMax), heartbeat: config.heartbeat)))
  }

  private func tune(_ tuneOk: ConnectionTuneOk) throws(AMQPError) {
    // 0 leaves the choice to us; a client that wants more than was offered is refused.
    let frame = tuneOk.frameMax == 0 ? frameMax : Int(tuneOk.frameMax)
    let channel = tuneOk.channelMax == 0 ? channelMax : tuneOk.channelMax
    guard frame >= Limits.smallestFrameMax, frame <= frameMax, channel <= channelMax else {
      throw AMQPError(
        .notAllowed, "frame_max \(frame) or channel_max \(channel) outside of what was offered",
        method: .connectionTuneOk)
    }
    frameMax = frame
    channelMax = channel
    heartbeat = tuneOk.heartbeat
    phase = .awaitOpen
  }
}

extension ConnectionStartOk {
  /// User and password by PLAIN (RFC 4616; the authorization identity is ignored) or AMQPLAIN.
  var credentials: (user: String, password: String)? {
    switch mechanism {
    case "PLAIN":
      let parts = response.split(separator: 0, omittingEmptySubsequences: false)
      guard parts.count == 3, let user = String(validating: parts[1], as: UTF8.self),
        let password = String(validating: parts[2], as: UTF8.self)
      else { return nil }
      return (user, password)
    case "AMQPLAIN":  // a table without its length
      let size = UInt32(truncatingIfNeeded: response.count).bigEndian
      let table = (withUnsafeBytes(of: size) { Array($0) } + response).withUnsafeBytes { bytes in
        var reader = ByteReader(bytes)
        return try? reader.table()
      }
      guard let user = table?["LOGIN"]?.string, let password = table?["PASSWORD"]?.string else { return nil }
      return (user, password)
    default: return nil
    }
  }
}

extension CloseReason {
  init(_ close: ConnectionClose) {
    self.init(
      code: close.replyCode, text: close.replyText, classId: close.classId, methodId: close.methodId, byPeer: true)
  }

  init(_ close: ChannelClose) {
    self.init(
      code: close.replyCode, text: close.replyText, classId: close.classId, methodId: close.methodId, byPeer: true)
  }
}
