// Whatever ends a run, nothing of it is left, and what was recorded can be checked.

import Foundation
import Testing

@Suite(.serialized, .enabled(if: Built.available, "run by make integration"))
struct EndingTests {
  static let phases = ["boot", "warmup", "load", "settle", "drain"]

  /// Each phase once, or twenty times each.
  @Test(arguments: phases, Built.rounds(20))
  func killedHarnessLeavesNothing(phase: String, round: UInt64) throws {
    let run = try scratch() + "/run"
    let before = Traces.now(of: run)
    let command = try Command(["run", Built.scenario("crash"), "--seed", "\(round)", "--out", run])
    #expect(command.waits(for: phase == "boot" ? "level" : " \(phase)"))
    usleep(UInt32.random(in: 0...400) * 1000)
    #expect(!Traces.now(of: run).processes.isEmpty)
    kill(command.process.processIdentifier, SIGKILL)
    let ended = command.end()
    #expect(ended.status == 128 + SIGKILL, "\(ended.errors)")
    #expect(Traces.settled(to: before, of: run) == before)

    let check = try stormproof("check", run)
    #expect(check.status == 3 || check.status == 1, "\(phase): \(check.status) \(check.output)\n\(check.errors)")
    print("killed in \(phase), round \(round): nothing left, check gives \(check.status)")
    if phase == "drain" { #expect(check.output.contains("attempted") || check.output.contains("medium")) }
  }

  @Test func interruptIsAnOrderlyEnd() throws {
    let run = try scratch() + "/run"
    let before = Traces.now(of: run)
    let command = try Command(["run", Built.scenario("crash"), "--out", run])
    #expect(command.waits(for: " load"))
    kill(command.process.processIdentifier, SIGINT)
    #expect(command.end().status == 130)
    #expect(Traces.settled(to: before, of: run) == before)
  }

  /// A node that hangs in its stalled disk must not hold up the end.
  @Test func nodeInAStalledDiskDies() throws {
    let run = try scratch() + "/run"
    let before = Traces.now(of: run)
    let command = try Command(["run", Built.scenario("disk-stall"), "--out", run])
    #expect(command.waits(for: "fault disk-stall#1"))
    usleep(300_000)
    kill(command.process.processIdentifier, SIGKILL)
    _ = command.end()
    #expect(Traces.settled(to: before, of: run) == before)
  }

  /// The same without root, where the machine allows it; device files are copied for it, as root.
  @Test(.enabled(if: getuid() == 0, "needs root to become somebody else"))
  func ordinaryUserCanDoTheSame() throws {
    let directory = try scratch()
    let run = directory + "/run"
    for (name, minor) in [("fuse", 229), ("tun", 200)] {
      #expect(mknod("\(directory)/\(name)", S_IFCHR | 0o666, dev_t(10 << 8 | minor)) == 0)
      chmod("\(directory)/\(name)", 0o666)
    }
    chmod(directory, 0o777)
    // The programs must be reachable for the other user, wherever the clone lies.
    for program in ["stormproof", "stormproof-node"] {
      try FileManager.default.copyItem(atPath: "\(Built.directory ?? "")/\(program)", toPath: "\(directory)/\(program)")
    }
    try FileManager.default.copyItem(atPath: Built.scenario("crash"), toPath: "\(directory)/crash.yaml")
    let before = Traces.now(of: run)
    let ended = try Command(
      [
        "--reuid", "12345", "--regid", "12345", "--clear-groups", "\(directory)/stormproof", "run",
        "\(directory)/crash.yaml", "--out", run,
      ],
      program: "/usr/bin/setpriv",
      environment: [
        "STORMPROOF_FUSE": "\(directory)/fuse", "STORMPROOF_TUN": "\(directory)/tun", "HOME": directory,
      ]
    ).end()
    #expect(ended.status == 0, "\(ended.output)\n\(ended.errors)")
    #expect(Traces.settled(to: before, of: run) == before)
  }
}
