// What this machine can do, found by really trying it in a child, and what to do about the rest.

import FoundationEssentials
import Glibc

/// Paths of the device files, which environment variables may name elsewhere where the usual ones are closed to users.
public enum DevicePaths {
  /// `STORMPROOF_TUN`, else `/dev/net/tun`.
  public static var tun: String { environment("STORMPROOF_TUN") ?? "/dev/net/tun" }
  /// `STORMPROOF_FUSE`, else `/dev/fuse`.
  public static var fuse: String { environment("STORMPROOF_FUSE") ?? "/dev/fuse" }

  static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }
}

/// What the doctor found. Encodes as JSON for `--json`; `text` is for people.
public struct DoctorReport: Codable, Equatable, Sendable {
  /// How far a sandbox goes here.
  public enum Tier: String, Codable, Sendable {
    case root
    case userNamespaces = "user-namespaces"
    /// No sandbox: nothing can be run.
    case none
  }

  public struct Check: Codable, Equatable, Sendable {
    public var name: String
    public var ok: Bool
    public var detail: String
    /// What to do, where it is not well.
    public var remedy: String?
    /// Without it nothing runs; the others only take some faults away.
    public var required: Bool
  }

  public var tier: Tier
  public var checks: [Check]
  /// Kinds of fault that can be injected here, by the names of the scenario file.
  public var faults: [String]

  /// Whether scenarios without faults outside `faults` can run.
  public var ok: Bool { checks.allSatisfy { $0.ok || !$0.required } }

  public subscript(_ name: String) -> Check? { checks.first { $0.name == name } }

  /// A line per check, with remedies below what is missing.
  public var text: String {
    let width = checks.map(\.name.count).max() ?? 0
    var lines = checks.map { check in
      let name = check.name + String(repeating: " ", count: width - check.name.count)
      let mark = check.ok ? "ok     " : check.required ? "MISSING" : "absent "
      let remedy = check.ok ? "" : check.remedy.map { "\n        \($0)" } ?? ""
      return "\(mark) \(name)  \(check.detail)\(remedy)"
    }
    lines.append("tier: \(tier.rawValue)")
    lines.append("faults: \(faults.isEmpty ? "none" : faults.joined(separator: ", "))")
    return lines.joined(separator: "\n") + "\n"
  }
}

/// `stormproof doctor`.
public enum Doctor {
  /// Tries everything in a sandbox that lives for some milliseconds; at most three seconds.
  /// - Parameter executable: a program whose hidden subcommand `doctor-probe` is `DoctorProbe.main`.
  public static func examine(executable: String = SpawnRequest.ownExecutable) -> DoctorReport {
    var checks = [kernel(), processors()]
    let environment = ["STORMPROOF_TUN": DevicePaths.tun, "STORMPROOF_FUSE": DevicePaths.fuse]
    var tier = DoctorReport.Tier.none
    do {
      let sandbox = try Sandbox(executable: executable, arguments: ["doctor-probe"], environment: environment)
      defer { close(sandbox.controlDescriptor) }
      tier = sandbox.hasUserNamespace ? .userNamespaces : .root
      let how = sandbox.hasUserNamespace ? "in a user namespace" : "as root"
      checks.append(check("namespaces", "PID, mount, network, IPC and UTS namespaces \(how)", required: true))
      checks += listen(to: sandbox)
      sandbox.kill()
    } catch {
      checks.append(check("namespaces", error.description, remedy: namespaceRemedy(), required: true, ok: false))
    }
    checks.append(journal())
    if checks.contains(where: { $0.required && !$0.ok }) { tier = .none }
    return DoctorReport(tier: tier, checks: checks, faults: faults(checks, tier))
  }

  /// What the probe says, until it has ended or its time is over.
  private static func listen(to sandbox: Sandbox) -> [DoctorReport.Check] {
    var socket = PacketSocket(descriptor: sandbox.controlDescriptor)
    var checks: [DoctorReport.Check] = []
    let deadline = monotonicNow() + 2_500_000_000
    while true {
      switch socket.receive() {
      case .message(let bytes):
        if let check = try? JSONDecoder().decode(DoctorReport.Check.self, from: Data(bytes)) { checks.append(check) }
      case .heartbeat: continue
      case .closed: return checks
      case .nothing:
        let left = (deadline - monotonicNow()) / 1_000_000
        if left <= 0 {
          return checks + [check("time", "the probe did not end in time", required: true, ok: false)]
        }
        var poller = pollfd(fd: sandbox.controlDescriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&poller, 1, Int32(left))
      }
    }
  }

  private static func faults(_ checks: [DoctorReport.Check], _ tier: DoctorReport.Tier) -> [String] {
    if tier == .none { return [] }
    func has(_ name: String) -> Bool { checks.contains { $0.name == name && $0.ok } }
    return ["crash", "pause"] + (has("network") ? ["partition", "link"] : [])
      + (has("disk") ? ["disk-stall", "disk-delay", "disk-error"] : [])
  }

  private static func kernel() -> DoctorReport.Check {
    var name = utsname()
    uname(&name)
    let release = withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
    let ok = numbers.count == 2 && (numbers[0], numbers[1]) >= (5, 11)
    return check("kernel", "Linux \(release)", remedy: "Linux 5.11 or newer is needed", required: true, ok: ok)
  }

  private static func processors() -> DoctorReport.Check {
    let count = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    return check(
      "processors", "\(count)", remedy: "with one processor, brokers and clients disturb each other's timing",
      required: false, ok: count > 1)
  }

  private static func journal() -> DoctorReport.Check {
    let there = access("/run/systemd/journal/socket", W_OK) == 0
    return check(
      "journal", there ? "journald takes our events" : "no journald: events stand in events.jsonl only",
      remedy: "nothing is lost without it", required: false, ok: there)
  }

  /// The usual reasons why an ordinary user, or root in a container, gets no namespaces.
  private static func namespaceRemedy() -> String {
    func setting(_ path: String) -> String? {
      (try? readText(path)).map { String($0.prefix { $0 != "\n" }) }
    }
    if setting("/proc/sys/kernel/unprivileged_userns_clone") == "0" {
      return "as root: sysctl -w kernel.unprivileged_userns_clone=1"
    }
    if setting("/proc/sys/user/max_user_namespaces") == "0" {
      return "as root: sysctl -w user.max_user_namespaces=15000"
    }
    if setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" {
      return "as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    }
    return "run as root, or in a container with --privileged (or --cap-add SYS_ADMIN,NET_ADMIN and seccomp=unconfined)"
  }

  static func check(
    _ name: String, _ detail: String, remedy: String? = nil, required: Bool, ok: Bool = true
  ) -> DoctorReport.Check {
    DoctorReport.Check(name: name, ok: ok, detail: detail, remedy: ok ? nil : remedy, required: required)
  }
}
