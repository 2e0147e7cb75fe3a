// The way of a message from a client to the masters of its queues, and the confirms.
import AMQP
import Base

extension FrontEnd {
  /// basic.publish. The bytes are the client's, valid during the call.
  func publish(
    _ publish: BasicPublish, _ isPersistent: Bool, _ properties: UnsafeRawBufferPointer,
    _ body: UnsafeRawBufferPointer, _ channel: Channel, isFresh: Bool
  ) {
    func whole() -> Message {
      Message(
        exchange: publish.exchange, routingKey: publish.routingKey, isPersistent: isPersistent,
        properties: properties, body: body)
    }
    guard !publish.immediate else {
      return close(channel.session, .notImplemented, "NOT_IMPLEMENTED - immediate=true", .basicPublish)
    }
    guard let route = route(publish.exchange, publish.routingKey, channel) else {
      if isFresh {
        close(channel, .notFound, Text.noExchange(publish.exchange), .basicPublish)
      } else {
        retryWhenCurrent(.publish(publish, whole()), channel)
      }
      return
    }
    guard state.exchanges[publish.exchange]?.definition.isInternal != true else {
      let text = "ACCESS_REFUSED - cannot publish to internal exchange '\(publish.exchange)' in vhost '/'"
      return close(channel, .accessRefused, text, .basicPublish)
    }
    if channel.mode == .transaction {
      channel.transaction.append(whole(), isMandatory: publish.mandatory)
      if channel.transaction.size > config.transactionLimit {
        let text = "PRECONDITION_FAILED - a transaction of more than \(config.transactionLimit) bytes"
        close(channel, .preconditionFailed, text, .basicPublish)
      }
      return
    }
    if route.isEmpty, !isFresh { return retryWhenCurrent(.publish(publish, whole()), channel) }

    var parts = route.quorum.isEmpty ? 0 : 1
    var isUnreachable = false
    for home in route.homes {
      if board.isUp[home.node] { parts += 1 } else { isUnreachable = true }
    }
    if parts == 0, publish.mandatory {
      let text = isUnreachable ? "NO_ROUTE - the queue's home is down" : "NO_ROUTE"
      giveBack(publish.exchange, publish.routingKey, text, properties, body, channel)
      isUnreachable = false  // known not to be taken: the return is the answer, the confirm follows
    }
    var tag: UInt64 = 0
    if channel.mode == .confirm {
      tag = channel.confirms.append(parts: isUnreachable ? max(parts, 1) : parts)
      if isUnreachable { channel.confirms.fail(tag) }
      if parts == 0 || isUnreachable { noteAnswers(channel) }
    }
    guard parts > 0 else { return }
    if tag != 0, config.defects.contains(.confirmBeforeFsyncAndQuorum), isPromised(route, isPersistent) {
      return confirmEarly(whole(), route, channel, tag)
    }
    let completion: Completion = tag == 0 ? .none : .confirm(channel, tag)
    if !route.quorum.isEmpty {
      requests.enqueue(
        queues: route.quorum, exchange: publish.exchange, routingKey: publish.routingKey, isPersistent: isPersistent,
        properties: properties, body: body, completion)
    }
    guard !route.homes.isEmpty else { return }
    let message = whole()
    for home in route.homes where board.isUp[home.node] {
      let serial = tag == 0 ? 0 : outstanding[home.node].append(completion)
      board.post(.publish(serial: serial, Enqueue(message: message, queues: home.queues)), to: home.node)
    }
  }

  /// The queues for a key, often those of the publish before; nil where the exchange is not known.
  private func route(_ exchange: String, _ key: String, _ channel: Channel) -> Route? {
    if let route = channel.route, route.version == state.topologyVersion, route.key == key, route.exchange == exchange {
      return route
    }
    guard let queues = state.route(exchange: exchange, key: key) else { return nil }
    let route = Route(version: state.topologyVersion, exchange: exchange, key: key, queues: queues)
    channel.route = route
    return route
  }

  private func giveBack(
    _ exchange: String, _ key: String, _ text: String, _ properties: UnsafeRawBufferPointer,
    _ body: UnsafeRawBufferPointer, _ channel: Channel
  ) {
    guard !channel.isGone else { return }
    _ = channel.session.connection.returnMessage(
      channel: channel.number, code: .noRoute, text: text, exchange: exchange, routingKey: key,
      rawProperties: properties, body: body)
  }

  func giveBack(_ message: Message, _ channel: Channel) {
    message.withContent { giveBack(message.exchange, message.routingKey, "NO_ROUTE", $0, $1, channel) }
  }

  /// Where a message goes, for a transaction.
  func route(_ message: Message) -> Route {
    let queues = state.route(exchange: message.exchange, key: message.routingKey) ?? []
    return Route(
      version: state.topologyVersion, exchange: message.exchange, key: message.routingKey, queues: queues)
  }

  // MARK: Confirms

  /// One of those that had to take a publish has.
  func confirmed(_ channel: Channel, _ tag: UInt64) {
    channel.confirms.complete(tag)
    noteAnswers(channel)
  }

  func noteAnswers(_ channel: Channel) {
    guard !channel.hasAnswers else { return }
    channel.hasAnswers = true
    answering.append(channel)
  }

  func flushAnswers() {
    for channel in answering {
      channel.hasAnswers = false
      channel.confirms.takeAnswers { channel.send($0) }
    }
    answering.removeAll(keepingCapacity: true)
  }
}
