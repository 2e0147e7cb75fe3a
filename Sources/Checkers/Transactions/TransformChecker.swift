// Consume, transform, produce: is every input's effect in the output exactly once, and its offset committed with it?

import Base
import History

/// What a transformer left behind once it stood still: it reads inputs, writes for each of them its outputs, and commits
/// outputs and input offsets in one transaction.
public struct TransformHistory: Equatable, Sendable {
  public struct Input: Equatable, Sendable {
    public var message: MessageID
    /// Index into `committed`.
    public var partition: UInt32
    public var offset: Int64
    /// How many outputs it is to have, numbered from 0.
    public var parts: UInt32

    public init(_ message: MessageID, partition: UInt32, offset: Int64, parts: UInt32 = 1) {
      (self.message, self.partition, self.offset, self.parts) = (message, partition, offset, parts)
    }
  }

  /// One message of the output, as a reader of what is committed found it. Its payload says where it came from.
  public struct Effect: Equatable, Sendable {
    public var input: MessageID
    public var part: UInt32
    /// Index into `attempts`: the transaction that wrote it.
    public var attempt: Int

    public init(of input: MessageID, part: UInt32 = 0, attempt: Int) {
      (self.input, self.part, self.attempt) = (input, part, attempt)
    }
  }

  public var inputs: [Input] = []
  /// How each transaction of the transformer ended.
  public var attempts: [Outcome] = []
  public var effects: [Effect] = []
  /// By partition the offset from which a new consumer would go on.
  public var committed: [Int64] = []
  /// The transformer was left alone until it had nothing more to do.
  public var isDrained = true

  public init() {}
}

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
  /// Indices into the effects: those that show it, ascending.
  public var effects: [Int]
  /// One clause.
  public var reason: String
}

public struct TransformResult: Equatable, Sendable {
  /// By input; `unexpected` and `aborted-read` by output. Every name has an entry.
  public var counts: [TransformFindingName: Int] = [:]
  public var findings: [TransformFinding] = []
  /// Inputs with all their outputs once and their offset committed; inputs not yet processed.
  public var processed = 0
  public var pending = 0
  public var verdict = HistoryVerdict.valid
}

public enum TransformChecker {
  /// Linear in inputs and effects. Inputs are different from each other.
  public static func check(_ history: TransformHistory, findingLimit: Int = 1000) -> TransformResult {
    var result = TransformResult()
    func add(_ name: TransformFindingName, _ input: MessageID, _ effects: [Int], _ reason: String) {
      result.counts[name, default: 0] += 1
      if result.counts[name, default: 0] > findingLimit { return }
      result.findings.append(TransformFinding(name: name, input: input, effects: effects, reason: reason))
    }
    var table = PairTable(capacity: history.inputs.count)
    for (k, input) in history.inputs.enumerated() {
      table.set(input.message.rawValue, to: Int32(truncatingIfNeeded: k))
    }
    var effects = [[Int]](repeating: [], count: history.inputs.count)
    for (at, effect) in history.effects.enumerated() {
      let k = Int(table.find(effect.input.rawValue))
      if k < 0 || effect.part >= history.inputs[k].parts || !history.attempts.indices.contains(effect.attempt) {
        add(.unexpected, effect.input, [at], "an output of an input, a part or a transaction that never was")
      } else if history.attempts[effect.attempt] == .fail {
        add(.abortedRead, effect.input, [at], "written by transaction \(effect.attempt), which failed for certain")
      } else {
        effects[k].append(at)
      }
    }
    for (k, input) in history.inputs.enumerated() {
      let there = effects[k]
      let parts = Set(there.map { history.effects[$0].part }).count
      let partition = Int(input.partition)
      let isCommitted = partition < history.committed.count && input.offset < history.committed[partition]
      let place = "offset \(input.offset) of partition \(input.partition)"
      let isTorn = parts > 0 && parts < Int(input.parts)
      if there.count > parts {
        add(.duplicated, input.message, there, "\(there.count) outputs, expected \(input.parts)")
      }
      if isTorn { add(.torn, input.message, there, "\(parts) of \(input.parts) outputs are there") }
      switch (parts > 0, isCommitted) {
      case (true, false):
        add(.uncommittedOffset, input.message, there, "its output is there, and \(place) not committed")
      case (false, true) where input.parts > 0:
        add(.lost, input.message, [], "\(place) is committed, and no output is there")
      case (false, false):
        result.pending += 1
        if history.isDrained { add(.unprocessed, input.message, [], "neither output nor committed offset") }
      default: if there.count == parts, !isTorn { result.processed += 1 }
      }
    }
    for name in TransformFindingName.allCases { result.counts[name, default: 0] += 0 }
    let isViolated = result.counts.values.contains { $0 > 0 }
    result.verdict = isViolated ? .violated : history.inputs.isEmpty || result.pending > 0 ? .undecided : .valid
    return result
  }
}
