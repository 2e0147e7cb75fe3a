// What the manifest says of machine, time and disk: read once, before the first level.

import Base
import Drivers
import EventLoop
import Glibc
import History
import Scenario

enum Circumstances {
  /// - Throws: `DriverError` where the broker is not installed.
  static func manifest(of plan: Plan, driver: any Driver, directory: String, command: String) throws(DriverError)
    -> Manifest
  {
    var system = utsname()
    uname(&system)
    let memory = Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
    let realtime = now(CLOCK_REALTIME)
    let monotonic = now(CLOCK_MONOTONIC)
    let levels = plan.levels.map { level in
      let terms = driver.terms(axes: level.axes, queues: level.queues, nodes: plan.cluster.nodes.count)
      return LevelSettings(
        level: level.name, settings: terms.settings.map { .init($0.name, $0.value) }, promises: terms.promises,
        promised: terms.promised)
    }
    return Manifest(
      stormproof: Stormproof.version, broker: try driver.version(), started: iso8601(realtime),
      host: text(system.nodename), kernel: text(system.release), cores: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))),
      memoryBytes: memory, tier: getuid() == 0 ? "root" : "user namespaces",
      fsyncProbe: fsyncProbe(directory), monotonic: monotonic, realtime: realtime, command: command, levels: levels)
  }

  /// Median of 21 appends of 4 KiB, each with fdatasync, in nanoseconds; nil where the directory takes no file.
  static func fsyncProbe(_ directory: String) -> Nanoseconds? {
    let path = directory + "/.fsync-probe"
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { return nil }
    defer {
      close(file)
      unlink(path)
    }
    let block = [UInt8](repeating: 0x5a, count: 4096)
    var times: [Nanoseconds] = []
    for _ in 0..<21 {
      let begin = now(CLOCK_MONOTONIC)
      guard write(file, block, block.count) == block.count, fdatasync(file) == 0 else { return nil }
      times.append(now(CLOCK_MONOTONIC) - begin)
    }
    return times.sorted()[times.count / 2]
  }

  static func iso8601(_ realtime: Nanoseconds) -> String {
    var seconds = time_t(realtime / .second)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    var buffer = [CChar](repeating: 0, count: 32)
    let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  static func now(_ clock: clockid_t) -> Nanoseconds {
    var t = timespec()
    clock_gettime(clock, &t)
    return Int64(t.tv_sec) * .second + Int64(t.tv_nsec)
  }

  private static func text<T>(_ field: T) -> String {
    withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

/// The project itself.
public enum Stormproof {
  public static let version = "0.1.0"
}
