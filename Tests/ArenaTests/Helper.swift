// The tests' helper program: its path, running it, also as an ordinary user with device files of its own.

import Glibc

@testable import Arena

enum Helper {
  /// `arena-probe`, built beside the test bundle.
  static let executable: String = {
    let own = SpawnRequest.ownExecutable
    return own.prefix(through: own.lastIndex(of: "/") ?? own.startIndex) + "arena-probe"
  }()

  static var isRoot: Bool { geteuid() == 0 }

  /// Runs a program to its end and returns how it ended and what it wrote to standard output.
  static func run(
    _ executable: String, _ arguments: [String], environment: [String: String] = [:], milliseconds: Int64 = 20_000
  ) throws -> (status: ExitStatus?, output: String) {
    let running = try Running(executable, arguments, environment: environment)
    let output = running.read(until: nil, milliseconds: milliseconds)
    if running.child.wait(milliseconds: 1000) == nil { try running.child.signal(SIGKILL) }
    return (running.child.wait(milliseconds: 5000), output)
  }

  /// Runs a scenario of the helper's; its lines by their first word, and all of them.
  static func scenario(_ arguments: String...) throws -> (status: ExitStatus?, lines: [String]) {
    let (status, output) = try run(executable, ["run"] + arguments)
    return (status, output.split(separator: "\n").map(String.init))
  }

  /// Runs the helper as user 12345, from a copy that this user can reach, with usable copies of the device files.
  /// Only root can do it.
  /// - Parameter behind: a program and arguments that run the rest of their command line.
  static func runAsUser(_ arguments: [String], behind: [String] = []) throws -> (status: ExitStatus?, output: String) {
    let directory = "/tmp/stormproof-arena-\(getpid())-\(monotonicNow())"
    try makeDirectory(directory, mode: 0o755)
    let (tun, fuse, copy) = (directory + "/tun", directory + "/fuse", directory + "/arena-probe")
    defer {
      for path in [tun, fuse, copy] { unlink(path) }
      rmdir(directory)
    }
    for (path, minor) in [(tun, UInt32(200)), (fuse, 229)] {
      guard mknod(path, S_IFCHR | 0o666, dev_t(10 << 8 | minor)) == 0, chmod(path, 0o666) == 0 else {
        throw ArenaError("make the device file \(path)", code: errno)
      }
    }
    _ = try run("/bin/cp", [executable, copy])
    let user = ["/usr/bin/setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", copy]
    let command = behind + user + arguments
    return try run(
      command[0], Array(command.dropFirst()), environment: ["STORMPROOF_TUN": tun, "STORMPROOF_FUSE": fuse])
  }
}

/// A program that runs, and its standard output.
final class Running {
  let child: ChildProcess
  private let descriptor: Int32

  init(_ executable: String, _ arguments: [String], environment: [String: String] = [:]) throws {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw ArenaError("make a pipe", code: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var request = SpawnRequest(
      executable: executable, arguments: [executable] + arguments,
      environment: SpawnRequest.inheritedEnvironment.merging(environment) { $1 })
    request.standardOutput = ends[1]
    request.standardError = 2
    request.deathSignal = 0  // the test's thread may be another one by then
    defer { close(ends[1]) }
    descriptor = ends[0]
    child = try ChildProcess(request)
  }

  deinit {
    close(descriptor)
    try? child.signal(SIGKILL)
    _ = child.wait(milliseconds: 5000)
  }

  /// What it writes, until a line begins with `word` (nil: until the end), or the time is over.
  func read(until word: String?, milliseconds: Int64 = 20_000) -> String {
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    let deadline = monotonicNow() + milliseconds * 1_000_000
    while true {
      var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let left = (deadline - monotonicNow()) / 1_000_000
      if left <= 0 || poll(&poller, 1, Int32(left)) <= 0 { break }
      let n = Glibc.read(descriptor, &buffer, buffer.count)
      if n <= 0 { break }
      output += buffer[0..<n]
      let text = String(decoding: output, as: UTF8.self)
      if let word, text.split(separator: "\n").contains(where: { $0.hasPrefix(word) }) { return text }
    }
    return String(decoding: output, as: UTF8.self)
  }
}
