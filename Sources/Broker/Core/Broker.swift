// The broker of one node: told what happened, it says what to do. No socket, no file, no clock; one thread owns it.
import AMQP
import Base
import Raft

/// A node's broker. After any number of calls, `takeActions` says what is to be done.
///
/// Links: one duplex link between each two nodes, first in first out. `peerConnected` when one is new, then its frames,
/// then `peerDisconnected`; a frame of an older link never comes after that.
public final class Broker {
  public let config: BrokerConfig
  let board: Switchboard
  let requests: Requests
  let applier: Applier
  let state: ReplicatedState
  let master: Master
  let front: FrontEnd
  var raft: Raft
  var now: Nanoseconds
  private let serverConfig: ServerConfig

  var actions = BrokerActions()
  /// Records handed out so far.
  var position: UInt64 = 0
  /// Records known to be on disk.
  private var durable: UInt64 = 0
  /// What waits for the disk, in order.
  var awaiting: [Awaiting] = []
  var awaitingHead = 0
  /// Answers that are right once a majority has shown that this node still leads.
  var reads: [(round: UInt64, node: Int, answer: PeerMessage)] = []
  var reported: BrokerStatus?
  /// When each node's link last brought something.
  var heard: [Nanoseconds]
  /// Since when each node is gone whose holds are still kept.
  var goneSince: [Nanoseconds?]
  var housekeepingDue: Nanoseconds
  var resendDue: Nanoseconds
  var resendMark: UInt64 = 0
  var pingDue: Nanoseconds
  /// The term in which the master began to serve.
  var servingTerm: UInt64 = 0

  /// What was handed out up to a position, and what follows when it is on disk.
  struct Awaiting {
    let position: UInt64
    var messages: [(to: Int, message: RaftMessage)] = []
    var lastEntry: (index: UInt64, term: UInt64)?
    var confirms: [(node: Int, serial: UInt64)] = []
    var veiled: [Place] = []
    var releasesRequests = false
  }

  /// - Parameter recovered: what the node's write-ahead log held.
  /// - Throws: where the log holds what this broker never writes.
  public init(config: BrokerConfig, recovered: RecoveredLog, now: Nanoseconds) throws(DecodingError) {
    self.config = config
    self.now = now
    let members = config.members.count
    board = Switchboard(own: config.id, members: members)
    applier = Applier()
    state = ReplicatedState(members: members, observer: applier)
    requests = Requests(board: board, incarnation: recovered.incarnation + 1)
    master = Master(board: board, state: state, config: config, recovered: recovered.queues)
    front = FrontEnd(config: config, board: board, state: state, requests: requests, now: now)
    applier.master = master
    applier.front = front
    applier.own = config.id
    var entries: [RaftEntry] = []
    entries.reserveCapacity(recovered.entries.count)
    for (index, entry) in recovered.entries.enumerated() {
      entries.append(RaftEntry(index: UInt64(index) + 1, term: entry.term, payload: entry.data))
    }
    raft = Raft(
      config: RaftConfig(id: config.id, peers: Array(0..<members), seed: config.seed),
      hardState: HardState(term: recovered.term, votedFor: recovered.vote), log: entries, now: now)
    var server = ServerConfig { $0 == config.user && $1 == config.password }
    server.heartbeat = config.heartbeat
    server.bodyLimit = config.bodyLimit
    serverConfig = server
    heard = Array(repeating: now, count: members)
    goneSince = Array(repeating: nil, count: members)
    housekeepingDue = now + Self.housekeeping
    resendDue = now + Self.resending
    pingDue = now + Self.pinging
    master.now = now

    // Nothing may carry the number of this start before it is on disk, or the next start could carry it again.
    write(.incarnation(requests.incarnation))
    awaiting.append(Awaiting(position: position, releasesRequests: true))
    requests.append(.nothing, .none)  // the first request of a start ends what the one before left behind
  }

  static let housekeeping = 100 * Nanoseconds.millisecond
  static let resending = 2 * Nanoseconds.second
  static let pinging = 500 * Nanoseconds.millisecond

  /// What the node is now.
  public var status: BrokerStatus {
    let role: BrokerStatus.Role =
      switch raft.role {
      case .leader: .leader
      case .follower: .follower
      case .candidate, .preCandidate: .candidate
      }
    return BrokerStatus(role: role, term: raft.term, leader: raft.leader)
  }

  /// True once the node has seen a leader and has caught up with it: time to tell the service manager "ready".
  public private(set) var isReady = false

  // MARK: Clients

  public func connectionOpened(_ id: ConnectionID, now: Nanoseconds) {
    advance(to: now)
    front.open(Session(id: id, connection: ServerConnection(config: serverConfig), now: self.now))
  }

  /// Bytes of a client: all that are unread. Returns how many were used; keep the rest and offer it again, when more
  /// has come, or when the connection is among `BrokerActions.resumed`.
  public func receive(_ id: ConnectionID, _ bytes: UnsafeRawBufferPointer, now: Nanoseconds) -> Int {
    advance(to: now)
    guard let session = front.sessions[id] else { return bytes.count }
    session.heartbeat?.received(at: self.now)
    guard !front.mustPause(session) else {
      session.isPaused = true
      return 0
    }
    return session.connection.receive(bytes) { front.handle($0, session) }
  }

  /// True while nothing should be read from the connection's socket.
  public func isPaused(_ id: ConnectionID) -> Bool { front.sessions[id]?.isPaused ?? false }

  /// The protocol machine of a connection: write its `output`, ask `isFinished`. Nil where it is unknown or closed.
  public func connection(_ id: ConnectionID) -> ServerConnection? { front.sessions[id]?.connection }

  /// Some of the connection's output was written.
  public func outputTaken(_ id: ConnectionID, now: Nanoseconds) {
    advance(to: now)
    front.sessions[id]?.heartbeat?.sent(at: self.now)
  }

  /// The socket is gone.
  public func connectionClosed(_ id: ConnectionID, now: Nanoseconds) {
    advance(to: now)
    guard let session = front.sessions[id] else { return }
    session.connection.connectionLost { front.handle($0, session) }
    front.end(session)
    front.forget(id)
  }

  // MARK: Other nodes

  public func peerConnected(_ node: Int, now: Nanoseconds) {
    advance(to: now)
    guard node != config.id, board.members.contains(node) else { return }
    if board.isUp[node] { linkDown(node) }
    heard[node] = self.now
    board.linkUp(node)
    board.post(.hello(incarnation: requests.incarnation), to: node)
    if master.isServing { board.post(.serving(term: raft.term), to: node) }
  }

  public func peerDisconnected(_ node: Int, now: Nanoseconds) {
    advance(to: now)
    guard node != config.id, board.members.contains(node), board.isUp[node] else { return }
    linkDown(node)
  }

  func linkDown(_ node: Int) {
    board.linkDown(node)
    goneSince[node] = now
    master.linkLost(node)
    front.linkLost(node)
  }

  /// One frame of another node, without its length.
  /// - Throws: where it cannot be read: close the link.
  public func peerReceived(_ node: Int, frame: UnsafeRawBufferPointer, now: Nanoseconds) throws(DecodingError) {
    advance(to: now)
    guard node != config.id, board.members.contains(node), board.isUp[node] else { return }
    heard[node] = self.now
    try Switchboard.read(frame) { receive($0, from: node) }
  }

  func receive(_ message: PeerMessage, from node: Int) {
    switch message {
    case .hello:
      goneSince[node] = nil
      master.drop(node)
    case .ping: break
    case .raft(let message): raft.receive(from: node, message: message, now: now)
    case .serving, .attached, .attachRefused, .cancelled, .deliver, .got, .empty, .counted, .purged, .confirmed,
      .transactionRefused:
      front.receive(message, from: node)
    default: master.receive(message, from: node)
    }
  }

  // MARK: Disk and time

  /// Every record handed out up to `position` is on disk.
  public func persisted(_ position: LogPosition, now: Nanoseconds) {
    advance(to: now)
    durable = max(durable, position.rawValue)
    _ = releaseDurable()
  }

  /// What has waited for the disk, as far as the disk has come. True where there was any.
  func releaseDurable() -> Bool {
    let before = awaitingHead
    while awaitingHead < awaiting.count, awaiting[awaitingHead].position <= durable {
      let done = awaiting[awaitingHead]
      awaitingHead += 1
      if let last = done.lastEntry { raft.persisted(upTo: last.index, term: last.term) }
      for (node, message) in done.messages { board.post(.raft(message), to: node) }
      for (node, serial) in done.confirms { master.confirm(serial, to: node) }
      master.unveil(done.veiled)
      if done.releasesRequests { requests.isReleased = true }
    }
    let hasReleased = awaitingHead > before
    if awaitingHead > 64 || awaitingHead == awaiting.count {
      awaiting.removeFirst(awaitingHead)
      awaitingHead = 0
    }
    return hasReleased
  }

  /// Time has passed. To be called at `nextDeadline`, or somewhat later.
  public func tick(now: Nanoseconds) {
    advance(to: now)
    raft.tick(now: self.now)
    front.releaseLate()
    master.finishLateParts()
    guard self.now >= housekeepingDue else { return }
    housekeepingDue = self.now + Self.housekeeping
    front.housekeep()
    watchLinks()
    watchRequests()
  }

  public var nextDeadline: Nanoseconds {
    var due = min(raft.nextDeadline, housekeepingDue)
    for request in front.late { due = min(due, request.due) }
    for part in master.lateParts { due = min(due, part.due) }
    return due
  }

  func advance(to time: Nanoseconds) {
    now = max(now, time)
    front.now = now
    master.now = now
  }

  // MARK: What is to be done

  /// Everything since the last call; empty where there is nothing.
  public func takeActions() -> BrokerActions {
    settleDown()
    if !isReady, state.origins[config.id].incarnation == requests.incarnation { isReady = true }
    let status = self.status
    if status != reported {
      reported = status
      actions.status = status
    }
    board.takeFrames(into: &actions.frames)
    actions.position = LogPosition(position)
    for session in front.sessionsInOrder {
      if !session.connection.output.isEmpty { actions.output.append(session.id) }
      if session.connection.isFinished, !session.isClosingTold {
        session.isClosingTold = true
        actions.closing.append(session.id)
      }
      if session.isPaused, !front.mustPause(session) {
        session.isPaused = false
        actions.resumed.append(session.id)
      }
    }
    var result = BrokerActions()
    swap(&result, &actions)
    return result
  }
}
