// Sagas: after the drain every order is completed in all services, or nothing of it is left in any.

import Base
import History

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
  /// Its index; nil where it never was.
  public var index: Int?
  /// Indices into the steps: those that show it, ascending.
  public var steps: [Int]
  /// One clause.
  public var reason: String
}

public struct SagaResult: Equatable, Sendable {
  /// By order; `unexpected` by step, `duplicated` by order and service. Every name has an entry.
  public var counts: [SagaFindingName: Int] = [:]
  public var findings: [SagaFinding] = []
  /// What only the missing drain excuses: steps of orders that may yet be told of, orders with steps that may yet come.
  public var undecided: [SagaFindingName: Int] = [:]
  /// Orders completed in all services; orders of which nothing is left; others.
  public var completed = 0
  public var compensated = 0
  public var partial = 0
  public var verdict = HistoryVerdict.valid
}

public enum SagaChecker {
  /// Linear in orders times services, and steps. Where there was no drain, what a message under way could mend is no
  /// finding, and the verdict at best undecided.
  public static func check(_ history: SagaHistory, findingLimit: Int = 1000) -> SagaResult {
    var result = SagaResult()
    func add(_ name: SagaFindingName, _ order: MessageID, _ index: Int?, _ steps: [Int], _ reason: String) {
      result.counts[name, default: 0] += 1
      if result.counts[name, default: 0] > findingLimit { return }
      result.findings.append(SagaFinding(name: name, order: order, index: index, steps: steps, reason: reason))
    }
    var table = PairTable(capacity: history.orders.count)
    for (k, order) in history.orders.enumerated() { table.set(order.id.rawValue, to: Int32(truncatingIfNeeded: k)) }
    let services = history.services.count
    var steps = [[Int]](repeating: [], count: history.orders.count)
    for (at, step) in history.steps.enumerated() {
      let k = Int(table.find(step.order.rawValue))
      if Int(step.service) >= services {
        let reason = "done by \(name(step.service, history)), which is none of its services"
        add(.unexpected, step.order, k < 0 ? nil : k, [at], reason)
      } else if k >= 0 {
        steps[k].append(at)
      } else if history.isDrained {
        add(.unexpected, step.order, nil, [at], "\(name(step.service, history)) did something for what never was")
      } else {
        result.undecided[.unexpected, default: 0] += 1
      }
    }
    for (k, order) in history.orders.enumerated() {
      var completions = [Int](repeating: 0, count: services)
      var compensations = completions
      for at in steps[k] {
        let service = Int(history.steps[at].service)
        if history.steps[at].act == .completed { completions[service] += 1 } else { compensations[service] += 1 }
      }
      for service in 0..<services where max(completions[service], compensations[service]) > 1 {
        let act = completions[service] > 1 ? "completed" : "compensated"
        let here = steps[k].filter { Int(history.steps[$0].service) == service }
        add(.duplicated, order.id, k, here, "\(act) more than once by \(history.services[service])")
      }
      // A compensation that comes first keeps what it is for from being done.
      let left = (0..<services).filter { completions[$0] > 0 && compensations[$0] == 0 }
      let isEverywhere = left.count == services && services > 0
      if isEverywhere {
        result.completed += 1
      } else if left.isEmpty {
        result.compensated += 1
      } else {
        result.partial += 1
      }
      let found: (SagaFindingName, String)
      switch (isEverywhere, left.isEmpty, order.told.outcome) {
      case (true, _, .fail): found = (.abortedRead, "said to have failed, and completed")
      case (false, true, .ok): found = (.lost, "said to have succeeded, and nothing is left of it")
      case (false, false, _):
        let others = (0..<services).filter { !left.contains($0) }
        found = (.torn, "completed by \(list(left, history)), and not, or no more, by \(list(others, history))")
      default: continue
      }
      // What succeeded and was compensated anywhere can never again be there everywhere.
      let isCertain = order.told.outcome == .ok && compensations.contains { $0 > 0 }
      if history.isDrained || isCertain {
        add(found.0, order.id, k, steps[k], found.1)
      } else {
        result.undecided[found.0, default: 0] += 1
      }
    }
    for name in SagaFindingName.allCases { result.counts[name, default: 0] += 0 }
    let isViolated = result.counts.values.contains { $0 > 0 }
    result.verdict = isViolated ? .violated : history.orders.isEmpty || !history.isDrained ? .undecided : .valid
    return result
  }

  private static func name(_ service: UInt32, _ history: SagaHistory) -> String {
    let names = history.services + history.strangers
    return Int(service) < names.count ? names[Int(service)] : "service \(service)"
  }

  private static func list(_ services: [Int], _ history: SagaHistory) -> String {
    services.map { history.services[$0] }.joined(separator: ", ")
  }
}
