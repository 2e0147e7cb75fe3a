// Where everything of a run lies; the one place that knows the names of the files.

/// The paths of a run directory. Nothing is created here.
public struct RunDirectory: Sendable, Equatable {
  public let path: String

  public init(path: String) { self.path = path }

  public var scenario: String { path + "/scenario.yaml" }
  public var plan: String { path + "/plan.json" }
  public var manifest: String { path + "/manifest.json" }
  /// Renamed into place last: it marks a complete run.
  public var verdict: String { path + "/verdict.json" }
  public var report: String { path + "/report.html" }
  public var junit: String { path + "/junit.xml" }
  public var summary: String { path + "/summary.md" }

  public func level(_ name: String) -> Level { Level(path: path + "/levels/" + name) }

  /// `levels/LEVEL/`
  public struct Level: Sendable, Equatable {
    public let path: String
    public init(path: String) { self.path = path }
    public var history: String { path + "/history.bin" }
    public var events: String { path + "/events.jsonl" }
    public var series: String { path + "/series.csv" }
    public var latency: String { path + "/latency.hlog" }
    /// What our own processes had to say.
    public var log: String { path + "/stormproof.log" }
    public func node(_ name: String) -> Node { Node(path: path + "/nodes/" + name) }
  }

  /// `levels/LEVEL/nodes/NAME/`
  public struct Node: Sendable, Equatable {
    public let path: String
    public init(path: String) { self.path = path }
    public var log: String { path + "/log" }
    public var config: String { path + "/config" }
    /// What the disk's filesystem stores; the broker sees it at `mount`.
    public var backing: String { path + "/data" }
    public var mount: String { path + "/mount" }
  }
}
