// Scenarios about disks: everything that a broker does passes through, and every rule is in force, felt and healed.

import Arena
import Base
import EventLoop
import Glibc

extension Supervisor {
  /// A disk below `directory`: backing at `directory/NAME-backing`, mounted at `directory/NAME`.
  func makeDisk(_ name: String, below directory: String) throws -> Disk {
    let (backing, mount) = ("\(directory)/\(name)-backing", "\(directory)/\(name)")
    for path in [backing, mount] { mkdir(path, 0o755) }
    let disk = try Disk(name: name, backing: backing, mount: mount, loop: loop)
    disk.onExit = { [self] status in say("daemon \(status)") }
    kept.append(disk)
    return disk
  }

  /// A node that runs a Python program; when it ends, each line of its output is said.
  func makePython(_ name: String, _ program: String, _ arguments: [String], log: String) -> NodeProcess {
    makeNode(name, ["/usr/bin/python3", "-c", program] + arguments, log: log)
  }

  func sayFile(_ path: String) {
    for line in ((try? String(contentsOfFile: path)) ?? "").split(separator: "\n") { say(String(line)) }
  }

  func disk(_ arguments: [String]) throws {
    let directory = arguments.first ?? interior.scratch
    let disk = try makeDisk("n1", below: directory)
    let log = directory + "/n1.log"
    let node = makePython("n1", DiskWorkload.everything, [disk.mount], log: log)
    node.onExit = { [self] exit in
      sayFile(log)
      say("node \(exit.cause)")
      let counters = disk.counters
      say(
        "counted \(counters[.fsync].requests > 900 && counters.bytesWritten > 10_000_000) touched \(counters.touched)")
      disk.probe { [self] probe in
        say("probe \(probe.isWell) steps \(probe.steps.count)")
        let counted = DiskOperation.allCases.filter { disk.counters[$0].requests > counters[$0].requests }
        say("counted of the probe \(counted.map(\.name))")
        finish()
      }
    }
    try node.start()
  }

  /// 4 KiB appends through a disk and beside it, for measuring by hand: `appends DIRECTORY`.
  func appends(_ arguments: [String]) throws {
    let directory = arguments.first ?? interior.scratch
    let disk = try makeDisk("n1", below: directory)
    let log = directory + "/n1.log"
    let node = makePython("n1", DiskWorkload.appends, [directory, disk.mount], log: log)
    node.onExit = { [self] _ in
      sayFile(log)
      finish()
    }
    try node.start()
  }

  /// Two files are written; only the one that rules name is touched: stall, heal, delay, error, and a kill in a stall.
  func rules(_ arguments: [String]) throws {
    let directory = arguments.first ?? interior.scratch
    let disk = try makeDisk("n1", below: directory)
    let log = directory + "/n1.log"
    let node = makePython("n1", DiskWorkload.writer, [disk.mount], log: log)
    let steps = DiskSteps(self, disk)
    steps.wait(300)
    steps.growth("open")
    steps.set([DiskRule(path: "*.wal", effect: .stall)])
    steps.wait(100)
    steps.growth("stall")
    steps.probe("stall", .stall, timeout: 300 * .millisecond)
    steps.say("stalled") { "\($0[.write].stalled + $0[.fsync].stalled) waiting \($0.waiting)" }
    steps.set([])
    steps.wait(300)
    steps.growth("healed")
    steps.say("waited") {
      "\($0.longestWait > 300 * .millisecond) waiting \($0.waiting) first \($0.firstCompletion(of: [.write, .fsync]) != nil)"
    }
    steps.set([DiskRule(path: "a*", operations: [.fsync], effect: .delay(80 * .millisecond))])
    steps.wait(500)
    steps.growth("delay")
    steps.probe("delay", .delay(80 * .millisecond), timeout: .second)
    steps.say("delayed") { "\($0[.fsync].delayed > 1) writes \($0[.write].delayed)" }
    steps.set([DiskRule(path: "/*.wal", operations: [.write], effect: .error(EIO))])
    steps.wait(200)
    steps.growth("error")
    steps.probe("error", .error(EIO), on: [.write], timeout: .second)
    steps.say("failed") { "\($0[.write].failed > 5) fsyncs \($0[.fsync].failed)" }
    steps.set([])
    steps.wait(200)
    steps.growth("again")
    steps.probe("again", .stall, timeout: .second)
    steps.set([DiskRule(effect: .stall)])
    steps.wait(100)
    steps.run { [self] in
      say("both \(disk.counters.waiting)")
      let begin = Loop.monotonicNow()
      node.onExit = { [self] exit in
        let took = exit.at - begin
        say("exit \(exit.cause) soon \(took < 200 * .millisecond) interrupted \(disk.counters.interrupted)")
        if took >= 200 * .millisecond { say("took \(took / .millisecond) ms") }
        say("errors \(Set(((try? String(contentsOfFile: log)) ?? "").split(separator: "\n")).sorted())")
        disk.close()
        say("closed \(access(disk.mount + "/a.wal", F_OK) != 0) left \(access(disk.backing + "/a.wal", F_OK) == 0)")
        finish()
      }
      node.crash()
    }
    try node.start()
  }

  /// A node and its probe hang in a stalled disk until the harness dies.
  func stalled(_ arguments: [String]) throws {
    let directory = arguments.first ?? interior.scratch
    let disk = try makeDisk("n1", below: directory)
    let node = makePython("n1", DiskWorkload.writer, [disk.mount], log: directory + "/n1.log")
    disk.setRules([DiskRule(effect: .stall)]) { [self] in
      disk.probe(timeout: 3600 * .second) { _ in }
      after(500 * .millisecond) { [self] in say("waiting \(disk.counters.waiting)") }
    }
    try node.start()
  }

  /// Every operation is stalled, and the node that hangs in all of them is killed: it dies at once. Five times.
  func hangers(_ arguments: [String]) throws {
    let directory = arguments.first ?? interior.scratch
    let disk = try makeDisk("n1", below: directory)
    let node = makePython("n1", DiskWorkload.hangers, [disk.mount], log: directory + "/n1.log")
    var round = 0
    func stall() {
      disk.setRules([DiskRule(operations: Set(DiskOperation.allCases), effect: .stall)]) { [self] in
        after(200 * .millisecond) { [self] in
          say("hanging \(disk.counters.waiting > 3)")
          let begin = Loop.monotonicNow()
          node.onExit = { [self] exit in
            let took = exit.at - begin
            say("exit soon \(took < 500 * .millisecond)")
            if took >= 500 * .millisecond { say("took \(took / .millisecond) ms") }
            round += 1
            disk.clearRules { [self] in
              if round == 5 { return finish() }
              do { try node.start() } catch { say("error \(error)") }
              after(300 * .millisecond) { stall() }
            }
          }
          node.crash()
        }
      }
    }
    after(300 * .millisecond) { stall() }
    try node.start()
  }

  /// The daemon is killed under a node that writes.
  func lostDisk(_ arguments: [String]) throws {
    let directory = arguments.first ?? interior.scratch
    let disk = try makeDisk("n1", below: directory)
    let log = directory + "/n1.log"
    let node = makePython("n1", DiskWorkload.writer, [disk.mount], log: log)
    after(300 * .millisecond) { kill(disk.pid, SIGKILL) }
    disk.onExit = { [self] status in
      say("daemon \(status)")
      after(100 * .millisecond) { [self] in
        say("errors \(Set(((try? String(contentsOfFile: log)) ?? "").split(separator: "\n")).sorted())")
        finish()
      }
    }
    try node.start()
  }
}

/// Steps on one disk, one after the other.
private final class DiskSteps {
  private let supervisor: Supervisor
  private let disk: Disk
  private var steps: [(@escaping () -> Void) -> Void] = []

  init(_ supervisor: Supervisor, _ disk: Disk) { (self.supervisor, self.disk) = (supervisor, disk) }

  func wait(_ milliseconds: Nanoseconds) {
    steps.append { [supervisor] next in supervisor.after(milliseconds * .millisecond) { next() } }
  }

  func set(_ rules: [DiskRule]) { steps.append { [disk] next in disk.setRules(rules, then: next) } }

  func say(_ name: String, _ text: @escaping (DiskCounters) -> String) {
    steps.append { [supervisor, disk] next in
      supervisor.say("\(name) \(text(disk.counters))")
      next()
    }
  }

  /// Whether each file grows within 100 ms.
  func growth(_ name: String) {
    steps.append { [supervisor, disk] next in
      func sizes() -> [Int] {
        ["a.wal", "b.log"].map { file in
          var info = stat()
          return stat("\(disk.backing)/\(file)", &info) == 0 ? Int(info.st_size) : -1
        }
      }
      let before = sizes()
      supervisor.after(100 * .millisecond) {
        supervisor.say("\(name) grew \(zip(before, sizes()).map { $1 > $0 })")
        next()
      }
    }
  }

  func probe(
    _ name: String, _ effect: DiskRule.Effect, on operations: Set<DiskOperation> = [], timeout: Nanoseconds
  ) {
    steps.append { [supervisor, disk] next in
      disk.probe(timeout: timeout) { probe in
        let text = "shows \(probe.shows(effect, on: operations)) well \(probe.isWell)"
        supervisor.say("\(name) probe \(text) hung \(probe.hungIn?.name ?? "-") \(probe.failure ?? "")")
        next()
      }
    }
  }

  /// Runs all steps, and then the last one.
  func run(_ last: @escaping () -> Void) {
    func go(_ index: Int) {
      if index == steps.count { return last() }
      let step = steps[index]
      step { go(index + 1) }
    }
    go(0)
  }
}
