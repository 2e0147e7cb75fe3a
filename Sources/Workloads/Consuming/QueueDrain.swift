// The end of a queue: one fresh consumer acknowledges everything, until nothing came for long enough and the broker itself
// says that nothing is left.

import AMQP
import Base
import History

final class QueueDrain {
  static let process: Int32 = 20_000
  /// The process that the drain's own events bear.
  static let ownProcess: Int32 = -2

  let consumer: Consumer
  let link: NodeLink
  private let journal: Journal
  private let redeliveryTimer: Nanoseconds
  private let op: UInt64
  private var subscribed: Nanoseconds = 0
  private var asked: Nanoseconds = 0
  private var isAsking = false
  /// Ready messages as the broker last said it.
  private var lastCount: Int?
  /// nil while it goes on; then what is left, at least 1 where the queue was not seen empty.
  private(set) var left: Int?

  /// Begins at once.
  init(consumer: Consumer, link: NodeLink, journal: Journal, redeliveryTimer: Nanoseconds) {
    self.consumer = consumer
    self.link = link
    self.journal = journal
    self.redeliveryTimer = redeliveryTimer
    op = journal.nextOp()
    record(.invoke, count: 0)
    consumer.onReady = { [unowned self] in subscribed = journal.now() }
    consumer.onLost = { [unowned self] _ in isAsking = false }
    consumer.onOther = { [unowned self] method in
      if case .queueDeclareOk(let answer) = method { answered(Int(answer.messageCount)) }
    }
    link.start()
  }

  /// To be called every 100 ms or so.
  func keepHouse(_ now: Nanoseconds) {
    consumer.keepHouse(now)
    guard left == nil, consumer.isSubscribed, !isAsking, now - asked >= 500 * .millisecond else { return }
    asked = now
    isAsking = link.send(.queueDeclare(QueueDeclare(queue: consumer.settings.queue.name, passive: true)))
  }

  private func answered(_ count: Int) {
    isAsking = false
    lastCount = count
    guard left == nil, count == 0, asked - max(subscribed, consumer.lastDelivery) > redeliveryTimer else { return }
    record(.ok, count: 0)
    left = 0
    consumer.stop()
  }

  /// The time is over.
  func giveUp() {
    guard left == nil else { return }
    record(.info, count: lastCount ?? 0)
    left = max(1, lastCount ?? 1)
    consumer.stop()
  }

  private func record(_ outcome: Outcome, count: Int) {
    var event = Event()
    event.function = .drained
    event.outcome = outcome
    event.process = Self.ownProcess
    event.op = op
    event.place = consumer.settings.place
    event.tag = UInt64(count)
    journal.record(event)
  }
}
