// The node: one loop that owns the broker, and carries its wishes to the log, the other nodes, the clients and systemd.

import Base
import Broker
import EventLoop
import Glibc
import Systemd

final class Node {
  /// Above this many bytes that wait for the disk no client is read from.
  private static let backlogMark = 16 << 20
  /// How long an orderly end may take.
  private static let patience = 3 * Nanoseconds.second

  private let options: Options
  private let loop: Loop
  private let broker: Broker
  private let clients: Clients
  private var peers: PeerLinks?
  private var log: LogThread?
  private let notifier = Notifier()
  private var isTurnDue = false
  private var isReady = false
  private var isStopping = false
  private var timer: LoopTimer?
  private var timerDue = Nanoseconds.max

  /// Recovers the log and opens the doors.
  /// - Throws: where a port is taken, the log cannot be read.
  init(_ options: Options) throws {
    self.options = options
    let disk = try FileDisk(options.data)
    let began = Loop.monotonicNow()
    var recovered = RecoveredLog()
    var refused: String?
    let segments = try SegmentLog(disk) { sequence, payload in
      guard refused == nil else { return }
      do { try recovered.append(payload) } catch { refused = "record \(sequence): \(error)" }
    }
    if let refused { throw UsageError("the log in \(options.data) is not understood: \(refused)") }
    if let torn = segments.recovery.torn {
      say("log: cut a torn tail of \(torn.bytes) bytes at byte \(torn.offset) of \(torn.file)")
    }
    let lasted = (Loop.monotonicNow() - began) / .millisecond
    say("log: \(segments.recovery.records) records recovered in \(lasted) ms")

    let members = options.peers.isEmpty ? [options.name] : options.peers.map(\.name)
    guard
      let config = BrokerConfig(name: options.name, members: members, seed: options.seed, defects: options.defects)
    else { throw UsageError("--peers and --name do not fit together") }
    loop = try Loop()
    broker = try Broker(config: config, recovered: recovered, now: Loop.monotonicNow())
    clients = Clients(loop, broker)
    let post = loop.post
    let reached = Handle(self)
    let log = LogThread(
      persisted: { position in post { reached.node?.persisted(position) } },
      stopped: { post { reached.node?.logIsStopped() } })
    self.log = log
    try log.start(segments)
    if members.count > 1 {
      peers = try PeerLinks(loop, node: config.id, members: options.peers, seed: options.seed)
      connectPeers()
    }
    clients.onChange = { [unowned self] in turn() }
    try clients.listen(options.listen)
    let defects = options.defects.map(\.rawValue).sorted().joined(separator: ", ")
    say("\(options.name) listens on \(options.listen)" + (defects.isEmpty ? "" : ", with planted defects: \(defects)"))
  }

  private func connectPeers() {
    peers?.onConnected = { [unowned self] node in
      broker.peerConnected(node, now: Loop.monotonicNow())
      turn()
    }
    peers?.onDisconnected = { [unowned self] node in
      broker.peerDisconnected(node, now: Loop.monotonicNow())
      turn()
    }
    peers?.onFrame = { [unowned self] node, frame in
      do throws(DecodingError) {
        try broker.peerReceived(node, frame: frame, now: Loop.monotonicNow())
        turn()
        return true
      } catch {
        say("a frame of \(options.peers[node].name): \(error)")
        return false
      }
    }
  }

  /// Serves until SIGTERM or SIGINT.
  func run() {
    for number in [SIGTERM, SIGINT] { loop.onSignal(number) { [unowned self] in stop() } }
    if let interval = notifier.watchdogInterval {
      loop.timer(after: interval / 2, repeat: interval / 2) { [notifier] in notifier.watchdog() }
    }
    peers?.start()
    turn()
    loop.run()
  }

  // MARK: Turns

  /// What the broker wants is done at the end of this turn of the loop, when all that is readable was read: one batch
  /// for the log, one write for each socket.
  private func turn() {
    guard !isTurnDue else { return }
    isTurnDue = true
    loop.atEndOfTurn { [unowned self] in
      isTurnDue = false
      carryOut(broker.takeActions())
      arm()
    }
  }

  private func carryOut(_ actions: BrokerActions) {
    if !actions.records.isEmpty { log?.submit(actions.records, actions.position) }
    for frame in actions.frames { peers?.send(frame.node, frame.payload) }
    for node in actions.lostLinks { peers?.reset(node, "silent") }
    for id in actions.output { clients.write(id) }
    for id in actions.closing { clients.finish(id) }
    for id in actions.resumed { clients.resume(id) }
    clients.hold((log?.backlog ?? 0) > Self.backlogMark)
    clients.endTurn()
    if let status = actions.status {
      say("\(status)")
      if isReady { notifier.status("\(status)") }
    }
    if !isReady, broker.isReady {
      isReady = true
      say("ready")
      notifier.ready(status: "\(broker.status)")
    }
  }

  private func persisted(_ position: LogPosition) {
    broker.persisted(position, now: Loop.monotonicNow())
    turn()
  }

  /// One timer that never fires later than the broker's deadline; earlier costs a look.
  private func arm() {
    let due = broker.nextDeadline
    guard due < timerDue else { return }
    timer?.cancel()
    timerDue = due
    timer = loop.timer(after: max(0, due - Loop.monotonicNow())) { [unowned self] in
      timerDue = .max
      timer = nil
      let now = Loop.monotonicNow()
      if broker.nextDeadline <= now { broker.tick(now: now) }
      turn()
    }
  }

  // MARK: The end

  private func stop() {
    guard !isStopping else { return }
    isStopping = true
    say("stopping")
    notifier.stopping()
    clients.stopListening()
    clients.closeAll()
    loop.timer(after: Self.patience) { end(.orderly, "stopped; the disk or a client did not answer in time") }
    awaitClients()
  }

  /// Clients may still answer the close; then what they brought is made durable.
  private func awaitClients(_ tries: Int = 0) {
    if clients.count == 0 || tries == 20 {
      log?.stop()
    } else {
      loop.timer(after: 50 * .millisecond) { [unowned self] in awaitClients(tries + 1) }
    }
  }

  private func logIsStopped() {
    peers?.stop()
    end(.orderly, "stopped")
  }
}

/// The way back from other threads: the node itself is the loop's alone.
private final class Handle: @unchecked Sendable {
  weak var node: Node?
  init(_ node: Node) { self.node = node }
}
