// How these tests run the real thing: the built command, in a process of its own, and what it left behind.

import Foundation
import Reports
import Testing

/// `make integration` says where the built programs are; without it these tests are not run.
enum Built {
  static let directory = ProcessInfo.processInfo.environment["STORMPROOF_BIN"]
  static let available = directory != nil
  /// `make acceptance` repeats as often as a release demands.
  static let full = ProcessInfo.processInfo.environment["STORMPROOF_ROUNDS"] == "full"
  static func rounds(_ count: Int) -> Range<UInt64> { 1..<(full ? UInt64(count) + 1 : 2) }

  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
  static func scenario(_ name: String) -> String { "\(root)/scenarios/\(name).yaml" }
}

struct Ended {
  var status: Int32
  var output: String
  var errors: String
}

/// A command of ours while it runs, its output in files so that no pipe can fill.
final class Command {
  let process = Process()
  private let directory: String

  /// `program` is one of ours by name, or an absolute path; `input` is a file.
  init(
    _ arguments: [String], program: String = "stormproof", environment: [String: String] = [:], input: String? = nil
  ) throws {
    directory = try scratch()
    let path = program.hasPrefix("/") ? program : "\(Built.directory ?? "")/\(program)"
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    // Every process of a run inherits it, or has the run's directory among its arguments: see `Traces`.
    let mark = ["STORMPROOF_TEST_RUN": arguments.last ?? ""]
    process.environment = ProcessInfo.processInfo.environment.merging(mark) { $1 }.merging(environment) { $1 }
    for name in ["out", "err"] { try Data().write(to: URL(fileURLWithPath: "\(directory)/\(name)")) }
    process.standardOutput = FileHandle(forWritingAtPath: "\(directory)/out")
    process.standardError = FileHandle(forWritingAtPath: "\(directory)/err")
    process.standardInput = try input.map { try #require(FileHandle(forReadingAtPath: $0)) } ?? FileHandle.nullDevice
    try process.run()
  }

  func end() -> Ended {
    process.waitUntilExit()
    let status =
      process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus
    return Ended(status: status, output: text("out"), errors: text("err"))
  }

  func text(_ name: String) -> String { (try? String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)) ?? "" }

  /// Waits until `text` stands in what was printed to stderr; false when the process ended first.
  func waits(for text: String) -> Bool {
    while process.isRunning {
      if self.text("err").contains(text) { return true }
      usleep(20_000)
    }
    return self.text("err").contains(text)
  }
}

func stormproof(_ arguments: String..., input: String? = nil) throws -> Ended {
  try Command(arguments, input: input).end()
}

/// A new empty directory below the system's temporary one. All of them are removed when the tests have passed; after a
/// failure they stay to be looked at.
func scratch() throws -> String {
  let path = Scratch.root + "/\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  return path
}

private enum Scratch {
  static let root: String = {
    on_exit({ status, _ in if status == 0 { try? FileManager.default.removeItem(atPath: Scratch.root) } }, nil)
    return NSTemporaryDirectory() + "stormproof-tests-\(getpid())"
  }()
}

func verdict(_ run: String) throws -> RunVerdict {
  try JSONDecoder().decode(RunVerdict.self, from: Data(contentsOf: URL(fileURLWithPath: run + "/verdict.json")))
}

extension RunVerdict {
  func level(_ name: String) throws -> LevelVerdict { try #require(levels.first { $0.level == name }) }
}

extension LevelVerdict {
  func count(_ name: String) -> Int { counts[name] ?? 0 }
}

/// What a run may leave on the machine: processes, in whatever namespace, mounts, links.
struct Traces: Equatable {
  /// Those that know the run's directory by their command line or their environment: all that a run starts.
  var processes: [String]
  var mounts: [String]
  var links: [String]

  /// - Parameter run: the run's directory, which no other run has.
  static func now(of run: String) -> Traces {
    var processes: [String] = []
    for pid in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] where Int(pid) != nil {
      let words = ["cmdline", "environ"].compactMap { FileManager.default.contents(atPath: "/proc/\(pid)/\($0)") }
      if words.contains(where: { String(decoding: $0, as: UTF8.self).contains(run) }) {
        let command = (try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)) ?? ""
        processes.append("\(pid) \(command.trimmingCharacters(in: .whitespacesAndNewlines))")
      }
    }
    let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
    let links = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/class/net")) ?? []
    return Traces(
      processes: processes, mounts: mounts.split(separator: "\n").map(String.init).sorted(), links: links.sorted())
  }

  /// The traces once they equal `before`, or those after five seconds.
  static func settled(to before: Traces, of run: String) -> Traces {
    for _ in 0..<50 {
      let now = Traces.now(of: run)
      if now == before { return now }
      usleep(100_000)
    }
    return .now(of: run)
  }
}
