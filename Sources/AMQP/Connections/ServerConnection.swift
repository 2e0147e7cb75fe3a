// One connection as the server sees it: bytes in, events to the broker, bytes out. No socket, no clock.

/// The server's side of one connection. Not thread-safe: it belongs to the thread of its socket.
///
/// The I/O layer calls `receive` with all unread bytes, drops as many as it returns, and writes what `output` holds.
/// When `isFinished` is true it writes the rest of the output, shuts down its sending side, and reads (and drops) until
/// end of file, so that the peer can still read why; when the socket ends by itself it calls `connectionLost`.
/// The broker may call every method of this class from inside the event handler.
public final class ServerConnection {
  enum Phase {
    case awaitHeader, awaitStartOk, awaitTuneOk, awaitOpen, open
    /// connection.close is sent; only its close-ok counts.
    case closing
    case finished
  }

  public let config: ServerConfig
  /// What waits to be written.
  public var output = ByteBuffer()
  public internal(set) var user = ""
  public internal(set) var virtualHost = ""
  public internal(set) var clientProperties = Table()
  /// Seconds between heartbeats as agreed; 0: none. Give it to a `HeartbeatMonitor`.
  public internal(set) var heartbeat: UInt16 = 0
  /// Largest frame in bytes as agreed.
  public internal(set) var frameMax: Int
  /// Highest channel number as agreed.
  public internal(set) var channelMax: UInt16

  var phase = Phase.awaitHeader
  var channels = ChannelTable()
  var closeReason: CloseReason?
  var closedIsTold = false

  public init(config: ServerConfig) {
    self.config = config
    frameMax = max(config.frameMax, Limits.smallestFrameMax)
    channelMax = max(config.channelMax, 1)
  }

  /// True after the handshake and until the connection closes.
  public var isOpen: Bool { phase == .open }
  /// True when nothing more is expected: write what `output` still holds, then end the socket.
  public var isFinished: Bool { phase == .finished }
  public func isOpen(channel: UInt16) -> Bool { phase == .open && channels.isOpen(channel) }

  /// Handles every whole frame of `bytes`. Returns how many bytes were used; give the rest again, with more.
  /// The rest is always shorter than `frameMax`.
  public func receive(_ bytes: UnsafeRawBufferPointer, _ handle: (ServerEvent) -> Void) -> Int {
    var offset = 0
    if phase == .awaitHeader {
      offset = receiveProtocolHeader(bytes)
      if phase == .finished { tellClosed(CloseReason(code: .frameError, text: "no AMQP 0-9-1 header"), handle) }
      if phase == .awaitHeader { return 0 }
    }
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

  /// The socket is gone: tells the broker, unless it knows.
  public func connectionLost(_ handle: (ServerEvent) -> Void) {
    phase = .finished
    tellClosed(
      closeReason ?? CloseReason(code: .connectionForced, text: "the connection was lost", byPeer: true), handle)
  }

  private func receiveProtocolHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard zip(bytes, protocolHeader).allSatisfy({ $0 == $1 }) else {
      output.append(bytes: protocolHeader)  // section 4.2.2: answer with what we speak, then close
      phase = .finished
      return bytes.count
    }
    guard bytes.count >= protocolHeader.count else { return 0 }
    phase = .awaitStartOk
    write(
      .connectionStart(
        ConnectionStart(serverProperties: config.serverProperties, mechanisms: Array("PLAIN AMQPLAIN".utf8))))
    return protocolHeader.count
  }

  @inline(__always)
  private func take(
    _ frame: Frame, _ bytes: UnsafeRawBufferPointer, _ offset: inout Int, _ handle: (ServerEvent) -> Void
  ) throws(AMQPError) {
    if frame.kind == .heartbeat {
      guard frame.channel == 0 else { throw AMQPError(.frameError, "a heartbeat on channel \(frame.channel)") }
      return
    }
    if phase == .open, channels.isOpen(frame.channel) {
      if let assembly = channels.assembly(frame.channel) {
        try takeContent(frame, assembly, handle)
      } else {
        guard frame.kind == .method else { throw AMQPError(.unexpectedFrame, "content without a method") }
        let method = try Method(payload: frame.payload)
        if case .basicPublish(let publish) = method {
          try takePublish(publish, method, on: frame.channel, bytes, &offset, handle)
        } else {
          try takeRequest(method, on: frame.channel, handle)
        }
      }
    } else {
      try takeRare(frame, handle)
    }
  }

  @inline(__always)
  private func takePublish(
    _ publish: BasicPublish, _ method: Method, on channel: UInt16, _ bytes: UnsafeRawBufferPointer,
    _ offset: inout Int, _ handle: (ServerEvent) -> Void
  ) throws(AMQPError) {
    let whole = try WholeContent.find(
      bytes, at: offset, channel: channel, frameMax: frameMax, bodyLimit: config.bodyLimit)
    if let whole {
      offset = whole.end
      handle(.publish(channel: channel, publish, whole.content))
    } else {
      channels[channel].assembly = ContentAssembly(method: method)
    }
  }

  private func takeContent(
    _ frame: Frame, _ assembly: ContentAssembly, _ handle: (ServerEvent) -> Void
  ) throws(AMQPError) {
    let channel = frame.channel
    let isComplete = try assembly.take(frame)
    if let size = assembly.bodySize, size > UInt64(config.bodyLimit) {
      let text = "CONTENT_TOO_LARGE - a body of \(size) bytes, more than \(config.bodyLimit)"
      let reason = CloseReason(code: .contentTooLarge, text: text, classId: 60, methodId: 40)
      closeChannel(channel, reason)
      handle(.channelClosed(channel, reason))
    } else if isComplete, case .basicPublish(let publish) = assembly.method {
      channels[channel].assembly = nil
      assembly.withContent { handle(.publish(channel: channel, publish, $0)) }
    }
  }

  /// Closes the connection for a breach of the protocol, or a channel where the code says so.
  private func fail(_ error: AMQPError, _ handle: (ServerEvent) -> Void) {
    guard phase != .closing else {  // it broke another rule while we wait for its close-ok
      phase = .finished
      return
    }
    let reason = CloseReason(error)
    close(reason)
    if error.code == .frameError { phase = .finished }  // where the next frame begins is unknown
    tellClosed(reason, handle)
  }

  func close(_ reason: CloseReason) {
    write(reason.connectionClose)
    channels.removeAll()
    closeReason = reason
    phase = .closing
  }

  func tellClosed(_ reason: CloseReason, _ handle: (ServerEvent) -> Void) {
    channels.removeAll()
    guard !closedIsTold else { return }
    closedIsTold = true
    handle(.closed(reason))
  }

  func closeChannel(_ channel: UInt16, _ reason: CloseReason) {
    write(reason.channelClose, channel: channel)
    channels[channel] = ChannelTable.Slot(phase: .closing)
  }

  /// Writes a method; one that AMQP cannot carry is an error of the broker and ends the connection.
  func write(_ method: Method, channel: UInt16 = 0) {
    do throws(AMQPError) {
      try output.append(method: method, channel: channel, frameMax: frameMax)
    } catch {
      abort(error)
    }
  }

  func abort(_ error: AMQPError) {
    guard phase != .closing, phase != .finished else { return }
    close(CloseReason(AMQPError(.internalError, error.text, method: error.method)))
  }
}
