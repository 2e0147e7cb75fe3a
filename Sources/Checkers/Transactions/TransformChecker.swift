// Consume, transform, produce: is every input's effect in the output exactly once, and its offset committed with it?

import Base
import History

public enum TransformFindingName: String, CaseIterable, Codable, Sendable {
  /// An output without an input, or of a part or transaction that is none.
  case unexpected
  /// An output of a transaction that failed for certain.
  case abortedRead = "aborted-read"
  /// An output twice.
  case duplicated
  /// The offset is committed, and there is no output.
  case lost
  /// Some of an input's outputs are there, others not.
  case torn = "torn-transaction"
  /// The output is there, and the offset not committed: the input will be processed again.
  case uncommittedOffset = "uncommitted-offset"
  /// After the drain, neither output nor committed offset.
  case unprocessed
}

public struct TransformFinding: Equatable, Sendable {
  public var name: TransformFindingName
  public var input: MessageID
  /// Its index; nil where it never was.
  public var index: Int?
  /// Indices into the effects: those that show it, ascending.
  public var effects: [Int]
  /// Index of the transaction that failed.
  public var transaction: Int?
  /// One clause.
  public var reason: String
}

public struct TransformResult: Equatable, Sendable {
  /// By input; `unexpected` and `aborted-read` by output. Every name has an entry.
  public var counts: [TransformFindingName: Int] = [:]
  public var findings: [TransformFinding] = []
  /// What only the missing drain excuses.
  public var undecided: [TransformFindingName: Int] = [:]
  /// Inputs with all their outputs once and their offset committed; inputs not yet processed.
  public var processed = 0
  public var pending = 0
  public var verdict = HistoryVerdict.valid
}

public enum TransformChecker {
  /// Linear in inputs and effects. Where there was no drain, what may yet be written, committed or read is no finding, and
  /// the verdict at best undecided.
  public static func check(_ history: TransformHistory, findingLimit: Int = 1000) -> TransformResult {
    var result = TransformResult()
    func add(
      _ name: TransformFindingName, _ input: MessageID, _ index: Int?, _ effects: [Int], _ reason: String,
      transaction: Int? = nil, mayChange: Bool = false
    ) {
      if mayChange, !history.isDrained {
        result.undecided[name, default: 0] += 1
        return
      }
      result.counts[name, default: 0] += 1
      if result.counts[name, default: 0] > findingLimit { return }
      result.findings.append(
        TransformFinding(
          name: name, input: input, index: index, effects: effects, transaction: transaction, reason: reason))
    }
    var inputs = PairTable(capacity: history.inputs.count)
    for (k, input) in history.inputs.enumerated() {
      inputs.set(input.message.rawValue, to: Int32(truncatingIfNeeded: k))
    }
    var transactions = PairTable(capacity: history.transactions.count)
    for (k, transaction) in history.transactions.enumerated() {
      transactions.set(transaction.number, to: Int32(truncatingIfNeeded: k))
    }
    var effects = [[Int]](repeating: [], count: history.inputs.count)
    for (at, effect) in history.effects.enumerated() {
      let k = Int(inputs.find(effect.input.rawValue))
      let t = Int(transactions.find(effect.transaction))
      let index = k < 0 ? nil : k
      if k >= 0, effect.part >= history.inputs[k].parts {
        let reason = "part \(effect.part) of \(history.inputs[k].parts), which count from 0"
        add(.unexpected, effect.input, index, [at], reason)
      } else if t >= 0, history.transactions[t].told.outcome == .fail {
        let reason = "written by transaction \(effect.transaction), which failed for certain"
        add(.abortedRead, effect.input, index, [at], reason, transaction: t)
      } else if k < 0 {
        add(.unexpected, effect.input, nil, [at], "an output of an input that never was", mayChange: true)
      } else if t < 0 {
        let reason = "written by transaction \(effect.transaction), which never was"
        add(.unexpected, effect.input, index, [at], reason, mayChange: true)
      } else {
        effects[k].append(at)
      }
    }
    for (k, input) in history.inputs.enumerated() {
      let there = effects[k]
      let parts = Set(there.map { history.effects[$0].part }).count
      let place = place(of: input, history)
      let isTorn = parts > 0 && parts < Int(input.parts)
      if there.count > parts {
        let reason = "\(there.count) outputs are there, \(parts) of them different"
        add(.duplicated, input.message, k, there, reason)
      }
      if isTorn {
        add(.torn, input.message, k, there, "\(parts) of \(input.parts) outputs are there", mayChange: true)
      }
      switch (parts > 0, place.isCommitted) {
      case (true, false):
        let reason = "its output is there, and \(place.name) not committed"
        add(.uncommittedOffset, input.message, k, there, reason, mayChange: true)
      case (false, true) where input.parts > 0:
        let reason = "\(place.name) is committed, and no output is there"
        add(.lost, input.message, k, [], reason, mayChange: true)
      case (false, false):
        result.pending += 1
        add(.unprocessed, input.message, k, [], "neither output nor committed offset", mayChange: true)
      default: if there.count == parts, !isTorn { result.processed += 1 }
      }
    }
    for name in TransformFindingName.allCases { result.counts[name, default: 0] += 0 }
    let isViolated = result.counts.values.contains { $0 > 0 }
    result.verdict = isViolated ? .violated : history.inputs.isEmpty || !history.isDrained ? .undecided : .valid
    return result
  }

  private static func place(
    of input: TransformHistory.Input, _ history: TransformHistory
  ) -> (name: String, isCommitted: Bool) {
    let at = Int(input.partition)
    guard at < history.partitions.count else { return ("offset \(input.offset)", false) }
    let partition = history.partitions[at]
    let isCommitted = partition.committed.map { input.offset < $0 } ?? false
    return ("offset \(input.offset) of \(partition.name)", isCommitted)
  }
}
