// `verdict.json`: what a run showed, for machines, and the only thing the renderers read beside series and events.

import Base
import Checkers

public enum VerdictWord: String, Codable, Sendable {
  case holds, violated, inconclusive
}

public struct RunVerdict: Codable, Equatable, Sendable {
  public var schema = 1
  public var name: String
  public var seed: UInt64
  public var verdict: VerdictWord
  /// Why a run is not `holds`: one sentence each.
  public var reasons: [String]
  public var levels: [LevelVerdict]
  public var faults: [FaultVerdict]
  public var findings: [FindingVerdict]
}

public struct LevelVerdict: Codable, Equatable, Sendable {
  public struct Guarantee: Codable, Equatable, Sendable {
    public var name: String
    /// As in the scenario: `0`, `report`, `< 5s`.
    public var expected: String
    /// A count, or milliseconds for a time.
    public var observed: Double
    /// What the broker's manual promises at this level; nil where the driver does not say.
    public var promised: Bool?
    public var faultsFelt: Int
    /// With n faults felt and nothing seen: at most this share of such faults does it, at 95 %. 1 − 0.05^(1/n).
    public var upper95PerFault: Double?
    public var verdict: VerdictWord
    /// Why it is inconclusive, and what to change.
    public var why: String?

    enum CodingKeys: String, CodingKey {
      case name, expected, observed, promised, verdict, why
      case faultsFelt = "faults-felt"
      case upper95PerFault = "upper95-per-fault"
    }
  }
  public struct Throughput: Codable, Equatable, Sendable {
    /// Messages per second over the load phase.
    public var offered: Double
    public var confirmed: Double
    public var delivered: Double
  }
  public struct Latency: Codable, Equatable, Sendable {
    /// Milliseconds, of so many samples. From the intended send time where there is a schedule.
    public var count: Int
    public var p50: Double
    public var p90: Double
    public var p99: Double
    public var p999: Double
    public var p9999: Double
    public var max: Double
    enum CodingKeys: String, CodingKey {
      case count, p50, p90, p99, max
      case p999 = "p99.9"
      case p9999 = "p99.99"
    }
  }

  public var level: String
  public var verdict: VerdictWord
  public var reasons: [String]
  /// The violation on which the level was ended before its time; nil: it ran through, or was cut off.
  public var aborted: String?
  /// attempted, acknowledged, delivered, lost, duplicated, duplicated-by-retry, redelivered, recovered,
  /// torn-transaction, unknown, and every other finding.
  public var counts: [String: Int]
  public var guarantees: [Guarantee]
  public var throughput: Throughput
  /// `confirm`, `end-to-end`: from the intended send time; `confirm-service`, `end-to-end-service`: from the real one.
  public var latency: [String: Latency]
  public var availability: AvailabilityFigures
  enum CodingKeys: String, CodingKey {
    case level, verdict, reasons, aborted, counts, guarantees, throughput, availability
    case latency = "latency_ms"
  }
}

public struct FaultVerdict: Codable, Equatable, Sendable {
  public var id: String
  public var level: String
  public var kind: String
  /// The node or nodes that it hit.
  public var target: String
  /// As asked: `leader-of: q`.
  public var asked: String
  public var evidence: String
  public var inForce: Bool
  public var felt: Bool
  /// Seconds from the begin of the level's load: the act and the heal; nil: never healed.
  public var began: Double?
  public var healed: Double?
  public var firstTraffic: Double?
  enum CodingKeys: String, CodingKey {
    case id, level, kind, target, asked, evidence, felt, began, healed
    case inForce = "in-force"
    case firstTraffic = "first-traffic"
  }
}

public struct FindingVerdict: Codable, Equatable, Sendable {
  public var name: String
  public var level: String
  public var count: Int
  /// Message ids `producer:sequence`, or transactions; the first thousand.
  public var ids: [String]
  /// Indices of the operations' events in the history, for the same.
  public var operations: [Int]
  /// Seconds from the begin of load: from the first invocation to the last completion concerned.
  public var window: [Double]
  /// Faults whose windows overlap it.
  public var faults: [String]
  /// Nodes that confirmed (or, without confirms, took) what the finding is about, with how many of them.
  public var acknowledgedBy: [String: Int]
  /// One short paragraph for people.
  public var story: String
  /// The first cases as pictures, at most `Explainer.perName`; times in seconds from the begin of load.
  public var lanes: [Lanes]?
  enum CodingKeys: String, CodingKey {
    case name, level, count, ids, operations, window, faults, story, lanes
    case acknowledgedBy = "acknowledged-by"
  }
}
