// When to send a heartbeat, and when the peer counts as dead; the caller brings the clock.
import Base

/// The heartbeat of one connection (section 4.2.7): send one after half the interval without output, give up after two
/// intervals without input.
public struct HeartbeatMonitor: Sendable {
  public enum Verdict: Equatable, Sendable {
    case nothing, send, peerIsDead
  }

  /// 0: no heartbeats.
  public let interval: Nanoseconds
  private var lastReceived: Nanoseconds
  private var lastSent: Nanoseconds

  /// - Parameter seconds: the interval as the connection agreed it; 0 switches the monitor off.
  public init(seconds: UInt16, now: Nanoseconds) {
    interval = Nanoseconds(seconds) * .second
    lastReceived = now
    lastSent = now
  }

  /// Any bytes came.
  public mutating func received(at now: Nanoseconds) { lastReceived = now }
  /// Any bytes went.
  public mutating func sent(at now: Nanoseconds) { lastSent = now }

  /// Ask about four times in an interval. After `send`, tell `sent`.
  public func check(at now: Nanoseconds) -> Verdict {
    if interval == 0 { return .nothing }
    if now - lastReceived > 2 * interval { return .peerIsDead }
    return now - lastSent >= interval / 2 ? .send : .nothing
  }
}
