// What supervisor and load say to each other: the supervisor knows the phases and the faults, the load knows the clients.

import Base
import Scenario

/// Everything a load process must know, in its first message.
public struct LoadConfiguration: Codable, Equatable, Sendable {
  public var plan: Plan
  /// The level to drive, by its name in the plan.
  public var level: String
  /// Where clients connect on every node.
  public var port: UInt16
  /// `RunDirectory.Level.history` and `.latency`, absolute.
  public var historyPath: String
  public var latencyPath: String
  /// The driver's: a drain is over when nothing came for longer than this.
  public var redeliveryTimer: Nanoseconds

  public init(
    plan: Plan, level: String, port: UInt16, historyPath: String, latencyPath: String, redeliveryTimer: Nanoseconds
  ) {
    self.plan = plan
    self.level = level
    self.port = port
    self.historyPath = historyPath
    self.latencyPath = latencyPath
    self.redeliveryTimer = redeliveryTimer
  }
}

/// From the supervisor to the load, in this order, but for `fault`, which may come at any time.
public enum LoadCommand: Codable, Sendable {
  /// Declare the topology, connect everybody, subscribe; answered by `ready`.
  case configure(LoadConfiguration)
  /// Begin to publish: warm-up at the base rate until `loadAt` (CLOCK_MONOTONIC), then the schedule of the workload.
  case begin(loadAt: Nanoseconds)
  /// A fault begins (before the act) or is healed (after it): to be recorded; answered by `recorded`.
  case fault(String, begins: Bool)
  /// No new ids; what is in flight is resolved or becomes unknown; answered by `stopped`.
  case stopProducing
  /// Close the load's consumers and drain every queue, within `bound`; answered by `drained`.
  case drain(bound: Nanoseconds)
  /// Close the history and end; answered by `finished`, then the process exits with 0.
  case finish
}

/// From the load to the supervisor.
public enum LoadReport: Codable, Sendable {
  /// The node on which each queue was declared.
  case ready(hosts: [String: String])
  case sample(LoadSample)
  case recorded(String, begins: Bool)
  case stopped
  /// What is left in the queues, as far as it is known; 0: drained to an observed empty.
  case drained(left: Int)
  case finished
  /// It cannot go on: a sentence.
  case failed(String)
}

/// One second of the clients' view; the fields of `SeriesRow` that clients know.
public struct LoadSample: Codable, Equatable, Sendable {
  /// CLOCK_MONOTONIC at the end of the second.
  public var time: Nanoseconds = 0
  public var offered = 0
  public var confirmed = 0
  public var delivered = 0
  public var failed = 0
  public var unknown = 0
  public var disconnects = 0
  /// Milliseconds; nil in a second without a sample.
  public var confirmP50: Double?
  public var confirmP99: Double?
  public var confirmMax: Double?
  public var endToEndP50: Double?
  public var endToEndP99: Double?
  public var endToEndMax: Double?
  /// Sent and not yet delivered for the first time.
  public var backlog = 0
  /// Delivered and not yet acknowledged.
  public var unacknowledged = 0

  public init() {}
}
