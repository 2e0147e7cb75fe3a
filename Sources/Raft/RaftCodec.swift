// Messages as bytes: fixed little-endian fields, strict. Integrity on the wire is the transport's business.

/// Why bytes are no message.
public enum RaftCodecError: Error, Equatable {
  case unknownKind(UInt8)
  case truncated
  case trailingBytes(Int)
  case badFlag(UInt8)
  /// What no member could have sent: terms that fall along the log or are above the message's own, numbers beyond reach.
  case inconsistent
}

extension RaftMessage {
  /// Appends this message: a kind, then its fields in the order of their declaration. An append's entries are a count
  /// (32 bits) and, for each, term (64), length (32) and payload; their indices follow from `previous`.
  public func encode(into bytes: inout [UInt8]) {
    switch self {
    case .preVote(let m):
      bytes.append(1)
      m.encode(into: &bytes)
    case .preVoteReply(let m):
      bytes.append(2)
      m.encode(into: &bytes)
    case .vote(let m):
      bytes.append(3)
      m.encode(into: &bytes)
    case .voteReply(let m):
      bytes.append(4)
      m.encode(into: &bytes)
    case .append(let m):
      bytes.append(5)
      m.encode(into: &bytes)
    case .appendReply(let m):
      bytes.append(6)
      m.encode(into: &bytes)
    }
  }

  /// The message that `bytes` are, all of them.
  public init(decoding bytes: UnsafeRawBufferPointer) throws(RaftCodecError) {
    var reader = Reader(bytes: bytes)
    let kind: UInt8 = try reader.next()
    switch kind {
    case 1: self = .preVote(try VoteRequest(from: &reader))
    case 2: self = .preVoteReply(try VoteReply(from: &reader))
    case 3: self = .vote(try VoteRequest(from: &reader))
    case 4: self = .voteReply(try VoteReply(from: &reader))
    case 5: self = .append(try AppendRequest(from: &reader))
    case 6: self = .appendReply(try AppendReply(from: &reader))
    default: throw .unknownKind(kind)
    }
    guard reader.remaining == 0 else { throw .trailingBytes(reader.remaining) }
  }
}

private struct Reader {
  let bytes: UnsafeRawBufferPointer
  var offset = 0

  init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var remaining: Int { bytes.count - offset }

  mutating func next<T: FixedWidthInteger & BitwiseCopyable>() throws(RaftCodecError) -> T {
    guard remaining >= MemoryLayout<T>.size else { throw .truncated }
    defer { offset += MemoryLayout<T>.size }
    return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  mutating func flag() throws(RaftCodecError) -> Bool {
    let byte: UInt8 = try next()
    guard byte <= 1 else { throw .badFlag(byte) }
    return byte == 1
  }

  /// A term, an index or a round: far from where adding to it would overflow.
  mutating func number() throws(RaftCodecError) -> UInt64 {
    let value: UInt64 = try next()
    guard value < 1 << 62 else { throw .inconsistent }
    return value
  }

  mutating func place() throws(RaftCodecError) -> LogPosition {
    LogPosition(index: try number(), term: try number())
  }

  mutating func payload(_ count: Int) throws(RaftCodecError) -> [UInt8] {
    guard count <= remaining else { throw .truncated }
    defer { offset += count }
    return Array(bytes[offset..<offset + count])
  }
}

extension [UInt8] {
  fileprivate mutating func put(_ value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
  fileprivate mutating func put(_ place: LogPosition) {
    put(place.index)
    put(place.term)
  }
}

extension RaftMessage.VoteRequest {
  fileprivate func encode(into bytes: inout [UInt8]) {
    bytes.put(term)
    bytes.put(last)
  }
  fileprivate init(from reader: inout Reader) throws(RaftCodecError) {
    self.init(term: try reader.number(), last: try reader.place())
  }
}

extension RaftMessage.VoteReply {
  fileprivate func encode(into bytes: inout [UInt8]) {
    bytes.put(term)
    bytes.append(granted ? 1 : 0)
  }
  fileprivate init(from reader: inout Reader) throws(RaftCodecError) {
    self.init(term: try reader.number(), granted: try reader.flag())
  }
}

extension RaftMessage.AppendRequest {
  fileprivate func encode(into bytes: inout [UInt8]) {
    bytes.reserveCapacity(bytes.count + 52 + entries.reduce(0) { $0 + 12 + $1.payload.count })
    bytes.put(term)
    bytes.put(previous)
    bytes.put(commit)
    bytes.put(matchedByAll)
    bytes.put(round)
    bytes.put(UInt32(entries.count))
    for entry in entries {
      bytes.put(entry.term)
      bytes.put(UInt32(entry.payload.count))
      bytes.append(contentsOf: entry.payload)
    }
  }

  fileprivate init(from reader: inout Reader) throws(RaftCodecError) {
    self.init(
      term: try reader.number(), previous: try reader.place(), entries: [], commit: try reader.number(),
      matchedByAll: try reader.number(), round: try reader.number())
    let count = Int(try reader.next() as UInt32)
    guard count <= reader.remaining / 12 else { throw .truncated }
    entries.reserveCapacity(count)
    var lastTerm = previous.term
    for at in 0..<count {
      let entryTerm: UInt64 = try reader.number()
      guard entryTerm >= lastTerm else { throw .inconsistent }
      lastTerm = entryTerm
      let length = Int(try reader.next() as UInt32)
      entries.append(
        RaftEntry(index: previous.index + 1 + UInt64(at), term: entryTerm, payload: try reader.payload(length)))
    }
    guard lastTerm <= term else { throw .inconsistent }
  }
}

extension RaftMessage.AppendReply {
  fileprivate func encode(into bytes: inout [UInt8]) {
    bytes.put(term)
    bytes.put(round)
    bytes.append(success ? 1 : 0)
    bytes.put(match)
    bytes.put(rejected)
    bytes.put(hint)
  }
  fileprivate init(from reader: inout Reader) throws(RaftCodecError) {
    self.init(
      term: try reader.number(), round: try reader.number(), success: try reader.flag(), match: try reader.number(),
      rejected: try reader.number(), hint: try reader.place())
  }
}
