// Which findings a level does not allow, where nobody has written otherwise; and what a history is by that measure.

/// The three bundles of promises by which a history is judged: at most once, at least once, exactly once in effect.
public enum ReliabilityLevel: String, CaseIterable, Codable, Sendable {
  case low
  case medium
  case high
}

/// What a check of one history comes to.
public enum HistoryVerdict: String, Codable, Sendable {
  case valid
  case violated
  /// Nothing contradicts the promises, and something that could have is not known.
  case undecided

  /// The exit code of `stormproof check`.
  public var exitCode: Int32 {
    switch self {
    case .valid: 0
    case .violated: 1
    case .undecided: 3
    }
  }
}

public enum Violations {
  /// The findings of which a single one breaks the level's promise.
  public static func defaults(judgedAs level: ReliabilityLevel) -> Set<FindingName> {
    let never: Set<FindingName> = [
      .unexpected, .abortedRead, .duplicated, .wrongRedeliveredFlag, .tornTransaction, .outOfOrder, .stuckConfirm,
      .stuckMessage,
    ]
    switch level {
    case .low: return never
    case .medium: return never.union([.lost, .deadLetterLost])
    case .high: return never.union([.lost, .deadLetterLost, .duplicatedByRetry])
    }
  }

  /// Violated before undecided before valid. Undecided: something that would violate is only excused by an unfinished
  /// drain, nothing was acknowledged at all, or the recorder was killed.
  public static func verdict(of result: DeliveryResult, judgedAs level: ReliabilityLevel) -> HistoryVerdict {
    verdict(of: result, violations: defaults(judgedAs: level))
  }

  /// The same with a set of one's own.
  public static func verdict(of result: DeliveryResult, violations: Set<FindingName>) -> HistoryVerdict {
    let names = FindingName.allCases.filter(violations.contains)
    if names.contains(where: { result.counts[$0, default: 0] > 0 }) { return .violated }
    if names.contains(where: { result.undecided[$0, default: 0] > 0 }) { return .undecided }
    return result.acknowledged == 0 || !result.isComplete ? .undecided : .valid
  }
}
