// The methods of clients: exchanges, queues, bindings, consumers, modes.
import AMQP
import Base

extension FrontEnd {
  /// Carries out a method. `isFresh`: this node's state is as new as the request, so what is not known is not there.
  func run(_ method: Method, _ channel: Channel, isFresh: Bool? = nil) {
    let isFresh = isFresh ?? isCurrent
    switch method {
    case .exchangeDeclare(let declare): self.declare(declare, channel, isFresh)
    case .exchangeDelete(let delete): self.delete(delete, channel)
    case .exchangeBind, .exchangeUnbind:
      close(channel.session, .notImplemented, "NOT_IMPLEMENTED - bindings between exchanges", method.id)
    case .queueDeclare(let declare): self.declare(declare, channel, isFresh)
    case .queueBind(let bind):
      guard let queue = queue(bind.queue, method, channel, isFresh) else { return }
      guard !bind.exchange.isEmpty else { return refuse(channel, "the default exchange cannot be bound", method) }
      let binding = Binding(exchange: bind.exchange, queue: queue.name, key: bind.routingKey)
      submit(.bind(binding), channel, bind.noWait ? nil : .queueBindOk)
    case .queueUnbind(let unbind):
      guard let queue = queue(unbind.queue, method, channel, isFresh) else { return }
      guard !unbind.exchange.isEmpty else { return refuse(channel, "the default exchange cannot be unbound", method) }
      let binding = Binding(exchange: unbind.exchange, queue: queue.name, key: unbind.routingKey)
      submit(.unbind(binding), channel, .queueUnbindOk)
    case .queuePurge(let purge):
      guard let queue = queue(purge.queue, method, channel, isFresh), isHomeUp(queue, channel, method) else { return }
      let number = wait(channel, .purge(queue, noWait: purge.noWait))
      post(.purge(wait: number, queue: queue.id), to: queue)
    case .queueDelete(let delete): self.delete(delete, channel, isFresh)
    case .basicQos(let qos):
      guard qos.prefetchSize == 0 else {
        return close(channel.session, .notImplemented, "NOT_IMPLEMENTED - prefetch_size", method.id)
      }
      channel.prefetch = Int(qos.prefetchCount)
      channel.send(.basicQosOk)
    case .basicConsume(let consume): self.consume(consume, channel, isFresh)
    case .basicCancel(let cancel): self.cancel(cancel, channel)
    case .basicGet(let get):
      guard let queue = queue(get.queue, method, channel, isFresh), isHomeUp(queue, channel, method) else { return }
      askForMessage(wait(channel, .get(queue, noAck: get.noAck)), queue, get.noAck, channel)
    case .basicAck, .basicNack, .basicReject: settle(method, channel)
    case .basicRecover(let recover):
      if self.recover(recover.requeue, channel, method) { channel.send(.basicRecoverOk) }
    case .basicRecoverAsync(let recover): _ = self.recover(recover.requeue, channel, method)
    case .confirmSelect(let noWait):
      guard channel.mode != .transaction else { return refuseMode(channel, "tx to confirm", method) }
      channel.mode = .confirm
      if !noWait { channel.send(.confirmSelectOk) }
    case .txSelect:
      guard channel.mode != .confirm else { return refuseMode(channel, "confirm to tx", method) }
      channel.mode = .transaction
      channel.send(.txSelectOk)
    case .txCommit: commit(channel, method, isFresh)
    case .txRollback: rollBack(channel, method)
    default: close(channel.session, .commandInvalid, "COMMAND_INVALID - \(method.id)", method.id)
    }
  }

  private func refuse(_ channel: Channel, _ text: String, _ method: Method) {
    close(channel, .accessRefused, "ACCESS_REFUSED - \(text)", method.id)
  }

  private func refuseMode(_ channel: Channel, _ change: String, _ method: Method) {
    close(channel, .preconditionFailed, "PRECONDITION_FAILED - cannot switch from \(change) mode", method.id)
  }

  private func submit(_ operation: Operation, _ channel: Channel, _ reply: Method?) {
    requests.append(operation, .wait(wait(channel, .operation(reply))))
  }

  /// A queue that must be there and open to this connection; else nil, and the channel is closed, or the method put off.
  private func queue(_ name: String, _ method: Method, _ channel: Channel, _ isFresh: Bool) -> QueueState? {
    guard let queue = state.queues[name] else {
      if isFresh {
        close(channel, .notFound, Text.noQueue(name), method.id)
      } else {
        retryWhenCurrent(.method(method), channel)
      }
      return nil
    }
    if let owner = queue.definition.owner, owner != self.name(of: channel.session) {
      close(channel, .resourceLocked, Text.locked(name), method.id)
      return nil
    }
    return queue
  }

  private func isHomeUp(_ queue: QueueState, _ channel: Channel, _ method: Method) -> Bool {
    if queue.isQuorum || board.isUp[queue.definition.home] { return true }
    let home = config.members[queue.definition.home]
    let text = "NOT_FOUND - home node '\(home)' of queue '\(queue.name)' in vhost '/' is down"
    close(channel, .notFound, text, method.id)
    return false
  }

  private func name(of session: Session) -> ConnectionName {
    ConnectionName(node: config.id, incarnation: requests.incarnation, connection: session.id.rawValue)
  }

  // MARK: Exchanges

  private func declare(_ declare: ExchangeDeclare, _ channel: Channel, _ isFresh: Bool) {
    let method = Method.exchangeDeclare(declare)
    if declare.passive {
      if state.exchanges[declare.exchange] != nil {
        if !declare.noWait { channel.send(.exchangeDeclareOk) }
      } else if isFresh {
        close(channel, .notFound, Text.noExchange(declare.exchange), method.id)
      } else {
        retryWhenCurrent(.method(method), channel)
      }
      return
    }
    guard let kind = ExchangeKind(name: declare.type) else {
      let text = "COMMAND_INVALID - unknown exchange type '\(declare.type)'"
      return close(channel.session, .commandInvalid, text, method.id)
    }
    guard declare.arguments.isEmpty else {
      let text = "NOT_IMPLEMENTED - arguments of exchange '\(declare.exchange)'"
      return close(channel.session, .notImplemented, text, method.id)
    }
    let isPredeclared = ReplicatedState.predeclared.contains { $0.0 == declare.exchange }
    if declare.exchange.isEmpty || (declare.exchange.hasPrefix("amq.") && !isPredeclared) {
      return refuse(channel, "exchange name '\(declare.exchange)' is reserved", method)
    }
    let definition = ExchangeDefinition(
      name: declare.exchange, kind: kind, isDurable: declare.durable, isAutoDelete: declare.autoDelete,
      isInternal: declare.isInternal)
    submit(.declareExchange(definition), channel, declare.noWait ? nil : .exchangeDeclareOk)
  }

  private func delete(_ delete: ExchangeDelete, _ channel: Channel) {
    if ReplicatedState.predeclared.contains(where: { $0.0 == delete.exchange }) {
      return refuse(channel, "exchange '\(delete.exchange)' stays", .exchangeDelete(delete))
    }
    submit(
      .deleteExchange(name: delete.exchange, ifUnused: delete.ifUnused), channel,
      delete.noWait ? nil : .exchangeDeleteOk)
  }

  // MARK: Queues

  private func declare(_ declare: QueueDeclare, _ channel: Channel, _ isFresh: Bool) {
    let method = Method.queueDeclare(declare)
    if declare.passive {
      guard let queue = queue(declare.queue, method, channel, isFresh) else { return }
      return count(queue, noWait: declare.noWait, channel, method)
    }
    let isKnown = state.queues[declare.queue] != nil
    if declare.queue.hasPrefix("amq."), !isKnown {
      return refuse(channel, "queue name '\(declare.queue)' is reserved", method)
    }
    var kind = QueueDefinition.Kind.classic
    for entry in declare.arguments.entries {
      guard entry.name == "x-queue-type" else {
        let text = "NOT_IMPLEMENTED - argument '\(entry.name)' of queue '\(declare.queue)'"
        return close(channel.session, .notImplemented, text, method.id)
      }
      switch entry.value.string {
      case "classic": kind = .classic
      case "quorum": kind = .quorum
      default:
        let text = "PRECONDITION_FAILED - invalid arg 'x-queue-type' for queue '\(declare.queue)' in vhost '/'"
        return close(channel, .preconditionFailed, text, method.id)
      }
    }
    if kind == .quorum, !declare.durable || declare.exclusive || declare.autoDelete {
      let text = "PRECONDITION_FAILED - quorum queue '\(declare.queue)' must be durable, and nothing else"
      return close(channel, .preconditionFailed, text, method.id)
    }
    let definition = QueueDefinition(
      name: declare.queue.isEmpty ? newQueueName() : declare.queue, kind: kind, isDurable: declare.durable,
      isAutoDelete: declare.autoDelete, owner: declare.exclusive ? name(of: channel.session) : nil, home: config.id)
    requests.append(.declareQueue(definition), .wait(wait(channel, .declare(declare))))
  }

  private func newQueueName() -> String {
    var name = "amq.gen-"
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
    for _ in 0..<22 { name.append(letters[generator.below(letters.count)]) }
    return name
  }

  /// The queue is there; its counts are its master's.
  func declared(_ queue: QueueState, _ declare: QueueDeclare, _ channel: Channel) {
    if let owner = queue.definition.owner, owner == name(of: channel.session) {
      if channel.session.isEnded {
        requests.append(.deleteQueue(id: queue.id), .none)
      } else if !channel.session.exclusiveQueues.contains(queue.id) {
        channel.session.exclusiveQueues.append(queue.id)
      }
    }
    count(queue, noWait: declare.noWait, channel, .queueDeclare(declare))
  }

  private func count(_ queue: QueueState, noWait: Bool, _ channel: Channel, _ method: Method) {
    guard isHomeUp(queue, channel, method) else { return }
    let number = wait(channel, .count(queue, noWait: noWait))
    post(.count(wait: number, queue: queue.id), to: queue)
  }

  private func delete(_ delete: QueueDelete, _ channel: Channel, _ isFresh: Bool) {
    let method = Method.queueDelete(delete)
    if state.queues[delete.queue] == nil, isFresh {  // nothing to delete is no error, as with other brokers
      if !delete.noWait { channel.send(.queueDeleteOk(QueueDeleteOk(messageCount: 0))) }
      return
    }
    guard let queue = queue(delete.queue, method, channel, isFresh) else { return }
    guard queue.isQuorum || board.isUp[queue.definition.home] else {  // what it held can be asked of nobody
      guard !delete.ifUnused, !delete.ifEmpty else {
        _ = isHomeUp(queue, channel, method)
        return
      }
      requests.append(.deleteQueue(id: queue.id), .wait(wait(channel, .delete(delete, count: 0))))
      return
    }
    let number = wait(channel, .deleteCheck(delete, queue))
    post(.count(wait: number, queue: queue.id), to: queue)
  }

  // MARK: Consumers

  private func consume(_ consume: BasicConsume, _ channel: Channel, _ isFresh: Bool) {
    let method = Method.basicConsume(consume)
    guard let queue = queue(consume.queue, method, channel, isFresh), isHomeUp(queue, channel, method) else { return }
    var tag = consume.consumerTag
    if tag.isEmpty {
      tag = "amq.ctag-\(channel.session.id.rawValue)-\(channel.session.nextConsumer)"
      channel.session.nextConsumer += 1
    }
    guard channel.consumer(tag) == nil else {
      let text = "NOT_ALLOWED - attempt to reuse consumer tag '\(tag)'"
      return close(channel.session, .notAllowed, text, method.id)
    }
    let consumer = Consumer(
      channel: channel, tag: tag, queue: queue, noAck: consume.noAck, isExclusive: consume.exclusive,
      prefetch: channel.prefetch)
    channel.consumers.append(consumer)
    consumer.wait = wait(channel, .consume(consumer, noWait: consume.noWait))
    attach(consumer)
  }

  private func cancel(_ cancel: BasicCancel, _ channel: Channel) {
    guard let consumer = channel.consumer(cancel.consumerTag) else {
      if !cancel.noWait { channel.send(.basicCancelOk(BasicCancelOk(consumerTag: cancel.consumerTag))) }
      return
    }
    consumer.isCancelling = true
    guard consumer.attachment != 0, let master = master(of: consumer.queue) else {
      return sendCancelOk(consumer, noWait: cancel.noWait)
    }
    consumer.wait = wait(channel, .cancel(consumer, noWait: cancel.noWait))
    flushSettlements()
    board.post(.cancel(attachment: consumer.attachment), to: master)
  }
}
