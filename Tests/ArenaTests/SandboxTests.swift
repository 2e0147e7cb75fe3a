// The sandbox: long messages over the control pair, a supervisor that hangs, and nothing left of a killed harness.

import Glibc
import Testing

@testable import Arena

@Suite struct SandboxTests {
  @Test func talksBothWaysAndSeesTheEnd() throws {
    let (status, lines) = try Helper.scenario("talk")
    #expect(status == .exited(0))
    #expect(lines.contains("back true"))
    #expect(lines.suffix(2) == ["end closed(0)", "status exit 7"])
  }

  @Test func aControlledChildSaysItsLastWords() throws {
    let (_, lines) = try Helper.scenario("companion")
    #expect(
      lines.dropFirst().prefix(5) == [
        "back true", "goodbye after 22", "companion exit 9 running false", "reached from n1", "done",
      ])
  }

  @Test func silenceOfTheSupervisorEndsTheRun() throws {
    let (_, lines) = try Helper.scenario("mute")
    #expect(lines.suffix(3) == ["hanging", "end silent", "status signal 9"])
  }

  @Test(arguments: [SIGKILL, SIGSTOP]) func nothingIsLeftOfAKilledHarness(signal number: Int32) throws {
    let links = directory("/sys/class/net")
    let mounts = try readText("/proc/self/mounts")
    let running = try Running(Helper.executable, ["run", "linger"])
    let output = running.read(until: "up")
    try #require(output.contains("up 3"), "\(output)")
    let supervisor = try #require(
      output.split(separator: "\n").first { $0.hasPrefix("pid ") }.flatMap { pid_t($0.dropFirst(4)) })
    let members = descendants(of: supervisor)
    // Supervisor, switch, two inits, two main processes and two that ran away with their child.
    #expect(members.count >= 8, "\(members)")

    try running.child.signal(number)
    let begin = monotonicNow()
    var left = members
    // A stopped harness lets the sandbox wait for two seconds of silence; a dead one does not.
    while !left.isEmpty && monotonicNow() - begin < 5_000_000_000 {
      usleep(20_000)
      left = left.filter { isAlive($0) }
    }
    #expect(left.isEmpty, "left: \(left)")
    #expect(directory("/sys/class/net") == links)
    #expect(try readText("/proc/self/mounts") == mounts)
  }

  @Test(.enabled(if: geteuid() == 0)) func anOrdinaryUserHasTheSameSandbox() throws {
    for scenario in ["talk", "node"] {
      let (status, output) = try Helper.runAsUser(["run", scenario])
      #expect(status == .exited(0))
      #expect(output.contains(scenario == "talk" ? "back true" : "done"), "\(output)")
    }
  }

  /// A process, told from a later one with the same pid by its start time.
  private struct Member: Hashable {
    var pid: pid_t
    var start: Substring
  }

  private func member(_ pid: pid_t) -> Member? {
    guard let text = try? readText("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[end...].split(separator: " ")
    return fields.count > 20 && fields[1] != "Z" ? Member(pid: pid, start: fields[20]) : nil
  }

  private func isAlive(_ process: Member) -> Bool { member(process.pid) == process }

  private func descendants(of root: pid_t) -> [Member] {
    var pids: Set<pid_t> = [root]
    for _ in 0..<8 {
      for pid in processIdentifiers() {
        if let parent = ProcessStat(pid: pid)?.parent, pids.contains(parent) { pids.insert(pid) }
      }
    }
    return pids.compactMap(member)
  }

  private func directory(_ path: String) -> [String] {
    guard let handle = opendir(path) else { return [] }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      names.append(
        withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names.sorted()
  }
}
