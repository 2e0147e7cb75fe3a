// Per-second figures of one level, one row a second, as `series.csv` holds them.

import Base

/// One node during one second.
public struct NodeSample: Codable, Equatable, Sendable {
  public var name: String
  /// The broker's process runs (a paused one does).
  public var alive: Bool = false
  public var paused: Bool = false
  /// As the driver last said it (`leader`, `follower`), or empty.
  public var role: String = ""
  /// Share of one core, 1 = a whole core.
  public var cpu: Double = 0
  public var residentBytes: Int64 = 0
  /// Bytes that the broker wrote through its disk in this second.
  public var diskWritten: Int64 = 0

  public init(name: String) { self.name = name }
}

/// One second of one level.
public struct SeriesRow: Codable, Equatable, Sendable {
  /// CLOCK_MONOTONIC at the end of the second.
  public var time: Nanoseconds = 0
  public var phase: String = ""
  /// Messages in this second: due by the schedule, confirmed (sent, where there are no confirms), delivered.
  public var offered: Int = 0
  public var confirmed: Int = 0
  public var delivered: Int = 0
  /// Completions that were `fail` and `info`, connections lost, in this second.
  public var failed: Int = 0
  public var unknown: Int = 0
  public var disconnects: Int = 0
  /// Milliseconds; nil in a second without a sample. Confirm latency from the intended send time.
  public var confirmP50: Double?
  public var confirmP99: Double?
  public var confirmMax: Double?
  public var endToEndP50: Double?
  public var endToEndP99: Double?
  public var endToEndMax: Double?
  /// Sent and not yet delivered for the first time, as the clients count it.
  public var backlog: Int = 0
  /// Delivered and not yet acknowledged, as the clients count it.
  public var unacknowledged: Int = 0
  public var nodes: [NodeSample] = []

  public init() {}
}
