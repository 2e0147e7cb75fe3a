// What the check of an append-only log takes: appends and reads at offsets, each with its interval and how it ended.

import Base
import History

/// One append, or one read of one offset. It took effect at one moment of `[begin, end]`; where it is `info`, at one from
/// `begin` on, or never.
public struct LogOperation: Equatable, Sendable, BitwiseCopyable {
  public enum Kind: UInt8, Sendable, BitwiseCopyable {
    /// Puts `value` at the end; `offset` is where it came to stand.
    case append
    /// `value` stood at `offset`; with `MessageID.none`, the log ended at `offset` or before it.
    case read
  }

  public static let unknown: Int64 = -1

  public var kind: Kind
  /// `invoke`: begun, and nothing is known of its end, which is the same as `info`.
  public var outcome: Outcome
  public var value: MessageID
  /// From 0; `unknown` of an append of which the offset was not told.
  public var offset: Int64
  public var begin: Nanoseconds
  /// Of no meaning where it is `info`.
  public var end: Nanoseconds

  public init(
    _ kind: Kind, _ outcome: Outcome, value: MessageID = .none, offset: Int64 = Self.unknown, begin: Nanoseconds,
    end: Nanoseconds
  ) {
    (self.kind, self.outcome, self.value) = (kind, outcome, value)
    (self.offset, self.begin, self.end) = (offset, begin, end)
  }
}

/// What the log under test is claimed to be.
public struct LogOptions: Equatable, Sendable {
  /// Every offset from `firstOffset` on holds an entry that was appended. False where the broker puts records of its own
  /// between them, as Kafka does with the markers of transactions.
  public var isDense = true
  /// Offsets below it are gone, by retention.
  public var firstOffset: Int64 = 0
  /// Findings listed of each name; all are counted.
  public var findingLimit = 1000

  public init() {}
}
