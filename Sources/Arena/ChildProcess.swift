// Processes that we start: namespaces, descriptors at fixed numbers, a pidfd that tells the end, never a name.

import CLinux
import Glibc

/// Namespaces that begin with a new process (clone3's flags).
public struct Namespaces: OptionSet, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  public static let user = Namespaces(CL_NEW_USER)
  public static let pid = Namespaces(CL_NEW_PID)
  public static let mount = Namespaces(CL_NEW_MOUNT)
  public static let network = Namespaces(CL_NEW_NETWORK)
  public static let ipc = Namespaces(CL_NEW_IPC)
  public static let uts = Namespaces(CL_NEW_UTS)

  private init(_ flag: some BinaryInteger) { rawValue = UInt64(flag) }
}

/// What a new process is to be.
public struct SpawnRequest: Sendable {
  /// Path of the program; relative paths are not searched.
  public var executable: String
  /// argv, the name of the program included.
  public var arguments: [String]
  public var environment: [String: String]
  public var workingDirectory: String?
  /// With `.user`, the caller's uid and gid become 0 inside, and nobody else is mapped.
  public var namespaces: Namespaces = []
  /// A network namespace to enter.
  public var networkNamespace: Int32?
  /// The number a descriptor gets in the child, and ours. All that is not here (or standard) is closed.
  public var descriptors: [(number: Int32, source: Int32)] = []
  /// nil: `/dev/null`.
  public var standardInput: Int32?
  public var standardOutput: Int32?
  public var standardError: Int32?
  /// Sent to the child when the *thread* that spawned it ends. 0: none.
  public var deathSignal: Int32 = SIGKILL
  /// Processors to run on, bit by bit; 0: all.
  public var processors: UInt64 = 0
  /// RLIMIT_AS in bytes.
  public var addressSpace: UInt64?

  public init(executable: String, arguments: [String], environment: [String: String]) {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
  }

  /// The environment of this process.
  public static var inheritedEnvironment: [String: String] {
    var result: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
      let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
      entry += 1
    }
    return result
  }

  /// The path of the running program, for its own hidden subcommands.
  public static var ownExecutable: String {
    (try? readLink("/proc/self/exe")) ?? "/proc/self/exe"
  }
}

/// How a process ended.
public enum ExitStatus: Codable, Equatable, Hashable, Sendable, CustomStringConvertible {
  case exited(Int32)
  case signalled(Int32)

  public var description: String {
    switch self {
    case .exited(let status): "exit \(status)"
    case .signalled(let number): "signal \(number)"
    }
  }
}

/// A child of this process, held by its pidfd. Closing the handle does not end the process.
public final class ChildProcess {
  public let pid: pid_t
  /// Readable when the process has ended (all of its namespace, when it is a PID 1).
  public let pidfd: Int32
  public private(set) var status: ExitStatus?

  /// Starts a process; returns after its exec.
  /// - Throws: `ArenaError` with the step and errno; nothing is left of the child then.
  public init(_ request: SpawnRequest) throws(ArenaError) {
    var pid: pid_t = 0
    var pidfd: Int32 = -1
    var stage: Int32 = 0
    let error = Self.withOptions(request) { cl_spawn(&$0, &pid, &pidfd, &stage) }
    if error != 0 { throw Self.error(error, stage: stage, request) }
    self.pid = pid
    self.pidfd = pidfd
  }

  deinit { close(pidfd) }

  /// The end of the process if it has ended (reaps it), else nil; `block` waits.
  public func wait(block: Bool = false) -> ExitStatus? {
    if status == nil {
      var exited: Int32 = 0
      var value: Int32 = 0
      switch cl_wait(pidfd, block ? 1 : 0, &exited, &value) {
      case 0: status = exited == 1 ? .exited(value) : .signalled(value)
      case ECHILD: status = .signalled(SIGKILL)  // somebody else reaped it; its status is not to be had
      default: break
      }
    }
    return status
  }

  /// Waits up to a time for the end. For tests and shutdown, not for a loop's thread.
  public func wait(milliseconds: Int32) -> ExitStatus? {
    var poller = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
    _ = poll(&poller, 1, milliseconds)
    return wait()
  }

  /// Signals the process; a no-op when it has ended.
  public func signal(_ number: Int32) throws(ArenaError) {
    let error = cl_signal(pidfd, number)
    if error != ESRCH { try ArenaError.check(error, "send signal \(number) to process \(pid)") }
  }

  private static func withOptions(_ request: SpawnRequest, _ body: (inout cl_spawn_options) -> Int32) -> Int32 {
    let environment = request.environment.map { "\($0.key)=\($0.value)" }.sorted()
    return withStrings(request.arguments) { argv in
      withStrings(environment) { envp in
        withOptionalString(request.workingDirectory) { directory in
          request.executable.withCString { path in
            request.descriptors.map(\.source).withUnsafeBufferPointer { sources in
              request.descriptors.map(\.number).withUnsafeBufferPointer { targets in
                var options = cl_spawn_options()
                options.path = path
                options.argv = argv
                options.envp = envp
                options.cwd = directory
                options.namespaces = request.namespaces.rawValue
                options.map_user = request.namespaces.contains(.user) ? 1 : 0
                options.netns_fd = request.networkNamespace ?? -1
                options.new_session = 1
                options.death_signal = request.deathSignal
                options.cpu_mask = request.processors
                options.address_space = request.addressSpace ?? 0
                options.stdio = (
                  request.standardInput ?? -1, request.standardOutput ?? -1, request.standardError ?? -1
                )
                options.fd_sources = sources.baseAddress
                options.fd_targets = targets.baseAddress
                options.fd_count = sources.count
                return body(&options)
              }
            }
          }
        }
      }
    }
  }

  private static func error(_ code: Int32, stage: Int32, _ request: SpawnRequest) -> ArenaError {
    let what: String
    var remedy: String?
    switch Int(stage) {
    case CL_STAGE_CLONE:
      what = "clone a process\(request.namespaces.isEmpty ? "" : " in new namespaces")"
      if [EPERM, ENOSPC, EUSERS, ENOSYS].contains(code) { remedy = "see `stormproof doctor`" }
    case CL_STAGE_USER_MAP:
      what = "map the user into a new user namespace"
      remedy = "see `stormproof doctor`"
    case CL_STAGE_NETWORK_NAMESPACE: what = "enter a network namespace"
    case CL_STAGE_DIRECTORY: what = "change to directory \(request.workingDirectory ?? "")"
    case CL_STAGE_AFFINITY: what = "set the processors"
    case CL_STAGE_LIMIT: what = "limit the address space"
    case CL_STAGE_DESCRIPTORS: what = "pass descriptors"
    case CL_STAGE_EXEC: what = "execute \(request.executable)"
    default: what = "spawn \(request.executable) (step \(stage))"
    }
    return ArenaError(what, code: code, remedy: remedy)
  }
}

private func withStrings<Result>(
  _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>?) -> Result
) -> Result {
  let pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
  defer { for pointer in pointers { free(pointer) } }
  return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
}

private func withOptionalString<Result>(_ string: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
  guard let string else { return body(nil) }
  return string.withCString { body($0) }
}
