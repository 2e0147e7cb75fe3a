// Consensus without I/O: the state of one member, what a caller may ask, and what it must do after every step.

import Base

/// One member of a Raft group (Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014; Ongaro's
/// thesis for PreVote, check-quorum and the leader that writes its disk in parallel; the shape is that of etcd's library).
///
/// A pure state machine: give it time (`tick`), messages (`receive`), proposals (`propose`) and what its disk has done
/// (`persisted`), then take one `RaftOutput` for all of them and carry it out. Everything between two outputs is batched.
public struct Raft: Sendable {
  public let config: RaftConfig
  public internal(set) var role: RaftRole = .follower
  public internal(set) var term: UInt64
  /// The member that leads `term`, as far as is known here.
  public internal(set) var leader: Int?
  /// Known committed here; entries up to here came or come with an output.
  public internal(set) var commitIndex: UInt64

  var votedFor: Int?
  var log: RaftLog
  var generator: SeededGenerator
  var now: Nanoseconds

  /// The last entry given out to be persisted, and the last known durable.
  var handedOver: UInt64
  var durable: UInt64
  var truncateFrom: UInt64?
  var isHardStateDirty = false
  /// The last entry given out to be applied.
  var applied: UInt64
  var matchedByAll: UInt64

  // Of elections. Votes stand in the order of `config.peers`.
  var votes: [Bool?]
  var electionDeadline: Nanoseconds = 0
  var lastLeaderContact: Nanoseconds

  // Of a leader. Progress stands in the order of `config.peers`; its own place is unused.
  var progress: [PeerProgress] = []
  var heartbeatDeadline: Nanoseconds = 0
  var noopIndex: UInt64 = 0
  var round: UInt64 = 0
  var sentRound: UInt64 = 0

  var output = RaftOutput()
  var reported: (role: RaftRole, term: UInt64, leader: Int?)
  /// A planted mistake, for the tests of the tests.
  var mutant: RaftMutant?

  /// A member as its disk remembers it. `log` holds the entries behind `base`; everything up to `base` is committed and
  /// will not be given out again.
  public init(
    config: RaftConfig, hardState: HardState = HardState(), base: LogPosition = .zero, log: [RaftEntry] = [],
    now: Nanoseconds
  ) {
    precondition(config.peers.contains(config.id), "a member must be one of its group")
    self.config = config
    self.now = now
    self.log = RaftLog(base: base, entries: log)
    term = max(hardState.term, self.log.last.term)
    votedFor = term == hardState.term ? hardState.votedFor : nil
    generator = SeededGenerator(seed: config.seed, label: "raft.\(config.id)")
    commitIndex = base.index
    applied = base.index
    matchedByAll = base.index
    handedOver = self.log.lastIndex
    durable = handedOver
    votes = Array(repeating: nil, count: config.peers.count)
    lastLeaderContact = now
    reported = (.follower, term, nil)
    resetElectionTimer()
    // Who is alone has nobody to wait for.
    if config.peers.count == 1 { electionDeadline = now }
  }

  public var lastIndex: UInt64 { log.lastIndex }
  /// The first entry that memory still holds.
  public var firstIndex: UInt64 { log.base.index + 1 }
  /// Leader whose no-op of this term is committed and was given out to be applied: only now is its state machine the newest.
  public var isServing: Bool { role == .leader && applied >= noopIndex }

  /// When `tick` should be called next.
  public var nextDeadline: Nanoseconds {
    if role == .leader { return config.peers.count == 1 ? .max : heartbeatDeadline }
    return electionDeadline
  }

  /// Time goes on. Harmless when called too often or too late.
  public mutating func tick(now: Nanoseconds) {
    advance(to: now)
    if role == .leader {
      if !hearsMajority {
        becomeFollower(term: term, leader: nil)
      } else if now >= heartbeatDeadline {
        heartbeatDeadline = now + config.heartbeat
        broadcastHeartbeat()
      }
    } else if now >= electionDeadline {
      campaignOrAsk()
    }
  }

  /// Appends to the leader's log; nil when this member does not lead. The entry is committed only when it comes back in
  /// `RaftOutput.committed` with this index *and* this term.
  public mutating func propose(_ payload: [UInt8]) -> LogPosition? {
    guard role == .leader else { return nil }
    let place = LogPosition(index: log.lastIndex + 1, term: term)
    log.append(RaftEntry(index: place.index, term: place.term, payload: payload))
    return place
  }

  /// The caller's disk holds everything up to the entry `index` of `term`. Until then a leader does not count itself.
  public mutating func persisted(upTo index: UInt64, term: UInt64) {
    guard index > durable, log.term(at: index) == term else { return }
    durable = index
    if role == .leader { advanceCommit() }
  }

  /// Begins a round of leadership checks for reads; nil when this member does not lead. Once `confirmedRound` has reached
  /// the result, this member was leader at the time of the call: what it has applied by then may be read.
  public mutating func confirmLeadership() -> UInt64? {
    guard role == .leader else { return nil }
    round += 1
    return round
  }

  /// The highest round that a majority has answered in this term.
  public var confirmedRound: UInt64 {
    guard role == .leader else { return 0 }
    return quorumValue(own: round) { $0.round }
  }

  /// Up to where memory may forget: applied here and durable everywhere.
  public var compactableIndex: UInt64 { min(applied, matchedByAll) }

  /// Forgets entries of memory up to `index`, or up to `compactableIndex` where that is less. Disks are not concerned.
  public mutating func compact(to index: UInt64) {
    log.compact(to: min(index, compactableIndex))
  }

  /// What is to be done since the last call.
  public mutating func takeOutput() -> RaftOutput {
    if role == .leader { replicate() }
    var result = RaftOutput()
    swap(&result, &output)
    if isHardStateDirty {
      result.hardState = HardState(term: term, votedFor: votedFor)
      isHardStateDirty = false
    }
    result.truncateFrom = truncateFrom
    truncateFrom = nil
    result.append = log.batch(from: handedOver + 1, through: log.lastIndex, bytes: .max)
    handedOver = log.lastIndex
    if commitIndex > applied {
      result.committed = log.batch(from: applied + 1, through: commitIndex, bytes: .max)
      applied = commitIndex
    }
    result.roleChanged = reported != (role, term, leader)
    reported = (role, term, leader)
    return result
  }

  mutating func advance(to time: Nanoseconds) { now = max(now, time) }

  var majority: Int { config.peers.count / 2 + 1 }

  /// The highest value that a majority has reached, with `own` for this member.
  func quorumValue(own: UInt64, _ value: (PeerProgress) -> UInt64) -> UInt64 {
    var values: [UInt64] = []
    values.reserveCapacity(config.peers.count)
    for (at, peer) in config.peers.enumerated() { values.append(peer == config.id ? own : value(progress[at])) }
    values.sort(by: >)
    return values[majority - 1]
  }
}

/// Mistakes that tests plant to see whether they would be noticed.
enum RaftMutant: CaseIterable {
  case leaderCountsItselfBeforePersisted
  case votesBeforePersisted
  case acknowledgesBeforePersisted
  case commitsOlderTermsByCounting
  case votesTwice
  case votesForShorterLogs
  case skipsConsistencyCheck
  case keepsConflictingEntries
}
