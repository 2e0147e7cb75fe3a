// One node: a broker core, its write-ahead log on a disk in memory, and the loop around them, in virtual time.

import Base
import Broker

final class VirtualNode {
  let id: Int
  let name: String
  private let world: World
  private var clock: VirtualClock { world.clock }
  private(set) var broker: Broker?
  /// Of which life a scheduled event speaks: what belongs to an earlier one is void.
  private(set) var life = 0
  private(set) var status: BrokerStatus?

  let disk = MemoryDisk()
  private var log: SegmentLog<MemoryDisk>?
  private var batches: [(records: [LogRecord], position: LogPosition)] = []
  private var isWriting = false
  var diskDelay: ClosedRange<Nanoseconds> = VirtualNode.healthyDisk
  private(set) var isStalled = false
  private var stalledWrite: (() -> Void)?
  /// Called in the midst of the next write.
  var atNextWrite: (() -> Void)?

  private(set) var isPaused = false
  private var inbox: [() -> Void] = []
  private var isTurnDue = false
  private var tickDue = Nanoseconds.max
  private(set) var sockets: [Socket] = []

  static let healthyDisk: ClosedRange<Nanoseconds> = 200 * .microsecond...3 * .millisecond
  /// Small, so that a run has several.
  private static let sizes = LogSizes(segment: 256 << 10, ahead: 16 << 10)

  init(id: Int, name: String, world: World) {
    self.id = id
    self.name = name
    self.world = world
  }

  var isUp: Bool { broker != nil }
  var isLeader: Bool { isUp && status?.role == .leader }

  // MARK: Life and death

  func start() {
    guard broker == nil else { return }
    var recovered = RecoveredLog()
    var refused: String?
    do {
      let log = try SegmentLog(disk, sizes: Self.sizes) { sequence, payload in
        do { try recovered.append(payload) } catch { refused = refused ?? "record \(sequence): \(error)" }
      }
      self.log = log
      if log.recovery.torn != nil { world.tornTails += 1 }
      if let refused { return world.breaks("\(name): the log is not understood: \(refused)") }
      let seed = world.options.seed &* 1000 &+ UInt64(id * 100 + life)
      guard
        let config = BrokerConfig(
          name: name, members: world.nodeNames, seed: seed, defects: world.options.defects)
      else { return world.breaks("\(name): no configuration") }
      broker = try Broker(config: config, recovered: recovered, now: clock.now)
    } catch {
      return world.breaks("\(name): recovery failed: \(error)")
    }
    touch()
  }

  func crash(losesPower: Bool) {
    guard broker != nil else { return }
    broker = nil
    log = nil
    life += 1
    status = nil
    batches = []
    (isWriting, isTurnDue, tickDue, isPaused) = (false, false, .max, false)
    (inbox, stalledWrite) = ([], nil)
    if losesPower {
      let survival: MemoryDisk.Survival = clock.random.chance(0.2) ? .nothing : .sectors(clock.random.unit())
      disk.losePower(survival, using: &clock.random)
    }
    let open = sockets
    sockets = []
    for socket in open { socket.nodeDied(silently: losesPower) }
    world.peers.nodeDied(id, silently: losesPower)
  }

  func pause() { if isUp { isPaused = true } }

  func resume() {
    guard isPaused else { return }
    isPaused = false
    let waiting = inbox
    inbox = []
    for work in waiting { perform(work) }
    touch()
  }

  /// Does something of this life now, or when the process runs again.
  func perform(_ work: @escaping () -> Void) {
    guard isUp else { return }
    if isPaused { inbox.append(work) } else { work() }
  }

  private func later(at time: Nanoseconds, _ work: @escaping () -> Void) {
    clock.at(time) { [self, life] in
      if self.life == life { perform(work) }
    }
  }

  // MARK: The loop

  /// Something was told to the broker: its wishes are taken at the end of the turn.
  func touch() {
    guard !isTurnDue, isUp else { return }
    isTurnDue = true
    later(at: clock.now + clock.draw(5 * .microsecond...100 * .microsecond)) { [self] in
      isTurnDue = false
      if let broker { carryOut(broker.takeActions()) }
      arm()
    }
  }

  private func arm() {
    guard let broker, broker.nextDeadline < tickDue else { return }
    tickDue = broker.nextDeadline
    later(at: tickDue + clock.draw(0...2 * .millisecond)) { [self] in
      tickDue = .max
      broker.tick(now: clock.now)
      touch()
    }
  }

  private func carryOut(_ actions: BrokerActions) {
    if !actions.records.isEmpty {
      batches.append((actions.records, actions.position))
      beginWrite()
    }
    for frame in actions.frames { world.peers.send(from: id, to: frame.node, frame.payload) }
    for node in actions.lostLinks { world.peers.reset(id, node) }
    for connection in actions.output { socket(connection)?.writeFromNode() }
    for connection in actions.closing { socket(connection)?.finishFromNode() }
    for connection in actions.resumed { socket(connection)?.offerInput() }
    if let status = actions.status { self.status = status }
  }

  // MARK: Disk

  /// Group commit: all that waits is written, then synced.
  private func beginWrite() {
    guard !isWriting, let log, let last = batches.last else { return }
    do {
      for batch in batches {
        for record in batch.records { try log.append(size: record.encodedSize) { record.encode(into: &$0) } }
      }
      try log.write()
    } catch {
      return world.breaks("\(name): \(error)")
    }
    batches = []
    isWriting = true
    let delay = clock.draw(diskDelay)
    if let act = atNextWrite {
      atNextWrite = nil
      clock.after(clock.draw(0...delay - 1), act)
    }
    later(at: clock.now + delay) { [self] in
      if isStalled { stalledWrite = { [self] in finishWrite(last.position) } } else { finishWrite(last.position) }
    }
  }

  private func finishWrite(_ position: LogPosition) {
    guard let log, let broker else { return }
    do { try log.sync() } catch { return world.breaks("\(name): \(error)") }
    isWriting = false
    broker.persisted(position, now: clock.now)
    touch()
    beginWrite()
  }

  func stallDisk() { isStalled = true }

  func unstallDisk() {
    isStalled = false
    if let write = stalledWrite {
      stalledWrite = nil
      perform(write)
    }
  }

  // MARK: Clients

  func accept(_ socket: Socket) {
    sockets.append(socket)
    broker?.connectionOpened(socket.id, now: clock.now)
    touch()
  }

  func forget(_ socket: Socket) {
    guard let at = sockets.firstIndex(where: { $0 === socket }) else { return }
    sockets.remove(at: at)
    broker?.connectionClosed(socket.id, now: clock.now)
    touch()
  }

  private func socket(_ id: ConnectionID) -> Socket? { sockets.first { $0.id == id } }
}
