// PID 1 of a node: makes the node's view of the system, starts the broker, reaps, forwards, pauses, reports the end.

import CLinux
import FoundationEssentials
import Glibc

/// The hidden subcommand `init`.
///
/// A broker is never itself PID 1, because PID 1 ignores signals it has no handler for. When init ends, by whatever
/// cause, the kernel kills every process of the node's PID namespace.
public enum InitProcess {
  /// Runs until the main process has ended, or the supervisor has. The exit status is of no matter: the report is.
  public static func main(_ arguments: [String] = []) -> Int32 {
    guard getpid() == 1 else {
      writeStandardError("init: only as PID 1 of a node")
      return 2
    }
    var node = Init()
    return node.run()
  }
}

private struct Init {
  private var control = PacketSocket(descriptor: ControlSocket.number)
  private var mainPid: pid_t = 0
  private var beside: [pid_t] = []

  mutating func run() -> Int32 {
    let signals = [SIGCHLD, SIGTERM, SIGINT].withUnsafeBufferPointer { cl_signalfd($0.baseAddress, $0.count) }
    if signals < 0 { return failed("watch signals: errno \(-signals)") }
    while true {
      var pollers = [
        pollfd(fd: control.descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
      ]
      if poll(&pollers, 2, -1) < 0 && errno != EINTR { return failed("poll: errno \(errno)") }
      if pollers[1].revents != 0, let status = takeSignals(signals) { return status }
      if pollers[0].revents != 0, let status = takeCommands() { return status }
    }
  }

  /// Nil to go on, else the exit status.
  private mutating func takeCommands() -> Int32? {
    while true {
      switch control.receive() {
      case .nothing: return nil
      case .heartbeat: continue
      case .closed: return 1  // the supervisor is gone
      case .message(let bytes):
        do {
          switch try JSONDecoder().decode(InitCommand.self, from: Data(bytes)) {
          case .start(let spec, let scratch): try start(spec, scratch: scratch)
          case .pause: pause()
          case .resume:
            kill(-1, SIGCONT)
            report(.resumed)
          case .signal(let number): if mainPid > 0 { kill(mainPid, number) }
          }
        } catch {
          return failed("\(error)")
        }
      }
    }
  }

  private mutating func takeSignals(_ descriptor: Int32) -> Int32? {
    while true {
      switch cl_signalfd_read(descriptor) {
      case 0: return reap()
      case SIGTERM: if mainPid > 0 { kill(mainPid, SIGTERM) }
      case SIGINT: if mainPid > 0 { kill(mainPid, SIGINT) }
      default: continue
      }
    }
  }

  /// Reaps all that have ended, orphans too, which the kernel gives to PID 1. An exit status when the main process did.
  private mutating func reap() -> Int32? {
    var status: Int32 = 0
    var end: ExitStatus?
    while true {
      let pid = waitpid(-1, &status, WNOHANG)
      if pid <= 0 { break }
      let signalNumber = status & 0x7f
      let exit: ExitStatus = signalNumber == 0 ? .exited(status >> 8 & 0xff) : .signalled(signalNumber)
      if pid == mainPid { end = exit }
      if let index = beside.firstIndex(of: pid) { report(.besideExited(index, exit)) }
    }
    guard let end else { return nil }
    report(.exited(end))
    return 0
  }

  private mutating func start(_ spec: NodeSpec, scratch: String) throws(ArenaError) {
    try ArenaError.check(cl_sethostname(spec.hostname), "set the hostname \(spec.hostname)")
    try SandboxInterior.mountProc()
    try SandboxInterior.mountTmpfs(scratch)
    try placeFiles(spec.files, below: scratch)
    for path in spec.temporaryDirectories { try SandboxInterior.mountTmpfs(path, options: "mode=1777") }
    for command in spec.beside { beside.append(try launch(command)) }
    mainPid = try launch(spec.main, processors: spec.processors, addressSpace: spec.addressSpace)
    report(.started(mainPid))
  }

  /// Each file is written to the private tmpfs and bound over the one of the system.
  private func placeFiles(_ files: [NodeSpec.File], below scratch: String) throws(ArenaError) {
    let directory = scratch + "/.files"
    if !files.isEmpty { try makeDirectory(directory) }
    for (index, file) in files.enumerated() {
      if access(file.path, F_OK) != 0 {
        if file.required { throw ArenaError("place the file \(file.path)", code: errno) }
        continue
      }
      let source = "\(directory)/\(index)"
      try writeFile(source, file.contents)
      try ArenaError.check(cl_mount(source, file.path, nil, UInt(CL_MS_BIND), nil), "bind \(file.path)")
    }
  }

  private func launch(
    _ command: NodeSpec.Command, processors: UInt64 = 0, addressSpace: UInt64? = nil
  ) throws(ArenaError) -> pid_t {
    guard let program = command.arguments.first else { throw ArenaError("start a process without a program") }
    var request = SpawnRequest(
      executable: program, arguments: command.arguments, environment: command.environment)
    request.workingDirectory = command.workingDirectory
    request.deathSignal = 0  // the namespace's end is surer, and brokers fork from threads that end
    request.processors = processors
    request.addressSpace = addressSpace
    var log: Int32 = -1
    if let path = command.log {
      log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
      if log < 0 { throw ArenaError("open the log \(path)", code: errno) }
      request.standardOutput = log
      request.standardError = log
    }
    defer { if log >= 0 { close(log) } }
    return try ChildProcess(request).pid
  }

  /// Stops every process but init, and looks until all stand still: a process in an uninterruptible wait (a write to a
  /// stalled disk, vfork) stops only when that ends.
  private mutating func pause() {
    kill(-1, SIGSTOP)
    var counts = (stopped: 0, running: 0)
    for _ in 0..<50 {
      counts = standing()
      if counts.running == 0 { break }
      usleep(2000)
    }
    report(.paused(stopped: counts.stopped, running: counts.running))
  }

  private func standing() -> (stopped: Int, running: Int) {
    var counts = (stopped: 0, running: 0)
    for pid in processIdentifiers() where pid != 1 {
      guard let state = ProcessStat(pid: pid)?.state, state != "Z" && state != "X" else { continue }
      if state == "T" || state == "t" { counts.stopped += 1 } else { counts.running += 1 }
    }
    return counts
  }

  private mutating func failed(_ reason: String) -> Int32 {
    report(.failed(reason))
    return 1
  }

  private mutating func report(_ report: InitReport) {
    guard let bytes = try? JSONEncoder().encode(report) else { return }
    control.enqueue(Array(bytes))
    _ = control.flush()
  }
}
