// The daemon of one disk, as a process: takes rules from the supervisor, serves the mount with its own threads.

import Base
import CLinux
import EventLoop
import Glibc

/// The hidden subcommand `disk`.
///
/// It holds the only descriptor of the mount: when it ends, everything on the disk fails with ENOTCONN.
public enum DiskProcess {
  /// The descriptors it inherits beside the control pair: the mounted /dev/fuse, and the counters.
  static let deviceNumber: Int32 = 4
  static let tableNumber: Int32 = 5

  static func arguments(backing: String) -> [String] { ["disk", backing] }

  /// Runs until the mount is gone, or the supervisor is. `arguments`: the backing directory.
  public static func main(_ arguments: [String]) -> Int32 {
    guard arguments.count == 1 else { return complain("usage: disk DIRECTORY") }
    // Where it is allowed: a disk that waits behind busy brokers would be a fault nobody planned.
    _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, -10)
    // Modes are the kernel's matter: it has applied the caller's mask already.
    umask(0)
    // A handle for every file that the kernel knows: as many as we can get.
    _ = cl_limits(1 << 20)
    let backing = open(arguments[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if backing < 0 { return complain("open \(arguments[0]): \(String(cString: strerror(errno)))") }
    do {
      let server = try FuseServer(
        device: FuseDevice(descriptor: deviceNumber), backing: backing, table: try DiskTable(descriptor: tableNumber))
      guard server.start() else { return complain("cannot start threads") }
      let loop = try Loop()
      let channel = try ControlChannel<DiskCommand, DiskReport>(loop: loop, descriptor: ControlSocket.number)
      channel.onMessage = { command in
        switch command {
        case .rules(let number, let rules):
          server.gate.setRules(rules)
          removeLeftProbes(backing)
          channel.send(.inForce(number))
        }
      }
      channel.onEnd = { _ in exit(0) }
      loop.run()
      return 0
    } catch {
      return complain("\(error)")
    }
  }

  /// A probe that hung until it was killed has left its file behind, which no listing shows; its name ends with its pid.
  private static func removeLeftProbes(_ backing: Int32) {
    let descriptor = cl_open_at(backing, ".", O_RDONLY | O_DIRECTORY, 0)
    guard descriptor >= 0, let directory = fdopendir(descriptor) else { return }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard let pid = DiskProbe.pid(ofFile: name), kill(pid, 0) != 0, errno == ESRCH else { continue }
      unlinkat(backing, name, 0)
    }
  }

  private static func complain(_ text: String) -> Int32 {
    writeStandardError("disk: \(text)")
    return 70
  }
}
