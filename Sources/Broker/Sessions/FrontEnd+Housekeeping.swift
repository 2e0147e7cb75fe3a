// What time brings: heartbeats of clients, patience that ends, requests to be sent again.
import AMQP
import Base

extension FrontEnd {
  /// Beyond so many bytes of requests that are not applied, clients must wait.
  static let pendingLimit = 32 << 20
  static let deferredLimit = 4 << 20

  /// Input of this client must wait.
  func mustPause(_ session: Session) -> Bool {
    requests.pendingBytes > Self.pendingLimit || session.deferredBytes > Self.deferredLimit
  }

  /// Ends the turn: everything gathered is sent.
  func flush() {
    flushSettlements()
    flushCredit()
    if let leader { requests.send(to: leader.node) }
  }

  /// Ten times a second or so.
  func housekeep() {
    for session in sessionsInOrder where !session.isEnded {
      if session.isPaused { session.heartbeat?.received(at: now) }  // it is we who do not read
      switch session.heartbeat?.check(at: now) {
      case .send?:
        session.connection.sendHeartbeat()
        session.heartbeat?.sent(at: now)
      case .peerIsDead?: drop(session)
      default: break
      }
      if !session.isReady, session.connection.isOpen, now - session.openedAt > config.patience {
        close(session, .internalError, "INTERNAL_ERROR - no leader of the cluster was found in time")
      }
    }
    for session in sessionsInOrder {
      if let deadline = session.closeDeadline, now >= deadline { drop(session) }
    }
    for (_, wait) in waitsInOrder where now - wait.since > config.patience {
      // The question may belong to a channel that an earlier one has ended.
      guard !wait.channel.isEnded else { continue }
      if wait.channel.isGone { finish(wait.channel) }
      close(wait.channel.session, .internalError, "INTERNAL_ERROR - the operation was not decided in time")
    }
    for channel in orphans where channel.isEnded || now - channel.session.openedAt > config.patience {
      if !channel.isBlocked || !channel.session.isReady { finish(channel) }
    }
    orphans.removeAll { $0.isEnded }
  }

  private func drop(_ session: Session) {
    session.closeDeadline = nil
    session.connection.connectionLost { [self] event in handle(event, session) }
  }
}
