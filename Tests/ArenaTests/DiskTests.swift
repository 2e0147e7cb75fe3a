// Disks: what brokers do passes through, rules touch what they name and nothing else, and nobody hangs who was killed.

import Glibc
import Testing

@testable import Arena

@Suite struct DiskTests {
  /// A directory on a real file system that the scenario fills, open to all; removed afterwards.
  private func withDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
    let directory = "/tmp/stormproof-disk-\(getpid())-\(monotonicNow())"
    try makeDirectory(directory)
    chmod(directory, 0o777)
    defer { _ = try? Helper.run("/bin/rm", ["-rf", directory]) }
    return try body(directory)
  }

  @Test func everythingThatBrokersDoPassesThrough() throws {
    let (status, lines) = try withDirectory { try Helper.scenario("disk", $0) }
    #expect(status == .exited(0))
    checkEverything(lines)
  }

  private func checkEverything(_ lines: [String]) {
    let steps = [
      "append", "rename", "mapped", "many", "unlinked", "links", "attributes", "allocated", "big", "exclusive",
      "refused", "database", "together", "space",
    ]
    #expect(lines.filter { $0.hasPrefix("ok ") || $0.hasPrefix("bad ") } == steps.map { "ok \($0)" })
    #expect(lines.contains("counted true touched 0") && lines.contains("probe true steps 10"), "\(lines)")
    // Our own probe is not counted, but for the questions about the root, which anybody may have asked.
    let counted = lines.first { $0.hasPrefix("counted of the probe") } ?? "write"
    #expect(!counted.contains("write") && !counted.contains("fsync") && !counted.contains("create"), "\(counted)")
  }

  @Test func rulesTouchWhatTheyNameAndHeal() throws {
    let (status, lines) = try withDirectory { try Helper.scenario("rules", $0) }
    #expect(status == .exited(0))
    checkRules(lines)
  }

  private func checkRules(_ lines: [String]) {
    #expect(
      lines.dropFirst().dropLast(2) == [
        "open grew [true, true]", "stall grew [false, true]", "stall probe shows true well false hung write ",
        "stalled 1 waiting 1", "healed grew [true, true]", "waited true waiting 0 first true",
        "delay grew [true, true]",
        "delay probe shows true well true hung - ", "delayed true writes 0", "error grew [false, true]",
        "error probe shows true well false hung - ", "failed true fsyncs 0", "again grew [true, true]",
        "again probe shows false well true hung - ", "both 2", "exit killed soon true interrupted 2",
        "errors [\"a.wal 5\"]", "closed true left true", "done",
      ], "\(lines)")
  }

  @Test(.enabled(if: geteuid() == 0)) func anOrdinaryUserHasTheSameDisk() throws {
    for scenario in ["disk", "rules"] {
      let (_, output) = try withDirectory { try Helper.runAsUser(["run", scenario, $0]) }
      let lines = output.split(separator: "\n").map(String.init)
      if scenario == "disk" { checkEverything(lines) } else { checkRules(lines) }
    }
  }

  @Test func aKilledNodeDiesWhateverItHangsIn() throws {
    let (_, lines) = try withDirectory { try Helper.scenario("hangers", $0) }
    #expect(lines.filter { $0 == "hanging true" }.count == 5, "\(lines)")
    #expect(lines.filter { $0 == "exit soon true" }.count == 5, "\(lines)")
    #expect(lines.contains("done"))
  }

  @Test func aDeadDaemonFailsEverything() throws {
    let (_, lines) = try withDirectory { try Helper.scenario("lost-disk", $0) }
    #expect(lines.contains("daemon signal 9"))
    // ENOTCONN, also for what was under way (ECONNABORTED).
    #expect(
      lines.contains { $0.hasPrefix("errors ") && $0.contains("a.wal 107") && $0.contains("b.log 107") }, "\(lines)")
  }

  @Test func nothingIsLeftOfAStalledDisk() throws {
    try withDirectory { directory in
      let running = try Running(Helper.executable, ["run", "stalled", directory])
      let output = running.read(until: "waiting")
      try #require(output.contains("waiting "), "\(output)")
      #expect(!output.contains("waiting 0"))
      let marked = processes(naming: directory)
      #expect(marked.count >= 3, "the daemon, the node and its child, the probe: \(marked)")
      try running.child.signal(SIGKILL)
      let begin = monotonicNow()
      while !processes(naming: directory).isEmpty && monotonicNow() - begin < 5_000_000_000 { usleep(20_000) }
      #expect(processes(naming: directory) == [])
      #expect(try !readText("/proc/self/mounts").contains(directory))
    }
  }

  /// Processes whose command line has the directory in it, but the harness.
  private func processes(naming directory: String) -> [pid_t] {
    processIdentifiers().filter { pid in
      guard let line = try? readText("/proc/\(pid)/cmdline") else { return false }
      return line.contains(directory) && !line.contains("\0run\0")
    }
  }

  @Test func rulesTogetherStallThenDelayThenFail() {
    let wal = DiskPaths(all: ["queues/1.wal"], isProbe: false)
    let rules = [
      DiskRule(path: "*.wal", operations: [.fsync], effect: .delay(5)), DiskRule(effect: .delay(7)),
      DiskRule(path: "queues/*", effect: .error(EIO)), DiskRule(path: "*", effect: .error(ENOSPC)),
      DiskRule(path: "*", operations: [.rename], effect: .stall),
    ]
    func verdict(_ operation: DiskOperation, _ paths: DiskPaths) -> [Int64] {
      let verdict = DiskVerdict(rules, operation, paths)
      return [verdict.isStalled ? 1 : 0, verdict.delay, Int64(verdict.error)]
    }
    #expect(verdict(.fsync, wal) == [0, 12, Int64(EIO)])
    #expect(verdict(.write, wal) == [0, 7, Int64(EIO)])
    #expect(verdict(.write, DiskPaths(all: ["other"], isProbe: false)) == [0, 7, Int64(ENOSPC)])
    #expect(verdict(.read, wal) == [0, 0, 0])
    #expect(verdict(.rename, wal) == [1, 0, 0])
    #expect(verdict(.release, wal) == [0, 0, 0])
    #expect(verdict(.fsync, DiskPaths(all: ["x"], isProbe: true)) == [0, 12, Int64(EIO)])
  }

  @Test func globsMatchSlashesAndBothNamesOfARename() {
    func touches(_ glob: String, _ paths: String...) -> Bool {
      DiskRule(path: glob, operations: [.rename], effect: .stall).touches(
        .rename, DiskPaths(all: paths, isProbe: false))
    }
    #expect(touches("*", "") && touches("*.log", "a/b/c.log") && touches("/a/*", "a/b/c") && touches("a/?", "a/b"))
    #expect(!touches("*.log", "a.logs") && !touches("a", "a/b") && !touches("b", "a/b"))
    #expect(touches("new", "old", "new") && touches("old", "old", "new"))
  }

  @Test func readsHowFarAProbeCame() {
    let probe = DiskProbeProcess.parse(
      "begin create\nend create 1000 0\nbegin write\nend write 90000 5\nbegin fsync\nen")
    #expect(probe.steps.map(\.operation) == [.create, .write] && probe.hungIn == .fsync)
    #expect(probe.shows(.stall, on: []) && probe.shows(.stall, on: [.fsync]) && !probe.shows(.stall, on: [.write]))
    #expect(probe.shows(.error(EIO), on: []) && !probe.shows(.error(EIO), on: [.create]))
    #expect(probe.shows(.delay(80_000), on: [.write]) && !probe.shows(.delay(100_000), on: [.write]))
    #expect(DiskProbe.pid(ofFile: ".stormproof-probe-123-moved") == 123 && DiskProbe.pid(ofFile: "wal-1") == nil)
  }

  @Test func everyOperationHasAName() {
    for operation in DiskOperation.allCases { #expect(DiskOperation(name: operation.name) == operation) }
    #expect(DiskOperation(name: "fdatasync") == nil)
  }
}
