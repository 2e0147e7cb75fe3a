// Runs a schedule of faults in a sandbox (arena-probe) and reads what the nemesis said.

import Base
import Foundation
import History

@testable import Scenario

/// A fault of the plan with the usual values.
func plan(
  _ kind: FaultPlan.Kind, _ target: Target, at: Int, for length: Int, id: String? = nil,
  _ change: (inout FaultPlan) -> Void = { _ in }
) -> FaultPlan {
  var plan = FaultPlan(
    id: id ?? "\(kind.rawValue)#1", kind: kind, target: target, at: Nanoseconds(at) * .millisecond,
    length: Nanoseconds(length) * .millisecond, seed: 7)
  change(&plan)
  return plan
}

/// What one run of the bench said.
struct BenchResult {
  var lines: [String]
  var events: [RunEvent]

  func of(_ fault: String, _ kind: RunEvent.Kind) -> [RunEvent] {
    events.filter { $0.fault == fault && $0.kind == kind }
  }
  /// The evidence that counts.
  func evidence(_ fault: String) -> RunEvent? { of(fault, .faultEvidence).last }
  func first(_ fault: String, _ kind: RunEvent.Kind) -> RunEvent? { of(fault, kind).first }
  func has(_ line: String) -> Bool { lines.contains(line) }
  /// When the load began.
  var loadAt: Nanoseconds { lines.first { $0.hasPrefix("load ") }.flatMap { Nanoseconds($0.dropFirst(5)) } ?? 0 }
  /// Kinds of a fault's events in their order.
  func kinds(_ fault: String) -> [RunEvent.Kind] { events.filter { $0.fault == fault }.map(\.kind) }
}

enum Bench {
  private struct Request: Codable {
    var directory: String
    var faults: [FaultPlan]
    var load: Int
    var idle: [String]
    var murder: [String: Int]
  }

  /// - Parameter load: its length in milliseconds.
  static func run(
    _ faults: [FaultPlan], load: Int, idle: [String] = [], murder: [String: Int] = [:]
  ) throws -> BenchResult {
    let directory = "/tmp/stormproof-faults-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let request = Request(directory: directory, faults: faults, load: load, idle: idle, murder: murder)
    let process = Process()
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    process.executableURL = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("arena-probe")
    process.arguments = ["run", "faults", String(decoding: try JSONEncoder().encode(request), as: UTF8.self)]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let lines = String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
    let events = try lines.filter { $0.hasPrefix("event ") }.map {
      try JSONDecoder().decode(RunEvent.self, from: Data($0.dropFirst(6).utf8))
    }
    return BenchResult(lines: lines, events: events)
  }
}
