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
    let recorded = "\(folder)/history.bin"
    #expect(try stormproof("export", file, "--format", "bin", "--output", recorded).status == 0)
    let again = try stormproof("check", recorded, "--model", model, "--json")
    #expect(try again.status == status && printed(again) == expected, "bin: \(again.errors)")
    #expect(try stormproof("export", file, "--format", "bin").status == 2)
  }

  @Test func transactionsThroughBothNotations() throws {
    let file = try scratch() + "/kafka.jsonl"
    let lines = [
      #"{"time":1,"process":0,"type":"invoke","f":"txn","value":[["send","x",1],["poll"]]}"#,
      #"{"time":2,"process":0,"type":"ok","f":"txn","value":[["send","x",[0,1]],["poll",{"x":[[1,2]]}]]}"#,
      #"{"time":3,"process":1,"type":"invoke","f":"send","value":[["send","x",2]]}"#,
      #"{"time":4,"process":1,"type":"fail","f":"send","value":[["send","x",2]]}"#,
    ]
    try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: file))
    let ended = try stormproof("check", file, "--model", "kafka", "--explain")
    #expect(ended.status == 1 && ended.output.contains("aborted-read"), "\(ended.output)\n\(ended.errors)")
    #expect(ended.output.contains("process 0") && ended.output.contains("├"), "\(ended.output)")
    let expected = try stormproof("check", file, "--model", "kafka", "--json")
    for format in ["jsonl", "edn"] {
      let exported = file + "." + format
      let export = try stormproof("export", file, "--model", "kafka", "--format", format, "--output", exported)
      #expect(export.status == 0, "\(export.errors)")
      #expect(try stormproof("check", exported, "--model", "kafka", "--json").output == expected.output)
    }
    #expect(
      try stormproof("export", file, "--model", "kafka", "--format", "bin", "--output", file + ".bin").status == 2)
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

  /// Files of a kind of their own: whole, not drained, damaged; plain, compressed and through standard input.
  @Test(arguments: [
    (
      "saga", "torn-transaction",
      [
        #"{"f":"services","value":["stock","billing"]}"#, #"{"f":"order","value":7,"type":"ok"}"#,
        #"{"f":"complete","value":7,"service":"stock"}"#, #"{"f":"complete","value":7,"service":"billing"}"#,
        #"{"f":"drained"}"#,
      ]
    ),
    (
      "transform", "torn-transaction",
      [
        #"{"f":"input","value":7,"partition":"in-0","offset":12,"parts":2}"#,
        #"{"f":"transaction","value":3,"type":"ok"}"#, #"{"f":"committed","partition":"in-0","offset":13}"#,
        #"{"f":"output","value":7,"part":0,"transaction":3}"#, #"{"f":"output","value":7,"part":1,"transaction":3}"#,
        #"{"f":"drained"}"#,
      ]
    ),
  ]) func sagasAndTransformers(model: String, finding: String, lines: [String]) throws {
    let file = try scratch() + "/history"
    func check(_ lines: [String], _ options: String...) throws -> Ended {
      try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: file))
      return try Command(["check", file, "--model", model] + options).end()
    }
    let whole = try check(lines)
    #expect(whole.status == 0 && whole.output.hasPrefix("valid: \(model)\n"), "\(whole.output)\n\(whole.errors)")
    #expect(try stormproof("check", "-", "--model", model, input: file).output == whole.output)
    for program in ["gzip", "xz"] {
      let packed = try Command(["-k", "-f", file], program: "/usr/bin/\(program)").end()
      #expect(packed.status == 0, "\(packed.errors)")
      let name = file + (program == "xz" ? ".xz" : ".gz")
      #expect(try stormproof("check", name, "--model", model).output == whole.output)
      #expect(try stormproof("check", "-", "--model", model, input: name).output == whole.output)
    }
    #expect(try check(lines.dropLast()).status == 3)
    var torn = lines
    torn.remove(at: torn.count - 2)
    let violated = try check(torn, "--explain")
    #expect(violated.status == 1 && violated.output.contains("\(finding) 7: "), "\(violated.output)")
    #expect(violated.errors.contains("--explain draws nothing for the model \(model)"), "\(violated.errors)")
    let printed = try printed(check(torn, "--json"))
    #expect(printed.verdict == "violated" && printed.model == model)
    let damaged = try check(lines.dropLast() + [#"{"f":"drained""#])
    #expect(damaged.status == 2 && damaged.output.isEmpty)
    #expect(damaged.errors.contains("\(file):\(lines.count): byte 14: expected"), "\(damaged.errors)")
  }
}
