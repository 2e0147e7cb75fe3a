// What one simulated run is made of. The same options are the same run, byte for byte.

import Base
import Broker
import Checkers

public struct SimulationOptions: Sendable {
  public var seed: UInt64
  /// 1, 3 or 5.
  public var nodes: Int
  /// How clients publish and consume, and what is then promised.
  public var level: ReliabilityLevel
  public var defects: Set<Defect>
  /// Quorum queues, or durable classic ones (transient ones at level low).
  public var isQuorum: Bool
  public var faults: Set<SimulatedFault>
  public var producers = 3
  /// Of each queue; there are two queues.
  public var consumers = 2
  /// The mean time between two publishes of one producer.
  public var interval: Nanoseconds = 10 * .millisecond
  /// How long clients publish and faults go on.
  public var load: Nanoseconds = 8 * .second
  /// The mean time from one fault to the next.
  public var pace: Nanoseconds = 900 * .millisecond

  public init(
    seed: UInt64, nodes: Int = 3, level: ReliabilityLevel = .medium, isQuorum: Bool = true, defects: Set<Defect> = [],
    faults: Set<SimulatedFault> = Set(SimulatedFault.allCases)
  ) {
    self.seed = seed
    self.nodes = nodes
    self.level = level
    self.isQuorum = isQuorum
    self.defects = defects
    self.faults = faults
  }
}

public enum SimulatedFault: String, CaseIterable, Sendable {
  /// The process dies; what it wrote and did not sync stays in the page cache.
  case crash
  /// The machine dies: every unsynced sector is there or not, each by itself.
  case powerLoss = "power-loss"
  /// One node and all others do not reach each other; clients reach all.
  case isolate
  /// Some directed links between nodes carry nothing.
  case cutLinks = "cut-links"
  /// Clients and one node do not reach each other.
  case cutClients = "cut-clients"
  /// The process stands still.
  case pause
  case slowDisk = "slow-disk"
  case stalledDisk = "stalled-disk"
}
