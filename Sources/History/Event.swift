// One line of a history: an invocation, a completion or a delivery, as clients saw it, or a fault's begin and heal.

import Base

/// What the application means by "a message": the producer that made it and its place in that producer's sequence.
/// Several attempts of one id may be on the wire. Histories of others count ids from 0 with producer 0.
public struct MessageID: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public var rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }
  public init(producer: Int, sequence: Int) {
    rawValue = UInt64(truncatingIfNeeded: producer) << 40 | UInt64(truncatingIfNeeded: sequence) & 0xff_ffff_ffff
  }

  public static let none = MessageID(rawValue: .max)
  public var producer: Int { Int(rawValue >> 40) }
  public var sequence: Int { Int(rawValue & 0xff_ffff_ffff) }
  public static func < (a: MessageID, b: MessageID) -> Bool { a.rawValue < b.rawValue }
  /// `3:1041`; only `1041` where the producer is 0.
  public var description: String { producer == 0 ? "\(sequence)" : "\(producer):\(sequence)" }
}

/// How an operation stands: begun, or completed in one of three ways.
public enum Outcome: UInt8, Sendable, BitwiseCopyable {
  case invoke
  /// It took effect (or: this was read).
  case ok
  /// It certainly did not and never will take effect.
  case fail
  /// Unknown: a timeout, a lost connection, a crash. It may take effect at any later time, or never.
  case info
}

/// What was done. The fields of `Event` that each of them uses stand beside it.
public enum Function: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// `op, message, attempt, place` (a route), `session` (the publish channel), `transaction`, `intended`, `flags.sent`
  /// on a completion, `flags.nack` on the `info` of a negative acknowledgement; `tag` on the invocation: the key by which
  /// the application wants order, 0 where there is none.
  case publish
  /// `op, place` (queue), `session`, `flags.autoAck`, `tag` (prefetch, 0: unlimited).
  case subscribe
  /// Always `ok`: `message, attempt, place` (queue), `session, tag, intended, flags.redelivered`; with `flags.damaged` or
  /// `flags.foreign` the message means nothing.
  case deliver
  /// `op, session, tag, transaction`.
  case ack
  /// `op, session, tag, transaction, flags.requeue`.
  case nack
  /// `op, session`.
  case recover
  /// `op, transaction`, `session` (the channel).
  case commit
  case rollback
  /// A request and its reply on a session: `op, session`. The session was alive when the reply was sent.
  case alive
  /// `op, session`: closed by us (invoke, then ok), or lost as the client saw it (info alone).
  case release
  /// `place` (the fault's name): invoke begins, ok is healed.
  case fault
  /// `op, place` (queue); ok with `tag` 0, or info with `tag` = the count at which the drain gave up.
  case drained
  /// Of plain queue histories (CHECKING a, b): `op, message`; a dequeue that found nothing is `ok` with `MessageID.none`,
  /// one of unknown result is `info` with `MessageID.none`.
  case enqueue
  case dequeue
  /// Of plain log histories (CHECKING c): `op, message`; ok with `tag` = the offset it was given.
  case append
  /// Of a log: `op, tag` = the offset; ok with `message`, or `MessageID.none` where the offset was past the end. Of a
  /// register or a key-value store (CHECKING d): `op, tag` = the key (0 for a register); ok with `message`, which is 0, or
  /// `MessageID.none`, where nothing had been written.
  case read
  /// `op, message, tag` = the key, 0 for a register.
  case write
  /// `op, tag` = the key, `transaction` = the value it expects, `message` = the one it puts there. One that found another
  /// value is `fail`.
  case compareAndSet
}

/// Fixed size, no references; on disk in columns (`EventColumns`).
public struct Event: Sendable, BitwiseCopyable {
  public struct Flags: OptionSet, Sendable, BitwiseCopyable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Every byte of the publish was written to the socket.
    public static let sent = Flags(rawValue: 1)
    public static let nack = Flags(rawValue: 2)
    public static let requeue = Flags(rawValue: 4)
    public static let redelivered = Flags(rawValue: 8)
    public static let autoAck = Flags(rawValue: 16)
    /// The payload could not be decoded.
    public static let damaged = Flags(rawValue: 32)
    /// The payload belongs to another run.
    public static let foreign = Flags(rawValue: 64)
  }

  /// The times that a file may have, a century and more of them: far enough from the edges that neither the time between
  /// two of them nor any that a check adds to one overflows.
  public static let times: ClosedRange<Nanoseconds> = -(1 << 61)...(1 << 62)

  /// CLOCK_MONOTONIC, strictly increasing in a file.
  public var time: Nanoseconds = 0
  /// Joins completions to their invocation; 0 where there is none.
  public var op: UInt64 = 0
  public var message: MessageID = .none
  /// 0: none. Of a compare-and-set the value it expects.
  public var transaction: UInt64 = 0
  /// Delivery tag, prefetch, count, offset or key, as `Function` says.
  public var tag: UInt64 = 0
  /// When an open-loop schedule meant the message to be sent, never later than `time`; 0 where there is no schedule.
  public var intended: Nanoseconds = 0
  public var attempt: UInt32 = 0
  /// A subscription on a channel, or a publish channel: numbered together, new with every connection.
  public var session: UInt32 = 0
  /// Producers from 0, consumers from 10 000, drain from 20 000, faults −1, the drain's own events −2.
  public var process: Int32 = 0
  /// Index into `Names`: a queue, a route or a fault.
  public var place: UInt16 = 0
  /// Index into `Names`: the node the client was connected to. `Names.none` where unknown.
  public var node: UInt16 = Names.none
  public var flags: Flags = []
  public var function: Function = .publish
  public var outcome: Outcome = .invoke

  public init() {}
}

/// The words of a history by number: queues, nodes, faults, and routes (the set of queues into which a publish certainly
/// goes). An index is a `UInt16`; a history holds its names beside its events.
public struct Names: Equatable, Sendable {
  public static let none = UInt16.max

  public enum Entry: Equatable, Hashable, Sendable {
    case word(String)
    /// Indices of the queues, ascending.
    case route([UInt16])
  }

  public private(set) var entries: [Entry] = []
  private var index: [Entry: UInt16] = [:]

  public init() {}

  /// The index of the entry, given to it when it is new; `none` when 65 535 are taken.
  public mutating func intern(_ entry: Entry) -> UInt16 {
    if let known = index[entry] { return known }
    guard entries.count < Int(Self.none) else { return Self.none }
    let new = UInt16(entries.count)
    entries.append(entry)
    index[entry] = new
    return new
  }

  public mutating func word(_ text: String) -> UInt16 { intern(.word(text)) }
  public mutating func route(to queues: [String]) -> UInt16 {
    intern(.route(queues.map { intern(.word($0)) }.sorted()))
  }

  /// The word at `index`, or `?` where there is none.
  public func text(_ index: UInt16) -> String {
    guard Int(index) < entries.count, case .word(let text) = entries[Int(index)] else { return "?" }
    return text
  }

  /// The queues of the route at `index`.
  public func queues(_ index: UInt16) -> [UInt16] {
    guard Int(index) < entries.count, case .route(let queues) = entries[Int(index)] else { return [] }
    return queues
  }
}
