// A violation shown small: the few operations that contradict each other, a lane a client, and one sentence why.

import Base
import History

/// What one finding looks like in time. Encoded it is the field `lanes` of `check --json` and of `verdict.json`.
public struct Lanes: Codable, Equatable, Sendable {
  /// What an interval is about, for colours.
  public enum Role: String, Codable, Sendable {
    /// Something is put in: a publish, an enqueue.
    case put
    /// Something is read or taken out. A delivery lasts from its reading to what ended it: an ack, a nack, its session.
    case take
    /// A commit or a rollback; with the model kafka a transaction from begin to end.
    case transaction
    /// Looking whether something is left.
    case drain
    case fault
    case other
  }

  /// How an interval ends.
  public enum Ending: String, Codable, Sendable {
    case ok
    /// It certainly had no effect.
    case failed
    /// Nobody knows whether or when it took effect: no end is drawn.
    case open
  }

  /// One operation. Times are seconds since the origin that the report counts from: a file's first event, a run's begin of
  /// load.
  public struct Interval: Codable, Equatable, Sendable {
    public var begin: Double
    /// Nil where `ending` is open; the begin where it is a moment.
    public var end: Double?
    public var label: String
    public var role: Role
    public var ending: Ending

    public init(begin: Double, end: Double?, label: String, role: Role, ending: Ending) {
      (self.begin, self.end, self.label, self.role, self.ending) = (begin, end, label, role, ending)
    }
  }

  /// One client, or one fault.
  public struct Row: Codable, Equatable, Sendable {
    public var name: String
    /// Ascending by begin.
    public var intervals: [Interval]

    public init(name: String, intervals: [Interval]) { (self.name, self.intervals) = (name, intervals) }
  }

  /// Why they contradict each other.
  public var sentence: String
  /// Clients by number, faults last.
  public var rows: [Row]

  public init(sentence: String, rows: [Row]) { (self.sentence, self.rows) = (sentence, rows) }
}

/// What is to be explained: a finding of any model, by its events.
public struct LaneCase: Equatable, Sendable {
  /// The finding's name, as in reports.
  public var name: String
  /// One clause.
  public var reason: String
  /// Indices into the history's events; of an operation one of its events is enough.
  public var events: [Int]
  /// The message that it is about, as `MessageID.description`.
  public var id: String?
  public var queue: String?
  /// 0: none.
  public var transaction: UInt64
  public var acknowledgedBy: String?

  public init(
    name: String, reason: String, events: [Int], id: String? = nil, queue: String? = nil, transaction: UInt64 = 0,
    acknowledgedBy: String? = nil
  ) {
    (self.name, self.reason, self.events, self.id) = (name, reason, events, id)
    (self.queue, self.transaction, self.acknowledgedBy) = (queue, transaction, acknowledgedBy)
  }

  public init(_ finding: Finding, names: Names) {
    self.init(
      name: finding.name.rawValue, reason: finding.reason, events: finding.events,
      id: finding.message == .none ? nil : finding.message.description,
      queue: finding.queue == Names.none ? nil : names.text(finding.queue), transaction: finding.transaction,
      acknowledgedBy: finding.acknowledgedBy == Names.none ? nil : names.text(finding.acknowledgedBy))
  }
}
