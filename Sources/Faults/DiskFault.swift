// What the faults of a disk have in common: a rule on the disk of each target, its probe and its counters.

import Arena
import Base
import Glibc
import Scenario

/// The rules that stand on each disk, with the faults that put them there.
final class StandingRules {
  private let context: any FaultContext
  private var standing: [String: [(fault: String, rule: DiskRule)]] = [:]

  init(_ context: any FaultContext) { self.context = context }

  func rules(of node: String) -> [DiskRule] { (standing[node] ?? []).map(\.rule) }

  func add(_ rule: DiskRule, to node: String, by fault: String) { standing[node, default: []].append((fault, rule)) }

  func remove(_ fault: String, from node: String) { standing[node]?.removeAll { $0.fault == fault } }

  /// Puts all that stands in force; false when there is no disk, or its daemon does not answer.
  func apply(to node: String, in arena: FaultArena, _ then: @escaping (Bool) -> Void) {
    guard let disk = context.disk(node) else { return then(false) }
    let rules = rules(of: node)
    arena.inTime(2 * .second, { disk.setRules(rules, then: $0) }, then: then)
  }
}

/// A rule on the disks of the targets. The subclasses say which.
class DiskFault {
  let plan: FaultPlan
  private let nodes: [String]
  private let arena: FaultArena
  private var before: [String: DiskCounters] = [:]
  private var final: FaultEffect?
  private var longestWait: Nanoseconds = 0

  var figuresComeWithHeal: Bool { true }

  /// Overridden by each fault.
  var ruleEffect: DiskRule.Effect { .stall }

  required init(_ plan: FaultPlan, on nodes: [String], in arena: FaultArena) {
    (self.plan, self.nodes, self.arena) = (plan, nodes, arena)
  }

  private var operations: Set<DiskOperation> {
    let named = Set(plan.operations.compactMap { DiskOperation(name: $0) })
    return named.isEmpty ? DiskOperation.usual : named
  }

  func begin(_ then: @escaping () -> Void) {
    let rule = DiskRule(path: plan.path, operations: operations, effect: ruleEffect)
    FaultArena.each(nodes) { name, done in
      before[name] = arena.context.disk(name)?.counters
      arena.disks.add(rule, to: name, by: plan.id)
      arena.disks.apply(to: name, in: arena) { _ in done() }
    } then: {
      then()
    }
  }

  func probe(_ then: @escaping (FaultProbe) -> Void) {
    var shown: [String] = []
    var texts: [String] = []
    let (effect, operations) = (ruleEffect, operations)
    FaultArena.each(nodes) { name, done in
      guard let disk = arena.context.disk(name) else {
        texts.append("\(name) has no disk of ours")
        return done()
      }
      disk.probe(timeout: probeTimeout) { result in
        if result.shows(effect, on: operations) { shown.append(name) }
        texts.append("\(name): \(result.summary(operations))")
        done()
      }
    } then: { [nodes] in
      then(
        FaultProbe(
          inForce: !nodes.isEmpty && shown.count == nodes.count, counts: ["disks-in-force": Double(shown.count)],
          text: texts.sorted().joined(separator: "; ")))
    }
  }

  /// Long enough for what is to be shown, and over before the fault is.
  private var probeTimeout: Nanoseconds {
    var wanted = 300 * Nanoseconds.millisecond
    if case .delay(let delay) = ruleEffect { wanted += delay * Nanoseconds(operations.count) }
    return max(20 * .millisecond, min(wanted, plan.length * 4 / 5))
  }

  func effect() -> FaultEffect {
    if let final { return final }
    var touched: UInt64 = 0
    for name in nodes {
      guard let now = arena.context.disk(name)?.counters, let before = before[name] else { continue }
      touched += operations.reduce(0) {
        $0 + (Self.touched(ruleEffect, now[$1]) &- Self.touched(ruleEffect, before[$1]))
      }
      longestWait = max(longestWait, operations.map { now[$0].longestWait }.max() ?? 0)
    }
    let (key, verb) =
      switch ruleEffect {
      case .stall: ("requests-stalled", "stalled")
      case .delay: ("requests-delayed", "delayed")
      case .error: ("requests-failed", "failed")
      }
    var counts = [key: Double(touched)]
    var text = touched > 0 ? "\(touched) requests \(verb)" : "no request that the rule is about was made"
    if longestWait > 0 && touched > 0 {
      counts["longest-wait-ms"] = longestWait.milliseconds
      text += ", one for \(milliseconds(longestWait))"
    }
    return FaultEffect(felt: touched > 0, counts: counts, text: text)
  }

  private static func touched(_ effect: DiskRule.Effect, _ counters: DiskOperationCounters) -> UInt64 {
    switch effect {
    case .stall: counters.stalled
    case .delay: counters.delayed
    case .error: counters.failed
    }
  }

  func heal(_ then: @escaping (String?) -> Void) {
    var failed: [String] = []
    _ = effect()  // the longest wait so far, which the change of rules begins anew
    FaultArena.each(nodes) { name, done in
      arena.disks.remove(plan.id, from: name)
      guard arena.context.disk(name) != nil else { return done() }
      arena.disks.apply(to: name, in: arena) { answered in
        if !answered { failed.append(name) }
        done()
      }
    } then: { [self] in
      final = effect()
      then(failed.isEmpty ? nil : "the disk of \(list(failed.sorted())) did not answer")
    }
  }

  func firstTraffic() -> Nanoseconds? {
    nodes.compactMap { arena.context.disk($0)?.counters.firstCompletion(of: operations) }.min()
  }
}

extension DiskProbe {
  /// `hung in fsync`, `fsync 81.2 ms, write error 5`.
  func summary(_ operations: Set<DiskOperation>) -> String {
    if let failure { return failure }
    if let hungIn { return "our probe hung in \(hungIn.name)" }
    let parts = steps.filter { operations.contains($0.operation) }.map { step in
      step.error != 0
        ? "\(step.operation.name) failed (\(String(cString: strerror(step.error))))"
        : "\(step.operation.name) took \(milliseconds(step.time))"
    }
    return "our probe: " + (parts.isEmpty ? "did nothing of that kind" : parts.joined(separator: ", "))
  }
}
