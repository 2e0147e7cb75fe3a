// The schema is the generated one, and says the same of files as the check does.

import Foundation
import Testing

@testable import Scenario

struct SchemaTests {
  @Test func committedFileIsTheGeneratedText() throws {
    #expect(try String(decoding: Files.bytes("schema.json"), as: UTF8.self) == Schema.text)
  }

  @Test func everyDefaultFitsItsShape() throws {
    var seen = 0
    func visit(_ shape: Shape) throws {
      switch shape {
      case .list(let inner, _), .byName(_, let inner): try visit(inner)
      case .either(let shapes): for shape in shapes { try visit(shape) }
      case .variants(let variants): for variant in variants { try visit(.table(variant.table)) }
      case .table(let table):
        for key in table.keys {
          if case .otherwise(let text) = key.presence {
            var check = Check()
            _ = check.value(try YamlParser.parse(Array(text.utf8)).root, key.shape, key.name)
            #expect(check.mistakes.isEmpty, "\(key.name): \(check.mistakes)")
            seen += 1
          }
          #expect(key.help.hasSuffix("."), "\(key.name)")
          try visit(key.shape)
        }
      default: break
      }
    }
    try visit(ScenarioKeys.root)
    #expect(seen > 30)
  }

  private func validate(_ yaml: [UInt8]) throws -> [String] {
    let schema = try JSONSerialization.jsonObject(with: Data(Schema.text.utf8))
    let json = Schema.json(try YamlParser.parse(yaml).root).text()
    let value = try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
    return Validator.errors(value, try #require(schema as? [String: Any]), "")
  }

  @Test(arguments: Files.names)
  func everyScenarioIsValid(name: String) throws {
    #expect(try validate(Files.bytes(name + ".yaml")).isEmpty)
  }

  /// Mistakes of shape are seen by the schema as well; rules between values are not its matter.
  @Test(arguments: [
    "clustre: {}", "cluster: {nodes: many}", "cluster: {nodes: 8}", "cluster: [a]", "cluster: {nodes: \"3\"}",
    "levels: []", "levels: [lo]", "levels: [{base: low}]", "workload: {rate: 1000}", "workload: {service-time: 2}",
    "workload: {rate: {steps: []}}", "workload: {rate: {burst: 9/s}}", "faults: [{kind: crsh, target: n1, at: 1s}]",
    "faults: [{kind: crash, target: n1, at: 1s, for: 1s}]", "expect: {low: {lots: 0}}", "expect: {low: {lost: none}}",
    "expect: {all: {longest-outage: 5s}}", "seed: -1",
  ])
  func schemaSeesMistakesOfShape(yaml: String) throws {
    let text = MistakeTests.head + yaml
    #expect(!mistakes(text).isEmpty)
    #expect(try !validate(Array(text.utf8)).isEmpty)
  }
}

/// The part of JSON Schema (draft 7) that the generated schema uses; an unknown keyword is an error of its own.
enum Validator {
  static func errors(_ value: Any, _ schema: [String: Any], _ path: String) -> [String] {
    var errors: [String] = []
    for (keyword, rule) in schema {
      switch keyword {
      case "$schema", "title", "description", "default": break
      case "type":
        if !has(value, type: rule as? String) { errors.append("\(path): no \(rule)") }
      case "const":
        if !equal(value, rule) { errors.append("\(path): not \(rule)") }
      case "enum":
        if !(rule as? [Any] ?? []).contains(where: { equal(value, $0) }) { errors.append("\(path): none of \(rule)") }
      case "pattern":
        if let text = value as? String, text.range(of: rule as? String ?? "$^", options: .regularExpression) == nil {
          errors.append("\(path): \(text) does not match \(rule)")
        }
      case "maxLength":
        if let text = value as? String, text.count > rule as? Int ?? 0 { errors.append("\(path): too long") }
      case "minimum":
        if number(value).map({ $0 < number(rule) ?? 0 }) == true { errors.append("\(path): below \(rule)") }
      case "maximum":
        if number(value).map({ $0 > number(rule) ?? 0 }) == true { errors.append("\(path): above \(rule)") }
      case "minItems":
        if let list = value as? [Any], list.count < rule as? Int ?? 0 { errors.append("\(path): too few") }
      case "maxItems":
        if let list = value as? [Any], list.count > rule as? Int ?? 0 { errors.append("\(path): too many") }
      case "items":
        for (index, item) in ((value as? [Any]) ?? []).enumerated() {
          errors += self.errors(item, rule as? [String: Any] ?? [:], "\(path)[\(index)]")
        }
      case "required":
        for name in rule as? [String] ?? [] where (value as? [String: Any])?[name] == nil {
          errors.append("\(path): no \(name)")
        }
      case "properties", "additionalProperties": break
      case "propertyNames":
        for name in (value as? [String: Any] ?? [:]).keys {
          errors += self.errors(name, rule as? [String: Any] ?? [:], "\(path) key")
        }
      case "oneOf", "anyOf":
        let fits = (rule as? [[String: Any]] ?? []).count { self.errors(value, $0, path).isEmpty }
        if fits == 0 || (keyword == "oneOf" && fits > 1) { errors.append("\(path): fits \(fits) of \(keyword)") }
      default: errors.append("keyword \(keyword)")
      }
    }
    for (name, inner) in value as? [String: Any] ?? [:] {
      if let property = (schema["properties"] as? [String: Any])?[name] as? [String: Any] {
        errors += self.errors(inner, property, "\(path).\(name)")
      } else if let more = schema["additionalProperties"] as? [String: Any] {
        errors += self.errors(inner, more, "\(path).\(name)")
      } else if schema["additionalProperties"] as? Bool == false {
        errors.append("\(path): unknown \(name)")
      }
    }
    return errors
  }

  private static func isBoolean(_ value: Any) -> Bool {
    (value as? NSNumber).map { CFBooleanLike.types.contains(String(cString: $0.objCType)) } ?? false
  }

  private enum CFBooleanLike { static let types = ["c", "B"] }

  private static func number(_ value: Any) -> Double? { isBoolean(value) ? nil : (value as? NSNumber)?.doubleValue }

  private static func has(_ value: Any, type: String?) -> Bool {
    switch type {
    case "object": value is [String: Any]
    case "array": value is [Any]
    case "string": value is String
    case "boolean": isBoolean(value)
    case "integer": number(value).map { $0 == $0.rounded() } ?? false
    default: false
    }
  }

  private static func equal(_ a: Any, _ b: Any) -> Bool {
    if let a = a as? String, let b = b as? String { return a == b }
    if let a = number(a), let b = number(b) { return a == b }
    return false
  }
}
