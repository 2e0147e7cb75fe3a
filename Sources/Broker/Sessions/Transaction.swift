// What a transaction gathers until it is committed or rolled back, and what a commit still waits for.

/// The open transaction of a channel (tx.select).
struct Transaction {
  enum Verdict { case settle, requeue }

  struct Publish {
    var message: Message
    var isMandatory: Bool
  }

  private(set) var publishes: [Publish] = []
  /// Bytes of properties and bodies.
  private(set) var size = 0
  /// Acknowledged, refused, or to go back.
  var verdicts: [(tag: UInt64, verdict: Verdict)] = []

  mutating func append(_ message: Message, isMandatory: Bool) {
    publishes.append(Publish(message: message, isMandatory: isMandatory))
    size += message.size
  }
}

/// A transaction on its way: first its part in the replicated log, one entry; then its parts at the homes of classic
/// queues, each one record there. Only within each part it is all or nothing.
struct Commit {
  struct Part {
    var enqueues: [Enqueue] = []
    var settlements: [Settlement] = []
    var isEmpty: Bool { enqueues.isEmpty && settlements.isEmpty }
  }

  var replicated = Part()
  var homes: [(node: Int, part: Part)] = []
  /// Mandatory messages that no queue takes.
  var returned: [Message] = []
  /// What goes back to its queue once all is committed.
  var requeued: [(attachment: UInt64, position: UInt64)] = []
  /// Parts at homes without an answer.
  var remaining = 0
}
