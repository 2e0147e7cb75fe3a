// What a leader knows of one member, and how much it lets be on its way there.

import Base

struct PeerProgress {
  enum State {
    /// Where the logs agree is not known: one message at a time, then heartbeats.
    case probe
    /// Messages follow each other without waiting, as the window allows.
    case replicate
  }

  var state: State = .probe
  /// A probe is on its way.
  var isPaused = false
  /// Durable at the member, and the same as here.
  var match: UInt64 = 0
  /// The next entry to send.
  var next: UInt64
  /// The commit index it was told last.
  var toldCommit: UInt64 = 0
  var lastHeard: Nanoseconds
  /// The highest round it echoed.
  var round: UInt64 = 0
  private var inFlight: [(last: UInt64, bytes: Int)] = []
  private var inFlightHead = 0
  private var inFlightBytes = 0

  init(next: UInt64, now: Nanoseconds) {
    self.next = next
    lastHeard = now
  }

  func hasRoom(_ config: RaftConfig) -> Bool {
    inFlight.count - inFlightHead < config.maxInFlight && inFlightBytes < config.maxInFlightBytes
  }

  mutating func sent(through last: UInt64, bytes: Int) {
    inFlight.append((last, bytes))
    inFlightBytes += bytes
  }

  /// Everything up to `match` has arrived.
  mutating func free(through match: UInt64) {
    while inFlightHead < inFlight.count, inFlight[inFlightHead].last <= match {
      inFlightBytes -= inFlight[inFlightHead].bytes
      inFlightHead += 1
    }
    if inFlightHead == inFlight.count || inFlightHead >= 256 {
      inFlight.removeSubrange(..<inFlightHead)
      inFlightHead = 0
    }
  }

  mutating func becomeProbe(next: UInt64) {
    state = .probe
    isPaused = false
    self.next = max(next, match + 1)
    inFlight.removeAll(keepingCapacity: true)
    inFlightHead = 0
    inFlightBytes = 0
  }

  mutating func becomeReplicate() {
    state = .replicate
    isPaused = false
    next = max(next, match + 1)
  }
}
