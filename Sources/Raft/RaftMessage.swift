// What members say to each other. One connection should keep the order of messages; loss, repetition and disorder are borne.

/// A message between two members. Who sent it is the transport's knowledge.
public enum RaftMessage: Equatable, Sendable {
  case preVote(VoteRequest)
  case preVoteReply(VoteReply)
  case vote(VoteRequest)
  case voteReply(VoteReply)
  case append(AppendRequest)
  case appendReply(AppendReply)

  public struct VoteRequest: Equatable, Sendable {
    /// The term the sender wants to lead. In a pre-vote it is one above the sender's own.
    public var term: UInt64
    /// The end of the sender's log.
    public var last: LogPosition

    public init(term: UInt64, last: LogPosition) {
      self.term = term
      self.last = last
    }
  }

  public struct VoteReply: Equatable, Sendable {
    /// Granted: the term that was asked for. Refused: the voter's own.
    public var term: UInt64
    public var granted: Bool

    public init(term: UInt64, granted: Bool) {
      self.term = term
      self.granted = granted
    }
  }

  /// Entries, a heartbeat or a probe: all three check that the log agrees at `previous`.
  public struct AppendRequest: Equatable, Sendable {
    public var term: UInt64
    /// The place before the first entry.
    public var previous: LogPosition
    /// Consecutive from `previous.index + 1`.
    public var entries: [RaftEntry]
    public var commit: UInt64
    /// Every member has all entries up to here durable: memory may forget them.
    public var matchedByAll: UInt64
    /// Echoed in the reply. A leader whose majority echoed a round was still leader when it began that round.
    public var round: UInt64

    public init(
      term: UInt64, previous: LogPosition, entries: [RaftEntry], commit: UInt64, matchedByAll: UInt64, round: UInt64
    ) {
      self.term = term
      self.previous = previous
      self.entries = entries
      self.commit = commit
      self.matchedByAll = matchedByAll
      self.round = round
    }
  }

  public struct AppendReply: Equatable, Sendable {
    public var term: UInt64
    public var round: UInt64
    /// The logs agree at the request's `previous`.
    public var success: Bool
    /// On success: the log is the leader's and durable up to here. 0 claims nothing (an answer that did not wait for the disk).
    public var match: UInt64
    /// On refusal: the `previous.index` that did not agree.
    public var rejected: UInt64
    /// On refusal: the last place of the sender's log that may agree.
    public var hint: LogPosition

    public init(
      term: UInt64, round: UInt64, success: Bool, match: UInt64 = 0, rejected: UInt64 = 0, hint: LogPosition = .zero
    ) {
      self.term = term
      self.round = round
      self.success = success
      self.match = match
      self.rejected = rejected
      self.hint = hint
    }
  }

  public var term: UInt64 {
    switch self {
    case .preVote(let m), .vote(let m): m.term
    case .preVoteReply(let m), .voteReply(let m): m.term
    case .append(let m): m.term
    case .appendReply(let m): m.term
    }
  }
}
