// What the accounting of deliveries has to be told: what acknowledged means, how long is too long, how much to list.

import Base

public struct DeliveryOptions: Equatable, Sendable {
  /// Acknowledged means confirmed; false: the level asks for no confirms, and sent counts.
  public var hasConfirms: Bool
  /// Findings listed of each name; all are counted.
  public var findingLimit = 1000
  /// How long a publish may stay unanswered on an open connection before it can count as stuck.
  public var stuckConfirmAfter: Nanoseconds = 10 * .second
  /// The broker's largest redelivery timer: how long a drain may make no progress.
  public var stuckMessageAfter: Nanoseconds = 10 * .second
  /// Added to the end of every fault: how long the broker may go on suspecting a node that is well again.
  public var suspicion: Nanoseconds = 0
  /// By queue the one into which it leads what is rejected there, by a nack without requeue. What is routed to the former
  /// may then be delivered from the latter as well, whether it was rejected, has expired, or was moved for another reason;
  /// it may go further where that queue has dead letters itself.
  ///
  /// Nothing is owed in a queue of dead letters, but what was taken from there, or further on, is neither lost nor torn, and
  /// where one of them was not drained nothing is known to be. Dead letters come in the order in which they were rejected, so nothing is said of their order; and
  /// where several copies of one attempt may meet (it is routed there too, several of its queues lead there, or they lead
  /// in a circle) nothing of their repeats.
  public var deadLetters: [String: String] = [:]
  /// The names whose units are listed. `redelivered`, `recovered` and `duplicated-by-retry` are many and mostly allowed.
  public var listed: Set<FindingName> = Set(FindingName.allCases).subtracting([
    .redelivered, .recovered, .duplicatedByRetry,
  ])

  public init(hasConfirms: Bool) { self.hasConfirms = hasConfirms }

  /// As the level publishes by default: without confirms at low, with them (or with commits) above.
  public init(level: ReliabilityLevel) { self.init(hasConfirms: level != .low) }
}
