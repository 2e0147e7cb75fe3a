// Sagas: after the drain every order is completed in all services, or nothing of it is left in any.

import Base
import History

/// What the services hold of each order once everything stands still (Garcia-Molina and Salem, "Sagas", SIGMOD 1987): a
/// step that was done is undone by its compensation.
public struct SagaHistory: Equatable, Sendable {
  public struct Order: Equatable, Sendable {
    public var id: MessageID
    /// What its client was told.
    public var outcome: Outcome

    public init(_ id: MessageID, _ outcome: Outcome) { (self.id, self.outcome) = (id, outcome) }
  }

  public enum Act: UInt8, Sendable { case completed, compensated }

  /// One thing that a service did for an order.
  public struct Step: Equatable, Sendable {
    public var order: MessageID
    /// From 0.
    public var service: UInt32
    public var act: Act

    public init(_ order: MessageID, service: UInt32, _ act: Act) {
      (self.order, self.service, self.act) = (order, service, act)
    }
  }

  public var services = 0
  public var orders: [Order] = []
  public var steps: [Step] = []
  /// The services were left alone until no message was under way any more.
  public var isDrained = true

  public init() {}
}

public enum SagaFindingName: String, CaseIterable, Codable, Sendable {
  /// A step for an order, or by a service, that never was.
  case unexpected
  /// A service completed, or compensated, the same order twice.
  case duplicated
  /// Completed in some services, while in others it is not, or no more.
  case torn = "torn-transaction"
  /// Its client was told that it succeeded, and nothing is left of it.
  case lost
  /// Its client was told that it failed, and it is completed in all services.
  case abortedRead = "aborted-read"
}

public struct SagaFinding: Equatable, Sendable {
  public var name: SagaFindingName
  public var order: MessageID
  /// Indices into the steps: those that show it, ascending.
  public var steps: [Int]
  /// One clause.
  public var reason: String
}

public struct SagaResult: Equatable, Sendable {
  /// By order; `unexpected` by step, `duplicated` by order and service. Every name has an entry.
  public var counts: [SagaFindingName: Int] = [:]
  public var findings: [SagaFinding] = []
  /// Orders completed in all services; orders of which nothing is left.
  public var completed = 0
  public var compensated = 0
  public var verdict = HistoryVerdict.valid
}

public enum SagaChecker {
  /// Linear in orders times services, and steps. Orders are different from each other. Where there was no drain, what only
  /// waits for a message to arrive is no finding, and the verdict at best undecided.
  public static func check(_ history: SagaHistory, findingLimit: Int = 1000) -> SagaResult {
    var result = SagaResult()
    func add(_ name: SagaFindingName, _ order: MessageID, _ steps: [Int], _ reason: String) {
      result.counts[name, default: 0] += 1
      if result.counts[name, default: 0] > findingLimit { return }
      result.findings.append(SagaFinding(name: name, order: order, steps: steps, reason: reason))
    }
    var table = PairTable(capacity: history.orders.count)
    for (k, order) in history.orders.enumerated() { table.set(order.id.rawValue, to: Int32(truncatingIfNeeded: k)) }
    var steps = [[Int]](repeating: [], count: history.orders.count)
    for (at, step) in history.steps.enumerated() {
      let k = Int(table.find(step.order.rawValue))
      if k < 0 || Int(step.service) >= history.services {
        add(.unexpected, step.order, [at], "a step for an order or by a service that never was")
      } else {
        steps[k].append(at)
      }
    }
    var pending = 0
    for (k, order) in history.orders.enumerated() {
      var completed: [Int] = []
      for service in 0..<history.services {
        let here = steps[k].filter { Int(history.steps[$0].service) == service }
        let undone = here.filter { history.steps[$0].act == .compensated }
        let isTwice = undone.count > 1 || here.count - undone.count > 1
        if isTwice { add(.duplicated, order.id, here, "service \(service) did the same for it more than once") }
        // A compensation that comes first keeps what it is for from being done.
        if undone.isEmpty, !here.isEmpty { completed.append(service) }
      }
      if completed.count == history.services, history.services > 0 {
        result.completed += 1
        if order.outcome == .fail { add(.abortedRead, order.id, steps[k], "said to have failed, and completed") }
      } else if !history.isDrained {
        pending += 1
      } else if completed.isEmpty {
        result.compensated += 1
        if order.outcome == .ok { add(.lost, order.id, steps[k], "said to have succeeded, and nothing is left of it") }
      } else {
        let others = (0..<history.services).filter { !completed.contains($0) }
        add(
          .torn, order.id, steps[k],
          "completed in services \(list(completed)), and not, or no more, in \(list(others))")
      }
    }
    for name in SagaFindingName.allCases { result.counts[name, default: 0] += 0 }
    let isViolated = result.counts.values.contains { $0 > 0 }
    result.verdict = isViolated ? .violated : history.orders.isEmpty || pending > 0 ? .undecided : .valid
    return result
  }

  private static func list(_ services: [Int]) -> String { services.map(String.init).joined(separator: ", ") }
}
