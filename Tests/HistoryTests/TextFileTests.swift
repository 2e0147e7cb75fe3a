// The smaller files of a run: series, run events, manifest.

import Base
import Foundation
import History
import Testing

struct TextFileTests {
  private func row(_ random: inout SeededGenerator, time: Nanoseconds) -> SeriesRow {
    var row = SeriesRow()
    row.time = time
    row.phase = ["load", "a \"quoted\", phase"][random.below(2)]
    row.offered = random.below(5000)
    row.confirmed = random.below(5000)
    row.delivered = random.below(5000)
    row.failed = random.below(3)
    row.unknown = random.below(3)
    row.disconnects = random.below(3)
    row.backlog = random.below(100_000) - 5
    row.unacknowledged = random.below(100)
    if random.chance(0.8) {
      row.confirmP50 = Double(random.below(10_000)) / 1000
      row.confirmP99 = Double(random.below(100_000)) / 1000
      row.confirmMax = Double(random.below(10_000_000)) / 1000
      row.endToEndP50 = 0
      row.endToEndP99 = 1
      row.endToEndMax = Double(random.below(10_000_000)) / 1000
    }
    for name in ["n1", "n2", "a.b"] {
      var node = NodeSample(name: name)
      node.alive = random.chance(0.8)
      node.paused = random.chance(0.1)
      node.role = ["leader", "follower", ""][random.below(3)]
      node.cpu = Double(random.below(4000)) / 1000
      node.residentBytes = Int64(random.below(1 << 33))
      node.diskWritten = Int64(random.below(1 << 30))
      row.nodes.append(node)
    }
    return row
  }

  @Test func seriesThereAndBack() throws {
    var random = SeededGenerator(seed: 3)
    let rows = (1...50).map { row(&random, time: Nanoseconds($0) * .second + 17) }
    let text = SeriesFile.header(nodes: ["n1", "n2", "a.b"]) + rows.map(SeriesFile.line).joined()
    #expect(try SeriesFile.parse(Array(text.utf8), file: "s.csv") == rows)
    // Torn anywhere: the whole rows before.
    for cut in stride(from: text.utf8.count - 300, to: text.utf8.count, by: 7) {
      let parsed = try SeriesFile.parse(Array(text.utf8.prefix(cut)), file: "s.csv")
      #expect(parsed == Array(rows.prefix(parsed.count)) && parsed.count >= 45)
    }
    #expect(try SeriesFile.parse([], file: "s.csv").isEmpty)
  }

  @Test func seriesColumnsGoByName() throws {
    let text = "n9.role,delivered,later,n9.alive\nleader,7,x,1\n"
    let row = try #require(try SeriesFile.parse(Array(text.utf8), file: "s.csv").first)
    #expect(
      row.delivered == 7 && row.nodes.map(\.name) == ["n9"] && row.nodes[0].role == "leader" && row.nodes[0].alive)
    let wrong = try #require(throws: HistoryError.self) {
      try SeriesFile.parse(Array(text.replacing("7", with: "seven").utf8), file: "s.csv")
    }
    #expect(wrong.line == 2 && wrong.message.contains("delivered"))
    #expect(throws: HistoryError.self) { try SeriesFile.parse(Array((text + "1,2\n").utf8), file: "s.csv") }
  }

  @Test func runEventsThereAndBack() throws {
    var intent = RunEvent(time: 5, kind: .faultIntent)
    intent.fault = "crash#1"
    intent.text = "leader-of: q → n2 \"now\""
    var evidence = RunEvent(time: 7, kind: .faultEvidence)
    evidence.fault = "crash#1"
    evidence.inForce = true
    evidence.felt = false
    evidence.counts = ["packets": 3, "a": 0.5]
    let events = [intent, evidence]
    let text = events.flatMap(RunEvents.line)
    #expect(
      String(decoding: RunEvents.line(evidence), as: UTF8.self).hasPrefix(
        "{\"counts\":{\"a\":0.5,\"packets\":3},\"fault\""))
    #expect(try RunEvents.parse(text, file: "e.jsonl") == events)
    #expect(try RunEvents.parse(text.dropLast(9), file: "e.jsonl") == [intent])
    // Whole, but for the newline: taken.
    #expect(try RunEvents.parse(text.dropLast(), file: "e.jsonl") == events)
    let error = try #require(throws: HistoryError.self) {
      try RunEvents.parse(Array("{}\n".utf8) + text, file: "e.jsonl")
    }
    #expect(error.line == 1 && error.message.contains("expected the key"))
  }

  @Test func manifestThereAndBack() throws {
    let manifest = Manifest(
      stormproof: "0.1", broker: "embedded: 0.1", started: "2026-11-24T12:00:00Z", host: "h", kernel: "6.1", cores: 2,
      memoryBytes: 1 << 34, tier: "root", fsyncProbe: 810_000, monotonic: 12, realtime: 1_700_000_000_000_000_000,
      command: "stormproof run a/b.yaml --seed 42",
      levels: [.init(level: "low", settings: [.init("durable", "no")], promises: ["None."], promised: ["lost": false])])
    try withFile("manifest.json") { path in
      try manifest.write(to: path)
      #expect(try Manifest.read(path) == manifest)
      let text = String(decoding: try FileBytes.read(path), as: UTF8.self)
      #expect(text.contains("\"command\" : \"stormproof run a/b.yaml --seed 42\""))
      try FileBytes.replace(path, with: Array(text.replacing("\"cores\" : 2", with: "\"cores\" : \"two\"").utf8))
      let error = try #require(throws: HistoryError.self) { try Manifest.read(path) }
      #expect(error.file == path && error.message.hasPrefix("cores: expected"))
    }
  }
}
