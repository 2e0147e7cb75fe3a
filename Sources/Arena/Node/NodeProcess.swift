// One node as the supervisor holds it: start, crash, pause, resume, terminate, sample, and the news of its end.

import Base
import EventLoop
import FoundationEssentials
import Glibc

/// How a node ended. All of its processes are gone by then.
public struct NodeExit: Equatable, Sendable {
  public enum Cause: Equatable, Sendable, CustomStringConvertible {
    /// The main process ended by itself, or by a signal that was forwarded to it.
    case ended(ExitStatus)
    /// `crash` killed it.
    case crashed
    /// It could not be made; the reason.
    case failed(String)
    /// Its init died, and not by us.
    case lost(ExitStatus)

    public var description: String {
      switch self {
      case .ended(let status): "ended with \(status)"
      case .crashed: "killed"
      case .failed(let reason): "not started: \(reason)"
      case .lost(let status): "its init died with \(status)"
      }
    }
  }

  public var cause: Cause
  /// When the supervisor saw it (CLOCK_MONOTONIC).
  public var at: Nanoseconds
}

/// What a pause reached.
public struct NodePause: Equatable, Sendable {
  /// Processes that stand still.
  public var stopped: Int
  /// Processes in an uninterruptible wait, which will stop as soon as it ends.
  public var running: Int
}

/// A node's processes, in PID, mount, UTS and IPC namespaces of its own. It may be started again after its end.
///
/// Belongs to the supervisor's loop thread, which must be a thread that lives as long as the process.
public final class NodeProcess {
  public let spec: NodeSpec
  /// The main process runs.
  public var onStarted: () -> Void = {}
  /// The node has ended and nothing of it is left. Once per start.
  public var onExit: (NodeExit) -> Void = { _ in }
  /// A process beside the main one ended: its position in the spec.
  public var onBesideExit: (Int, ExitStatus) -> Void = { _, _ in }

  private let loop: Loop
  private let executable: String
  private let namespace: Int32?
  /// The place of the node's private tmpfs: `/media/n1`. Other processes of the sandbox see an empty directory.
  public let scratch: String
  private var live: Live?

  /// What there is between a start and the end.
  private struct Live {
    let initProcess: ChildProcess
    var socket: PacketSocket
    var exitWatch: Watch?
    var socketWatch: Watch?
    var mainPid: Int32?
    var cause: NodeExit.Cause?
    var paused: [(NodePause) -> Void] = []
    var resumed: [() -> Void] = []
  }

  /// - Parameters:
  ///   - namespace: the network namespace, from `Network.namespace(of:)`; nil: the sandbox's own.
  ///   - executable: a program whose hidden subcommand `init` is `InitProcess.main`.
  public init(
    spec: NodeSpec, loop: Loop, namespace: Int32?, interior: SandboxInterior,
    executable: String = SpawnRequest.ownExecutable
  ) {
    self.spec = spec
    self.loop = loop
    self.namespace = namespace
    self.executable = executable
    scratch = "\(interior.scratch)/\(spec.name)"
  }

  /// From `start` until `onExit`.
  public var isRunning: Bool { live != nil }
  /// The pid of the main process inside the node; nil until `onStarted`.
  public var pid: Int32? { live?.mainPid }
  /// The pid of the node's init, as the supervisor sees it.
  public var initPid: Int32? { live?.initProcess.pid }

  /// Starts the node; `onStarted` or `onExit` tells how it went.
  /// - Throws: `ArenaError` when init cannot be spawned, or the node runs already.
  public func start() throws {
    if isRunning { throw ArenaError("start node \(spec.name): it runs already") }
    try makeDirectory(scratch)
    let (ours, theirs) = try PacketSocket.pair()
    defer { Glibc.close(theirs) }
    var request = SpawnRequest(
      executable: executable, arguments: ["stormproof", "init", spec.name],
      environment: SpawnRequest.inheritedEnvironment)
    request.namespaces = [.pid, .mount, .uts, .ipc]
    request.networkNamespace = namespace
    request.descriptors = [(ControlSocket.number, theirs)]
    request.standardError = 2
    do {
      var live = Live(initProcess: try ChildProcess(request), socket: PacketSocket(descriptor: ours))
      live.exitWatch = try loop.watch(live.initProcess.pidfd) { [weak self] _ in self?.initEnded() }
      live.socketWatch = try loop.watch(ours) { [weak self] _ in self?.receive() }
      self.live = live
    } catch {
      Glibc.close(ours)
      throw error
    }
    tell(.start(spec, scratch: scratch))
  }

  /// SIGKILL of the whole node: its init, and by the kernel every process of its PID namespace. `onExit` follows.
  /// - Returns: whether there was something to kill.
  @discardableResult
  public func crash() -> Bool {
    guard live != nil else { return false }
    if live?.cause == nil { live?.cause = .crashed }
    do { try live?.initProcess.signal(SIGKILL) } catch { return false }
    return true
  }

  /// SIGTERM for the main process.
  public func terminate() { signal(SIGTERM) }

  /// Any signal for the main process.
  public func signal(_ number: Int32) { tell(.signal(number)) }

  /// Stops every process of the node; `completion` comes when they stand still, at the latest after 100 ms, and never
  /// when the node ends before.
  public func pause(completion: @escaping (NodePause) -> Void = { _ in }) {
    live?.paused.append(completion)
    tell(.pause)
  }

  public func resume(completion: @escaping () -> Void = {}) {
    live?.resumed.append(completion)
    tell(.resume)
  }

  /// What all processes of the node use; nil when it does not run.
  public func sample() -> NodeUsage? { live.map { NodeUsage.ofTree(root: $0.initProcess.pid) } }

  private func tell(_ command: InitCommand) {
    guard live != nil, let bytes = try? JSONEncoder().encode(command) else { return }
    live?.socket.enqueue(Array(bytes))
    flush()
  }

  private func flush() {
    guard live != nil else { return }
    if live?.socket.flush() != 0 { live?.socket.discardOutgoing() }
    live?.socketWatch?.change(to: live?.socket.hasOutgoing == true ? [.readable, .writable] : .readable)
  }

  private func receive() {
    flush()
    while live != nil {
      switch live?.socket.receive() {
      case .message(let bytes):
        if let report = try? JSONDecoder().decode(InitReport.self, from: Data(bytes)) { handle(report) }
      case .heartbeat: continue
      case .closed:
        // The pidfd tells the end; this descriptor would only be readable for ever.
        live?.socketWatch?.cancel()
        live?.socketWatch = nil
        return
      case .nothing, nil: return
      }
    }
  }

  private func handle(_ report: InitReport) {
    switch report {
    case .started(let pid):
      live?.mainPid = pid
      onStarted()
    case .failed(let reason): if live?.cause == nil { live?.cause = .failed(reason) }
    case .exited(let status): if live?.cause == nil { live?.cause = .ended(status) }
    case .besideExited(let index, let status): onBesideExit(index, status)
    case .paused(let stopped, let running):
      if live?.paused.isEmpty == false { live?.paused.removeFirst()(NodePause(stopped: stopped, running: running)) }
    case .resumed:
      if live?.resumed.isEmpty == false { live?.resumed.removeFirst()() }
    }
  }

  /// The pidfd of a PID 1 is readable when every process of its namespace is gone.
  private func initEnded() {
    guard let status = live?.initProcess.wait() else { return }
    let at = monotonicNow()
    receive()  // the last words
    guard let ended = live else { return }
    live = nil
    ended.exitWatch?.cancel()
    ended.socketWatch?.cancel()
    Glibc.close(ended.socket.descriptor)
    onExit(NodeExit(cause: ended.cause ?? .lost(status), at: at))
  }
}
