// From masters to clients: deliveries, answers to get, and the credit that consumers are granted.
import AMQP
import Base

/// Something that must not overtake deliveries, which may have to wait for this node's state.
enum HeldDelivery {
  case delivery(
    attachment: UInt64, position: UInt64, isRedelivered: Bool, wait: UInt64, remaining: UInt32, Message?)
  case cancelled(UInt64)

  /// Only messages of quorum queues come without their content.
  var isOfQuorum: Bool {
    switch self {
    case .delivery(_, _, _, _, _, let message): message == nil
    case .cancelled: false
    }
  }
}

extension FrontEnd {
  /// How much unwritten output a connection may have before its consumers without limit get no more.
  static let outputLimit = 4 << 20

  func take(_ delivery: HeldDelivery) {
    if !held.isEmpty || !present(delivery) { held.append(delivery) }
  }

  /// The state has moved on: what it was too old for may be there now.
  func releaseHeld() {
    guard !held.isEmpty else { return }
    var count = 0
    while count < held.count, present(held[count]) { count += 1 }
    held.removeFirst(count)
  }

  /// False where the message is not here yet.
  private func present(_ item: HeldDelivery) -> Bool {
    guard case .delivery(let attachment, let position, let isRedelivered, let wait, let remaining, let given) = item
    else {
      if case .cancelled(let attachment) = item { settleCancel(attachment) }
      return true
    }
    guard let hold = holds[attachment] else { return true }  // void meanwhile
    if given == nil, position >= hold.queue.messages.end { return false }
    guard let message = given ?? hold.queue.messages[position] else {
      if let consumer = hold.consumer {
        consumer.credit -= 1
        note(consumer)
      }
      return true
    }
    if wait != 0 {
      got(wait, hold, message, position, attachment, isRedelivered, remaining, noAck: nil)
    } else if let consumer = hold.consumer {
      deliver(message, position, isRedelivered, to: consumer)
    } else {
      board.postIfUp(.requeue(attachment: attachment, positions: [position]), to: master(of: hold.queue))
    }
    return true
  }

  /// A message of a quorum queue that has left it for good, for a client of this node that does not acknowledge.
  func handedOut(_ handout: Handout, _ message: Message) {
    guard let hold = holds[handout.attachment] else { return }
    if handout.wait != 0 {
      got(
        handout.wait, hold, message, handout.position, handout.attachment, handout.isRedelivered, handout.remaining,
        noAck: true)
    } else if let consumer = hold.consumer {
      deliver(message, handout.position, handout.isRedelivered, to: consumer)
    }
  }

  private func deliver(_ message: Message, _ position: UInt64, _ isRedelivered: Bool, to consumer: Consumer) {
    let channel = consumer.channel
    consumer.credit -= 1
    channel.lastTag += 1
    if consumer.noAck || consumer.prefetch == 0 { note(consumer) }
    if !consumer.noAck {
      consumer.outstanding += 1
      channel.unacked.append(
        Delivery(
          queue: consumer.queue, position: position, attachment: consumer.attachment, consumer: consumer),
        at: channel.lastTag)
    }
    guard !channel.isGone else { return }
    message.withContent { properties, body in
      _ = channel.session.connection.deliver(
        channel: channel.number, consumerTag: consumer.tag, deliveryTag: channel.lastTag, redelivered: isRedelivered,
        exchange: message.exchange, routingKey: message.routingKey, rawProperties: properties, body: body)
    }
  }

  private func got(
    _ number: UInt64, _ hold: Hold, _ message: Message, _ position: UInt64, _ attachment: UInt64,
    _ isRedelivered: Bool, _ remaining: UInt32, noAck: Bool?
  ) {
    guard let wait = takeWait(number), case .get(_, let wantsNoAck) = wait.kind else { return }
    let channel = wait.channel
    channel.lastTag += 1
    if !(noAck ?? wantsNoAck) {
      channel.unacked.append(
        Delivery(queue: hold.queue, position: position, attachment: attachment, consumer: nil), at: channel.lastTag)
    }
    if !channel.isGone {
      message.withContent { properties, body in
        _ = channel.session.connection.getOk(
          channel: channel.number, deliveryTag: channel.lastTag, redelivered: isRedelivered,
          exchange: message.exchange, routingKey: message.routingKey, messageCount: remaining,
          rawProperties: properties, body: body)
      }
    }
    pump(channel)
  }

  /// Asks the master for one message.
  func askForMessage(_ number: UInt64, _ queue: QueueState, _ noAck: Bool, _ channel: Channel) {
    guard let master = master(of: queue) else { return }
    var attachment = channel.getters.first { $0.queue === queue }?.attachment ?? 0
    if attachment == 0 || holds[attachment] == nil {
      attachment = newNumber()
      channel.getters.append((queue, attachment))
      channel.attachments.append(attachment)
      holds[attachment] = Hold(channel: channel, queue: queue)
    }
    board.post(.get(wait: number, attachment: attachment, queue: queue.id, noAck: noAck), to: master)
  }

  // MARK: Credit

  /// The consumer may have room for more.
  func note(_ consumer: Consumer) {
    guard !consumer.isOwed else { return }
    consumer.isOwed = true
    owed.append(consumer)
  }

  /// Grants what consumers lack. Those whose client does not read wait for it.
  func flushCredit() {
    guard !owed.isEmpty else { return }
    var waiting: [Consumer] = []
    for consumer in owed {
      let channel = consumer.channel
      guard !channel.isEnded else { continue }
      guard channel.session.connection.output.count < Self.outputLimit else {
        waiting.append(consumer)
        continue
      }
      consumer.isOwed = false
      let lacking = consumer.lacking
      guard lacking > 0, consumer.attachment != 0, !consumer.isCancelling, let master = master(of: consumer.queue)
      else { continue }
      consumer.credit += lacking
      board.post(.credit(attachment: consumer.attachment, UInt32(clamping: lacking)), to: master)
    }
    owed = waiting
  }
}

extension Switchboard {
  func postIfUp(_ message: PeerMessage, to node: Int?) {
    if let node { post(message, to: node) }
  }
}
