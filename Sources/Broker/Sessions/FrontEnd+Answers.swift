// Answers that channels wait for: outcomes from the log, and what masters say.
import AMQP
import Base

extension FrontEnd {
  /// An operation in the log has come to its end.
  func answer(_ number: UInt64, _ result: OperationResult) {
    guard let wait = takeWait(number) else { return }
    let channel = wait.channel
    if case .failed(let code, let text) = result {
      close(channel, code, text)
      return
    }
    switch wait.kind {
    case .barrier(let item): run(item, channel, isFresh: true)
    case .operation(let reply): if let reply { channel.send(reply) }
    case .declare(let declare):
      guard case .declared(let queue) = result else { break }
      declared(queue, declare, channel)
    case .delete(let delete, let count):
      if !delete.noWait { channel.send(.queueDeleteOk(QueueDeleteOk(messageCount: count))) }
    case .cancel(let consumer, let noWait): sendCancelOk(consumer, noWait: noWait)
    case .commit(let commit): committed(commit, result, channel)
    case .count, .deleteCheck, .purge, .get, .consume: break  // not answered by the log
    }
    pump(channel)
  }

  /// A master, this node's or another's, says something.
  func receive(_ message: PeerMessage, from node: Int) {
    switch message {
    case .serving(let term): serving(node, term: term)
    case .attached(let attachment):
      guard let consumer = holds[attachment]?.consumer, consumer.wait != 0 else { return }
      consumed(consumer)
    case .attachRefused(let attachment):
      guard let hold = holds[attachment], let consumer = hold.consumer else { return }
      let text = "ACCESS_REFUSED - queue '\(hold.queue.name)' in vhost '/' in exclusive use"
      if consumer.wait != 0 { _ = takeWait(consumer.wait) }
      close(hold.channel, .accessRefused, text, .basicConsume)
    case .cancelled(let attachment):
      if held.isEmpty { settleCancel(attachment) } else { held.append(.cancelled(attachment)) }
    case .deliver(let attachment, _, let position, let isRedelivered, let message):
      take(
        .delivery(
          attachment: attachment, position: position, isRedelivered: isRedelivered, wait: 0, remaining: 0, message))
    case .got(let wait, let attachment, _, let position, let isRedelivered, let remaining, let message):
      take(
        .delivery(
          attachment: attachment, position: position, isRedelivered: isRedelivered, wait: wait, remaining: remaining,
          message))
    case .empty(let number):
      guard let wait = takeWait(number) else { return }
      wait.channel.send(.basicGetEmpty)
      pump(wait.channel)
    case .counted(let number, let ready, let consumers): counted(number, ready, consumers)
    case .purged(let number, let count): purged(number, count)
    case .confirmed(let serials):
      for serial in serials {
        guard let completion = outstanding[node].remove(serial) else { continue }
        if case .wait(let number) = completion { partCommitted(number) } else { complete(completion, .done) }
      }
    case .transactionRefused(let serial):
      guard case .wait(let number)? = outstanding[node].remove(serial) else { return }
      partRefused(number)
    default: break  // not for a front end
    }
  }

  private func counted(_ number: UInt64, _ ready: UInt32, _ consumers: UInt32) {
    guard let wait = takeWait(number) else { return }
    switch wait.kind {
    case .count(let queue, let noWait):
      if !noWait {
        wait.channel.send(
          .queueDeclareOk(QueueDeclareOk(queue: queue.name, messageCount: ready, consumerCount: consumers)))
      }
    case .deleteCheck(let delete, let queue):
      if delete.ifUnused, consumers > 0 {
        return close(wait.channel, .preconditionFailed, Text.inUse(queue.name), .queueDelete)
      }
      if delete.ifEmpty, ready > 0 {
        return close(wait.channel, .preconditionFailed, Text.notEmpty(queue.name), .queueDelete)
      }
      let number = self.wait(wait.channel, .delete(delete, count: ready))
      requests.append(.deleteQueue(id: queue.id), .wait(number))
    default: break
    }
    pump(wait.channel)
  }

  func purged(_ number: UInt64, _ count: UInt32) {
    guard let wait = takeWait(number) else { return }
    if case .purge(_, let noWait) = wait.kind, !noWait {
      wait.channel.send(.queuePurgeOk(QueuePurgeOk(messageCount: count)))
    }
    pump(wait.channel)
  }

  // MARK: Consumers

  /// Takes hold of the consumer's queue, where its master can be asked.
  func attach(_ consumer: Consumer) {
    guard consumer.attachment == 0, !consumer.isCancelling, let master = master(of: consumer.queue) else { return }
    let number = newNumber()
    consumer.attachment = number
    holds[number] = Hold(channel: consumer.channel, queue: consumer.queue, consumer: consumer)
    consumer.channel.attachments.append(number)
    consumer.credit = consumer.lacking
    board.post(
      .attach(
        attachment: number, queue: consumer.queue.id, noAck: consumer.noAck, exclusive: consumer.isExclusive,
        credit: UInt32(clamping: consumer.credit)), to: master)
  }

  /// The master has the consumer.
  private func consumed(_ consumer: Consumer) {
    // After a change of leader it was attached anew: the answer may come while the client waits for something else.
    guard case .consume(_, let noWait)? = waits[consumer.wait]?.kind, let wait = takeWait(consumer.wait) else { return }
    consumer.wait = 0
    if !noWait { wait.channel.send(.basicConsumeOk(BasicConsumeOk(consumerTag: consumer.tag))) }
    pump(wait.channel)
  }

  /// Everything that the master has sent to a consumer is here.
  func settleCancel(_ attachment: UInt64) {
    guard let consumer = holds[attachment]?.consumer, consumer.isCancelling else { return }
    holds[attachment]?.consumer = nil
    guard consumer.noAck, consumer.queue.isQuorum else { return cancelled(consumer) }
    // What it was given away may still be on its way through the log.
    holds[attachment]?.consumer = consumer
    requests.append(.nothing, .wait(consumer.wait))
  }

  func cancelled(_ consumer: Consumer) {
    guard case .cancel(_, let noWait)? = waits[consumer.wait]?.kind, let wait = takeWait(consumer.wait) else { return }
    sendCancelOk(consumer, noWait: noWait)
    pump(wait.channel)
  }

  func sendCancelOk(_ consumer: Consumer, noWait: Bool) {
    let channel = consumer.channel
    consumer.wait = 0
    channel.consumers.removeAll { $0 === consumer }
    if consumer.attachment != 0 { holds[consumer.attachment]?.consumer = nil }
    if !noWait { channel.send(.basicCancelOk(BasicCancelOk(consumerTag: consumer.tag))) }
  }
}

extension Text {
  static func inUse(_ name: String) -> String { "PRECONDITION_FAILED - queue '\(name)' in vhost '/' in use" }
  static func notEmpty(_ name: String) -> String { "PRECONDITION_FAILED - queue '\(name)' in vhost '/' is not empty" }
}
