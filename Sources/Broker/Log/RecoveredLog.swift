// What the write-ahead log held when the node started, folded record by record.

/// The durable state of a node. A new node's is empty.
public struct RecoveredLog: Sendable {
  struct Entry: Sendable {
    var term: UInt64
    var data: [UInt8]
  }

  private(set) var term: UInt64 = 0
  private(set) var vote: Int?
  private(set) var incarnation: UInt64 = 0
  /// The consensus log; the first has index 1.
  private(set) var entries: [Entry] = []
  private(set) var queues = RecoveredQueues()

  public init() {}

  /// Takes the next record's payload.
  /// - Throws: for a record that cannot be read or cannot follow what came before.
  public mutating func append(_ payload: UnsafeRawBufferPointer) throws(DecodingError) {
    try append(LogRecord(payload))
  }

  /// Takes the next record.
  /// - Throws: for an entry that leaves a gap, and numbers that go backwards.
  public mutating func append(_ record: LogRecord) throws(DecodingError) {
    switch record {
    case .hardState(let term, let vote):
      guard term >= self.term else { throw DecodingError("term \(term) after term \(self.term)") }
      self.term = term
      self.vote = vote
    case .truncate(let from):
      guard from >= 1, from <= UInt64(entries.count) + 1 else { throw DecodingError("truncation at \(from)") }
      entries.removeSubrange(Int(from - 1)...)
    case .entry(let index, let term, let data):
      guard index >= 1, index <= UInt64(entries.count) + 1 else { throw DecodingError("entry \(index) leaves a gap") }
      entries.removeSubrange(Int(index - 1)...)
      entries.append(Entry(term: term, data: data))
    case .classic(let data): try queues.apply(ClassicRecord(data))
    case .incarnation(let number):
      guard number > incarnation else { throw DecodingError("start \(number) after start \(incarnation)") }
      incarnation = number
    }
  }
}
