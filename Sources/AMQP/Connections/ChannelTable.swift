// The channels of one connection, by number: what each is doing, and the message that is arriving on it.

struct ChannelTable {
  enum Phase {
    case closed
    /// Asked for by us, not yet confirmed (client only).
    case opening
    case open
    /// We sent channel.close; everything but its close-ok is ignored.
    case closing
  }

  struct Slot {
    var phase = Phase.closed
    var assembly: ContentAssembly?
    /// Why we closed it, told when the peer confirms (client only).
    var closeReason: CloseReason?
  }

  private var slots: [Slot] = []

  subscript(channel: UInt16) -> Slot {
    @inline(__always) get { Int(channel) < slots.count ? slots[Int(channel)] : Slot() }
    set {
      while slots.count <= Int(channel) { slots.append(Slot()) }
      slots[Int(channel)] = newValue
    }
  }

  @inline(__always)
  func isOpen(_ channel: UInt16) -> Bool { Int(channel) < slots.count && slots[Int(channel)].phase == .open }

  @inline(__always)
  func assembly(_ channel: UInt16) -> ContentAssembly? {
    Int(channel) < slots.count ? slots[Int(channel)].assembly : nil
  }

  mutating func removeAll() { slots.removeAll() }
}

/// Why a channel or a connection ended.
public struct CloseReason: Hashable, Sendable, CustomStringConvertible {
  public var code: ReplyCode
  public var text: String
  /// The method that caused it, 0 where none did.
  public var classId: UInt16
  public var methodId: UInt16
  /// True where the other side decided it.
  public var byPeer: Bool

  public init(code: ReplyCode, text: String, classId: UInt16 = 0, methodId: UInt16 = 0, byPeer: Bool = false) {
    self.code = code
    self.text = text
    self.classId = classId
    self.methodId = methodId
    self.byPeer = byPeer
  }

  init(_ error: AMQPError) {
    self.init(
      code: error.code, text: "\(error.code.name) - \(error.text)".shortened, classId: error.method?.classId ?? 0,
      methodId: error.method?.methodId ?? 0)
  }

  var connectionClose: Method {
    .connectionClose(
      ConnectionClose(replyCode: code, replyText: text.shortened, classId: classId, methodId: methodId))
  }

  var channelClose: Method {
    .channelClose(ChannelClose(replyCode: code, replyText: text.shortened, classId: classId, methodId: methodId))
  }

  public var description: String { "\(code.rawValue) \(text)" }
}

extension String {
  /// As much of a text as a short string carries, cut between characters.
  var shortened: String {
    if utf8.count <= Limits.shortString { return self }
    var result = self
    while result.utf8.count > Limits.shortString { result.removeLast() }
    return result
  }
}
