// The scenarios of the tree, for the tests.

import Foundation

@testable import Scenario

enum Files {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
  static let names = ["crash", "disk-stall", "levels", "partition", "quickstart", "rabbitmq", "single-node"]

  static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: "\(root)/scenarios/\(name)")))
  }

  static func scenario(_ name: String) throws -> Scenario { try Scenario.decode(bytes(name + ".yaml")) }
}

/// The messages of a text, as lines without the file's name; empty where it is a scenario.
func mistakes(_ yaml: String) -> [String] {
  do {
    _ = try Scenario.decode(Array(yaml.utf8))
    return []
  } catch {
    return error.lines(file: "f")
  }
}
