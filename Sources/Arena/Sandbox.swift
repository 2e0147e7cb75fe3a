// One run of one level: fresh namespaces whose PID 1 is our supervisor. When it dies, the kernel removes everything.

import CLinux
import Glibc

/// The outside of a sandbox: the supervisor as a child, and our end of the control pair.
///
/// Spawn it from a thread that lives as long as the run: the death signal follows the thread.
public final class Sandbox {
  public let supervisor: ChildProcess
  /// Our end of the pair, for a `ControlChannel`, which closes it.
  public let controlDescriptor: Int32
  /// Whether the sandbox has a user namespace of its own.
  public let hasUserNamespace: Bool

  /// Starts `executable arguments` as PID 1 of new PID, mount, network, IPC and UTS namespaces, and of a user namespace
  /// where we are not root (or root without the right to make the others).
  /// - Parameters:
  ///   - arguments: without the program's name: the hidden subcommand and what follows.
  ///   - standardError: where the supervisor's complaints go; nil: `/dev/null`.
  /// - Throws: `ArenaError` where the kernel or a container refuses; `stormproof doctor` says more.
  public init(
    executable: String = SpawnRequest.ownExecutable, arguments: [String], environment: [String: String],
    workingDirectory: String? = nil, standardError: Int32? = 2
  ) throws(ArenaError) {
    let (ours, theirs) = try PacketSocket.pair()
    defer { close(theirs) }
    var request = SpawnRequest(executable: executable, arguments: ["stormproof"] + arguments, environment: environment)
    request.workingDirectory = workingDirectory
    request.namespaces = [.pid, .mount, .network, .ipc, .uts]
    request.descriptors = [(ControlSocket.number, theirs)]
    request.standardOutput = standardError
    request.standardError = standardError
    do {
      if geteuid() == 0 {
        if let root = try? ChildProcess(request) {
          (supervisor, hasUserNamespace, controlDescriptor) = (root, false, ours)
          return
        }
      }
      request.namespaces.insert(.user)
      (supervisor, hasUserNamespace, controlDescriptor) = (try ChildProcess(request), true, ours)
    } catch {
      close(ours)
      throw error
    }
  }

  /// Kills the supervisor and with it every process of the sandbox, and waits for the end.
  @discardableResult
  public func kill() -> ExitStatus? {
    try? supervisor.signal(SIGKILL)
    return supervisor.wait(milliseconds: 5000)
  }
}

/// The inside of a sandbox, as the supervisor finds it.
public struct SandboxInterior: Sendable {
  /// A private tmpfs with a short path, for sockets and small files; every node sees it.
  public let scratch: String
  /// The supervisor's end of the control pair.
  public let controlDescriptor: Int32

  /// What the supervisor does first: private mounts, a fresh `/proc`, `lo` up, limits, a scratch tmpfs.
  /// - Parameter avoiding: paths that must stay visible (the run directory, the executables), which choose the place
  ///   of the scratch tmpfs.
  /// - Throws: `ArenaError`; the supervisor then exits with 5 (environment).
  public static func enter(avoiding paths: [String]) throws(ArenaError) -> SandboxInterior {
    guard getpid() == 1 else { throw ArenaError("enter the sandbox: not PID 1 of a PID namespace") }
    signal(SIGPIPE, SIG_IGN)
    try ArenaError.check(cl_mount(nil, "/", nil, UInt(CL_MS_REC | CL_MS_PRIVATE), nil), "make the mounts private")
    try mountProc()
    try ArenaError.check(cl_loopback_up(), "bring up lo")
    try ArenaError.check(cl_limits(65_536), "set the limits of descriptors and core files")
    let scratch = try scratchPlace(avoiding: paths + [SpawnRequest.ownExecutable])
    try mountTmpfs(scratch)
    return SandboxInterior(scratch: scratch, controlDescriptor: ControlSocket.number)
  }

  /// Mounts a `/proc` of the caller's own PID namespace over the old one.
  static func mountProc() throws(ArenaError) {
    let flags = UInt(CL_MS_NOSUID | CL_MS_NODEV | CL_MS_NOEXEC)
    try ArenaError.check(
      cl_mount("proc", "/proc", "proc", flags, nil), "mount a fresh /proc",
      remedy: "a container that masks parts of /proc refuses it: run it with --security-opt systempaths=unconfined")
  }

  static func mountTmpfs(_ path: String, options: String = "mode=755,size=64m") throws(ArenaError) {
    try ArenaError.check(
      cl_mount("tmpfs", path, "tmpfs", UInt(CL_MS_NOSUID | CL_MS_NODEV), options), "mount a tmpfs on \(path)")
  }

  /// A directory that every system has (FHS 3.0, section 3) and below which nothing lies that the run needs; the tmpfs
  /// hides what is there, in the sandbox only.
  private static func scratchPlace(avoiding paths: [String]) throws(ArenaError) -> String {
    let needed = paths.compactMap { path in
      realpath(path, nil).map { resolved in
        defer { free(resolved) }
        return String(cString: resolved)
      }
    }
    for place in ["/media", "/mnt", "/srv", "/var/opt"] where isDirectory(place) {
      if !needed.contains(where: { $0 == place || $0.hasPrefix(place + "/") }) { return place }
    }
    throw ArenaError("find a directory for the sandbox's own tmpfs (/media, /mnt, /srv, /var/opt)")
  }
}
