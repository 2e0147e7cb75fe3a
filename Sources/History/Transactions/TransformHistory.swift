// A history of a transformer: what it was to read, what it wrote for that, and which offsets it committed.

import Base

/// What a transformer left behind once it stood still: it reads inputs, writes for each of them its outputs, and commits
/// outputs and input offsets in one transaction.
public struct TransformHistory: Equatable, Sendable {
  /// One transaction of the transformer.
  public struct Transaction: Equatable, Sendable {
    /// By which outputs name it.
    public var number: UInt64
    public var told: FlatOperation

    public init(_ number: UInt64, _ outcome: Outcome) { (self.number, told) = (number, FlatOperation(outcome)) }
  }

  public struct Input: Equatable, Sendable {
    public var message: MessageID
    /// Index into `partitions`.
    public var partition: UInt32
    public var offset: Int64
    /// How many outputs it is to have, numbered from 0.
    public var parts: UInt32
    public var mark: LineMark?

    public init(
      _ message: MessageID, partition: UInt32, offset: Int64, parts: UInt32 = 1, mark: LineMark? = nil
    ) {
      (self.message, self.partition, self.offset, self.parts) = (message, partition, offset, parts)
      self.mark = mark
    }
  }

  /// One message of the output, as a reader of what is committed found it. Its payload says where it came from.
  public struct Effect: Equatable, Sendable {
    public var input: MessageID
    public var part: UInt32
    /// The number of the transaction that wrote it.
    public var transaction: UInt64
    public var mark: LineMark?

    public init(of input: MessageID, part: UInt32 = 0, transaction: UInt64, mark: LineMark? = nil) {
      (self.input, self.part, self.transaction, self.mark) = (input, part, transaction, mark)
    }
  }

  /// One partition of the input.
  public struct Partition: Equatable, Sendable {
    public var name: String
    /// The offset from which a new consumer would go on; nil where none was committed.
    public var committed: Int64?
    public var mark: LineMark?

    public init(_ name: String, committed: Int64? = nil) { (self.name, self.committed) = (name, committed) }
  }

  /// Different from each other, as are the numbers of the transactions.
  public var inputs: [Input] = []
  public var transactions: [Transaction] = []
  public var effects: [Effect] = []
  public var partitions: [Partition] = []
  /// The transformer was left alone until it had nothing more to do; then all its output was read, and what is committed.
  public var isDrained = true
  /// Lines that said something, and the time of the first.
  public var events = 0
  public var start: Nanoseconds = 0

  public init() {}
}
