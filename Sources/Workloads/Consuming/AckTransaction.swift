// A consumer's transactions: acknowledgements that take effect together or not at all.

import AMQP
import Base
import Drivers
import History

/// The one transaction that a consumer has under way.
struct AckTransaction {
  var id: UInt64
  var willRollBack: Bool
  var begun: Nanoseconds
  /// Acknowledgements, negative ones included.
  var count = 0
  /// Commit or rollback is sent; nothing else is until it is answered.
  var isEnding = false
  var op: UInt64 = 0
  var ended: Nanoseconds = 0
  var begin = 0
}

extension Consumer {
  func beginTransaction(_ now: Nanoseconds) {
    transaction = AckTransaction(
      id: journal.nextTransaction(), willRollBack: chance(settings.rollback), begun: now)
  }

  func endTransaction() {
    sendAcks()
    guard var ending = transaction else { return }
    ending.isEnding = true
    ending.op = journal.nextOp()
    ending.ended = journal.now()
    ending.begin = port.position.appended
    transaction = ending
    var event = endEvent(.invoke)
    event.time = ending.ended
    journal.record(event)
    port.send(ending.willRollBack ? .txRollback : .txCommit)
  }

  /// commit-ok or rollback-ok. After a rollback the deliveries stay with this channel, unacknowledged; they are not
  /// delivered again by themselves. So the broker is asked to give out again all that the channel holds.
  func transactionIsAnswered() {
    guard let ended = transaction, ended.isEnding else { return }
    journal.record(endEvent(.ok))
    transaction = nil
    guard ended.willRollBack else { return settled(ended.count) }
    let op = journal.nextOp()
    var event = stamp.event(.recover, .invoke)
    event.op = op
    journal.record(event)
    recoverOp = op
    port.send(.basicRecover(BasicRecover(requeue: true)))
  }

  /// What was read before this answer had been sent before the broker took everything back.
  func recoverIsAnswered() {
    guard let op = recoverOp else { return }
    var event = stamp.event(.recover, .ok)
    event.op = op
    journal.record(event)
    recoverOp = nil
    dropHeld()
  }

  /// The connection is gone. A commit that has not left the process never takes effect; of one that may have left
  /// nothing is known; one that was never asked for needs no words.
  func loseTransaction(_ position: OutputPosition) {
    guard let ending = transaction, ending.isEnding else { return }
    journal.record(endEvent(ending.begin >= position.handed && !ending.willRollBack ? .fail : .info))
    transaction = nil
  }

  private func endEvent(_ outcome: Outcome) -> Event {
    var event = stamp.event(transaction?.willRollBack == true ? .rollback : .commit, outcome)
    event.op = transaction?.op ?? 0
    event.transaction = transaction?.id ?? 0
    return event
  }
}
