// Histories with known verdicts: all of them must come out right, and for the right reason.

import Foundation
import History
import Testing

@testable import Checkers

@Suite struct CorpusTests {
  private static let folder = Bundle.module.resourceURL?.appendingPathComponent("Histories").path ?? ""

  /// The rows of a folder's manifest by the names of its columns.
  static func manifest(_ name: String) throws -> [[String: String]] {
    let text = try String(contentsOfFile: "\(folder)/\(name)/manifest.csv", encoding: .utf8)
    let rows = text.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    guard let head = rows.first else { return [] }
    return rows.dropFirst().map { Dictionary(zip(head, $0), uniquingKeysWith: { a, _ in a }) }
  }

  static func history(_ name: String, _ row: [String: String]) throws -> RecordedHistory {
    let path = "\(folder)/\(name)/\(row["file"] ?? "")"
    return try JSONLines.parse(CompressedFile.read(path), file: path)
  }

  @Test func deliveries() throws {
    let rows = try Self.manifest("delivery")
    #expect(rows.count == 45)
    for row in rows {
      let note: Comment = "\(row["file"] ?? "")"
      let level = try #require(ReliabilityLevel(rawValue: row["level"] ?? ""), note)
      let history = try Self.history("delivery", row)
      #expect(history.events.count == Int(row["events"] ?? ""), note)
      let result = DeliveryChecker.check(history, options: DeliveryOptions(level: level))
      #expect(Violations.verdict(of: result, judgedAs: level).rawValue == row["verdict"], note)
      // `name:count` of everything found, allowed or not.
      let expected = Set((row["findings"] ?? "").split(separator: ";").map(String.init))
      let found = Set(
        FindingName.allCases.filter { result.counts[$0, default: 0] > 0 }
          .map { "\($0.rawValue):\(result.counts[$0, default: 0])" })
      #expect(found == expected, note)
      if let planted = Plant(rawValue: row["planted"] ?? "")?.finding {
        #expect(result.findings.contains { $0.name == planted } || planted == .duplicatedByRetry, note)
      }
    }
  }

  @Test func queues() throws {
    let names: [String: QueueFindingName] = [
      "dup": .duplicated, "phantom": .unexpected, "fifo": .outOfOrder, "lost": .lost, "empty": .falseEmpty,
    ]
    let rows = try Self.manifest("queues")
    #expect(rows.count == 40)
    for row in rows {
      let note: Comment = "\(row["file"] ?? "")"
      let model: QueueModel = row["model"] == "bag" ? .bag : .fifo
      let result = QueueChecker.check(try Self.history("queues", row), model: model)
      let planted = row["planted"].flatMap { names[$0] }
      #expect(result.verdict == (planted == nil ? .valid : .violated), note)
      #expect((planted == nil) == (row["verdict"] == "valid"), note)
      if let planted { #expect(result.findings.contains { $0.name == planted }, note) }
    }
  }

  @Test func logs() throws {
    let rows = try Self.manifest("log")
    #expect(rows.count == 12)
    for row in rows {
      let note: Comment = "\(row["file"] ?? "")"
      let history = try Self.history("log", row)
      let (result, log) = LogChecker.check(history)
      #expect(result.verdict == (row["verdict"] == "valid" ? .valid : .violated), note)
      #expect(log.operations.count == Int(row["ops"] ?? ""), note)
      guard row["planted"] == "lost" else { continue }
      // `offset 251 read as past the end`: nothing else is found, and the finding leads to that read.
      let offset = row["note"]?.split(separator: " ").dropFirst().first.flatMap { Int64($0) }
      #expect(result.findings.map(\.offset) == [offset ?? -1], note)
      let finding = try #require(result.findings.first, note)
      #expect(finding.name == .lost || finding.name == .staleRead, note)
      #expect(
        log.events(of: finding.operations).contains { at in
          let event = history.events[at]
          return event.function == .read && event.outcome == .ok && event.message == .none
            && event.tag == UInt64(offset ?? -1)
        }, note)
    }
  }

  @Test(arguments: ["register", "kv"]) func registers(model: String) throws {
    let rows = try Self.manifest(model)
    #expect(rows.count == (model == "kv" ? 10 : 11))
    for row in rows {
      let note: Comment = "\(row["file"] ?? "")"
      let history = try Self.history(model, row)
      let result = RegisterChecker.check(history)
      #expect(result.verdict.rawValue == (row["verdict"] == "valid" ? "valid" : "violated"), note)
      #expect((result.keys == 1) == (model == "register") && result.searchedKeys == 0, note)
      guard row["planted"] == "stale" else { continue }
      #expect(result.findings.count == 1, note)
      // `stale read of 76 at 33141`: the read that was changed is the one that is blamed.
      let words = (row["note"] ?? "").split(separator: " ").compactMap { Int64($0) }
      #expect(result.findings.allSatisfy { $0.name == .staleRead && $0.value.rawValue == UInt64(words[0]) }, note)
      #expect(
        result.findings.contains { finding in finding.events.contains { history.events[$0].time == words[1] } }, note)
    }
  }

  /// More of the kind, too large to be kept here: a folder with a `manifest.csv` as those here have.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["STORMPROOF_CORPUS"] != nil)) func others() throws {
    let folder = ProcessInfo.processInfo.environment["STORMPROOF_CORPUS"] ?? ""
    let text = try String(contentsOfFile: "\(folder)/manifest.csv", encoding: .utf8)
    let rows = text.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    let head = try #require(rows.first)
    for row in rows.dropFirst() {
      let row = Dictionary(zip(head.map(String.init), row.map(String.init)), uniquingKeysWith: { a, _ in a })
      let model = try #require(row["model"].flatMap { CheckModel(name: $0) })
      let report = try CheckCommandCore.run(HistoryInput.read("\(folder)/\(row["file"] ?? "")"), model: model)
      #expect(report.verdict.rawValue == (row["verdict"] == "valid" ? "valid" : "violated"), "\(row["file"] ?? "")")
    }
  }
}
