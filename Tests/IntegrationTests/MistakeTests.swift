// Bad input: one clear error that points at it, exit 2, nothing begun.

import Foundation
import Testing

@Suite(.serialized, .enabled(if: Built.available, "run by make integration"))
struct MistakeTests {
  private func run(_ bytes: Data) throws -> (Ended, file: String) {
    let directory = try scratch()
    let file = directory + "/scenario.yaml"
    try bytes.write(to: URL(fileURLWithPath: file))
    let ended = try stormproof("run", file, "--out", directory + "/run")
    #expect(!FileManager.default.fileExists(atPath: directory + "/run"))
    return (ended, file)
  }

  private func edited(_ from: String, _ to: String) throws -> (Ended, file: String, line: Int) {
    let text = try String(contentsOfFile: Built.scenario("quickstart"), encoding: .utf8)
    let lines = text.components(separatedBy: "\n")
    let line = try #require(lines.firstIndex { $0.contains(from) })
    let (ended, file) = try run(Data(text.replacingOccurrences(of: from, with: to).utf8))
    return (ended, file, line + 1)
  }

  @Test(arguments: [("nodes: 3", "nodez: 3"), ("nodes: 3", "nodes: many"), ("prefetch: 20", "prefetch: -1")])
  func mistakeIsPointedAt(from: String, to: String) throws {
    let (ended, file, line) = try edited(from, to)
    #expect(ended.status == 2)
    #expect(ended.errors.contains("\(file):\(line):"), "\(ended.errors)")
    #expect(ended.errors.contains("expected"))
  }

  @Test func faultAtAMissingNodeIsRefused() throws {
    let text = try String(contentsOfFile: Built.scenario("quickstart"), encoding: .utf8)
    let (ended, file) = try run(Data(text.replacingOccurrences(of: "target: {leader-of: q}", with: "target: n9").utf8))
    #expect(ended.status == 2)
    #expect(ended.errors.contains(file) && ended.errors.contains("n9"), "\(ended.errors)")
  }

  @Test func emptyRandomAndBomb() throws {
    var generator = SystemRandomNumberGenerator()
    let noise = Data((0..<4096).map { _ in UInt8.random(in: 0...255, using: &generator) })
    let bomb =
      "a: &a [x, x, x, x, x, x, x, x, x]\n"
      + (1..<30).map { "b\($0): &b\($0) [*\($0 == 1 ? "a" : "b\($0 - 1)"), *\($0 == 1 ? "a" : "b\($0 - 1)")]\n" }
      .joined()
    for bytes in [Data(), noise, Data(bomb.utf8)] {
      let (ended, file) = try run(bytes)
      #expect(ended.status == 2, "\(bytes.base64EncodedString()) \(ended.errors)")
      #expect(ended.errors.contains(file))
    }
  }

  @Test func missingFileAndUnknownFlag() throws {
    #expect(try stormproof("run", "/nonexistent.yaml").status == 2)
    #expect(try stormproof("run", Built.scenario("quickstart"), "--bogus").status == 2)
    #expect(try stormproof("frobnicate").status == 2)
  }
}
