// The load of one level: builds its clients from the plan and leads them through the phases that the supervisor commands.

import AMQP
import Base
import Drivers
import EventLoop
import Glibc
import History
import Scenario

/// On the loop's thread from `init` to `finish`.
final class Load {
  enum Phase: Equatable {
    case declaring, connecting, ready, producing
    case resolving(until: Nanoseconds)
    case stopped
    case closing(until: Nanoseconds, bound: Nanoseconds)
    case draining(until: Nanoseconds)
    case leaving(until: Nanoseconds)
    case drained
  }

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  static let readyWithin = 90 * Nanoseconds.second
  static let resolveWithin = 10 * Nanoseconds.second
  static let closeWithin = 20 * Nanoseconds.second
  static let drainPrefetch = 256

  let configuration: LoadConfiguration
  let level: LevelPlan
  let loop: Loop
  let journal: Journal
  let stats: LoadStats
  let codec: PayloadCodec
  let nodes: [NodeAddress]
  let report: (LoadReport) -> Void
  private(set) var phase = Phase.declaring
  private var phaseBegan: Nanoseconds
  var declarers: [Declarer] = []
  var producers: [Producer] = []
  var consumers: [Consumer] = []
  /// Of producers and consumers.
  var links: [NodeLink] = []
  private var drains: [QueueDrain] = []
  private var pacer: Pacer?
  private var houseTimer: LoopTimer?
  private var nextSample = Nanoseconds.max
  private var hasFailed = false
  private var loadEnd: Nanoseconds?

  /// Begins to declare and to connect; `ready` is reported when everybody is.
  /// - Throws: `Failure` where the plan has no such level, `LoopError` where the kernel gives no timer.
  init(
    loop: Loop, configuration: LoadConfiguration, sink: any EventSink, report: @escaping (LoadReport) -> Void
  ) throws {
    guard let level = configuration.plan.levels.first(where: { $0.name == configuration.level }) else {
      throw Failure(description: "the plan has no level \(configuration.level)")
    }
    let plan = configuration.plan
    guard !plan.cluster.nodes.isEmpty, !plan.routes.isEmpty || plan.workload.producers == 0 else {
      throw Failure(description: "the plan has no node, or no route for its producers")
    }
    self.configuration = configuration
    self.level = level
    self.loop = loop
    self.report = report
    journal = Journal(sink: sink, clock: Loop.monotonicNow)
    stats = LoadStats(producers: plan.workload.producers)
    // Of this very run: another one with the same seed has other payloads.
    let nonce = SeededGenerator.derive(seed: level.seed ^ UInt64(bitPattern: Loop.monotonicNow()), label: "nonce")
    codec = PayloadCodec(nonce: nonce, size: plan.workload.messageSize)
    nodes = plan.cluster.nodes.map {
      NodeAddress(name: $0.name, address: $0.address, port: configuration.port, place: sink.word($0.name))
    }
    phaseBegan = Loop.monotonicNow()
    pacer = try Pacer(loop) { [unowned self] in tick($0) }
    houseTimer = loop.timer(after: 100 * .millisecond, repeat: 100 * .millisecond) { [unowned self] in keepHouse() }
    build()
    for declarer in declarers { declarer.start() }
  }

  func wake() { pacer?.wake(at: journal.now()) }

  private func enter(_ phase: Phase) {
    self.phase = phase
    phaseBegan = journal.now()
  }

  // MARK: Commands

  func begin(loadAt: Nanoseconds) {
    let now = journal.now()
    stats.loadAt = loadAt
    let workload = configuration.plan.workload
    for producer in producers {
      let schedule = ArrivalSchedule(
        rate: workload.rate, from: min(0, now - loadAt), producer: producer.settings.index, of: workload.producers)
      producer.begin(schedule: schedule, origin: loadAt)
    }
    nextSample = now + .second
    enter(.producing)
    wake()
  }

  func record(fault: String, begins: Bool) {
    var event = Event()
    event.function = .fault
    event.outcome = begins ? .invoke : .ok
    event.process = -1
    event.place = journal.sink.word(fault)
    journal.record(event)
    report(.recorded(fault, begins: begins))
  }

  func stopProducing() {
    loadEnd = journal.now()
    for producer in producers { producer.stop() }
    enter(.resolving(until: journal.now() + Self.resolveWithin))
  }

  func drain(bound: Nanoseconds) {
    for producer in producers { producer.retire() }
    for consumer in consumers { consumer.stop() }
    let now = journal.now()
    enter(.closing(until: now + Self.closeWithin, bound: now + bound))
  }

  /// The history is closed and complete and the latencies are written, or this throws why not.
  func finish() throws {
    houseTimer?.cancel()
    pacer?.cancel()
    (houseTimer, pacer) = (nil, nil)
    guard journal.sink.close() else {
      throw Failure(description: "the history is not complete: \(journal.sink.failure ?? "unknown")")
    }
    let now = journal.now()
    let realtime = Self.realtimeNow() - (stats.loadAt == .max ? 0 : now - stats.loadAt)
    try stats.writeLatencies(to: configuration.latencyPath, until: loadEnd ?? now, realtime: realtime)
  }

  /// CLOCK_REALTIME, for people.
  private static func realtimeNow() -> Nanoseconds {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Nanoseconds(time.tv_sec) * .second + Nanoseconds(time.tv_nsec)
  }

  // MARK: Time

  private func tick(_ now: Nanoseconds) {
    var next = nextSample
    if now >= nextSample {
      report(.sample(stats.takeSecond(at: now)))
      nextSample += ((now - nextSample) / .second + 1) * .second
      next = nextSample
    }
    for producer in producers { next = min(next, producer.tick(now)) }
    for consumer in consumers { next = min(next, consumer.tick(now)) }
    // A tenth of a millisecond is as exact as the load needs to be, and bounds what the timer costs.
    if next < .max { pacer?.wake(at: max(next, now + 100 * .microsecond)) }
  }

  private func keepHouse() {
    let now = journal.now()
    journal.sink.flush()
    if let failure = journal.sink.failure { return fail(failure) }
    for producer in producers { producer.keepHouse(now) }
    for consumer in consumers { consumer.keepHouse(now) }
    for drain in drains { drain.keepHouse(now) }
    advance(now)
  }

  private func fail(_ sentence: String) {
    guard !hasFailed else { return }
    hasFailed = true
    report(.failed(sentence))
  }

  private func advance(_ now: Nanoseconds) {
    switch phase {
    case .declaring:
      if declarers.allSatisfy({ $0.host != nil }) {
        for link in links { link.start() }
        enter(.connecting)
      } else if let refused = declarers.first(where: \.isRefused) {
        fail("queue \(refused.queue.name) could not be declared: \(refused.obstacle)")
      } else if now - phaseBegan > Self.readyWithin, let late = declarers.first(where: { $0.host == nil }) {
        fail("queue \(late.queue.name) could not be declared: \(late.obstacle)")
      }
    case .connecting:
      if producers.allSatisfy(\.isReady), consumers.allSatisfy(\.isSubscribed) {
        enter(.ready)
        var hosts: [String: String] = [:]
        for declarer in declarers { hosts[declarer.queue.name] = declarer.host }
        report(.ready(hosts: hosts))
      } else if let refused = declarers.first(where: \.isRefused) {
        fail("queue \(refused.queue.name) could not be declared: \(refused.obstacle)")
      } else if now - phaseBegan > Self.readyWithin {
        let late = links.first { !$0.isReady }
        fail(
          late.map { "a client could not connect to \($0.node.name): \($0.lastEnding)" } ?? "not all could subscribe")
      }
    case .resolving(let until):
      guard now >= until || producers.allSatisfy(\.isResolved) else { return }
      for producer in producers { producer.giveUp() }
      enter(.stopped)
      report(.stopped)
    case .closing(let until, let bound):
      if links.allSatisfy(\.isRetired) {
        beginDrains()
        enter(.draining(until: bound))
      } else if now >= until {
        for link in links where !link.isRetired { link.drop("did not close in time") }
      }
    case .draining(let until):
      if now >= until { for drain in drains { drain.giveUp() } }
      if drains.allSatisfy({ $0.left != nil }) { enter(.leaving(until: now + Self.closeWithin)) }
    case .leaving(let until):
      if drains.allSatisfy(\.link.isRetired) {
        enter(.drained)
        report(.drained(left: drains.reduce(0) { $0 + ($1.left ?? 0) }))
      } else if now >= until {
        for drain in drains where !drain.link.isRetired { drain.link.drop("did not close in time") }
      }
    case .ready, .producing, .stopped, .drained: break
    }
  }

  private func beginDrains() {
    for (index, queue) in level.queues.enumerated() {
      let link = makeLink(first: index, name: "drain \(queue.name)")
      var settings = ConsumerSettings(queue: queue)
      settings.process = QueueDrain.process + Int32(index)
      settings.place = journal.sink.word(queue.name)
      settings.prefetch = Self.drainPrefetch
      let consumer = makeConsumer(settings, link: link)
      drains.append(
        QueueDrain(
          consumer: consumer, link: link, journal: journal, redeliveryTimer: configuration.redeliveryTimer))
    }
  }
}
