// What clients say of their deliveries: ack, nack, reject, recover; and transactions over them and over publishes.
import AMQP
import Base

extension FrontEnd {
  /// basic.ack, nack, reject.
  func settle(_ method: Method, _ channel: Channel) {
    let (tag, isMultiple, verdict): (UInt64, Bool, Transaction.Verdict)
    switch method {
    case .basicAck(let ack): (tag, isMultiple, verdict) = (ack.deliveryTag, ack.multiple, .settle)
    case .basicNack(let nack):
      (tag, isMultiple, verdict) = (nack.deliveryTag, nack.multiple, nack.requeue ? .requeue : .settle)
    case .basicReject(let reject):
      (tag, isMultiple, verdict) = (reject.deliveryTag, false, reject.requeue ? .requeue : .settle)
    default: return
    }
    if !isMultiple {
      guard let delivery = channel.unacked[tag], !delivery.isInTransaction else { return refuse(tag, channel, method) }
      decide(tag, verdict, channel)
      return
    }
    guard tag <= channel.lastTag else { return refuse(tag, channel, method) }
    let last = tag == 0 ? channel.lastTag : tag
    var next = channel.unacked.start
    while let number = channel.unacked.next(from: next), number <= last {
      next = number + 1
      if channel.unacked[number]?.isInTransaction == false { decide(number, verdict, channel) }
    }
  }

  private func refuse(_ tag: UInt64, _ channel: Channel, _ method: Method) {
    close(channel, .preconditionFailed, "PRECONDITION_FAILED - unknown delivery tag \(tag)", method.id)
  }

  private func decide(_ tag: UInt64, _ verdict: Transaction.Verdict, _ channel: Channel) {
    if channel.mode == .transaction {
      channel.unacked[tag]?.isInTransaction = true
      channel.transaction.verdicts.append((tag, verdict))
      return
    }
    guard let delivery = takeDelivery(tag, channel), holds[delivery.attachment] != nil else { return }
    switch verdict {
    case .requeue: post(.requeue(attachment: delivery.attachment, positions: [delivery.position]), to: delivery.queue)
    case .settle:
      let settlement = Settlement(delivery)
      if delivery.queue.isQuorum {
        settlements.append(settlement)
      } else {
        homeSettlements[delivery.queue.definition.home].append(settlement)
      }
    }
  }

  /// The client is done with a delivery: its consumer may have another.
  private func takeDelivery(_ tag: UInt64, _ channel: Channel) -> Delivery? {
    guard let delivery = channel.unacked.remove(tag) else { return nil }
    if let consumer = delivery.consumer {
      consumer.outstanding -= 1
      note(consumer)
    }
    return delivery
  }

  /// basic.recover: all that is not settled goes back to its queues.
  func recover(_ requeue: Bool, _ channel: Channel, _ method: Method) -> Bool {
    guard requeue else {
      close(channel.session, .notImplemented, "NOT_IMPLEMENTED - recover with requeue=false", method.id)
      return false
    }
    var next = channel.unacked.start
    while let tag = channel.unacked.next(from: next) {
      next = tag + 1
      guard channel.unacked[tag]?.isInTransaction == false, let delivery = takeDelivery(tag, channel),
        holds[delivery.attachment] != nil
      else { continue }
      post(.requeue(attachment: delivery.attachment, positions: [delivery.position]), to: delivery.queue)
    }
    return true
  }

  /// Sends what was acknowledged since the last time, to the log and to the homes.
  func flushSettlements() {
    if !settlements.isEmpty {
      requests.append(.settle(settlements), .none)
      settlements.removeAll(keepingCapacity: true)
    }
    for node in homeSettlements.indices where !homeSettlements[node].isEmpty {
      board.post(.settle(homeSettlements[node]), to: node)
      homeSettlements[node].removeAll(keepingCapacity: true)
    }
    if let leader { requests.send(to: leader.node) }
  }

  // MARK: Transactions

  func rollBack(_ channel: Channel, _ method: Method) {
    guard channel.mode == .transaction else { return refuseWithoutTransaction(channel, method) }
    for (tag, _) in channel.transaction.verdicts { channel.unacked[tag]?.isInTransaction = false }
    channel.transaction = Transaction()
    channel.send(.txRollbackOk)
  }

  private func refuseWithoutTransaction(_ channel: Channel, _ method: Method) {
    close(channel, .preconditionFailed, "PRECONDITION_FAILED - channel is not transactional", method.id)
  }

  /// tx.commit: what is in the replicated log first, in one entry, then the classic queues.
  func commit(_ channel: Channel, _ method: Method, _ isFresh: Bool) {
    guard channel.mode == .transaction else { return refuseWithoutTransaction(channel, method) }
    var commit = Commit()
    for publish in channel.transaction.publishes {
      let route = route(publish.message)
      if route.isEmpty {
        guard isFresh else { return retryWhenCurrent(.method(method), channel) }
        if publish.isMandatory { commit.returned.append(publish.message) }
      }
      if !route.quorum.isEmpty {
        commit.replicated.enqueues.append(Enqueue(message: publish.message, queues: route.quorum))
      }
      for home in route.homes {
        guard board.isUp[home.node] else {
          return refuseCommit(channel, "the home of a queue, node '\(config.members[home.node])', is down", method)
        }
        commit.with(home.node) { $0.enqueues.append(Enqueue(message: publish.message, queues: home.queues)) }
      }
    }
    for (tag, verdict) in channel.transaction.verdicts {
      guard let delivery = channel.unacked[tag] else { continue }
      guard holds[delivery.attachment] != nil else {
        return refuseCommit(channel, "delivery \(tag) has gone back to its queue meanwhile", method)
      }
      switch verdict {
      case .requeue: commit.requeued.append((delivery.attachment, delivery.position))
      case .settle where delivery.queue.isQuorum: commit.replicated.settlements.append(Settlement(delivery))
      case .settle: commit.with(delivery.queue.definition.home) { $0.settlements.append(Settlement(delivery)) }
      }
    }
    for (tag, _) in channel.transaction.verdicts { _ = takeDelivery(tag, channel) }
    channel.transaction = Transaction()
    begin(commit, channel)
  }

  /// Nothing of it has taken effect, and nothing will.
  private func refuseCommit(_ channel: Channel, _ text: String, _ method: Method? = .txCommit) {
    close(channel, .preconditionFailed, "PRECONDITION_FAILED - transaction refused: \(text)", method?.id)
  }

  private func begin(_ commit: Commit, _ channel: Channel) {
    let number = wait(channel, .commit(commit))
    guard !commit.replicated.isEmpty else { return commitAtHomes(number) }
    flushSettlements()
    if config.defects.contains(.tornCommit), tear(commit.replicated, number) { return }
    requests.append(.transaction(commit.replicated.enqueues, commit.replicated.settlements), .wait(number))
  }

  /// The part in the log is decided.
  func committed(_ commit: Commit, _ result: OperationResult, _ channel: Channel) {
    if case .refused = result { return refuseCommit(channel, "a delivery has gone back to its queue meanwhile") }
    commitAtHomes(wait(channel, .commit(commit)))
  }

  private func commitAtHomes(_ number: UInt64) {
    guard case .commit(var commit)? = waits[number]?.kind else { return }
    commit.remaining = commit.homes.count
    waits[number]?.kind = .commit(commit)
    guard commit.remaining > 0 else { return finish(commit, number) }
    for (node, part) in commit.homes {
      guard board.isUp[node] else { return fail(.wait(number)) }
      let serial = outstanding[node].append(.wait(number))
      board.post(.transact(serial: serial, part.enqueues, part.settlements), to: node)
    }
  }

  /// A home has done its part.
  func partCommitted(_ number: UInt64) {
    guard case .commit(var commit)? = waits[number]?.kind else { return }
    commit.remaining -= 1
    waits[number]?.kind = .commit(commit)
    if commit.remaining == 0 { finish(commit, number) }
  }

  /// A home has refused its part, because of a delivery that was not the client's any more.
  func partRefused(_ number: UInt64) {
    guard case .commit(let commit)? = waits[number]?.kind else { return }
    guard commit.replicated.isEmpty, commit.homes.count == 1 else { return fail(.wait(number)) }  // the others may have
    guard let wait = takeWait(number) else { return }
    refuseCommit(wait.channel, "a delivery has gone back to its queue meanwhile")
  }

  private func finish(_ commit: Commit, _ number: UInt64) {
    guard let wait = takeWait(number) else { return }
    let channel = wait.channel
    for (attachment, position) in commit.requeued {
      guard let hold = holds[attachment] else { continue }
      post(.requeue(attachment: attachment, positions: [position]), to: hold.queue)
    }
    for message in commit.returned { giveBack(message, channel) }
    channel.send(.txCommitOk)
    pump(channel)
  }
}

extension Settlement {
  init(_ delivery: Delivery) {
    self.init(queue: delivery.queue.id, position: delivery.position, attachment: delivery.attachment)
  }
}

extension Commit {
  mutating func with(_ node: Int, _ change: (inout Part) -> Void) {
    if let index = homes.firstIndex(where: { $0.node == node }) {
      change(&homes[index].part)
    } else {
      var part = Part()
      change(&part)
      homes.append((node, part))
    }
  }
}
