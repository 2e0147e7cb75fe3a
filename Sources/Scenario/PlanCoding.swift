// How a plan looks as JSON: sorted keys, values in the words of the scenario file, the same bytes for the same plan.

import Base
import FoundationEssentials

extension Plan {
  /// The plan as JSON: sorted keys, two spaces, a newline at the end.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    // All numbers of a plan are finite, so encoding cannot fail.
    guard let data = try? encoder.encode(self) else { return "{}\n" }
    return String(decoding: data, as: UTF8.self) + "\n"
  }

  /// A plan from `plan.json`.
  /// - Throws: `DecodingError`.
  public init(json: [UInt8]) throws {
    self = try JSONDecoder().decode(Plan.self, from: Data(json))
  }
}

extension Target: CustomStringConvertible {
  /// As scenarios write it: `n2`, `leader`, `leader-of: q`.
  public var description: String {
    switch self {
    case .node(let name): name
    case .leader: "leader"
    case .leaderOf(let queue): "leader-of: \(queue)"
    case .random: "random"
    case .randomFollower: "random-follower"
    case .majority: "majority"
    case .all: "all"
    }
  }

  /// What `description` gives; every other word is a node's name.
  public init(_ text: String) {
    switch text {
    case "leader": self = .leader
    case "random": self = .random
    case "random-follower": self = .randomFollower
    case "majority": self = .majority
    case "all": self = .all
    default:
      let role = "leader-of: "
      self = text.hasPrefix(role) ? .leaderOf(String(text.dropFirst(role.count))) : .node(text)
    }
  }

  public init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension Expectation.Rule: CustomStringConvertible {
  /// As scenarios write it: `0`, `report`, `< 5s`.
  public var description: String {
    switch self {
    case .atMost(let count): "\(count)"
    case .report: "report"
    case .below(let time): "< \(time.text)"
    }
  }

  /// nil where `text` is no rule.
  public init?(text: String) {
    if text == "report" {
      self = .report
    } else if text.utf8.first == 0x3c {
      guard let time = Quantity.duration.read(String(text.drop { $0 == "<" || $0 == " " })), time > 0 else {
        return nil
      }
      // A second `<` would be dropped as well.
      guard text.utf8.count(where: { $0 == 0x3c }) == 1 else { return nil }
      self = .below(Nanoseconds(time))
    } else if let count = Int(text), count >= 0 {
      self = .atMost(count)
    } else {
      return nil
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let rule = Self(text: text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(quoted(text)) is no rule")
    }
    self = rule
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension WorkloadPlan.Rate {
  private enum CodingKeys: String, CodingKey { case base, burst, steps }

  /// `"max"`, `{base, burst}` or `{steps}`.
  public init(from decoder: any Decoder) throws {
    if let word = try? decoder.singleValueContainer().decode(String.self) {
      guard word == "max" else {
        throw DecodingError.dataCorrupted(
          .init(codingPath: decoder.codingPath, debugDescription: "\(quoted(word)) is no rate"))
      }
      self = .max
      return
    }
    let container = try decoder.container(keyedBy: CodingKeys.self)
    if let steps = try container.decodeIfPresent([WorkloadPlan.Step].self, forKey: .steps) {
      self = .steps(steps)
    } else {
      self = .open(
        base: try container.decode(Double.self, forKey: .base),
        burst: try container.decodeIfPresent(WorkloadPlan.Burst.self, forKey: .burst))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .max:
      var container = encoder.singleValueContainer()
      try container.encode("max")
    case .open(let base, let burst):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(base, forKey: .base)
      try container.encodeIfPresent(burst, forKey: .burst)
    case .steps(let steps):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(steps, forKey: .steps)
    }
  }
}
