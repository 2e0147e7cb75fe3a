// The words of consensus: entries, what must be durable, configuration, and what a caller has to do after every step.

import Base

/// One entry of the replicated log. An empty payload is a leader's no-op, which callers do not apply.
public struct RaftEntry: Equatable, Sendable {
  /// From 1, without gaps.
  public var index: UInt64
  public var term: UInt64
  public var payload: [UInt8]

  public init(index: UInt64, term: UInt64, payload: [UInt8]) {
    self.index = index
    self.term = term
    self.payload = payload
  }

  /// What one entry costs in batches and windows: its payload and its two numbers.
  var cost: Int { payload.count + 16 }
}

/// A place in the log. `zero` stands before the first entry.
public struct LogPosition: Equatable, Sendable {
  public var index: UInt64
  public var term: UInt64

  public init(index: UInt64, term: UInt64) {
    self.index = index
    self.term = term
  }

  public static let zero = LogPosition(index: 0, term: 0)
}

/// What a member must never forget, beside its log.
public struct HardState: Equatable, Sendable {
  public var term: UInt64
  /// The member that got this term's vote.
  public var votedFor: Int?

  public init(term: UInt64 = 0, votedFor: Int? = nil) {
    self.term = term
    self.votedFor = votedFor
  }
}

public enum RaftRole: Sendable {
  case follower
  /// Asks whether it could win before it disturbs anybody (PreVote, section 9.6 of Ongaro's thesis).
  case preCandidate
  case candidate
  case leader
}

public struct RaftConfig: Sendable {
  /// This member.
  public var id: Int
  /// All members, this one included.
  public var peers: [Int]
  /// A follower that heard no leader for a time drawn from here starts an election. A leader that heard no majority for
  /// the lower bound steps down.
  public var electionTimeout: ClosedRange<Nanoseconds>
  public var heartbeat: Nanoseconds
  /// Entries of one message; a larger single entry still goes alone.
  public var maxBatchBytes: Int
  /// Messages with entries on their way to one member, and their bytes.
  public var maxInFlight: Int
  public var maxInFlightBytes: Int
  public var seed: UInt64

  public init(
    id: Int, peers: [Int],
    electionTimeout: ClosedRange<Nanoseconds> = 600 * .millisecond...1200 * .millisecond,
    heartbeat: Nanoseconds = 100 * .millisecond,
    maxBatchBytes: Int = 1 << 20, maxInFlight: Int = 64, maxInFlightBytes: Int = 8 << 20,
    seed: UInt64
  ) {
    self.id = id
    self.peers = peers
    self.electionTimeout = electionTimeout
    self.heartbeat = heartbeat
    self.maxBatchBytes = maxBatchBytes
    self.maxInFlight = maxInFlight
    self.maxInFlightBytes = maxInFlightBytes
    self.seed = seed
  }
}

/// What the caller must do, in this order. Persisting is: the log ends before `truncateFrom`, then `append` and `hardState`
/// become durable together, or the hard state before the entries; outputs become durable in the order they were taken.
public struct RaftOutput: Sendable {
  /// To be durable before `sendAfterPersist` goes out, and no later than `append`.
  public var hardState: HardState?
  /// Drop persisted entries with this index and above, before `append`.
  public var truncateFrom: UInt64?
  public var append: [RaftEntry] = []
  /// May go out at once: a leader writes its own disk while its followers write theirs.
  public var send: [(to: Int, message: RaftMessage)] = []
  /// Votes, and replies that say entries are safe: only once everything in this output and in earlier ones is durable.
  public var sendAfterPersist: [(to: Int, message: RaftMessage)] = []
  /// To be applied in this order. They may not be durable here yet: a majority has them.
  public var committed: [RaftEntry] = []
  /// Role, term or known leader are not what they were in the output before.
  public var roleChanged = false

  public init() {}

  public var needsPersisting: Bool { hardState != nil || truncateFrom != nil || !append.isEmpty }
  public var isEmpty: Bool {
    !needsPersisting && send.isEmpty && sendAfterPersist.isEmpty && committed.isEmpty && !roleChanged
  }
}
