// What the supervisor and the nemesis did, one JSON object a line in `events.jsonl`: intent before the act, then the
// interval of the act, then its evidence, then healed and first traffic as facts of their own.

import Base

/// One line of `events.jsonl`. `type` says which of the optional fields stand.
public struct RunEvent: Codable, Equatable, Sendable {
  public enum Kind: String, Codable, Sendable {
    /// `name`: boot, warmup, load, heal, settle, drain, stop, done.
    case phase
    case nodeSpawned = "node-spawned"
    case nodeReady = "node-ready"
    /// `text`: how it ended (`signal 9`, `status 1`).
    case nodeExited = "node-exited"
    /// `node, role, term`: as the driver said it.
    case role
    /// `fault`: about to be done; `text`: what was asked and which node the role resolved to.
    case faultIntent = "fault-intent"
    /// `fault, before, after`: the act lay in this interval.
    case faultBegan = "fault-began"
    /// `fault, inForce, felt, text`, figures in `counts`.
    case faultEvidence = "fault-evidence"
    /// `fault, before, after`.
    case faultHealed = "fault-healed"
    /// `fault`: first traffic seen through the healed part.
    case firstTraffic = "first-traffic"
    /// `name`: the finding; `text`: the case. The level was ended when it became certain.
    case aborted
    /// `text`: anything a reader should know.
    case note
  }

  /// CLOCK_MONOTONIC, the clock of the history.
  public var time: Nanoseconds
  public var kind: Kind
  public var name: String?
  public var node: String?
  public var role: String?
  public var term: UInt64?
  /// The fault's id in the plan, such as `crash#1`.
  public var fault: String?
  public var before: Nanoseconds?
  public var after: Nanoseconds?
  /// A probe of ours through the same path was stopped or delayed; the pid is gone.
  public var inForce: Bool?
  /// The broker's own packets, requests or processes were touched.
  public var felt: Bool?
  public var counts: [String: Double]?
  public var text: String?

  public init(time: Nanoseconds, kind: Kind) {
    self.time = time
    self.kind = kind
  }
}
