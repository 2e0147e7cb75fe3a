// Plants exactly one violation into a valid simulated history.

import Base
import History

@testable import Checkers

/// What can be planted; the finding is what stands before the slash.
enum Plant: String, CaseIterable {
  case lostNever = "lost/never"
  case lostRequeue = "lost/requeue"
  case lostRollback = "lost/rollback"
  case unexpectedNever = "unexpected/never"
  case unexpectedEarly = "unexpected/early"
  case unexpectedQueue = "unexpected/queue"
  case unexpectedDamaged = "unexpected/damaged"
  case unexpectedRun = "unexpected/run"
  case abortedReadTransaction = "aborted-read/tx"
  case abortedReadUnsent = "aborted-read/unsent"
  case duplicatedUnreleased = "duplicated/unreleased"
  case duplicatedAcknowledged = "duplicated/acked"
  case duplicatedTwoAcks = "duplicated/two-acks"
  case duplicatedByRetry = "duplicated-by-retry"
  case wrongRedeliveredFlag = "wrong-redelivered-flag"
  case tornMissing = "torn-transaction/missing"
  case tornAgain = "torn-transaction/again"
  case tornEaten = "torn-transaction/eaten"
  case outOfOrder = "out-of-order"
  case stuckConfirm = "stuck-confirm"
  case stuckMessage = "stuck-message"
  case deadLetterNever = "dead-letter-lost/never"
  case deadLetterUntaken = "dead-letter-lost/untaken"
  /// No violation: the drain of one queue gave up while messages were still coming.
  case slowDrain = "slow-drain"

  var finding: FindingName? { FindingName(rawValue: String(rawValue.prefix { $0 != "/" })) }

  var levels: [ReliabilityLevel] {
    switch self {
    case .lostNever, .lostRequeue, .deadLetterNever, .deadLetterUntaken: [.medium, .high]
    case .lostRollback, .duplicatedByRetry: [.high]
    case .stuckConfirm: [.medium]
    default: ReliabilityLevel.allCases
    }
  }

  /// Lines of the table that break by necessity when this one does.
  var also: Set<FindingName> {
    switch self {
    case .lostNever: [.tornTransaction, .deadLetterLost]
    case .duplicatedUnreleased, .duplicatedAcknowledged, .duplicatedTwoAcks: [.tornTransaction]
    case .tornMissing: [.lost, .deadLetterLost]
    case .deadLetterNever, .deadLetterUntaken: [.lost, .tornTransaction]
    case .tornAgain: [.duplicated]
    default: []
    }
  }

  /// The history with the violation in it; nil: it has no place for one.
  func planted(
    in history: RecordedHistory, _ rng: SeededGenerator, deadLetters: [String: String] = [:]
  ) -> RecordedHistory? {
    let h = EditableHistory(history, rng, deadLetters: deadLetters)
    return apply(h) ? h.result : nil
  }

  private func apply(_ h: EditableHistory) -> Bool {
    switch self {
    case .lostNever: h.plantLostNever()
    case .lostRequeue: h.plantLostRequeue()
    case .lostRollback: h.plantLostRollback()
    case .unexpectedNever: h.plantUnexpected(MessageID(producer: 99, sequence: 1))
    case .unexpectedEarly: h.plantUnexpectedEarly()
    case .unexpectedQueue: h.plantUnexpectedQueue()
    case .unexpectedDamaged: h.plantUnexpected(.none, .damaged)
    case .unexpectedRun: h.plantUnexpected(h.tries.first?.event.message ?? .none, .foreign)
    case .abortedReadTransaction: h.plantAbortedRead(inTransaction: true)
    case .abortedReadUnsent: h.plantAbortedRead(inTransaction: false)
    case .duplicatedUnreleased: h.plantDuplicatedUnreleased()
    case .duplicatedAcknowledged: h.plantDuplicatedAcknowledged()
    case .duplicatedTwoAcks: h.plantDuplicatedTwoAcks()
    case .duplicatedByRetry: h.plantDuplicatedByRetry()
    case .wrongRedeliveredFlag: h.plantWrongFlag()
    case .tornMissing: h.plantTornMissing()
    case .tornAgain: h.plantTornAgain()
    case .tornEaten: h.plantTornEaten()
    case .outOfOrder: h.plantOutOfOrder()
    case .stuckConfirm: h.plantStuckConfirm()
    case .stuckMessage: h.plantStuckMessage()
    case .deadLetterNever: h.plantDeadLetterNever()
    case .deadLetterUntaken: h.plantDeadLetterUntaken()
    case .slowDrain: h.plantSlowDrain()
    }
  }
}
