// What a node is: its main process, what runs beside it, and what it sees of the file system.

/// One node of the cluster, as the supervisor hands it to the node's init.
public struct NodeSpec: Codable, Equatable, Sendable {
  /// A file that the node sees in the place of the system's, such as `/etc/hosts`.
  public struct File: Codable, Equatable, Sendable {
    /// Absolute; a file must be there already, because a bind mount needs a place.
    public var path: String
    public var contents: String
    /// Without it, a path that does not exist is left alone.
    public var required: Bool

    public init(path: String, contents: String, required: Bool = true) {
      (self.path, self.contents, self.required) = (path, contents, required)
    }
  }

  /// One process to start, its output into a file.
  public struct Command: Codable, Equatable, Sendable {
    /// The absolute path of the program, then its arguments.
    public var arguments: [String]
    /// The whole environment.
    public var environment: [String: String]
    public var workingDirectory: String?
    /// Standard output and error are appended to it; nil: `/dev/null`.
    public var log: String?

    public init(
      arguments: [String], environment: [String: String] = [:], workingDirectory: String? = nil, log: String? = nil
    ) {
      (self.arguments, self.environment) = (arguments, environment)
      (self.workingDirectory, self.log) = (workingDirectory, log)
    }
  }

  /// `n1`; the name of its endpoint in the network.
  public var name: String
  public var hostname: String
  public var main: Command
  /// Started before the main process, in this order; their end is reported and harms nobody.
  public var beside: [Command] = []
  public var files: [File] = []
  /// Directories that are an empty private tmpfs for this node: `/run/redis`, `/tmp`.
  public var temporaryDirectories: [String] = []
  /// Processors of the main process, bit by bit; 0: all.
  public var processors: UInt64 = 0
  /// RLIMIT_AS of the main process, in bytes.
  public var addressSpace: UInt64?

  public init(name: String, hostname: String? = nil, main: Command) {
    self.name = name
    self.hostname = hostname ?? name
    self.main = main
  }

  /// `/etc/hosts` and `/etc/resolv.conf` for a cluster without an uplink: every name known, no name server.
  public static func nameFiles(hosts: [(name: String, address: String)]) -> [File] {
    let lines = hosts.map { "\($0.address)\t\($0.name)\n" }.joined()
    return [
      File(path: "/etc/hosts", contents: "127.0.0.1\tlocalhost\n\(lines)"),
      File(path: "/etc/resolv.conf", contents: "# no name server: every name is in /etc/hosts\n", required: false),
    ]
  }
}

/// What the supervisor tells a node's init.
enum InitCommand: Codable, Equatable, Sendable {
  /// `scratch`: an existing directory that becomes the node's private tmpfs.
  case start(NodeSpec, scratch: String)
  case pause
  case resume
  /// A signal for the main process.
  case signal(Int32)
}

/// What a node's init tells the supervisor.
enum InitReport: Codable, Equatable, Sendable {
  /// The main process runs; its pid inside the node.
  case started(Int32)
  /// The node could not be made; init ends.
  case failed(String)
  /// `stopped` processes stand still, `running` (in an uninterruptible wait, such as on a disk) not yet.
  case paused(stopped: Int, running: Int)
  case resumed
  /// The main process ended; init ends too, and with it all that is left of the node.
  case exited(ExitStatus)
  case besideExited(Int, ExitStatus)
}
