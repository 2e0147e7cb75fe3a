// `manifest.json`: the circumstances of a run, so that its figures can be read and it can be run again.

import Base

/// What a reader of the report must know about the machine and the settings, and nothing that the plan holds already.
public struct Manifest: Codable, Equatable, Sendable {
  public var schema = 1
  public var stormproof: String
  /// `broker: version` as the broker's own binary says it.
  public var broker: String
  public var started: String
  public var host: String
  public var kernel: String
  public var cores: Int
  public var memoryBytes: Int64
  /// `root` or `user namespaces`.
  public var tier: String
  /// Median time of a 4 KiB append with fdatasync on the disk that backs the nodes, nanoseconds; nil: not measured.
  public var fsyncProbe: Nanoseconds?
  /// One pair of both clocks, nanoseconds: events count by the first, people by the second.
  public var monotonic: Nanoseconds
  public var realtime: Nanoseconds
  /// The command that runs the same again.
  public var command: String
  public var levels: [LevelSettings]

  public init(
    stormproof: String, broker: String, started: String, host: String, kernel: String, cores: Int,
    memoryBytes: Int64, tier: String, fsyncProbe: Nanoseconds?, monotonic: Nanoseconds, realtime: Nanoseconds,
    command: String, levels: [LevelSettings]
  ) {
    self.stormproof = stormproof
    self.broker = broker
    self.started = started
    self.host = host
    self.kernel = kernel
    self.cores = cores
    self.memoryBytes = memoryBytes
    self.tier = tier
    self.fsyncProbe = fsyncProbe
    self.monotonic = monotonic
    self.realtime = realtime
    self.command = command
    self.levels = levels
  }
}

/// What a level means for this broker, in the broker's own words.
public struct LevelSettings: Codable, Equatable, Sendable {
  public struct Setting: Codable, Equatable, Sendable {
    public var name: String
    public var value: String
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }
  public var level: String
  public var settings: [Setting]
  /// What the broker's manual promises at these settings, a sentence each.
  public var promises: [String]
  /// By finding of CHECKING: does the manual promise that it does not happen under this plan's faults?
  public var promised: [String: Bool]

  public init(level: String, settings: [Setting], promises: [String], promised: [String: Bool]) {
    self.level = level
    self.settings = settings
    self.promises = promises
    self.promised = promised
  }
}
