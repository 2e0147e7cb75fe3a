// What /proc says of processes: state, parent, processor time, memory, input and output.

import Glibc

/// One process, from `/proc/PID/stat` (proc(5)).
struct ProcessStat {
  var pid: pid_t
  var parent: pid_t
  var state: Character
  /// Of the process and of its children that it has reaped, in clock ticks.
  var ticks: UInt64
  var residentPages: UInt64

  init?(pid: pid_t) {
    guard let text = try? readText("/proc/\(pid)/stat"), let parsed = Self(pid: pid, text: text) else { return nil }
    self = parsed
  }

  /// The name in brackets may hold anything, brackets and spaces too: what follows the last bracket counts.
  init?(pid: pid_t, text: String) {
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 21, let state = fields[0].first, let parent = pid_t(fields[1]) else { return nil }
    let times = fields[11...14].compactMap { UInt64($0) }
    guard times.count == 4, let pages = UInt64(fields[21]) else { return nil }
    self.pid = pid
    self.parent = parent
    self.state = state
    ticks = times.reduce(0, +)
    residentPages = pages
  }
}

/// What a node uses, over all processes of its PID namespace, init included.
public struct NodeUsage: Codable, Equatable, Sendable {
  public var processes = 0
  /// Processes that stand still (SIGSTOP).
  public var stopped = 0
  /// Processor time since the node's start, in nanoseconds (of a resolution of 10 ms); ended processes count on.
  public var processorTime: Int64 = 0
  public var residentBytes: UInt64 = 0
  /// Bytes that the living processes have asked to read and to write by system calls (sockets too).
  public var readBytes: UInt64 = 0
  public var writtenBytes: UInt64 = 0

  public init() {}

  /// The sum over `root` and all its descendants, from the caller's `/proc`.
  static func ofTree(root: pid_t) -> NodeUsage {
    let all = processIdentifiers().compactMap { ProcessStat(pid: $0) }
    var members: Set<pid_t> = [root]
    var sample = NodeUsage()
    // Parents may have higher pids than their children, so go round until nobody new is found.
    var grew = true
    while grew {
      grew = false
      for process in all where members.contains(process.parent) && !members.contains(process.pid) {
        members.insert(process.pid)
        grew = true
      }
    }
    let tick = 1_000_000_000 / Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
    let page = UInt64(max(1, sysconf(Int32(_SC_PAGESIZE))))
    for process in all where members.contains(process.pid) {
      sample.processes += 1
      if process.state == "T" || process.state == "t" { sample.stopped += 1 }
      sample.processorTime += Int64(process.ticks) * tick
      sample.residentBytes += process.residentPages * page
      sample.addInputOutput(of: process.pid)
    }
    return sample
  }

  private mutating func addInputOutput(of pid: pid_t) {
    guard let text = try? readText("/proc/\(pid)/io") else { return }
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ")
      guard parts.count == 2, let value = UInt64(parts[1]) else { continue }
      if parts[0] == "rchar:" { readBytes += value }
      if parts[0] == "wchar:" { writtenBytes += value }
    }
  }
}
