// What the notifier says, heard on a datagram socket of the test's own; and what it does where nobody listens.

import Glibc
import Testing

@testable import Systemd

/// A service manager's end, for one test at a time: the environment is the process's.
private final class Manager {
  let path: String
  private let descriptor: Int32

  init() throws {
    path = "/tmp/stormproof-notify-\(getpid())"
    unlink(path)
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(bound == 0)
    setenv("NOTIFY_SOCKET", path, 1)
  }

  /// The next message; nil when none is waiting.
  func hear() -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    return count < 0 ? nil : String(decoding: buffer[0..<count], as: UTF8.self)
  }

  deinit {
    unsetenv("NOTIFY_SOCKET")
    close(descriptor)
    unlink(path)
  }
}

@Suite(.serialized) struct NotifierTests {
  @Test func saysWhatTheManagerUnderstands() throws {
    let manager = try Manager()
    let notifier = Notifier()
    notifier.ready(status: "role=leader term=7")
    #expect(manager.hear() == "READY=1\nSTATUS=role=leader term=7")
    notifier.ready()
    #expect(manager.hear() == "READY=1")
    notifier.status("role=follower term=8")
    #expect(manager.hear() == "STATUS=role=follower term=8")
    notifier.watchdog()
    #expect(manager.hear() == "WATCHDOG=1")
    notifier.stopping()
    #expect(manager.hear() == "STOPPING=1")
    notifier.failed(errno: 5, status: "disk")
    #expect(manager.hear() == "ERRNO=5\nSTATUS=disk")
    #expect(manager.hear() == nil)
  }

  @Test func statusStaysOneField() throws {
    let manager = try Manager()
    Notifier().status("a\nREADY=1\r\nb")
    #expect(manager.hear() == "STATUS=a READY=1 b")
  }

  @Test func saysNothingWithoutASocket() throws {
    let manager = try Manager()
    unsetenv("NOTIFY_SOCKET")
    Notifier().ready()
    Notifier().watchdog()
    #expect(manager.hear() == nil)
  }

  @Test func watchdogOfTheEnvironment() {
    defer { for name in ["WATCHDOG_USEC", "WATCHDOG_PID"] { unsetenv(name) } }
    #expect(Notifier().watchdogInterval == nil)
    setenv("WATCHDOG_USEC", "2000000", 1)
    #expect(Notifier().watchdogInterval == 2_000_000_000)
    setenv("WATCHDOG_PID", String(getpid()), 1)
    #expect(Notifier().watchdogInterval == 2_000_000_000)
    // Meant for another process.
    setenv("WATCHDOG_PID", "1", 1)
    #expect(Notifier().watchdogInterval == nil)
    setenv("WATCHDOG_PID", String(getpid()), 1)
    setenv("WATCHDOG_USEC", "soon", 1)
    #expect(Notifier().watchdogInterval == nil)
  }

  @Test func namesOfJournalFields() {
    for good in ["MESSAGE", "STORMPROOF_NODE", "A1"] { #expect(Journal.isFieldName(good)) }
    for bad in ["", "_PID", "1A", "message", "A-B", "A=B", String(repeating: "A", count: 65)] {
      #expect(!Journal.isFieldName(bad))
    }
  }

  @Test func journalTakesAnEntryOrIsAbsent() {
    #expect(Journal.send([("MESSAGE", "a test of Stormproof"), ("bad name", "left out"), ("STORMPROOF_TEST", "a\nb")]))
  }
}
