// A child of the supervisor that has a control channel: the load, a disk. Same executable, a hidden subcommand.

import Base
import EventLoop
import Glibc

/// The parent's side: the process, the channel to it, and the news of its end.
///
/// The child finds its end of the pair at `ControlSocket.number` and makes a `ControlChannel` of it.
public final class ControlledProcess<Incoming: Decodable, Outgoing: Encodable> {
  public let child: ChildProcess
  public let channel: ControlChannel<Incoming, Outgoing>
  /// Called once when the process has ended, after its last words.
  public var onExit: (ExitStatus) -> Void = { _ in }
  private var watch: Watch?

  /// - Parameters:
  ///   - arguments: the hidden subcommand and what follows, without the program's name.
  ///   - namespace: a network namespace to live in (`Network.namespace(of:)`).
  ///   - descriptors: further descriptors, each with the number it gets; not 0 to 3.
  ///   - heartbeat: as in `ControlChannel`; the child must say the same.
  /// - Throws: `ArenaError` or `LoopError`; nothing is left then.
  public init(
    loop: Loop, arguments: [String], namespace: Int32? = nil, descriptors: [(number: Int32, source: Int32)] = [],
    environment: [String: String] = SpawnRequest.inheritedEnvironment, standardError: Int32? = 2,
    heartbeat: Nanoseconds? = 500 * .millisecond, executable: String = SpawnRequest.ownExecutable
  ) throws {
    let (ours, theirs) = try PacketSocket.pair()
    defer { close(theirs) }
    var request = SpawnRequest(executable: executable, arguments: ["stormproof"] + arguments, environment: environment)
    request.networkNamespace = namespace
    request.descriptors = [(ControlSocket.number, theirs)] + descriptors
    request.standardOutput = standardError
    request.standardError = standardError
    var started: ChildProcess?
    do {
      let process = try ChildProcess(request)
      started = process
      channel = try ControlChannel(loop: loop, descriptor: ours, heartbeat: heartbeat)
      child = process
      watch = try loop.watch(process.pidfd) { [weak self] _ in self?.ended() }
    } catch {
      close(ours)
      try? started?.signal(SIGKILL)
      _ = started?.wait(block: true)
      throw error
    }
  }

  /// From the start until `onExit`.
  public var isRunning: Bool { watch != nil }

  /// SIGKILL; `onExit` follows.
  public func kill() { try? child.signal(SIGKILL) }

  private func ended() {
    guard let watch, let status = child.wait() else { return }
    self.watch = nil
    watch.cancel()
    channel.drain()
    channel.close()
    onExit(status)
  }
}

/// The pair between two of our processes.
public enum ControlSocket {
  /// The number of the descriptor at which a child of ours finds its end.
  public static let number: Int32 = 3
}
