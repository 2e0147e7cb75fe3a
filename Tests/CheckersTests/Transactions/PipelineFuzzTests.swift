// Small random sagas and transformers, through their files, against what the words of each finding say.

import Base
import Foundation
import History
import Testing

@testable import Checkers

@Suite struct PipelineFuzzTests {
  private static let outcomes: [Outcome] = [.ok, .ok, .fail, .info, .invoke]

  private static func word(_ outcome: Outcome) -> String {
    switch outcome {
    case .invoke: "invoke"
    case .ok: "ok"
    case .fail: "fail"
    case .info: "info"
    }
  }

  /// The lines that tell of something with this outcome: perhaps an invocation, and the end where it has one.
  private static func told(_ start: String, _ outcome: Outcome, _ rng: inout SeededGenerator) -> [String] {
    let isBegun = outcome == .invoke || rng.chance(0.5)
    return ((isBegun ? [Outcome.invoke] : []) + (outcome == .invoke ? [] : [outcome])).map {
      "\(start),\"type\":\"\(word($0))\"}"
    }
  }

  /// Some order of all lines in which those of one group keep theirs.
  private static func mixed(_ groups: [[String]], _ rng: inout SeededGenerator) -> [String] {
    var rest = groups.filter { !$0.isEmpty }
    var lines: [String] = []
    while !rest.isEmpty {
      let at = rng.below(rest.count)
      lines.append(rest[at].removeFirst())
      if rest[at].isEmpty { rest.remove(at: at) }
    }
    return lines
  }

  /// The report is what the naive evaluation says.
  /// - Parameters:
  ///   - isViolated: Nothing that may still come could mend it.
  ///   - hasStrangers: It speaks of what may yet be introduced. Of that only the drain decides, so that a repetition of it
  ///     may be left undecided; never is anything accused that could be mended.
  private func expect(
    _ report: CheckReport, _ counts: [String: Int], isDrained: Bool, isEmpty: Bool, isViolated: Bool,
    hasStrangers: Bool, seed: UInt64, _ lines: [String]
  ) {
    let found = Dictionary(uniqueKeysWithValues: report.summary.map { ($0.name, $0.count + $0.undecided) })
    #expect(found == counts, "seed \(seed): \(lines.joined(separator: "\n"))")
    #expect(report.findings.count == report.summary.reduce(0) { $0 + $1.count }, "seed \(seed)")
    if isDrained { #expect(report.summary.allSatisfy { $0.undecided == 0 }, "seed \(seed)") }
    let verdict: HistoryVerdict = isViolated ? .violated : isDrained && !isEmpty ? .valid : .undecided
    let isLeftOpen = !isDrained && hasStrangers && report.verdict == .undecided
    #expect(report.verdict == verdict || isLeftOpen, "seed \(seed): \(lines.joined(separator: "\n"))")
    // Every finding points at lines that are about its message.
    for finding in report.findings {
      let id = "\"value\":\(finding.id ?? "none"),"
      let own = finding.events.filter { lines[$0].contains(id) }
      #expect(!own.isEmpty && finding.events == finding.events.sorted(), "seed \(seed): \(finding)")
    }
  }

  @Test func sagasAgainstTheirWords() throws {
    let rounds = Rounds("sagas", usual: 3000, parts: 2)
    var verdicts: [HistoryVerdict: Int] = [:]
    for seed in rounds.seeds {
      var rng = SeededGenerator(seed: seed, label: "sagas")
      var naive = NaiveSaga(services: rng.chance(0.3) ? ["a"] : ["a", "b"])
      var groups: [[String]] = []
      for id in 0..<2 where rng.chance(0.8) {
        let outcome = rng.pick(Self.outcomes)
        naive.orders[id] = outcome
        groups.append(Self.told("{\"f\":\"order\",\"value\":\(id)", outcome, &rng))
        // Mostly a saga that goes as it should, so that not everything is a violation.
        guard rng.chance(0.7) else { continue }
        let isUndone = outcome == .fail || outcome != .ok && rng.chance(0.5)
        for service in naive.services {
          naive.steps.append(.init(order: id, service: service, isCompletion: true))
          if isUndone { naive.steps.append(.init(order: id, service: service, isCompletion: false)) }
        }
      }
      for _ in 0..<rng.below(3) {
        if !naive.steps.isEmpty, rng.chance(0.4) {
          naive.steps.remove(at: rng.below(naive.steps.count))
        } else {
          let service = rng.chance(0.1) ? "audit" : rng.pick(naive.services)
          naive.steps.append(.init(order: rng.below(2), service: service, isCompletion: rng.chance(0.6)))
        }
      }
      groups += naive.steps.map {
        [
          "{\"f\":\"\($0.isCompletion ? "complete" : "compensate")\",\"value\":\($0.order),\"service\":\"\($0.service)\"}"
        ]
      }
      naive.isDrained = rng.chance(0.6)
      let list = naive.services.map { "\"\($0)\"" }.joined(separator: ",")
      var lines = ["{\"f\":\"services\",\"value\":[\(list)]}"] + Self.mixed(groups, &rng)
      if naive.isDrained { lines.append("{\"f\":\"drained\"}") }
      let history = try SagaHistory.parse(Array(lines.joined(separator: "\n").utf8), file: "seed \(seed)")
      let report = CheckCommandCore.run(history)
      expect(
        report, naive.counts(), isDrained: naive.isDrained, isEmpty: naive.orders.isEmpty,
        isViolated: naive.isDrained ? !naive.isSound : !naive.canBecomeSound(),
        hasStrangers: naive.steps.contains { naive.orders[$0.order] == nil }, seed: seed, lines)
      verdicts[report.verdict, default: 0] += 1
    }
    if rounds.finish() { #expect(verdicts.count == 3 && verdicts.values.allSatisfy { $0 > 300 }, "\(verdicts)") }
  }

  @Test func transformersAgainstTheirWords() throws {
    let rounds = Rounds("transformers", usual: 5000, parts: 2)
    var verdicts: [HistoryVerdict: Int] = [:]
    var names: [String: Int] = [:]
    for seed in rounds.seeds {
      var rng = SeededGenerator(seed: seed, label: "transformers")
      var (naive, groups) = transformer(&rng)
      naive.isDrained = rng.chance(0.6)
      groups += naive.outputs.map {
        let part = $0.part == 0 && rng.chance(0.5) ? "" : ",\"part\":\($0.part)"
        return ["{\"f\":\"output\",\"value\":\($0.input),\"transaction\":\($0.transaction)\(part)}"]
      }
      groups += naive.committed.keys.sorted().map { partition in
        naive.committed[partition, default: []].map {
          "{\"f\":\"committed\",\"partition\":\"\(partition)\",\"offset\":\($0)}"
        }
      }
      var lines = Self.mixed(groups, &rng)
      lines.append(naive.isDrained ? "{\"f\":\"drained\"}" : "{\"f\":\"drained\",\"type\":\"invoke\"}")
      let history = try TransformHistory.parse(Array(lines.joined(separator: "\n").utf8), file: "seed \(seed)")
      let report = CheckCommandCore.run(history)
      expect(
        report, naive.counts(), isDrained: naive.isDrained, isEmpty: naive.inputs.isEmpty,
        isViolated: naive.isDrained ? !naive.isSound : !naive.canBecomeSound(),
        hasStrangers: naive.outputs.contains {
          naive.inputs[$0.input] == nil || naive.transactions[$0.transaction] == nil
        }, seed: seed, lines)
      verdicts[report.verdict, default: 0] += 1
      for line in report.summary where line.count > 0 { names[line.name, default: 0] += 1 }
    }
    guard rounds.finish() else { return }
    #expect(verdicts.count == 3 && verdicts.values.allSatisfy { $0 > 300 }, "\(verdicts)")
    #expect(names.count == TransformFindingName.allCases.count && names.values.allSatisfy { $0 > 30 }, "\(names)")
  }

  /// A transformer that does mostly as it should; the lines of its inputs and transactions.
  private func transformer(_ rng: inout SeededGenerator) -> (NaiveTransform, [[String]]) {
    var naive = NaiveTransform()
    var groups: [[String]] = []
    for k in 0..<rng.below(4) {
      let outcome = rng.pick(Self.outcomes)
      naive.transactions[k] = outcome
      groups.append(Self.told("{\"f\":\"transaction\",\"value\":\(k)", outcome, &rng))
    }
    var ends = ["p": 0, "q": 0]
    for id in 0..<rng.below(4) {
      let partition = rng.pick(["p", "q"])
      let input = NaiveTransform.Input(partition: partition, offset: ends[partition, default: 0], parts: rng.below(3))
      ends[partition, default: 0] += 1
      naive.inputs[id] = input
      let parts = input.parts == 1 && rng.chance(0.5) ? "" : ",\"parts\":\(input.parts)"
      groups.append([
        "{\"f\":\"input\",\"value\":\(id),\"partition\":\"\(partition)\",\"offset\":\(input.offset)\(parts)}"
      ])
      guard let writer = naive.transactions.keys.sorted().first(where: { naive.transactions[$0] != .fail }) else {
        continue
      }
      for part in 0..<input.parts {
        naive.outputs.append(NaiveTransform.Output(input: id, part: part, transaction: writer))
      }
    }
    for (partition, end) in ends.sorted(by: { $0.key < $1.key }) where end > 0 {
      naive.committed[partition] = (0...rng.below(2)).map { _ in rng.below(end + 1) }
      if rng.chance(0.7) { naive.committed[partition, default: []].append(end) }
    }
    for _ in 0..<rng.below(3) {
      if !naive.outputs.isEmpty, rng.chance(0.5) {
        naive.outputs.remove(at: rng.below(naive.outputs.count))
      } else {
        naive.outputs.append(
          NaiveTransform.Output(input: rng.below(4), part: rng.below(3), transaction: rng.below(4)))
      }
    }
    return (naive, groups)
  }
}
