// Against what a history of transactions on keyed logs is held: what the broker's documentation allows, and which orders
// are claimed.

/// What Kafka, or a client of it, may do by its documentation. What is allowed is counted and listed all the same.
public struct KafkaAllowances: Equatable, Sendable, Codable {
  /// Consumers subscribe: the group may move a key to another member and back between two transactions of a process, which
  /// then goes on from the position that the group had committed. Allows `poll-skip` and `nonmonotonic-poll`. Rebalances
  /// and assignments that the history tells of are heeded in any case.
  public var subscribes = true
  /// Nothing isolates the writes of one transaction from those of another. Allows `G0` with its variants, and leaves the
  /// order of writes out of all other cycles.
  public var writesInterleave = true
  /// A poll returns as much as it likes, of a transaction too. Allows `intermediate-read`.
  public var pollsInPieces = true
  /// A process sends through several producers, or through one that is not idempotent. Allows `nonmonotonic-send` and
  /// `int-nonmonotonic-send`.
  public var sendsOvertake = false
  /// Consumers read uncommitted. Allows `aborted-read`, `precommitted-read` and `torn-transaction`.
  public var readsUncommitted = false
  /// What was sent last may not have been polled yet, because nobody read every log to its end. Allows `unseen`.
  public var endsUnread = true

  public init() {}

  /// Just these, by their words; none where there are none. Nil for a word that is not one of `words`.
  public init?(allowing names: some Sequence<String>) {
    for entry in Self.table { self[keyPath: entry.field] = false }
    for name in names {
      guard let entry = Self.table.first(where: { $0.word == name }) else { return nil }
      self[keyPath: entry.field] = true
    }
  }

  /// What a user calls each of them, in the order of the fields.
  public static var words: [String] { table.map(\.word) }
  /// The words of those that hold.
  public var held: [String] { Self.table.filter { self[keyPath: $0.field] }.map(\.word) }

  private static var table: [(word: String, field: WritableKeyPath<KafkaAllowances, Bool>)] {
    [
      ("rebalances", \.subscribes), ("interleaved-writes", \.writesInterleave), ("partial-polls", \.pollsInPieces),
      ("overtaking-sends", \.sendsOvertake), ("uncommitted-reads", \.readsUncommitted), ("unread-ends", \.endsUnread),
    ]
  }

  public func allows(_ name: TransactionFindingName) -> Bool {
    switch name {
    case .pollSkip, .nonmonotonicPoll: subscribes
    case .g0, .g0Process, .g0Realtime: writesInterleave
    case .intermediateRead: pollsInPieces
    case .nonmonotonicSend, .internalNonmonotonicSend: sendsOvertake
    case .abortedRead, .precommittedRead, .tornTransaction: readsUncommitted
    case .unseen: endsUnread
    default: false
    }
  }
}

public struct TransactionOptions: Equatable, Sendable, Codable {
  public var allowances = KafkaAllowances()
  /// Cycles may also go along the order of one process's transactions (`-process`), or that of time: one had returned
  /// before the other was invoked (`-realtime`).
  public var usesProcessOrder = true
  public var usesRealTime = true
  /// A poll returns everything that is there, so that who polled did not yet see what stands behind: gives the rw edges
  /// of `G-single` and `G2`. Kafka does not promise it.
  public var pollsReachEnd = false
  /// Findings listed of each name; all are counted.
  public var findingLimit = 1000
  /// Edges looked at in the search for the shortest cycle of one strongly connected component; beyond it the shortest of
  /// those found so far is told.
  public var searchLimit = 20_000_000

  public init() {}
}
