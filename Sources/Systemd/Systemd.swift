// libsystemd in Swift: what a service says to its manager (sd_notify) and to the journal. The only file that sees CSystemd.

import CSystemd
import Glibc

/// A service's side of sd_notify(3). Every call does nothing where NOTIFY_SOCKET is not set.
public struct Notifier: Sendable {
  public init() {}

  /// READY=1: start-up is complete. `status` goes in the same message.
  public func ready(status: String? = nil) { send(["READY=1"] + Self.line(status)) }

  /// STATUS=...: one line for people (and for our supervisor: `role=leader term=7`).
  public func status(_ text: String) { send(Self.line(text)) }

  /// WATCHDOG=1: the main loop still turns. To be said twice in each `watchdogInterval`.
  public func watchdog() { send(["WATCHDOG=1"]) }

  /// STOPPING=1: an orderly end has begun.
  public func stopping(status: String? = nil) { send(["STOPPING=1"] + Self.line(status)) }

  /// ERRNO=n with a status: why a start or the service failed.
  public func failed(errno code: Int32, status: String) { send(["ERRNO=\(code)"] + Self.line(status)) }

  /// The longest silence that the service manager allows, in nanoseconds; nil where it keeps no watch.
  /// From sd_watchdog_enabled(3): WATCHDOG_USEC, meant for this process by WATCHDOG_PID.
  public var watchdogInterval: Int64? {
    var microseconds: UInt64 = 0
    guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
    return Int64(clamping: microseconds.multipliedReportingOverflow(by: 1000).partialValue)
  }

  /// A value of several lines would be read as further fields.
  private static func line(_ status: String?) -> [String] {
    status.map { ["STATUS=" + String($0.map { $0.isNewline ? " " : $0 })] } ?? []
  }

  private func send(_ lines: [String]) { _ = sd_notify(0, lines.joined(separator: "\n")) }
}

/// Structured entries of the journal.
public enum Journal {
  /// Priorities as of syslog(3).
  public enum Priority: Int, Sendable {
    case error = 3
    case warning, notice, info, debug
  }

  /// Sends one entry; nothing happens where journald does not run.
  /// - Parameter fields: names of upper-case letters, digits and `_`, not with `_` in front, at most 64 bytes (as
  ///   journald wants them); others are left out. MESSAGE is the line that people see.
  /// - Returns: false when journald was there and refused.
  @discardableResult
  public static func send(_ fields: [(name: String, value: String)], priority: Priority = .info) -> Bool {
    var bytes: [UInt8] = []
    var ends: [Int] = []
    for (name, value) in [("PRIORITY", String(priority.rawValue))] + fields where isFieldName(name) {
      bytes.append(contentsOf: Array("\(name)=\(value)".utf8))
      ends.append(bytes.count)
    }
    return bytes.withUnsafeMutableBytes { bytes in
      var begin = 0
      let vectors = ends.map { end in
        defer { begin = end }
        return iovec(iov_base: bytes.baseAddress.map { $0 + begin }, iov_len: end - begin)
      }
      return sd_journal_sendv(vectors, Int32(vectors.count)) >= 0
    }
  }

  static func isFieldName(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= 64 else { return false }
    guard first != UInt8(ascii: "_"), !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
    return name.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
      default: false
      }
    }
  }
}
