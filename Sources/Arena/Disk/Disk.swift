// A node's disk as the supervisor holds it: the mount, the daemon behind it, rules, counters and probes.

import Base
import CLinux
import EventLoop
import Glibc

/// A directory of the backing file system, seen through a mount of ours whose operations can be held up or failed.
///
/// Mount it before its node starts: the node's mounts are a copy of the supervisor's. It outlives the node, so that a
/// restarted one finds its data. Belongs to the supervisor's loop thread. Nobody else may change the backing directory
/// while it is mounted; reading it is well.
public final class Disk {
  /// The node whose disk it is.
  public let name: String
  /// Where the node finds it.
  public let mount: String
  public let backing: String
  /// Called when the daemon ends, which it never should: the run is over then, and the disk answers ENOTCONN.
  public var onExit: (ExitStatus) -> Void = { _ in }

  private let loop: Loop
  private let executable: String
  private let table: DiskTable
  private let daemon: ControlledProcess<DiskReport, DiskCommand>
  private var isOpen = true
  private var nextNumber = 1
  private var pending: [Int: () -> Void] = [:]
  private var probes: [ObjectIdentifier: RunningProbe] = [:]

  /// Mounts `backing` at `mount` (both are directories that exist) and starts the daemon. The mount must not lie below
  /// `NodeProcess.scratch`, where the node has a tmpfs of its own.
  /// - Parameter executable: a program with the hidden subcommands `disk` and `disk-probe`.
  /// - Throws: `ArenaError` or `LoopError`; nothing is left then.
  public init(
    name: String, backing: String, mount: String, loop: Loop, executable: String = SpawnRequest.ownExecutable
  ) throws {
    (self.name, self.backing, self.mount) = (name, backing, mount)
    (self.loop, self.executable) = (loop, executable)
    var info = stat()
    if stat(backing, &info) != 0 { throw ArenaError("find the backing directory \(backing)", code: errno) }
    table = try DiskTable()
    // It must be opened in the user namespace that mounts.
    let device = open(DevicePaths.fuse, O_RDWR | O_CLOEXEC)
    if device < 0 { throw ArenaError("open \(DevicePaths.fuse)", code: errno, remedy: "see `stormproof doctor`") }
    // Only the daemon keeps it, so that its end is the end of the disk.
    defer { Glibc.close(device) }
    let options =
      "fd=\(device),rootmode=\(String(info.st_mode, radix: 8)),user_id=\(geteuid()),group_id=\(getegid()),"
      + "allow_other,default_permissions"
    try ArenaError.check(
      cl_mount("stormproof", mount, "fuse", UInt(CL_MS_NOSUID | CL_MS_NODEV), options),
      "mount the disk of \(name) on \(mount)", remedy: "see `stormproof doctor`")
    do {
      daemon = try ControlledProcess(
        loop: loop, arguments: DiskProcess.arguments(backing: backing),
        descriptors: [(DiskProcess.deviceNumber, device), (DiskProcess.tableNumber, table.descriptor)],
        executable: executable)
    } catch {
      _ = cl_unmount(mount)
      throw error
    }
    daemon.channel.onMessage = { [weak self] report in
      switch report {
      case .inForce(let number): self?.pending.removeValue(forKey: number)?()
      }
    }
    daemon.onExit = { [weak self] status in
      guard let self, isOpen else { return }
      onExit(status)
    }
  }

  deinit { close() }

  /// The pid of the daemon.
  public var pid: Int32 { daemon.child.pid }

  /// Puts these rules in the place of all others. What waits by a rule that is gone is carried out.
  /// - Parameter then: the rules are in force for every request that comes from now on. Never called when the daemon
  ///   ends before.
  public func setRules(_ rules: [DiskRule], then: @escaping () -> Void = {}) {
    let number = nextNumber
    nextNumber += 1
    pending[number] = then
    daemon.channel.send(.rules(number, rules))
  }

  /// Takes all rules away and lets go what waits.
  public func clearRules(then: @escaping () -> Void = {}) { setRules([], then: then) }

  public var counters: DiskCounters { table.counters }

  /// Bytes of all writes that were carried out.
  public var writtenBytes: UInt64 { table.get(.write, .bytes) }

  /// Does every operation once through the mount, in a process of its own that may hang; rules touch it whatever files
  /// they are about. Takes some 10 ms on a disk that nothing holds up.
  /// - Parameter timeout: after it the process is killed, and what it did not end is a hang.
  public func probe(timeout: Nanoseconds = .second, then: @escaping (DiskProbe) -> Void) {
    do {
      let probe = try RunningProbe(loop: loop, executable: executable, mount: mount, timeout: timeout)
      probes[ObjectIdentifier(probe)] = probe
      probe.onEnd = { [weak self, unowned probe] result in
        self?.probes[ObjectIdentifier(probe)] = nil
        then(result)
      }
    } catch {
      var result = DiskProbe()
      result.failure = "\(error)"
      loop.atEndOfTurn { then(result) }
    }
  }

  /// Ends the daemon and takes the mount away from the supervisor's view (a node that still runs keeps its own, which
  /// answers ENOTCONN).
  public func close() {
    guard isOpen else { return }
    isOpen = false
    daemon.kill()
    _ = daemon.child.wait(milliseconds: 2000)
    daemon.channel.close()
    _ = cl_unmount(mount)
    pending = [:]
    for probe in probes.values { probe.kill() }
  }
}

/// The process of one probe, and the pipe on which it says what it does.
private final class RunningProbe {
  var onEnd: (DiskProbe) -> Void = { _ in }
  private let child: ChildProcess
  private let output: Int32
  private var watch: Watch?
  private var timer: LoopTimer?

  init(loop: Loop, executable: String, mount: String, timeout: Nanoseconds) throws {
    var ends: [Int32] = [-1, -1]
    if pipe(&ends) != 0 { throw ArenaError("make a pipe for a probe", code: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { Glibc.close(ends[1]) }
    var request = SpawnRequest(
      executable: executable, arguments: ["stormproof", "disk-probe", mount],
      environment: SpawnRequest.inheritedEnvironment)
    request.standardOutput = ends[1]
    request.standardError = 2
    var started: ChildProcess?
    do {
      let process = try ChildProcess(request)
      started = process
      (child, output) = (process, ends[0])
      watch = try loop.watch(process.pidfd) { [weak self] _ in self?.ended() }
    } catch {
      Glibc.close(ends[0])
      try? started?.signal(SIGKILL)
      throw error
    }
    timer = loop.timer(after: timeout) { [weak self] in self?.kill() }
  }

  func kill() { try? child.signal(SIGKILL) }

  /// All it said is in the pipe, which holds far more than that.
  private func ended() {
    guard let watch, let status = child.wait() else { return }
    self.watch = nil
    watch.cancel()
    timer?.cancel()
    var text = [UInt8](repeating: 0, count: 1 << 16)
    let count = max(0, read(output, &text, text.count))
    Glibc.close(output)
    var probe = DiskProbeProcess.parse(String(decoding: text[0..<count], as: UTF8.self))
    if status != .exited(0) && probe.hungIn == nil { probe.failure = "the probe ended with \(status)" }
    onEnd(probe)
  }
}
