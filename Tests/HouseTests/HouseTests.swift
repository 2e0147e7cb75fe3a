// Keeps the house as CONTRIBUTING draws it: who may import whom, files one can see whole, pure modules that stay pure.

import Foundation
import Testing

@Suite struct HouseTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  /// What each target may import of ours; the order is that of the map.
  static let allowed: [(target: String, imports: Set<String>)] = [
    ("Base", ["CIsal"]),
    ("EventLoop", ["CUv"]),
    ("Systemd", ["CSystemd"]),
    ("History", ["Base", "CLzma", "CZlib"]),
    ("Checkers", ["Base", "History"]),
    ("AMQP", ["Base"]),
    ("Raft", ["Base"]),
    ("Broker", ["Base", "AMQP", "Raft"]),
    ("Simulator", ["Base", "AMQP", "Raft", "Broker", "Checkers", "History"]),
    ("Scenario", ["Base", "CYaml"]),
    ("Arena", ["Base", "CLinux", "Systemd", "EventLoop"]),
    ("Faults", ["Base", "Arena", "Scenario", "History", "EventLoop"]),
    ("Drivers", ["Base", "Arena", "AMQP", "EventLoop", "Scenario"]),
    ("Workloads", ["Base", "Drivers", "AMQP", "Arena", "History", "EventLoop", "Scenario"]),
    (
      "Runner",
      ["Base", "History", "Checkers", "Scenario", "Arena", "Faults", "Drivers", "Workloads", "EventLoop"]
    ),
    ("Reports", ["Base", "History", "Checkers", "Scenario"]),
    (
      "stormproof", ["Base", "Runner", "Reports", "Scenario", "Checkers", "History", "Arena", "Workloads", "Arguments"]
    ),
    ("stormproof-node", ["Base", "Broker", "AMQP", "EventLoop", "Systemd", "Raft"]),
  ]

  /// A function of their inputs: no loop, no clock, no chance but the seeded one, no files.
  static let pure = ["Base", "Checkers", "AMQP", "Raft", "Broker", "Simulator"]

  static func swiftFiles(_ folder: String) -> [(path: String, text: String)] {
    let base = root + "/" + folder
    guard let walk = FileManager.default.enumerator(atPath: base) else { return [] }
    return walk.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted().compactMap { name in
      (try? String(contentsOfFile: base + "/" + name, encoding: .utf8)).map { ("\(folder)/\(name)", $0) }
    }
  }

  @Test func importsGoOneWay() {
    let ours = Set(Self.allowed.map(\.target)).union(Self.allowed.flatMap(\.imports))
    for (target, imports) in Self.allowed {
      let files = Self.swiftFiles("Sources/\(target)")
      #expect(!files.isEmpty, "\(target) has no files")
      for (path, text) in files {
        for line in text.split(separator: "\n") where line.contains("import ") {
          let words = line.split(separator: " ")
          guard let index = words.firstIndex(of: "import"), index <= 1, index + 1 < words.count else { continue }
          let module = String(words[index + 1].prefix { $0 != "." })
          if ours.contains(module) { #expect(imports.contains(module), "\(path) imports \(module)") }
        }
      }
    }
  }

  @Test func filesAreSeenWhole() {
    let files = Self.swiftFiles("Sources") + Self.swiftFiles("Tests")
    #expect(files.count > 50)
    for (path, text) in files {
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).count - 1
      #expect(lines <= 500, "\(path) has \(lines) lines")
      #expect(text.hasPrefix("// ") as Bool, "\(path) does not begin by saying what it is")
    }
  }

  @Test func pureModulesStayPure() {
    let impure = [
      "clock_gettime", " Date(", "SystemRandomNumberGenerator", "ContinuousClock", "ProcessInfo", "FileManager",
      "import Dispatch", "open(\"",
    ]
    for target in Self.pure {
      for (path, text) in Self.swiftFiles("Sources/\(target)") {
        for word in impure { #expect(!text.contains(word) as Bool, "\(path) uses \(word)") }
      }
    }
  }

  @Test func outsideInputCannotTrap() {
    for (path, text) in Self.swiftFiles("Sources") {
      for word in ["try!", "fatalError(", " as! "] { #expect(!text.contains(word) as Bool, "\(path) uses \(word)") }
    }
  }
}
