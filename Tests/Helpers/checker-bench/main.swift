// checker-bench FOLDER [HUGE]: what an operation costs the checks of queues, in CPU time of one thread. The figures of
// `make bench`; HUGE is the length of the longest history (100000000 there).

import Base
import Checkers
import Foundation
import History

/// Passes everything on, and looks at the memory of the process when all events have been read.
struct Watched: EventSource {
  let file: HistoryFile
  let peak = Box()
  final class Box { var anonymous = 0 }

  var count: Int { file.count }
  var isComplete: Bool { file.isComplete }
  func event(_ number: Int) -> Event { file.event(number) }
  func forEachBlock(_ body: (EventBlock) -> Void) throws(HistoryError) {
    try file.forEachBlock(body)
    peak.anonymous = Memory.anonymous()
  }
}

enum Memory {
  /// Bytes of the process that no file backs.
  static func anonymous() -> Int {
    guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return 0 }
    let line = text.split(separator: "\n").first { $0.hasPrefix("RssAnon:") } ?? ""
    return (line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) * 1024
  }
}

func threadTime() -> Double {
  var usage = rusage()
  getrusage(1, &usage)  // RUSAGE_THREAD, which is an enum that does not convert
  func seconds(_ t: timeval) -> Double { Double(t.tv_sec) + Double(t.tv_usec) * 1e-6 }
  return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

func say(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }
func fixed(_ value: Double) -> String { String(format: "%.1f", value) }

func make(_ shape: QueueShape, at path: String) throws {
  let recorder = try HistoryRecorder(path: path, limit: 1 << 30)
  var maker = QueueMaker(shape, seed: 1)
  maker.run { event in
    recorder.append(event)
    if recorder.count % 1_000_000 == 0 { recorder.waitUntilWritten() }
  }
  guard recorder.close() else { throw HistoryError(file: path, recorder.failure ?? "was not written") }
}

struct Cost {
  var nanoseconds: Double
  var bytes: Double
}

/// The least of some rounds, reading and mapping included.
func measure(_ path: String, _ model: QueueModel, operations: Int, rounds: Int = 3) throws -> Cost {
  var best = Cost(nanoseconds: .infinity, bytes: .infinity)
  for _ in 0..<rounds {
    let before = Memory.anonymous()
    let start = threadTime()
    let watched = Watched(file: try HistoryFile(path))
    let result = try QueueChecker.check(watched, model: model)
    let spent = threadTime() - start
    guard result.verdict == .valid else {
      throw HistoryError(file: path, "expected a valid history, found \(result.verdict): \(result.findings.prefix(3))")
    }
    best.nanoseconds = min(best.nanoseconds, spent * 1e9 / Double(operations))
    best.bytes = min(best.bytes, Double(max(0, watched.peak.anonymous - before)) / Double(operations))
  }
  return best
}

/// Reading alone: every block unpacked and its checksum looked at.
func measureReading(_ path: String, operations: Int) throws -> Double {
  var best = Double.infinity
  for _ in 0..<3 {
    let start = threadTime()
    var events = 0
    try HistoryFile(path).forEachBlock { events += $0.count }
    guard events > 0 else { throw HistoryError(file: path, "expected events") }
    best = min(best, (threadTime() - start) * 1e9 / Double(operations))
  }
  return best
}

func row(_ name: String, _ operations: Int, _ cost: Cost, _ file: String) {
  let size = (try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int) ?? 0
  let seconds = cost.nanoseconds * Double(operations) * 1e-9
  let columns = [
    name.padding(toLength: 44, withPad: " ", startingAt: 0), "\(operations / 1_000_000) M",
    fixed(cost.nanoseconds) + " ns/op", fixed(cost.bytes) + " B/op of tables",
    fixed(Double(size) / Double(operations)) + " B/op on disk",
    String(format: "%.2f s", seconds),
  ]
  say("  " + columns.joined(separator: "  "))
}

func run(_ folder: String, huge: Int) throws {
  let path = folder + "/queue.bin"
  say("checks of queues, CPU time of one thread, reading included")
  var plain: [Int: Double] = [:]
  for operations in [1_000_000, 10_000_000, huge] where plain[operations] == nil {
    try make(QueueShape(operations: operations), at: path)
    say("  of it reading \(fixed(try measureReading(path, operations: operations))) ns/op")
    for model in QueueModel.allCases {
      let cost = try measure(path, model, operations: operations, rounds: operations > 20_000_000 ? 1 : 3)
      if model == .fifo { plain[operations] = cost.nanoseconds }
      row("\(model), 5 clients", operations, cost, path)
    }
  }
  if let small = plain[1_000_000], let large = plain[huge] {
    say("  growth from 1 M to \(huge / 1_000_000) M: \(fixed(large / small)) times an operation")
  }
  try make(QueueShape(operations: 10_000_000, depth: 3, unknown: 0.01, hasEmpties: true), at: path)
  row("fifo, empties, 1 % unknown", 10_000_000, try measure(path, .fifo, operations: 10_000_000), path)
  try make(QueueShape(operations: 10_000_000, clients: 50, unknown: 0.05), at: path)
  let crowd = try measure(path, .fifo, operations: 10_000_000)
  row("fifo, 50 clients, 5 % unknown", 10_000_000, crowd, path)
  if let calm = plain[10_000_000] {
    say("  50 clients with 5 % unknown cost \(fixed(crowd.nanoseconds / calm)) times 5 with none")
  }
  try logsAndLines(path)
}

/// Client logs that lie one behind the other and have to be merged; and JSON lines.
func logsAndLines(_ path: String) throws {
  let operations = 1_000_000
  try make(QueueShape(operations: operations, clients: 10), at: path)
  let history = try HistoryFile(path).recorded()
  let logs = RecordedHistory(
    names: history.names,
    events: Dictionary(grouping: history.events, by: \.process).sorted { $0.key < $1.key }.flatMap(\.value),
    isComplete: true)
  var (merged, parsed) = (Double.infinity, Double.infinity)
  let lines = JSONLines.export(history)
  for _ in 0..<3 {
    var start = threadTime()
    guard QueueChecker.check(logs, model: .fifo).verdict == .valid else {
      throw HistoryError(file: path, "expected merged logs to be valid")
    }
    merged = min(merged, threadTime() - start)
    start = threadTime()
    guard try JSONLines.parse(lines, file: "lines").events.count == history.events.count else {
      throw HistoryError(file: path, "expected as many lines as events")
    }
    parsed = min(parsed, threadTime() - start)
  }
  say("  unsorted logs of 10 clients, merged and checked: \(fixed(merged * 1e9 / Double(operations))) ns/op")
  say("  JSON lines read: \(fixed(parsed * 1e9 / Double(operations))) ns/op")
}

let arguments = CommandLine.arguments.dropFirst()
guard let folder = arguments.first, let huge = Int(arguments.dropFirst().first ?? "100000000") else {
  say("usage: checker-bench FOLDER [OPERATIONS]")
  exit(2)
}
do { try run(folder, huge: huge) } catch {
  say("checker-bench: \(error)")
  exit(1)
}
