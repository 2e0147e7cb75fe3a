// A producer: takes what is due, publishes it under its level's rules, and records what became of each attempt.
// It has no socket and no clock of its own: what happens is told to it, what it wants it asks of its `LinkPort`.

import AMQP
import Base
import Drivers
import History
import Scenario

/// What a producer does, for its whole life.
struct ProducerSettings {
  /// From 0: the process number, and the producer part of its ids.
  var index = 0
  var publish = Axes.Publish.confirm
  var retry = Axes.Retry.none
  var routes: [Route] = []
  /// Publishes that may wait for their confirm.
  var window = 100
  var transactionSize = 10
  var rollback = 0.0
  var seed: UInt64 = 0
  /// After so long without an answer an attempt is unknown, and the channel stays open.
  var answerTimeout = 10 * Nanoseconds.second
  /// A transaction that is not full is committed after so long.
  var linger = 250 * Nanoseconds.millisecond
  /// Bytes that may wait for the kernel.
  var outputLimit = 256 << 10
}

/// An attempt that is under way.
struct Publishing {
  enum State { case waiting, timedOut, returned }
  var op: UInt64
  var item: Item
  var sent: Nanoseconds
  /// Where its bytes begin and end in the connection's output.
  var begin: Int
  var end: Int
  var state = State.waiting
}

/// A message to be sent, for the first time or again.
struct Item {
  var id: MessageID
  var attempt: UInt32
  var route: UInt16
  var intended: Nanoseconds
}

final class Producer: LinkClient {
  let settings: ProducerSettings
  let journal: Journal
  let stats: LoadStats
  private let codec: PayloadCodec
  unowned let port: any LinkPort
  private let scratch: UnsafeMutableRawBufferPointer

  var stamp: SessionStamp
  private(set) var isReady = false
  private var schedule: ArrivalSchedule?
  private var scheduleOrigin: Nanoseconds = 0
  private var nextArrival: Nanoseconds?
  private var due = Fifo<Nanoseconds>()
  /// Where there is no schedule: publish as fast as the window lets us.
  private var isFlatOut = false
  private var isStopping = false
  private var nextSequence = 0

  private(set) var retries = RetryLanes()
  /// Confirmed after their time was over: a retry that still waits is not sent.
  private var confirmedLate: Set<MessageID> = []
  private var unanswered = ConfirmTracker<Publishing>(minimumCapacity: 256)
  private var settled: [ConfirmTracker<Publishing>.Settled] = []
  private var timedOut = 0
  private var unwritten = Fifo<Publishing>()
  var transaction: PublishTransaction?
  private var random: SeededGenerator
  private var releaseOp: UInt64?

  init(settings: ProducerSettings, journal: Journal, stats: LoadStats, codec: PayloadCodec, port: any LinkPort) {
    self.settings = settings
    self.journal = journal
    self.stats = stats
    self.codec = codec
    self.port = port
    scratch = .allocate(byteCount: codec.size, alignment: 16)
    stamp = SessionStamp(process: Int32(settings.index))
    random = SeededGenerator(seed: settings.seed, label: "producer \(settings.index)")
  }

  deinit { scratch.deallocate() }

  // MARK: What the load tells

  /// - Parameters:
  ///   - schedule: nil: flat out.
  ///   - origin: the instant from which the schedule counts.
  func begin(schedule: ArrivalSchedule?, origin: Nanoseconds) {
    self.schedule = schedule
    scheduleOrigin = origin
    isFlatOut = schedule == nil
    advanceSchedule()
    port.wake()
  }

  /// Does what is due and says when it wants to be asked again.
  func tick(_ now: Nanoseconds) -> Nanoseconds {
    while let arrival = nextArrival, arrival <= now {
      due.append(arrival)
      stats.offered()
      advanceSchedule()
    }
    pump(now)
    var next = nextArrival ?? .max
    if isReady {
      if hasRoom, let retry = retries.next { next = min(next, retry) }
      if let transaction, transaction.phase == .open { next = min(next, transaction.begun + settings.linger) }
    }
    return next
  }

  private func advanceSchedule() { nextArrival = schedule?.nextArrival().map { scheduleOrigin + $0 } }

  /// No new ids from here on.
  func stop() {
    isStopping = true
    (schedule, nextArrival) = (nil, nil)
    due.removeAll()
    port.wake()
  }

  /// Whether nothing is under way any more.
  var isResolved: Bool {
    unanswered.outstanding == timedOut && retries.isEmpty && unwritten.isEmpty && (transaction?.isTold ?? true)
  }

  /// The time to resolve is over: what is under way is unknown. A late answer is still recorded.
  func giveUp() {
    expire(sentBefore: .max)
    if let transaction, transaction.phase != .open { transactionIsUnknown() }
    if transaction?.phase == .open { abandonOpenTransaction() }
    for item in retries.removeAll() where !confirmedLate.contains(item.id) { stats.gaveUp() }
  }

  /// To be called every 100 ms or so.
  func keepHouse(_ now: Nanoseconds) {
    expire(sentBefore: now - settings.answerTimeout)
    if let transaction, transaction.phase != .open, !transaction.isTold,
      transaction.ended < now - settings.answerTimeout
    {
      transactionIsUnknown()
      port.drop("no answer to the end of a transaction")  // the channel is of no more use without that answer
    }
  }

  /// Closes in order; nothing is published any more.
  func retire() {
    stop()
    if isReady {
      let op = journal.nextOp()
      var event = stamp.event(.release, .invoke)
      event.op = op
      journal.record(event)
      releaseOp = op
    }
    isReady = false
    port.retire()
  }

  // MARK: Publishing

  private var hasRoom: Bool {
    let position = port.position
    guard position.appended - position.written < settings.outputLimit else { return false }
    switch settings.publish {
    case .fireAndForget: return true
    case .confirm: return unanswered.outstanding - timedOut < settings.window
    case .transaction:
      return transaction.map { $0.phase == .open && $0.publishes.count < settings.transactionSize } ?? true
    }
  }

  /// Publishes what is due as far as there is room.
  private func pump(_ now: Nanoseconds) {
    guard isReady else { return }
    while hasRoom, let item = takeItem(now) {
      if settings.publish == .transaction, transaction == nil { beginTransaction(now) }
      publish(item)
      if let open = transaction, open.phase == .open, open.publishes.count >= settings.transactionSize {
        endTransaction()
      }
    }
    if let open = transaction, open.phase == .open, isStopping && retries.isEmpty || open.begun + settings.linger <= now
    {
      endTransaction()
    }
  }

  private func takeItem(_ now: Nanoseconds) -> Item? {
    while let item = retries.take(now) {
      if confirmedLate.isEmpty || !confirmedLate.contains(item.id) { return item }
    }
    if isStopping { return nil }
    let intended: Nanoseconds
    if let first = due.popFirst() {
      intended = first
    } else if isFlatOut {
      intended = 0
      stats.offered()
    } else {
      return nil
    }
    let id = MessageID(producer: settings.index, sequence: nextSequence)
    let route = UInt16((settings.index + nextSequence) % max(1, settings.routes.count))
    nextSequence += 1
    stats.attempted()
    return Item(id: id, attempt: 1, route: route, intended: intended)
  }

  private func publish(_ item: Item) {
    let op = journal.nextOp()
    let now = journal.now()
    var invoke = event(.publish, .invoke, item, op: op, at: now)
    // Where there are several routing keys, each is one within which order can be asked for.
    if settings.routes.count > 1 { invoke.tag = UInt64(item.route) + 1 }
    journal.record(invoke)
    let payload = Payload(
      id: item.id, attempt: item.attempt, transaction: transaction?.id ?? 0, intended: item.intended, sent: now)
    codec.encode(payload, into: scratch)
    let begin = port.position.appended
    let body = UnsafeRawBufferPointer(rebasing: scratch[..<codec.size])
    let isSent = port.publish(
      settings.routes[Int(item.route)], mandatory: settings.publish != .fireAndForget, body: body)
    let publishing = Publishing(op: op, item: item, sent: now, begin: begin, end: port.position.appended)
    guard isSent else { return failed(publishing) }
    switch settings.publish {
    case .fireAndForget: unwritten.append(publishing)
    case .confirm: unanswered.append(publishing)
    case .transaction: transaction?.publishes.append(publishing)
    }
  }

  func event(
    _ function: Function, _ outcome: Outcome, _ item: Item, op: UInt64, at time: Nanoseconds = 0,
    flags: Event.Flags = []
  ) -> Event {
    var event = stamp.event(function, outcome)
    event.time = time
    event.op = op
    event.message = item.id
    event.attempt = item.attempt
    event.place = settings.routes[Int(item.route)].place
    event.transaction = transaction?.id ?? 0
    event.intended = item.intended
    event.flags = flags
    return event
  }

  // MARK: Outcomes

  private func succeeded(_ publishing: Publishing) {
    let now = journal.now()
    journal.record(event(.publish, .ok, publishing.item, op: publishing.op, at: now, flags: .sent))
    stats.confirmed(intended: publishing.item.intended, sent: publishing.sent, at: now)
    if publishing.state == .timedOut { confirmedLate.insert(publishing.item.id) }
  }

  func failed(_ publishing: Publishing) {
    journal.record(event(.publish, .fail, publishing.item, op: publishing.op))
    stats.failed()
    again(publishing.item, certain: true)
  }

  private func unknown(_ publishing: Publishing, flags: Event.Flags) {
    journal.record(event(.publish, .info, publishing.item, op: publishing.op, flags: flags))
    stats.unknown()
    again(publishing.item, certain: false)
  }

  /// The retry axis: what is sent again after an attempt that was not confirmed.
  func again(_ item: Item, certain: Bool) {
    switch settings.retry {
    case .untilConfirmed: break
    case .certainFailures where certain: break
    case .certainFailures, .none:
      // An unknown one may still arrive, and then leaves the backlog by itself.
      if certain { stats.gaveUp() }
      return
    }
    retries.append(
      Item(id: item.id, attempt: item.attempt + 1, route: item.route, intended: item.intended), at: journal.now())
  }

  private func expire(sentBefore limit: Nanoseconds) {
    guard unanswered.outstanding > timedOut else { return }
    var expired: [Publishing] = []
    unanswered.visit { publishing in
      guard publishing.sent < limit else { return false }
      if publishing.state == .waiting {
        publishing.state = .timedOut
        expired.append(publishing)
      }
      return true
    }
    timedOut += expired.count
    let written = port.position.written
    for publishing in expired { unknown(publishing, flags: publishing.end <= written ? .sent : []) }
  }

  // MARK: What the connection tells

  func linkSetup() -> [Method] {
    switch settings.publish {
    case .fireAndForget: []
    case .confirm: [.confirmSelect(noWait: false)]
    case .transaction: [.txSelect]
    }
  }

  func linkReady(node: UInt16) {
    stamp.node = node
    stamp.session = journal.nextSession()
    isReady = true
    port.wake()
  }

  func linkBrought(_ method: Method) {
    switch method {
    case .basicAck(let ack): settle(ack.deliveryTag, multiple: ack.multiple, isAck: true)
    case .basicNack(let nack): settle(nack.deliveryTag, multiple: nack.multiple, isAck: false)
    case .txCommitOk, .txRollbackOk: transactionIsAnswered()
    default: break
    }
  }

  private func settle(_ tag: UInt64, multiple: Bool, isAck: Bool) {
    settled.removeAll(keepingCapacity: true)
    // A tag that was never given out says nothing about any message of ours.
    guard (try? unanswered.settle(tag: tag, multiple: multiple, into: &settled)) != nil else { return }
    for one in settled {
      let publishing = one.element
      switch publishing.state {
      case .returned: break  // told when it came back
      case .timedOut:
        timedOut -= 1
        if isAck { succeeded(publishing) }
      case .waiting:
        if isAck { succeeded(publishing) } else { unknown(publishing, flags: [.sent, .nack]) }
      }
    }
  }

  func linkReturned(_ content: Content) {
    guard case .message(let payload) = codec.decode(content.body) else { return }
    func isIt(_ publishing: Publishing) -> Bool {
      publishing.item.id == payload.id && publishing.item.attempt == payload.attempt && publishing.state != .returned
    }
    var found: Publishing?
    if let index = transaction?.publishes.firstIndex(where: isIt) {
      found = transaction?.publishes[index]
      transaction?.publishes[index].state = .returned
    } else {
      unanswered.visit { publishing in
        guard isIt(publishing) else { return true }
        found = publishing
        publishing.state = .returned
        return false
      }
      if found?.state == .timedOut { timedOut -= 1 }
    }
    guard let found else { return }
    if found.state == .waiting {
      failed(found)
    } else {  // it is on its way again already
      journal.record(event(.publish, .fail, found.item, op: found.op))
    }
  }

  func linkRead() { pump(journal.now()) }

  func linkWrote() {
    let written = port.position.written
    while let first = unwritten.first, first.end <= written {
      _ = unwritten.popFirst()
      wasSent(first)
    }
    // Not at once: what is published here is written in the same turn, and a turn must end.
    if isFlatOut || !due.isEmpty || !retries.isEmpty { port.wake() }
  }

  /// Without confirms this is all that will ever be known of it.
  private func wasSent(_ publishing: Publishing) {
    let now = journal.now()
    journal.record(event(.publish, .info, publishing.item, op: publishing.op, at: now, flags: .sent))
    stats.confirmed(intended: publishing.item.intended, sent: publishing.sent, at: now)
  }

  func linkLost(_ reason: AMQP.CloseReason, wasReady: Bool) {
    guard wasReady else { return }
    isReady = false
    stats.disconnected()
    let position = port.position
    while let publishing = unwritten.popFirst() {
      if publishing.end <= position.written { wasSent(publishing) } else { lost(publishing, position) }
    }
    settled.removeAll(keepingCapacity: true)
    unanswered.abandon(into: &settled)
    timedOut = 0
    for one in settled where one.element.state == .waiting { lost(one.element, position) }
    loseTransaction(position)
    var event = stamp.event(.release, .info)
    event.op = releaseOp ?? 0
    journal.record(event)
  }

  private func lost(_ publishing: Publishing, _ position: OutputPosition) {
    if publishing.begin >= position.handed {
      failed(publishing)
    } else {
      unknown(publishing, flags: publishing.end <= position.written ? .sent : [])
    }
  }

  func linkClosed(wasReady: Bool) {
    guard wasReady, let op = releaseOp else { return }
    var event = stamp.event(.release, .ok)
    event.op = op
    journal.record(event)
  }

  func chance(_ probability: Double) -> Bool { random.chance(probability) }
  func drawRetries(_ items: [Item]) { for item in items { again(item, certain: true) } }
}
