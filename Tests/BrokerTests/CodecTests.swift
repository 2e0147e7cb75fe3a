// Records, entries and frames: what is written is read again, and what is damaged is refused without harm.
import AMQP
import Base
import Raft
import Testing

@testable import Broker

private func message(_ generator: inout SeededGenerator) -> Message {
  let body = (0..<generator.below(40)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
  let properties: [UInt8] = [0x10, 0, 2]
  return properties.withUnsafeBytes { properties in
    body.withUnsafeBytes {
      Message(
        exchange: ["", "amq.topic"][generator.below(2)], routingKey: "schlüssel.\(generator.below(9))",
        isPersistent: generator.chance(0.5), properties: properties, body: $0)
    }
  }
}

private func enqueue(_ generator: inout SeededGenerator) -> Enqueue {
  Enqueue(
    message: message(&generator), queues: (0..<generator.below(3)).map { _ in UInt32(generator.below(1000)) })
}

private func settlements(_ generator: inout SeededGenerator) -> [Settlement] {
  (0..<generator.below(4)).map { _ in
    Settlement(queue: UInt32(generator.below(9)), position: generator.next(), attachment: generator.next())
  }
}

private func operation(_ generator: inout SeededGenerator) -> Operation {
  switch generator.below(11) {
  case 0: .nothing
  case 1: .refused
  case 2:
    .declareExchange(
      ExchangeDefinition(
        name: "e", kind: [.direct, .fanout, .topic][generator.below(3)], isDurable: generator.chance(0.5),
        isAutoDelete: false, isInternal: true))
  case 3: .deleteExchange(name: "e", ifUnused: generator.chance(0.5))
  case 4:
    .declareQueue(
      QueueDefinition(
        name: "q", kind: .quorum, isDurable: true, isAutoDelete: false,
        owner: generator.chance(0.5) ? ConnectionName(node: 2, incarnation: 7, connection: generator.next()) : nil,
        home: generator.below(3)))
  case 5: .deleteQueue(id: UInt32(generator.below(99)))
  case 6: .bind(Binding(exchange: "e", queue: "q", key: "k"))
  case 7: .unbind(Binding(exchange: "e", queue: "q", key: "k"))
  case 8: .enqueue(enqueue(&generator))
  case 9: .settle(settlements(&generator))
  default:
    .transaction((0..<generator.below(3)).map { _ in enqueue(&generator) }, settlements(&generator))
  }
}

private func entry(_ generator: inout SeededGenerator) -> [UInt8] {
  switch generator.below(4) {
  case 0:
    EntryPayload.encode([
      Handout(
        queue: 1, position: generator.next(), isRedelivered: true, node: 2, attachment: generator.next(), wait: 3,
        remaining: 4)
    ])
  case 1:
    EntryPayload.encode(
      Purge(queue: 1, positions: (0..<generator.below(4)).map { _ in generator.next() }, node: 2, wait: 3))
  default:
    RequestBatch(
      origin: generator.below(3), incarnation: 1, number: generator.next(), hasSettlements: generator.chance(0.5),
      operations: (0..<generator.below(4)).map { _ in operation(&generator) }
    ).encoded
  }
}

private func peerMessage(_ kind: Int, _ generator: inout SeededGenerator) -> PeerMessage {
  let number = generator.next()
  let content = generator.chance(0.5) ? message(&generator) : nil
  return switch kind {
  case 0: .hello(incarnation: number)
  case 1: .ping
  case 2: .raft(.voteReply(.init(term: 3, granted: true)))
  case 3: .propose(entry(&generator))
  case 4: .reset
  case 5: .attach(attachment: number, queue: 1, noAck: true, exclusive: false, credit: 10)
  case 6: .cancel(attachment: number)
  case 7: .detach(attachment: number)
  case 8: .credit(attachment: number, 5)
  case 9: .requeue(attachment: number, positions: [1, number])
  case 10: .get(wait: number, attachment: 2, queue: 3, noAck: true)
  case 11: .count(wait: number, queue: 3)
  case 12: .purge(wait: number, queue: 3)
  case 13: .publish(serial: number, enqueue(&generator))
  case 14: .transact(serial: number, [enqueue(&generator)], settlements(&generator))
  case 15: .settle(settlements(&generator))
  case 16: .serving(term: number)
  case 17: .attached(attachment: number)
  case 18: .attachRefused(attachment: number)
  case 19: .cancelled(attachment: number)
  case 20: .deliver(attachment: number, queue: 1, position: 2, isRedelivered: true, content)
  case 21: .got(wait: number, attachment: 1, queue: 2, position: 3, isRedelivered: false, remaining: 4, content)
  case 22: .empty(wait: number)
  case 23: .counted(wait: number, ready: 1, consumers: 2)
  case 24: .purged(wait: number, count: 7)
  case 25: .confirmed([number, 2])
  default: .transactionRefused(serial: number)
  }
}

private func frame(_ messages: [PeerMessage]) -> [UInt8] {
  var writer = ByteWriter()
  for message in messages { writer.withLength { message.encode(into: &$0) } }
  return writer.bytes
}

private func read(_ frame: [UInt8]) throws -> [PeerMessage] {
  var messages: [PeerMessage] = []
  try frame.withUnsafeBytes { try Switchboard.read($0) { messages.append($0) } }
  return messages
}

/// Damages bytes: changes, cuts, repeats or inserts some.
private func damaged(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
  var bytes = bytes
  for _ in 0...generator.below(3) where !bytes.isEmpty {
    let place = generator.below(bytes.count)
    switch generator.below(5) {
    case 0: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
    case 1: bytes[place] ^= 1 << UInt8(generator.below(8))
    case 2: bytes.removeSubrange(place...)
    case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 9)], at: place)
    default: for index in place..<min(bytes.count, place + 4) { bytes[index] = 0xff }
    }
  }
  return bytes
}

@Suite struct CodecTests {
  @Test func entriesAreReadAsWritten() throws {
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<2000 {
      let bytes = entry(&generator)
      switch try EntryPayload(bytes) {
      case .requests(let batch): #expect(batch.encoded == bytes)
      case .handouts(let handouts): #expect(EntryPayload.encode(handouts) == bytes)
      case .purge(let purge): #expect(EntryPayload.encode(purge) == bytes)
      }
    }
  }

  @Test func framesAreReadAsWritten() throws {
    var generator = SeededGenerator(seed: 2)
    for _ in 0..<50 {
      let all = (0..<27).map { peerMessage($0, &generator) }
      let bytes = frame(all)
      let again = try read(bytes)
      #expect(again.count == 27)
      #expect(frame(again) == bytes)
    }
  }

  @Test func recordsAreReadAsWritten() throws {
    let records: [LogRecord] = [
      .hardState(term: 7, vote: nil), .hardState(term: 8, vote: 2), .truncate(from: 3),
      .entry(index: 9, term: 8, data: [1, 2, 3]), .entry(index: 9, term: 8, data: []), .classic(data: [4]),
      .incarnation(5),
    ]
    for record in records {
      var bytes: [UInt8] = []
      record.encode(into: &bytes)
      #expect(bytes.count == record.encodedSize)
      #expect(try bytes.withUnsafeBytes { try LogRecord($0) } == record)
      for count in 0..<bytes.count where record.isFixed {
        #expect(throws: DecodingError.self) {
          try Array(bytes[..<count]).withUnsafeBytes { _ = try LogRecord($0) }
        }
      }
    }
  }

  @Test func classicRecordsAreReadAsWritten() throws {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<500 {
      var record = ClassicRecord()
      for index in 0..<generator.below(4) {
        record.arrivals.append(
          .init(message: message(&generator), places: [Place(queue: 1, position: UInt64(index))]))
      }
      for _ in 0..<generator.below(4) { record.settled.append(Place(queue: 2, position: generator.next())) }
      let bytes = record.encoded
      #expect(try ClassicRecord(bytes).encoded == bytes)
    }
  }

  /// Damaged bytes are refused, or are something else that was written well; nothing else may happen.
  @Test func damagedBytesDoNoHarm() throws {
    var generator = SeededGenerator(seed: 4)
    var refused = 0
    for round in 0..<20_000 {
      let bytes: [UInt8]
      let isRead: Bool
      switch round % 3 {
      case 0:
        bytes = damaged(entry(&generator), &generator)
        isRead = (try? EntryPayload(bytes)) != nil
      case 1:
        bytes = damaged(frame([peerMessage(generator.below(27), &generator)]), &generator)
        isRead = (try? read(bytes)) != nil
      default:
        var record = ClassicRecord()
        record.arrivals.append(.init(message: message(&generator), places: [Place(queue: 1, position: 1)]))
        bytes = damaged(record.encoded, &generator)
        isRead = (try? ClassicRecord(bytes)) != nil
      }
      if !isRead { refused += 1 }
    }
    #expect(refused > 5000)
  }

  /// A broker that is sent frames that make no sense refuses them, or ignores them, and works on.
  @Test func aBrokerOutlivesDamagedFrames() throws {
    let cluster = try TestCluster(3)
    let leader = try #require(cluster.awaitLeader())
    let client = try cluster.client(on: leader, queue: "q", quorum: true)
    try client.declare("c", quorum: false, cluster)
    try client.publish("m")
    try client.call(.basicConsume(BasicConsume(queue: "q")), cluster)
    var generator = SeededGenerator(seed: 5)
    let broker = try #require(cluster.broker(leader))
    for _ in 0..<3000 {
      let kind =
        [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26]
        .randomElement(using: &generator) ?? 3
      var bytes = frame([peerMessage(kind, &generator)])
      if generator.chance(0.5) { bytes = damaged(bytes, &generator) }
      try? bytes.withUnsafeBytes { try broker.peerReceived((leader + 1) % 3, frame: $0, now: cluster.now) }
      if generator.chance(0.05) { cluster.settle() }
    }
    cluster.advance(1 * .second)
    let after = cluster.client(on: (leader + 2) % 3)
    try after.open(cluster)
    try after.call(.confirmSelect(noWait: false), cluster)
    try after.publish("n")
    #expect(cluster.advance { after.confirmed == ["n"] })
  }
}

extension LogRecord {
  /// Every shorter run of bytes is no record.
  fileprivate var isFixed: Bool {
    switch self {
    case .entry, .classic: false
    default: true
    }
  }
}
