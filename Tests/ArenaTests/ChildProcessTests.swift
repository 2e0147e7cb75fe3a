// Spawning: descriptors, environment, failures with their step, and the end by pidfd.

import Glibc
import Testing

@testable import Arena

@Suite struct ChildProcessTests {
  @Test func passesDescriptorsEnvironmentAndDirectory() throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    let leak = fcntl(ends[0], F_DUPFD, 50)  // not close-on-exec, and yet not to be passed on
    defer { close(leak) }
    // 3 is the shell's own, for the substitution.
    var request = SpawnRequest(
      executable: "/bin/sh",
      arguments: ["sh", "-c", "echo $GREETING in $(pwd) with $(ls /proc/$$/fd | grep -v 3 | tr '\\n' ' ') >&7"],
      environment: ["GREETING": "hello", "PATH": "/bin:/usr/bin"])
    request.workingDirectory = "/usr"
    request.descriptors = [(7, ends[1])]
    let child = try ChildProcess(request)
    #expect(child.wait(block: true) == .exited(0))
    var buffer = [UInt8](repeating: 0, count: 256)
    let n = read(ends[0], &buffer, 256)
    #expect(String(decoding: buffer[0..<max(0, n)], as: UTF8.self) == "hello in /usr with 0 1 2 7\n")
  }

  @Test func descriptorsMayChangePlaces() throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    var request = SpawnRequest(
      executable: "/bin/sh",
      arguments: ["sh", "-c", "echo x > /proc/self/fd/\(ends[0]); read y < /proc/self/fd/\(ends[1]); exit 3"],
      environment: [:])
    request.descriptors = [(ends[0], ends[1]), (ends[1], ends[0])]
    #expect(try ChildProcess(request).wait(block: true) == .exited(3))
  }

  @Test func saysWhichStepFailed() {
    #expect(throws: ArenaError("execute /no/such", code: ENOENT)) {
      try ChildProcess(SpawnRequest(executable: "/no/such", arguments: ["x"], environment: [:]))
    }
    var request = SpawnRequest(executable: "/bin/true", arguments: ["true"], environment: [:])
    request.workingDirectory = "/no/such"
    #expect(throws: ArenaError("change to directory /no/such", code: ENOENT)) { try ChildProcess(request) }
  }

  @Test func tellsTheSignalThatEndedIt() throws {
    let child = try ChildProcess(
      SpawnRequest(executable: "/bin/sleep", arguments: ["sleep", "100"], environment: [:]))
    #expect(child.wait() == nil)
    try child.signal(SIGTERM)
    #expect(child.wait(block: true) == .signalled(SIGTERM))
    try child.signal(SIGTERM)  // no more there: no error
  }

  @Test func parsesProcStatWithBracketsInTheName() throws {
    let text = "12 (a) b (c) S 4 " + (5...13).map(String.init).joined(separator: " ") + " 1 2 3 4 0 0 0 0 0 0 77 8 9"
    let stat = try #require(ProcessStat(pid: 12, text: text))
    #expect(stat.parent == 4 && stat.state == "S" && stat.ticks == 10 && stat.residentPages == 77)
    #expect(ProcessStat(pid: 1, text: "1 (x") == nil)
    #expect(ProcessStat(pid: getpid())?.parent == getppid())
  }
}
