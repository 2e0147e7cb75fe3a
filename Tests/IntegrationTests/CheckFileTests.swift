// `check` and `export` of files, as people and scripts call them.

import Foundation
import Testing

@Suite(.serialized, .enabled(if: Built.available, "run by make integration"))
struct CheckFileTests {
  private static let folder = "\(Built.root)/Tests/CheckersTests/Histories"

  /// A file of the corpus, and whether its model allows it.
  static let cases: [(file: String, model: String, finding: String?)] = [
    ("queues/queue_n1000_c10_i1_d0_none.jsonl.xz", "queue", nil),
    ("queues/bag_n1000_c10_i1_d50_dup.jsonl.xz", "bag", "duplicated"),
    ("queues/bag_n1000_c10_i0_d50_phantom.jsonl.xz", "bag", "unexpected"),
    ("queues/queue_n1000_c10_i1_d50_fifo.jsonl.xz", "queue", "out-of-order"),
    ("register/register_n1000_c5_i1_d0_none.jsonl.xz", "register", nil),
    ("kv/kv_n1000_c10_i0_d0_stale.jsonl.xz", "kv", "stale"),
  ]

  private struct Printed: Decodable, Equatable {
    var verdict: String
    var model: String
    var counts: [String: Int]
  }

  private func printed(_ ended: Ended) throws -> Printed {
    try JSONDecoder().decode(Printed.self, from: Data(ended.output.utf8))
  }

  @Test(arguments: cases.indices) func theSameFromAFileFromInputAndThroughEveryFormat(number: Int) throws {
    let (name, model, finding) = Self.cases[number]
    let file = "\(Self.folder)/\(name)"
    let folder = try scratch()
    let status: Int32 = finding == nil ? 0 : 1
    let ended = try stormproof("check", file, "--model", model)
    #expect(ended.status == status, "\(ended.output)\n\(ended.errors)")
    if let finding { #expect(ended.output.contains(finding), "\(ended.output)") }
    let expected = try printed(stormproof("check", file, "--model", model, "--json"))
    #expect(expected.verdict == (finding == nil ? "valid" : "violated"))
    // Compressed as it is, through standard input.
    let piped = try stormproof("check", "-", "--model", model, "--json", input: file)
    #expect(try piped.status == status && printed(piped) == expected, "\(piped.errors)")
    for format in ["jsonl", "edn"] {
      if format == "edn", !["queue", "bag"].contains(model) { continue }
      let exported = "\(folder)/history.\(format)"
      let export = try stormproof("export", file, "--format", format, "--output", exported)
      #expect(export.status == 0, "\(export.errors)")
      let again = try stormproof("check", exported, "--model", model, "--json")
      #expect(try again.status == status && printed(again) == expected, "\(format): \(again.errors)")
      // What goes to standard output is what goes to the file.
      let shown = try stormproof("export", "-", "--format", format, input: file)
      #expect(try shown.output == String(contentsOfFile: exported, encoding: .utf8))
    }
  }

  @Test func aDamagedLineIsPointedAt() throws {
    let file = try scratch() + "/history.jsonl"
    let whole = try stormproof("export", "\(Self.folder)/\(Self.cases[0].file)")
    var lines = whole.output.components(separatedBy: "\n")
    #expect(lines.count > 1000)
    lines[41] = String(lines[41].dropLast(3))
    try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: file))
    let ended = try stormproof("check", file, "--model", "fifo")
    #expect(ended.status == 2 && ended.output.isEmpty)
    #expect(ended.errors.contains("\(file):42:") && ended.errors.contains("expected"), "\(ended.errors)")
    let piped = try stormproof("check", "-", "--model", "fifo", input: file)
    #expect(piped.status == 2 && piped.errors.contains("standard input:42:"), "\(piped.errors)")
    let export = try stormproof("export", file, "--output", file + ".edn")
    #expect(export.status == 2 && !FileManager.default.fileExists(atPath: file + ".edn"))
  }
}
