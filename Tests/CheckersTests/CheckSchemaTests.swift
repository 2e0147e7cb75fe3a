// What `check --json` prints is what its schema says, for every model and verdict.

import Base
import Foundation
import History
import Testing

@testable import Checkers

@Suite struct CheckSchemaTests {
  /// Reports of histories with known verdicts, and of one that holds nothing.
  private func reports() throws -> [CheckReport] {
    var reports = [try CheckCommandCore.run(RecordedHistory(names: Names(), events: [], isComplete: true))]
    for folder in ["delivery", "queues", "kv", "log", "register"] {
      for row in try CorpusTests.manifest(folder).filter({ (Int($0["ops"] ?? $0["events"] ?? "") ?? 0) <= 3000 }) {
        let level = ReliabilityLevel(rawValue: row["level"] ?? "") ?? .medium
        let history = try CorpusTests.history(folder, row)
        var report = try CheckCommandCore.run(history, level: level)
        if report.verdict == .violated { report.explain(history) }
        reports.append(report)
      }
    }
    let transactions =
      #"{"time":1,"process":0,"type":"invoke","f":"txn","value":[["send","x",1]]}"# + "\n"
      + #"{"time":2,"process":0,"type":"fail","f":"txn","value":[["send","x",1]]}"# + "\n"
      + #"{"time":3,"process":1,"type":"invoke","f":"poll","value":[["poll"]]}"# + "\n"
      + #"{"time":4,"process":1,"type":"ok","f":"poll","value":[["poll",{"x":[[4,1]]}]]}"#
    reports.append(
      CheckCommandCore.run(try TransactionHistory.parse(Array(transactions.utf8), file: "x"), explains: true))
    for end in ["", "{\"f\":\"drained\"}"] {
      let saga =
        #"{"f":"services","value":["a","b"]}"# + "\n" + #"{"f":"order","value":1,"type":"ok"}"# + "\n"
        + #"{"f":"complete","value":1,"service":"a"}"# + "\n" + end
      reports.append(CheckCommandCore.run(try SagaHistory.parse(Array(saga.utf8), file: "x")))
      let transform = #"{"f":"input","value":1,"partition":"in","offset":0}"# + "\n" + end
      reports.append(CheckCommandCore.run(try TransformHistory.parse(Array(transform.utf8), file: "x")))
    }
    for text in [
      "{:process 0, :type :invoke, :f :write, :value [3 1]}\n{:process 0, :type :ok, :f :read, :value [3 2]}"
    ] {
      reports.append(try CheckCommandCore.run(JepsenHistory.parse(Array(text.utf8), file: "x")))
    }
    return reports
  }

  @Test func everyReportFitsTheSchema() throws {
    let schema = try JSONSerialization.jsonObject(with: Data(CheckSchema.text.utf8))
    let rules = try #require(schema as? [String: Any])
    let reports = try reports()
    var seen: Set<String> = []
    for report in reports {
      let value = try JSONSerialization.jsonObject(with: Data(report.json))
      #expect(SchemaRules.errors(value, rules, "") == [])
      seen.formUnion([report.verdict.rawValue, report.model.rawValue])
      for finding in report.findings where finding.queue != nil { seen.insert("queue") }
      for finding in report.findings where finding.lanes?.rows.isEmpty == false {
        seen.insert(report.model == .kafka ? "lanes of transactions" : "lanes")
      }
    }
    #expect(
      seen.isSuperset(of: [
        "valid", "violated", "undecided", "fifo", "at-least-once", "kv", "log", "register", "kafka", "saga",
        "transform", "queue", "lanes", "lanes of transactions",
      ]))
  }

  @Test func theSchemaRefusesWhatIsNone() throws {
    let schema = try JSONSerialization.jsonObject(with: Data(CheckSchema.text.utf8))
    let rules = try #require(schema as? [String: Any])
    let report = try #require(try reports().first { !$0.findings.isEmpty })
    let text = String(decoding: report.json, as: UTF8.self)
    for (old, new) in [
      ("\"verdict\" : \"", "\"verdict\" : \"x"), ("\"summary\" :", "\"summery\" :"),
      ("\"count\" : ", "\"count\" : -1"),
      ("\"reason\" :", "\"treason\" :"), ("\"count\" : ", "\"count\" : 0.5"), ("\"window\" : [", "\"window\" : [1, "),
    ] {
      try #require(text.contains(old))
      let other = text.replacing(old, with: new)
      let value = try JSONSerialization.jsonObject(with: Data(other.utf8))
      #expect(SchemaRules.errors(value, rules, "") != [], "\(new)")
    }
  }
}

/// The part of JSON Schema that `CheckSchema` uses; an unknown keyword is an error of its own.
private enum SchemaRules {
  static func errors(_ value: Any, _ schema: [String: Any], _ path: String) -> [String] {
    var errors: [String] = []
    let object = value as? [String: Any]
    let list = value as? [Any]
    for (keyword, rule) in schema {
      switch keyword {
      case "$schema", "title", "description", "properties": break
      case "type": if !has(value, rule as? String ?? "") { errors.append("\(path): no \(rule)") }
      case "enum":
        if !(rule as? [String] ?? []).contains(value as? String ?? "") { errors.append("\(path): none of \(rule)") }
      case "minimum": if (value as? Double ?? 0) < rule as? Double ?? 0 { errors.append("\(path): below \(rule)") }
      case "minItems": if list?.count ?? 0 < rule as? Int ?? 0 { errors.append("\(path): too few") }
      case "maxItems": if list?.count ?? 0 > rule as? Int ?? 0 { errors.append("\(path): too many") }
      case "required":
        for name in rule as? [String] ?? [] where object?[name] == nil { errors.append("\(path): no \(name)") }
      case "items":
        for item in list ?? [] { errors += self.errors(item, rule as? [String: Any] ?? [:], path + "[]") }
      case "additionalProperties":
        let known = schema["properties"] as? [String: Any] ?? [:]
        for (name, inner) in object ?? [:] where known[name] == nil {
          if let rule = rule as? [String: Any] {
            errors += self.errors(inner, rule, "\(path).\(name)")
          } else {
            errors.append("\(path): unknown \(name)")
          }
        }
      default: errors.append("keyword \(keyword)")
      }
    }
    for (name, rule) in schema["properties"] as? [String: Any] ?? [:] {
      if let inner = object?[name] { errors += self.errors(inner, rule as? [String: Any] ?? [:], "\(path).\(name)") }
    }
    return errors
  }

  private static func has(_ value: Any, _ type: String) -> Bool {
    switch type {
    case "object": value is [String: Any]
    case "array": value is [Any]
    case "string": value is String
    case "boolean": value is Bool
    case "integer": (value as? Double).map { $0 == $0.rounded() } ?? false
    case "number": value is Double
    default: false
    }
  }
}
