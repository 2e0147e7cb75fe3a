// The names of the protocol: reply codes, the error that every decoder throws, limits, the protocol header.

/// What a close or a return says about its cause (AMQP 0-9-1 section 1.1, constants of class reply-code).
public struct ReplyCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  public static let success = Self(rawValue: 200)
  public static let contentTooLarge = Self(rawValue: 311)
  public static let noRoute = Self(rawValue: 312)
  public static let noConsumers = Self(rawValue: 313)
  public static let connectionForced = Self(rawValue: 320)
  public static let invalidPath = Self(rawValue: 402)
  public static let accessRefused = Self(rawValue: 403)
  public static let notFound = Self(rawValue: 404)
  public static let resourceLocked = Self(rawValue: 405)
  public static let preconditionFailed = Self(rawValue: 406)
  public static let frameError = Self(rawValue: 501)
  public static let syntaxError = Self(rawValue: 502)
  public static let commandInvalid = Self(rawValue: 503)
  public static let channelError = Self(rawValue: 504)
  public static let unexpectedFrame = Self(rawValue: 505)
  public static let resourceError = Self(rawValue: 506)
  public static let notAllowed = Self(rawValue: 530)
  public static let notImplemented = Self(rawValue: 540)
  public static let internalError = Self(rawValue: 541)

  /// True where the specification closes the connection ("hard error"), false where it closes a channel only.
  public var closesConnection: Bool {
    switch self {
    case .success, .contentTooLarge, .noRoute, .noConsumers, .accessRefused, .notFound, .resourceLocked,
      .preconditionFailed:
      false
    default: true
    }
  }

  /// The name as brokers print it at the head of a reply text: `NOT_FOUND`.
  public var name: String {
    switch self {
    case .success: "OK"
    case .contentTooLarge: "CONTENT_TOO_LARGE"
    case .noRoute: "NO_ROUTE"
    case .noConsumers: "NO_CONSUMERS"
    case .connectionForced: "CONNECTION_FORCED"
    case .invalidPath: "INVALID_PATH"
    case .accessRefused: "ACCESS_REFUSED"
    case .notFound: "NOT_FOUND"
    case .resourceLocked: "RESOURCE_LOCKED"
    case .preconditionFailed: "PRECONDITION_FAILED"
    case .frameError: "FRAME_ERROR"
    case .syntaxError: "SYNTAX_ERROR"
    case .commandInvalid: "COMMAND_INVALID"
    case .channelError: "CHANNEL_ERROR"
    case .unexpectedFrame: "UNEXPECTED_FRAME"
    case .resourceError: "RESOURCE_ERROR"
    case .notAllowed: "NOT_ALLOWED"
    case .notImplemented: "NOT_IMPLEMENTED"
    case .internalError: "INTERNAL_ERROR"
    default: "REPLY_\(rawValue)"
    }
  }

  public var description: String { "\(rawValue) \(name)" }
}

/// A breach of the protocol, or an argument that the protocol cannot carry.
public struct AMQPError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What the peer is told.
  public let code: ReplyCode
  public let text: String
  /// The method that was being read, where one was.
  public internal(set) var method: MethodID?

  public init(_ code: ReplyCode, _ text: String, method: MethodID? = nil) {
    self.code = code
    self.text = text
    self.method = method
  }

  public var description: String { "\(code): \(text)" }
}

/// Sizes that the specification fixes, and those that we refuse to exceed.
public enum Limits {
  /// Type, channel, size before the payload and the end mark behind it.
  public static let frameOverhead = 8
  /// No peer may negotiate a smaller frame (frame-min-size of the specification).
  public static let smallestFrameMax = 4096
  /// Bytes in a short string.
  public static let shortString = 255
  /// Tables and arrays inside each other.
  public static let tableDepth = 32
  /// Default for the largest message body that is taken, in bytes.
  public static let bodySize = 128 << 20
}

/// `AMQP`, 0, then the version 0-9-1: the first bytes of a client, and the answer of a server to anything else.
public let protocolHeader: [UInt8] = [0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]
