// The records of a node's write-ahead log. Framing, checksums and torn tails are the storage's; the payload is ours.

/// One record. A node's whole durable state is the sequence of its records.
public enum LogRecord: Hashable, Sendable {
  /// The term this node has seen and whom it voted for in it.
  case hardState(term: UInt64, vote: Int?)
  /// The consensus log ends before this index.
  case truncate(from: UInt64)
  /// An entry of the consensus log.
  case entry(index: UInt64, term: UInt64, data: [UInt8])
  /// What one step did to the durable classic queues of this node: all of it or nothing.
  case classic(data: [UInt8])
  /// The node has started for the n-th time.
  case incarnation(UInt64)

  private enum Kind: UInt8 {
    case hardState = 1
    case truncate, entry, classic, incarnation
  }

  /// Bytes of the encoded record.
  public var encodedSize: Int {
    switch self {
    case .hardState: 10
    case .truncate, .incarnation: 9
    case .entry(_, _, let data): 17 + data.count
    case .classic(let data): 1 + data.count
    }
  }

  /// Appends the record to `bytes`.
  public func encode(into bytes: inout [UInt8]) {
    func put(_ number: UInt64) { withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) } }
    switch self {
    case .hardState(let term, let vote):
      bytes.append(Kind.hardState.rawValue)
      put(term)
      bytes.append(vote.map { UInt8(truncatingIfNeeded: $0) } ?? 0xff)
    case .truncate(let from):
      bytes.append(Kind.truncate.rawValue)
      put(from)
    case .entry(let index, let term, let data):
      bytes.append(Kind.entry.rawValue)
      put(index)
      put(term)
      bytes.append(contentsOf: data)
    case .classic(let data):
      bytes.append(Kind.classic.rawValue)
      bytes.append(contentsOf: data)
    case .incarnation(let number):
      bytes.append(Kind.incarnation.rawValue)
      put(number)
    }
  }

  /// Reads one whole record.
  /// - Throws: for an unknown kind, a record cut short or too long.
  public init(_ payload: UnsafeRawBufferPointer) throws(DecodingError) {
    var scanner = ByteScanner(payload)
    let kind = try scanner.take(UInt8.self)
    switch Kind(rawValue: kind) {
    case .hardState:
      let term = try scanner.take(UInt64.self)
      let vote = try scanner.take(UInt8.self)
      guard vote == 0xff || vote < 64 else { throw DecodingError("a vote for node \(vote)") }
      self = .hardState(term: term, vote: vote == 0xff ? nil : Int(vote))
    case .truncate: self = .truncate(from: try scanner.take())
    case .entry: self = .entry(index: try scanner.take(), term: try scanner.take(), data: scanner.takeRest())
    case .classic: self = .classic(data: scanner.takeRest())
    case .incarnation: self = .incarnation(try scanner.take())
    case nil: throw DecodingError("a record of kind \(kind)")
    }
    try scanner.finish()
  }
}
