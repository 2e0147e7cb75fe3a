// The door to the simulator: options in, a checked history out.

import Base
import Checkers
import History

/// One run and what it came to.
public struct SimulationResult: Sendable {
  public var history: RecordedHistory
  public var delivery: DeliveryResult
  /// What a check of deliveries does not see: a log that could not be recovered, bytes that could not be read, a cluster
  /// that did not come back to work.
  public var broken: [String]
  /// Why the broker closed channels and connections, with how often.
  public var closes: [String]
  public var faults: Int
  public var tornTails: Int
  /// Virtual time.
  public var duration: Nanoseconds
  public var verdict: HistoryVerdict

  /// The findings that the level does not allow.
  public var violations: [Finding] {
    let forbidden = Violations.defaults(judgedAs: level)
    return delivery.findings.filter { forbidden.contains($0.name) }
  }
  var level: ReliabilityLevel

  /// One line for people.
  public var summary: String {
    let found = FindingName.allCases.compactMap { name in
      delivery.counts[name, default: 0] > 0 ? "\(name.rawValue) \(delivery.counts[name, default: 0])" : nil
    }
    return "\(verdict.rawValue): \(delivery.attempted) attempted, \(delivery.acknowledged) acknowledged, "
      + "\(delivery.delivered) delivered, \(faults) faults"
      + (found.isEmpty ? "" : "; " + found.joined(separator: ", "))
      + (broken.isEmpty ? "" : "; broken: " + broken.joined(separator: "; "))
  }
}

/// Whole clusters in virtual time: broker cores with their logs on disks that lose what was not synced, links and
/// clients with latency and cuts, and faults by chance, all from one seed; then the accounting of deliveries over what
/// the clients saw. No clock, no thread, no file.
public enum Simulation {
  /// How long after the end of a fault the broker may still suspect a node that is well: a silent link, an election, and
  /// the time for which what a lost node's consumers hold is kept for them.
  public static let suspicion = 6 * Nanoseconds.second

  public static func run(_ options: SimulationOptions) -> SimulationResult {
    let world = World(options)
    world.run()
    var check = DeliveryOptions(level: options.level)
    check.suspicion = suspicion
    let history = world.recorder.history
    let delivery = DeliveryChecker.check(history, options: check)
    return SimulationResult(
      history: history, delivery: delivery, broken: world.broken,
      closes: world.closes.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" },
      faults: history.events.count { $0.function == .fault && $0.outcome == .invoke }, tornTails: world.tornTails,
      duration: world.clock.now, verdict: Violations.verdict(of: delivery, judgedAs: options.level),
      level: options.level)
  }
}
