// Which clients a level has, and where they connect: all drawn from the level's seed.

import AMQP
import Base
import Drivers
import Scenario

extension Load {
  func build() {
    let plan = configuration.plan
    let workload = plan.workload
    var random = SeededGenerator(seed: level.seed, label: "clients")
    let offset = random.below(nodes.count)

    declarers = level.queues.map { queue in
      let link = makeLink(first: random.below(nodes.count), name: "declare \(queue.name)")
      return Declarer(queue: queue, exchanges: plan.exchanges, link: link)
    }

    let routes = plan.routes.map {
      Route(exchange: $0.exchange, key: $0.key, place: journal.sink.route(to: $0.to))
    }
    for index in 0..<max(0, workload.producers) {
      var settings = ProducerSettings()
      settings.index = index
      settings.publish = level.axes.publish
      settings.retry = level.axes.retry
      settings.routes = routes
      settings.window = max(1, workload.window)
      settings.transactionSize = max(1, workload.transactionSize)
      settings.rollback = workload.rollback
      settings.seed = level.seed
      let link = makeLink(first: offset + index, name: "producer \(index)")
      let producer = Producer(settings: settings, journal: journal, stats: stats, codec: codec, port: link)
      link.client = producer
      producers.append(producer)
      links.append(link)
    }

    guard !level.queues.isEmpty else { return }
    let firstQueue = random.below(level.queues.count)
    for index in 0..<max(0, workload.consumers) {
      let queue = level.queues[(firstQueue + index) % level.queues.count]
      var settings = ConsumerSettings(queue: queue)
      settings.process = 10_000 + Int32(index)
      settings.mode = level.axes.consume
      settings.place = journal.sink.word(queue.name)
      settings.prefetch = workload.prefetch
      settings.serviceTime = workload.serviceTime
      settings.requeue = level.axes.consume == .autoAck ? 0 : workload.requeue
      settings.transactionSize = max(1, workload.transactionSize)
      settings.rollback = workload.rollback
      settings.seed = level.seed
      // One further than the producers, so that with as many of both no node serves the same pair only.
      let link = makeLink(first: offset + index + 1, name: "consumer \(index)", settings: settings)
      consumers.append(makeConsumer(settings, link: link))
      links.append(link)
    }
  }

  func makeConsumer(_ settings: ConsumerSettings, link: NodeLink) -> Consumer {
    let consumer = Consumer(
      settings: settings, journal: journal, stats: stats, codec: codec, port: link,
      redeclaration: Topology.declarations(of: settings.queue, exchanges: configuration.plan.exchanges))
    link.client = consumer
    return consumer
  }

  /// Tries the nodes in their order, from number `first` on.
  func makeLink(first: Int, name: String, settings: ConsumerSettings? = nil) -> NodeLink {
    var options = ClientSession.Options()
    // A slow consumer that acknowledges automatically is to be felt by the broker before the kernel has taken it all.
    if let settings, settings.mode == .autoAck, settings.serviceTime > 0 { options.receiveBuffer = 32 << 10 }
    let link = NodeLink(
      loop: loop, nodes: nodes, first: first, name: "stormproof \(level.name) \(name)",
      persistent: level.axes.durability != .transient, options: options)
    link.onWake = { [unowned self] in wake() }
    return link
  }
}
