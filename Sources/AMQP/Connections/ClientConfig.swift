// How a client logs in and what it asks for, and what its connection tells it.

/// The settings of a client's connection.
public struct ClientConfig: Sendable {
  public var user = "guest"
  public var password = "guest"
  public var virtualHost = "/"
  /// Seconds between heartbeats; the smaller of this and the server's counts. 0: none.
  public var heartbeat: UInt16 = 10
  /// Largest frame in bytes, at least 4096; the smaller of this and the server's counts.
  public var frameMax = 131_072
  /// Highest channel number, at least 1; the smaller of this and the server's counts.
  public var channelMax: UInt16 = 2047
  /// Largest message body in bytes that is taken; a larger one ends the connection with 501.
  public var bodyLimit = Limits.bodySize
  public var clientProperties = Self.properties(name: "stormproof")

  public init(user: String = "guest", password: String = "guest", virtualHost: String = "/") {
    self.user = user
    self.password = password
    self.virtualHost = virtualHost
  }

  /// What the client says of itself in connection.start-ok. Servers show `name` in their lists of connections.
  public static func properties(name: String) -> Table {
    [
      "product": "stormproof", "platform": "Swift", "connection_name": .string(name),
      "capabilities": .table([
        "publisher_confirms": true, "consumer_cancel_notify": true, "basic.nack": true, "connection.blocked": true,
        "authentication_failure_close": true,
      ]),
    ]
  }
}

/// What a connection brings to the client, in the order in which it came. Pointers are valid during the call.
public enum ClientEvent {
  /// The handshake is done: channels can be opened.
  case opened
  case channelOpened(UInt16)
  /// Everything without content: the -ok answers, basic.ack and nack (confirms), basic.cancel, basic.get-empty;
  /// on channel 0 connection.blocked and unblocked.
  case method(channel: UInt16, Method)
  case delivery(channel: UInt16, BasicDeliver, Content)
  case getOk(channel: UInt16, BasicGetOk, Content)
  case returned(channel: UInt16, BasicReturn, Content)
  /// By the server (`byPeer`), or by us and now confirmed. The number can be opened anew.
  case channelClosed(UInt16, CloseReason)
  case heartbeat
  /// The last event, exactly once (the end of all channels included): closed by the server, by a breach of the
  /// protocol, by us and now confirmed, or from `connectionLost`.
  case closed(CloseReason)
}
