// The service manager's side of sd_notify: a datagram socket per node that hears READY, STATUS, WATCHDOG and the rest.

import CLinux
import EventLoop
import Glibc

/// One message of sd_notify(3): `KEY=value` lines.
public struct NotifyMessage: Equatable, Sendable {
  /// The sender, as the supervisor sees it; 0 when the kernel did not say.
  public var pid: Int32
  /// In the order of the message.
  public var fields: [(key: String, value: String)]

  public static func == (a: NotifyMessage, b: NotifyMessage) -> Bool {
    a.pid == b.pid && a.fields.elementsEqual(b.fields, by: ==)
  }

  /// Lines without `=` are passed over, as the service manager does.
  public init(pid: Int32, text: String) {
    self.pid = pid
    fields = text.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return parts.count == 2 && !parts[0].isEmpty ? (String(parts[0]), String(parts[1])) : nil
    }
  }

  /// The last value of a key.
  public subscript(_ key: String) -> String? { fields.last { $0.key == key }?.value }

  /// READY=1: start-up is complete.
  public var isReady: Bool { self["READY"] == "1" }
  public var isStopping: Bool { self["STOPPING"] == "1" }
  /// WATCHDOG=1: the sender's main loop still turns.
  public var isWatchdog: Bool { self["WATCHDOG"] == "1" }
  public var status: String? { self["STATUS"] }
  public var errno: Int32? { self["ERRNO"].flatMap { Int32($0) } }
}

/// A NOTIFY_SOCKET server on the loop. It outlives restarts of its node.
public final class NotifySocket {
  /// The value of NOTIFY_SOCKET: a path that the node sees too, such as `/media/n1.notify`.
  public let path: String
  public var onMessage: (NotifyMessage) -> Void = { _ in }
  private let descriptor: Int32
  private var watch: Watch?
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  /// Makes the socket in the sandbox's scratch tmpfs, which every node inherits.
  /// - Throws: `ArenaError`; a path of more than 107 bytes is refused.
  public convenience init(loop: Loop, interior: SandboxInterior, node: String) throws {
    try self.init(loop: loop, path: "\(interior.scratch)/\(node).notify")
  }

  public init(loop: Loop, path: String) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard path.hasPrefix("/"), bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw ArenaError("make the notify socket \(path)", code: ENAMETOOLONG)
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    if fd < 0 { throw ArenaError("make the notify socket \(path)", code: Glibc.errno) }
    self.path = path
    descriptor = fd
    unlink(path)
    var on: Int32 = 1
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(fd, $0, size) }
    }
    // A broker may have dropped to a user of its own: the socket is open to all of the sandbox.
    if bound != 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, 4) != 0 || chmod(path, 0o666) != 0 {
      let code = Glibc.errno
      Glibc.close(fd)
      throw ArenaError("bind the notify socket \(path)", code: code)
    }
    watch = try loop.watch(fd) { [weak self] _ in self?.receive() }
  }

  public func close() {
    guard let watch else { return }
    self.watch = nil
    watch.cancel()
    Glibc.close(descriptor)
    unlink(path)
  }

  private func receive() {
    while watch != nil {
      var pid: pid_t = 0
      let n = buffer.withUnsafeMutableBytes { cl_receive_credentials(descriptor, $0.baseAddress, $0.count, &pid) }
      if n < 0 { return }
      onMessage(NotifyMessage(pid: pid, text: String(decoding: buffer[0..<n], as: UTF8.self)))
    }
  }
}
