// A producer's transactions: several publishes that take effect together or not at all.

import AMQP
import Base
import Drivers
import History

/// The one transaction that a producer has under way.
struct PublishTransaction {
  enum Phase { case open, committing, rollingBack }
  var id: UInt64
  /// Drawn when it began.
  var willRollBack: Bool
  var begun: Nanoseconds
  var publishes: [Publishing] = []
  var phase = Phase.open
  /// Of the commit or rollback.
  var op: UInt64 = 0
  var ended: Nanoseconds = 0
  /// Where the bytes of the commit or rollback begin.
  var begin = 0
  /// Its outcome is recorded as unknown; an answer may still come.
  var isTold = false
}

extension Producer {
  func beginTransaction(_ now: Nanoseconds) {
    transaction = PublishTransaction(
      id: journal.nextTransaction(), willRollBack: chance(settings.rollback), begun: now)
  }

  func endTransaction() {
    guard var ending = transaction else { return }
    ending.phase = ending.willRollBack ? .rollingBack : .committing
    ending.op = journal.nextOp()
    ending.ended = journal.now()
    ending.begin = port.position.appended
    transaction = ending
    var event = endEvent(.invoke)
    event.time = ending.ended
    journal.record(event)
    port.send(ending.willRollBack ? .txRollback : .txCommit)
  }

  /// commit-ok or rollback-ok has come; both end the only transaction there is.
  func transactionIsAnswered() {
    guard let ending = transaction, ending.phase != .open else { return }
    let now = journal.now()
    var event = endEvent(.ok)
    event.time = now
    journal.record(event)
    transaction = nil
    let standing = ending.publishes.filter { $0.state != .returned }
    if ending.phase == .committing {
      for publishing in standing {
        stats.confirmed(intended: publishing.item.intended, sent: publishing.sent, at: now)
      }
    } else {
      stats.failed(standing.count)
      if !ending.isTold { drawRetries(standing.map(\.item)) }
    }
  }

  /// No answer in time.
  func transactionIsUnknown() {
    guard let ending = transaction, !ending.isTold else { return }
    journal.record(endEvent(.info))
    transaction?.isTold = true
    let standing = ending.publishes.filter { $0.state != .returned }
    let isCommit = ending.phase == .committing
    if isCommit { stats.unknown(standing.count) } else { stats.failed(standing.count) }
    for publishing in standing { again(publishing.item, certain: !isCommit) }
  }

  /// It was never committed, and never will be.
  func abandonOpenTransaction() {
    guard let open = transaction else { return }
    transaction = nil
    let standing = open.publishes.filter { $0.state != .returned }
    stats.failed(standing.count)
    for publishing in standing { again(publishing.item, certain: true) }
  }

  /// The connection is gone. What was not committed never takes effect; nor does a commit that has not left the process;
  /// of one that may have left nothing is known.
  func loseTransaction(_ position: OutputPosition) {
    guard let ending = transaction else { return }
    if ending.phase == .open { return abandonOpenTransaction() }
    if ending.phase == .committing, ending.begin >= position.handed, !ending.isTold {
      journal.record(endEvent(.fail))
      return abandonOpenTransaction()
    }
    transactionIsUnknown()
    transaction = nil
  }

  private func endEvent(_ outcome: Outcome) -> Event {
    var event = stamp.event(transaction?.phase == .rollingBack ? .rollback : .commit, outcome)
    event.op = transaction?.op ?? 0
    event.transaction = transaction?.id ?? 0
    return event
  }
}
