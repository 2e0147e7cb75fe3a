// Exchanges, queues and bindings: which methods make them, and a client that sees to it that they are made.

import AMQP
import Base
import Scenario

enum Topology {
  /// What makes one queue and everything it hangs on. Said again to a broker that has it all, it changes nothing.
  static func declarations(of queue: QueuePlan, exchanges: [ExchangePlan]) -> [Method] {
    var methods: [Method] = []
    // The default exchange and the broker's own are there already.
    for exchange in exchanges where !exchange.name.isEmpty && !exchange.name.hasPrefix("amq.") {
      methods.append(.exchangeDeclare(ExchangeDeclare(exchange: exchange.name, type: exchange.type, durable: true)))
    }
    methods.append(
      .queueDeclare(
        QueueDeclare(
          queue: queue.name, durable: queue.durable, arguments: ["x-queue-type": .string(queue.type.rawValue)])))
    for binding in queue.bind where !binding.exchange.isEmpty {
      methods.append(
        .queueBind(QueueBind(queue: queue.name, exchange: binding.exchange, routingKey: binding.key)))
    }
    return methods
  }
}

/// Declares one queue through the first node that does it, and is done.
final class Declarer: LinkClient {
  let queue: QueuePlan
  private let link: NodeLink
  private let declarations: [Method]
  /// The node through which it was declared.
  private(set) var host: String?
  /// The broker has something else of that name: asking again is of no use.
  private(set) var isRefused = false
  var onDone: () -> Void = {}

  init(queue: QueuePlan, exchanges: [ExchangePlan], link: NodeLink) {
    self.queue = queue
    self.link = link
    declarations = Topology.declarations(of: queue, exchanges: exchanges)
    link.client = self
  }

  func start() { link.start() }
  func cancel() { link.retire() }
  /// What stands in the way, for people.
  var obstacle: String { "\(link.node.name): \(link.lastEnding)" }

  func linkSetup() -> [Method] { declarations }

  func linkReady(node: UInt16) {
    host = link.node.name
    link.retire()
    onDone()
  }

  func linkBrought(_ method: Method) {}
  func linkLost(_ reason: AMQP.CloseReason, wasReady: Bool) { isRefused = reason.code == .preconditionFailed }
  func linkClosed(wasReady: Bool) {}
}
