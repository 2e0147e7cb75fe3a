// What nodes tell each other, and what the parts of one node tell each other: the same words, with or without a link.
import Raft

/// A message between the front end of one node (its clients) and the masters of queues on another, or the same.
///
/// `attachment` numbers a front end's hold on one queue: a consumer, or the gets of a channel. It is void when its master
/// ends or the link breaks, and is never used again; whatever comes for a void one is ignored.
/// `wait` numbers a question of a front end; the answer carries it back.
enum PeerMessage {
  // Between any two nodes.
  /// First on every new link: all that the sender's attachments held is free again.
  case hello(incarnation: UInt64)
  case ping
  case raft(RaftMessage)

  // From a front end to the leader.
  case propose([UInt8])
  /// All attachments to quorum queues are void.
  case reset

  // From a front end to the master of a queue: the leader, or the home.
  case attach(attachment: UInt64, queue: UInt32, noAck: Bool, exclusive: Bool, credit: UInt32)
  /// No more deliveries; what was delivered stays checked out.
  case cancel(attachment: UInt64)
  /// The hold ends: what was delivered goes back.
  case detach(attachment: UInt64)
  case credit(attachment: UInt64, UInt32)
  case requeue(attachment: UInt64, positions: [UInt64])
  case get(wait: UInt64, attachment: UInt64, queue: UInt32, noAck: Bool)
  case count(wait: UInt64, queue: UInt32)
  case purge(wait: UInt64, queue: UInt32)

  // From a front end to the home of classic queues.
  /// `serial` counts the publishes and transactions of the sender on this link.
  case publish(serial: UInt64, Enqueue)
  case transact(serial: UInt64, [Enqueue], [Settlement])
  case settle([Settlement])

  // From a master to a front end.
  /// The sender leads and serves.
  case serving(term: UInt64)
  case attached(attachment: UInt64)
  /// Somebody else has, or would have, the queue for himself.
  case attachRefused(attachment: UInt64)
  case cancelled(attachment: UInt64)
  /// The message comes along only from a classic queue.
  case deliver(attachment: UInt64, queue: UInt32, position: UInt64, isRedelivered: Bool, Message?)
  case got(
    wait: UInt64, attachment: UInt64, queue: UInt32, position: UInt64, isRedelivered: Bool, remaining: UInt32, Message?)
  case empty(wait: UInt64)
  case counted(wait: UInt64, ready: UInt32, consumers: UInt32)
  case purged(wait: UInt64, count: UInt32)
  /// Enqueued, and on disk where it has to be.
  case confirmed([UInt64])
  /// A transaction that acknowledges what is not checked out; nothing of it was done.
  case transactionRefused(serial: UInt64)

  fileprivate enum Kind: UInt8 {
    case hello = 1
    case ping, raft, propose, reset, attach, cancel, detach, credit, requeue, get, count, purge, publish, transact
    case settle, serving, attached, attachRefused, cancelled, deliver, got, empty, counted, purged, confirmed
    case transactionRefused
  }
}

extension PeerMessage {
  /// Appends kind and fields.
  func encode(into writer: inout ByteWriter) {
    func put(_ kind: Kind) { writer.put(kind.rawValue) }
    switch self {
    case .hello(let incarnation):
      put(.hello)
      writer.put(incarnation)
    case .ping: put(.ping)
    case .raft(let message):
      put(.raft)
      writer.append { message.encode(into: &$0) }
    case .propose(let batch):
      put(.propose)
      writer.put(raw: batch)
    case .reset: put(.reset)
    case .attach(let attachment, let queue, let noAck, let exclusive, let credit):
      put(.attach)
      writer.put(attachment)
      writer.put(queue)
      writer.put(noAck)
      writer.put(exclusive)
      writer.put(credit)
    case .cancel(let attachment):
      put(.cancel)
      writer.put(attachment)
    case .detach(let attachment):
      put(.detach)
      writer.put(attachment)
    case .credit(let attachment, let credit):
      put(.credit)
      writer.put(attachment)
      writer.put(credit)
    case .requeue(let attachment, let positions):
      put(.requeue)
      writer.put(attachment)
      writer.put(positions: positions)
    case .get(let wait, let attachment, let queue, let noAck):
      put(.get)
      writer.put(wait)
      writer.put(attachment)
      writer.put(queue)
      writer.put(noAck)
    case .count(let wait, let queue):
      put(.count)
      writer.put(wait)
      writer.put(queue)
    case .purge(let wait, let queue):
      put(.purge)
      writer.put(wait)
      writer.put(queue)
    case .publish(let serial, let enqueue):
      put(.publish)
      writer.put(serial)
      enqueue.encode(into: &writer)
    case .transact(let serial, let enqueues, let settlements):
      put(.transact)
      writer.put(serial)
      writer.put(enqueues: enqueues)
      writer.put(settlements: settlements)
    case .settle(let settlements):
      put(.settle)
      writer.put(settlements: settlements)
    case .serving(let term):
      put(.serving)
      writer.put(term)
    case .attached(let attachment):
      put(.attached)
      writer.put(attachment)
    case .attachRefused(let attachment):
      put(.attachRefused)
      writer.put(attachment)
    case .cancelled(let attachment):
      put(.cancelled)
      writer.put(attachment)
    case .deliver(let attachment, let queue, let position, let isRedelivered, let message):
      put(.deliver)
      writer.put(attachment)
      writer.put(queue)
      writer.put(position)
      writer.put(isRedelivered)
      writer.put(message: message)
    case .got(let wait, let attachment, let queue, let position, let isRedelivered, let remaining, let message):
      put(.got)
      writer.put(wait)
      writer.put(attachment)
      writer.put(queue)
      writer.put(position)
      writer.put(isRedelivered)
      writer.put(remaining)
      writer.put(message: message)
    case .empty(let wait):
      put(.empty)
      writer.put(wait)
    case .counted(let wait, let ready, let consumers):
      put(.counted)
      writer.put(wait)
      writer.put(ready)
      writer.put(consumers)
    case .purged(let wait, let count):
      put(.purged)
      writer.put(wait)
      writer.put(count)
    case .confirmed(let serials):
      put(.confirmed)
      writer.put(positions: serials)
    case .transactionRefused(let serial):
      put(.transactionRefused)
      writer.put(serial)
    }
  }

  /// Reads one message, all of the scanner's bytes. `storage` are these bytes.
  init(_ scanner: inout ByteScanner, storage: [UInt8]) throws(DecodingError) {
    let raw = try scanner.take(UInt8.self)
    switch Kind(rawValue: raw) {
    case .hello: self = .hello(incarnation: try scanner.take())
    case .ping: self = .ping
    case .raft:
      do throws(RaftCodecError) {
        self = .raft(try RaftMessage(decoding: scanner.takeRemaining()))
      } catch {
        throw DecodingError("consensus: \(error)")
      }
    case .propose: self = .propose(scanner.takeRest())
    case .reset: self = .reset
    case .attach:
      self = .attach(
        attachment: try scanner.take(), queue: try scanner.take(), noAck: try scanner.takeBool(),
        exclusive: try scanner.takeBool(), credit: try scanner.take())
    case .cancel: self = .cancel(attachment: try scanner.take())
    case .detach: self = .detach(attachment: try scanner.take())
    case .credit: self = .credit(attachment: try scanner.take(), try scanner.take())
    case .requeue: self = .requeue(attachment: try scanner.take(), positions: try scanner.takePositions())
    case .get:
      self = .get(
        wait: try scanner.take(), attachment: try scanner.take(), queue: try scanner.take(),
        noAck: try scanner.takeBool())
    case .count: self = .count(wait: try scanner.take(), queue: try scanner.take())
    case .purge: self = .purge(wait: try scanner.take(), queue: try scanner.take())
    case .publish: self = .publish(serial: try scanner.take(), try Enqueue(&scanner, storage: storage))
    case .transact:
      let serial = try scanner.take(UInt64.self)
      let enqueues = try scanner.takeEnqueues(storage: storage)
      self = .transact(serial: serial, enqueues, try scanner.takeSettlements())
    case .settle: self = .settle(try scanner.takeSettlements())
    case .serving: self = .serving(term: try scanner.take())
    case .attached: self = .attached(attachment: try scanner.take())
    case .attachRefused: self = .attachRefused(attachment: try scanner.take())
    case .cancelled: self = .cancelled(attachment: try scanner.take())
    case .deliver:
      self = .deliver(
        attachment: try scanner.take(), queue: try scanner.take(), position: try scanner.take(),
        isRedelivered: try scanner.takeBool(), try scanner.takeMessage(storage: storage))
    case .got:
      self = .got(
        wait: try scanner.take(), attachment: try scanner.take(), queue: try scanner.take(),
        position: try scanner.take(), isRedelivered: try scanner.takeBool(), remaining: try scanner.take(),
        try scanner.takeMessage(storage: storage))
    case .empty: self = .empty(wait: try scanner.take())
    case .counted: self = .counted(wait: try scanner.take(), ready: try scanner.take(), consumers: try scanner.take())
    case .purged: self = .purged(wait: try scanner.take(), count: try scanner.take())
    case .confirmed: self = .confirmed(try scanner.takePositions())
    case .transactionRefused: self = .transactionRefused(serial: try scanner.take())
    case nil: throw DecodingError("a message of kind \(raw)")
    }
    try scanner.finish()
  }
}

extension ByteWriter {
  fileprivate mutating func put(message: Message?) {
    put(message != nil)
    message?.encode(into: &self)
  }
}

extension ByteScanner {
  fileprivate mutating func takeMessage(storage: [UInt8]) throws(DecodingError) -> Message? {
    try takeBool() ? try Message(&self, storage: storage) : nil
  }
}
