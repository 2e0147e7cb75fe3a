// A history of transactions on logs with keys, as Jepsen's Kafka workload records it: sends, polls, and who was assigned
// which keys.

import Base

/// What clients of keyed logs (topic partitions) did, transaction by transaction, in the order of their invocations.
public struct TransactionHistory: Equatable, Sendable {
  /// One message sent, or one message of what a poll returned.
  public struct Access: Equatable, Sendable, BitwiseCopyable {
    public static let unknown: Int64 = -1

    public var isSend: Bool
    /// Which micro-operation of the transaction, from 0.
    public var step: UInt32
    /// Index into `keys`.
    public var key: UInt32
    /// From 0; `unknown` where it was not told.
    public var offset: Int64
    /// Unique among the messages sent to one key.
    public var value: MessageID

    public init(isSend: Bool, step: UInt32, key: UInt32, offset: Int64 = Self.unknown, value: MessageID) {
      (self.isSend, self.step, self.key, self.offset, self.value) = (isSend, step, key, offset, value)
    }
  }

  public enum Kind: UInt8, Sendable, BitwiseCopyable {
    /// Sends and polls, committed together; or a single one of them.
    case transaction
    /// From here on the process polls other keys than before.
    case assignment
  }

  public struct Transaction: Equatable, Sendable {
    public var kind: Kind
    /// `invoke`: nothing is known of its end, which is the same as `info`.
    public var outcome = Outcome.invoke
    public var process: Int32
    public var begin: Nanoseconds
    /// Of no meaning where it is `info`.
    public var end: Nanoseconds
    /// Into `accesses`, in the order in which they were made. Of a transaction without a known result, the sends that it
    /// was to make.
    public var accesses = 0..<0
    /// It was to poll, whatever came of that.
    public var hasPoll = false
    /// Into `keyLists`: of a transaction the keys that were taken from the process or given to it meanwhile; of an
    /// assignment the keys whose position the process keeps.
    public var keyList = 0..<0
    /// Lines of the file, from 0; −1 where there is none.
    public var invocation: Int32 = -1
    public var completion: Int32 = -1

    /// One that has begun.
    public init(_ kind: Kind, process: Int32, begin: Nanoseconds) {
      (self.kind, self.process, self.begin, end) = (kind, process, begin, begin)
    }
  }

  /// The names of the keys.
  public var keys: [String] = []
  public var transactions: [Transaction] = []
  public var accesses: [Access] = []
  public var keyLists: [UInt32] = []
  /// False: what was recorded is a prefix of what happened.
  public var isComplete = true

  public init() {}
}

/// Puts lines together into transactions, whatever notation they stand in.
struct TransactionBuilder {
  /// One invocation or completion.
  struct Line {
    var time: Nanoseconds = 0
    var process: Int32 = 0
    var outcome = Outcome.invoke
    var kind = TransactionHistory.Kind.transaction
    /// Nil: the line does not say, and the invocation holds.
    var accesses: [TransactionHistory.Access]?
    var hasPoll = false
    var keys: [UInt32] = []
  }

  private(set) var history = TransactionHistory()
  private var index: [String: UInt32] = [:]
  /// By process its transaction under way, and what that was to do.
  private var open: [Int32: (transaction: Int, accesses: [TransactionHistory.Access])] = [:]
  private var firstTime: Nanoseconds?

  mutating func key(_ name: String) -> UInt32 {
    if let known = index[name] { return known }
    let new = UInt32(truncatingIfNeeded: history.keys.count)
    history.keys.append(name)
    index[name] = new
    return new
  }

  /// - Parameter number: Of the line, from 0.
  mutating func add(_ line: Line, number: Int) {
    firstTime = firstTime ?? line.time
    if line.outcome == .invoke {
      finish(line.process)
      begin(line, at: line.time, number: number)
      return
    }
    // Without an invocation it may have begun as early as anything.
    if open[line.process] == nil { begin(line, at: firstTime ?? line.time, number: -1) }
    guard let (k, planned) = open[line.process] else { return }
    history.transactions[k].outcome = line.outcome
    history.transactions[k].end = line.time
    history.transactions[k].completion = Int32(truncatingIfNeeded: number)
    history.transactions[k].hasPoll = history.transactions[k].hasPoll || line.hasPoll
    if !line.keys.isEmpty || line.kind == .assignment { history.transactions[k].keyList = store(line.keys) }
    open[line.process] = (k, line.accesses ?? planned)
    finish(line.process)
  }

  private mutating func begin(_ line: Line, at time: Nanoseconds, number: Int) {
    open[line.process] = (history.transactions.count, line.accesses ?? [])
    var transaction = TransactionHistory.Transaction(line.kind, process: line.process, begin: time)
    transaction.hasPoll = line.hasPoll
    transaction.keyList = store(line.keys)
    transaction.invocation = Int32(truncatingIfNeeded: number)
    history.transactions.append(transaction)
  }

  private mutating func store(_ keys: [UInt32]) -> Range<Int> {
    history.keyLists += keys
    return history.keyLists.count - keys.count..<history.keyLists.count
  }

  private mutating func finish(_ process: Int32) {
    guard let (k, accesses) = open.removeValue(forKey: process) else { return }
    history.transactions[k].accesses = history.accesses.count..<history.accesses.count + accesses.count
    history.accesses += accesses
  }

  /// Everything that was added; what is still under way is of unknown outcome.
  mutating func close() -> TransactionHistory {
    for process in open.keys.sorted() { finish(process) }
    return history
  }
}
