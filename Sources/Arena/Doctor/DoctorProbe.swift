// The doctor's inside: PID 1 of a sandbox that tries one thing after the other and says how it went.

import CLinux
import FoundationEssentials
import Glibc

/// The hidden subcommand `doctor-probe`.
public enum DoctorProbe {
  /// Reports each check as one message on the control socket, then ends.
  public static func main(_ arguments: [String] = []) -> Int32 {
    guard getpid() == 1 else {
      writeStandardError("doctor-probe: only as PID 1 of a sandbox")
      return 2
    }
    var socket = PacketSocket(descriptor: ControlSocket.number)
    signal(SIGPIPE, SIG_IGN)
    func say(_ check: DoctorReport.Check) {
      guard let bytes = try? JSONEncoder().encode(check) else { return }
      socket.enqueue(Array(bytes))
      _ = socket.flush()
    }
    var scratch: String?
    say(
      attempt("sandbox", "private mounts, fresh /proc, own tmpfs", required: true) { () throws(ArenaError) in
        scratch = try SandboxInterior.enter(avoiding: []).scratch
      })
    say(
      attempt("network", "network namespace with a TUN device from \(DevicePaths.tun)", remedy: tunRemedy, tryNetwork))
    say(
      attempt("disk", "FUSE mount through \(DevicePaths.fuse)", remedy: fuseRemedy) { () throws(ArenaError) in
        guard let scratch else { throw ArenaError("not tried without the sandbox's own tmpfs", remedy: "see sandbox") }
        try tryFuse(scratch + "/fuse")
      })
    say(
      attempt("seccomp", "user notification of system calls", remedy: "Linux 5.0 or newer, or a milder container") {
        () throws(ArenaError) in
        try ArenaError.check(cl_seccomp_notify_available(), "ask for SECCOMP_RET_USER_NOTIF")
      })
    return 0
  }

  private static func attempt(
    _ name: String, _ what: String, remedy: String? = nil, required: Bool = false, _ body: () throws(ArenaError) -> Void
  ) -> DoctorReport.Check {
    do {
      try body()
      return Doctor.check(name, what, required: required)
    } catch {
      let remedy = error.remedy ?? remedy
      let detail = ArenaError(error.step, code: error.code).description
      return Doctor.check(name, detail, remedy: remedy, required: required, ok: false)
    }
  }

  private static func tryNetwork() throws(ArenaError) {
    let made = try NetworkNamespace(address: IPv4(bits: 0x0a4d_0001), mtu: 1500)
    made.closeAll()
  }

  /// A mount needs no daemon behind it: opening the device in this namespace and mounting is what may be refused.
  private static func tryFuse(_ place: String) throws(ArenaError) {
    let fd = open(DevicePaths.fuse, O_RDWR | O_CLOEXEC)
    if fd < 0 { throw ArenaError("open \(DevicePaths.fuse)", code: errno) }
    defer { close(fd) }
    try makeDirectory(place)
    let options = "fd=\(fd),rootmode=40000,user_id=0,group_id=0"
    let flags = UInt(CL_MS_NOSUID | CL_MS_NODEV)
    try ArenaError.check(cl_mount("stormproof", place, "fuse", flags, options), "mount a FUSE filesystem")
    _ = cl_unmount(place)
  }

  private static let tunRemedy = """
    as root: modprobe tun; for users: chmod 0666 /dev/net/tun, or a copy of it named by STORMPROOF_TUN \
    (mknod PATH c 10 200); in a container: --device /dev/net/tun
    """
  private static let fuseRemedy = """
    as root: modprobe fuse; for users: chmod 0666 /dev/fuse, or a copy of it named by STORMPROOF_FUSE \
    (mknod PATH c 10 229); in a container: --device /dev/fuse
    """
}
