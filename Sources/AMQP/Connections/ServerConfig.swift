// What a server offers, whom it lets in, and what its connections tell the broker.

/// The settings of a server's connections.
public struct ServerConfig {
  /// Highest channel number, at least 1.
  public var channelMax: UInt16 = 2047
  /// Largest frame in bytes, at least 4096.
  public var frameMax = 131_072
  /// Seconds between heartbeats that the server proposes; 0: none.
  public var heartbeat: UInt16 = 60
  /// Largest message body in bytes; a larger one closes its channel with 311.
  public var bodyLimit = Limits.bodySize
  public var serverProperties = Self.properties(version: "0.1")
  /// Whether the user may log in with this password.
  public var authenticate: (_ user: String, _ password: String) -> Bool
  /// Whether there is a virtual host of that name.
  public var hasVirtualHost: (String) -> Bool = { $0 == "/" }

  public init(authenticate: @escaping (_ user: String, _ password: String) -> Bool) {
    self.authenticate = authenticate
  }

  /// What the server says of itself in connection.start.
  public static func properties(version: String) -> Table {
    [
      "product": "stormproof", "version": .string(version), "platform": "Swift",
      "capabilities": .table([
        "publisher_confirms": true, "exchange_exchange_bindings": false, "basic.nack": true,
        "consumer_cancel_notify": true, "connection.blocked": true, "consumer_priorities": false,
        "authentication_failure_close": true, "per_consumer_qos": true, "direct_reply_to": false,
      ]),
    ]
  }
}

/// What a connection brings to the broker, in the order in which it came. Pointers are valid during the call.
public enum ServerEvent {
  /// Logged in, virtual host chosen; see the connection's `user`, `virtualHost`, `clientProperties`.
  case connectionOpened
  /// channel.open-ok is already on its way.
  case channelOpened(UInt16)
  /// The client closed the channel, or broke a rule on it. Not sent for a channel that the broker itself closed.
  case channelClosed(UInt16, CloseReason)
  /// A method to be carried out and answered: exchange, queue, basic (but publish), confirm, tx.
  case request(channel: UInt16, Method)
  case publish(channel: UInt16, BasicPublish, Content)
  /// The last event, exactly once (the end of all channels included), when the client closes, when it breaks a
  /// rule, when it confirms a close of ours, or from `connectionLost`.
  case closed(CloseReason)
}
