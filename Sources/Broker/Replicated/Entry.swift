// What one entry of the consensus log carries: requests of one node in their order, or what the leader itself decided.

/// Requests of one node, proposed together, applied together and at most once.
struct RequestBatch {
  /// The node whose clients want this.
  let origin: Int
  /// That node's start.
  let incarnation: UInt64
  /// From 1 for each start, without gaps.
  let number: UInt64
  /// Whether a leader must look for acknowledgements before it proposes this.
  let hasSettlements: Bool
  let operations: [Operation]

  struct Head {
    let origin: Int
    let incarnation: UInt64
    let number: UInt64
    let hasSettlements: Bool
  }
}

/// A message that a leader gives away for good: settled, and then delivered where `node` is.
struct Handout: Hashable, Sendable {
  var queue: UInt32
  var position: UInt64
  var isRedelivered: Bool
  var node: Int
  var attachment: UInt64
  /// The request that this answers (basic.get), or 0 for a consumer.
  var wait: UInt64
  /// Messages left for others, told with the answer to basic.get.
  var remaining: UInt32

  static let size = 34
}

/// Messages that are dropped, and who is told how many.
struct Purge: Hashable, Sendable {
  var queue: UInt32
  var positions: [UInt64]
  var node: Int
  var wait: UInt64
}

enum EntryPayload {
  case requests(RequestBatch)
  case handouts([Handout])
  case purge(Purge)

  static let requestsKind: UInt8 = 1
  static let handoutsKind: UInt8 = 2
  static let purgeKind: UInt8 = 3
  /// Where the operations of a batch begin.
  static let headSize = 23

  init(_ data: [UInt8]) throws(DecodingError) {
    let result = data.withUnsafeBytes { bytes in
      Result { () throws(DecodingError) -> EntryPayload in try Self.read(bytes, data) }
    }
    self = try result.get()
  }

  private static func read(_ bytes: UnsafeRawBufferPointer, _ data: [UInt8]) throws(DecodingError) -> EntryPayload {
    var scanner = ByteScanner(bytes)
    let kind = try scanner.take(UInt8.self)
    let result: EntryPayload
    switch kind {
    case requestsKind:
      let head = try RequestBatch.Head(&scanner)
      let count = try scanner.takeCount(of: 1)
      var operations: [Operation] = []
      operations.reserveCapacity(count)
      for _ in 0..<count { operations.append(try Operation(&scanner, storage: data)) }
      result = .requests(
        RequestBatch(
          origin: head.origin, incarnation: head.incarnation, number: head.number,
          hasSettlements: head.hasSettlements, operations: operations))
    case handoutsKind:
      let count = try scanner.takeCount(of: Handout.size)
      var handouts: [Handout] = []
      for _ in 0..<count {
        handouts.append(
          Handout(
            queue: try scanner.take(), position: try scanner.take(), isRedelivered: try scanner.takeBool(),
            node: Int(try scanner.take(UInt8.self)), attachment: try scanner.take(), wait: try scanner.take(),
            remaining: try scanner.take()))
      }
      result = .handouts(handouts)
    case purgeKind:
      result = .purge(
        Purge(
          queue: try scanner.take(), positions: try scanner.takePositions(), node: Int(try scanner.take(UInt8.self)),
          wait: try scanner.take()))
    default: throw DecodingError("an entry of kind \(kind)")
    }
    try scanner.finish()
    return result
  }

  static func encode(_ handouts: [Handout]) -> [UInt8] {
    var writer = ByteWriter(capacity: 5 + handouts.count * Handout.size)
    writer.put(handoutsKind)
    writer.put(UInt32(truncatingIfNeeded: handouts.count))
    for handout in handouts {
      writer.put(handout.queue)
      writer.put(handout.position)
      writer.put(handout.isRedelivered)
      writer.put(UInt8(truncatingIfNeeded: handout.node))
      writer.put(handout.attachment)
      writer.put(handout.wait)
      writer.put(handout.remaining)
    }
    return writer.bytes
  }

  static func encode(_ purge: Purge) -> [UInt8] {
    var writer = ByteWriter(capacity: 32 + purge.positions.count * 8)
    writer.put(purgeKind)
    writer.put(purge.queue)
    writer.put(positions: purge.positions)
    writer.put(UInt8(truncatingIfNeeded: purge.node))
    writer.put(purge.wait)
    return writer.bytes
  }
}

extension RequestBatch {
  /// A batch to which operations are appended: the head, whose count is set at the end.
  static func begin(origin: Int, incarnation: UInt64, number: UInt64, hasSettlements: Bool = false) -> ByteWriter {
    var writer = ByteWriter(capacity: 512)
    writer.put(EntryPayload.requestsKind)
    writer.put(UInt8(truncatingIfNeeded: origin))
    writer.put(incarnation)
    writer.put(number)
    writer.put(hasSettlements)
    writer.put(UInt32(0))
    return writer
  }

  static func finish(_ writer: inout ByteWriter, count: Int, hasSettlements: Bool) -> [UInt8] {
    writer.patch(hasSettlements, at: EntryPayload.headSize - 5)
    writer.patch(UInt32(truncatingIfNeeded: count), at: EntryPayload.headSize - 4)
    return writer.takeBytes()
  }

  var encoded: [UInt8] {
    var writer = Self.begin(origin: origin, incarnation: incarnation, number: number)
    for operation in operations { operation.encode(into: &writer) }
    return Self.finish(&writer, count: operations.count, hasSettlements: hasSettlements)
  }
}

extension RequestBatch.Head {
  fileprivate init(_ scanner: inout ByteScanner) throws(DecodingError) {
    origin = Int(try scanner.take(UInt8.self))
    incarnation = try scanner.take()
    number = try scanner.take()
    hasSettlements = try scanner.takeBool()
  }

  /// The head of an encoded batch; its operations are not looked at.
  init(batch: [UInt8]) throws(DecodingError) {
    let result = batch.withUnsafeBytes { bytes in
      Result { () throws(DecodingError) -> RequestBatch.Head in
        var scanner = ByteScanner(bytes)
        guard try scanner.take(UInt8.self) == EntryPayload.requestsKind else { throw DecodingError("no batch") }
        return try RequestBatch.Head(&scanner)
      }
    }
    self = try result.get()
  }
}
