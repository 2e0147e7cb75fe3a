// The doctor tells what this machine can do: as root and as an ordinary user, and what is missing when something is.

import Glibc
import Testing

@testable import Arena

@Suite struct DoctorTests {
  @Test func findsWhatIsHere() throws {
    let (status, output) = try Helper.run(Helper.executable, ["doctor"])
    #expect(status == .exited(0), "\(output)")
    #expect(output.contains("tier: \(Helper.isRoot ? "root" : "user-namespaces")"))
  }

  @Test func tellsAMissingDeviceAndTheRemedy() {
    setenv("STORMPROOF_TUN", "/no/such/tun", 1)
    defer { unsetenv("STORMPROOF_TUN") }
    let report = Doctor.examine(executable: Helper.executable)
    #expect(report.ok)
    #expect(report["network"]?.ok == false)
    #expect(report["network"]?.detail == "open /no/such/tun: No such file or directory")
    #expect(report["network"]?.remedy?.contains("STORMPROOF_TUN") == true)
    #expect(!report.faults.contains("partition") && report.faults.contains("crash"))
    #expect(report.text.contains("absent  network"))
  }

  @Test(.enabled(if: geteuid() == 0)) func worksAsAnOrdinaryUser() throws {
    let (status, output) = try Helper.runAsUser(["doctor"])
    #expect(status == .exited(0))
    #expect(output.contains("tier: user-namespaces"), "\(output)")
    #expect(output.contains("faults: crash, pause, partition, link, disk-stall"), "\(output)")
  }

  /// What a container does that masks parts of /proc: there, an ordinary user gets no fresh one.
  @Test(.enabled(if: geteuid() == 0)) func tellsAMaskedProc() throws {
    let (status, output) = try Helper.runAsUser(
      ["doctor"],
      behind: ["/usr/bin/unshare", "-m", "/bin/sh", "-c", "mount -t tmpfs tmpfs /proc/irq && exec \"$@\"", "sh"])
    #expect(status == .exited(5))
    #expect(output.contains("MISSING sandbox     mount a fresh /proc: Operation not permitted"), "\(output)")
    #expect(output.contains("tier: none"), "\(output)")
  }
}
