// One turn of a broker: what was gathered goes to the masters, the log and the disk, until nothing moves any more.
import Base
import Raft

/// Passes on what the replicated state goes through.
final class Applier: StateObserver {
  var master: Master?
  var front: FrontEnd?
  var own = 0

  func queueCreated(_ queue: QueueState) { master?.queueCreated(queue) }

  func queueDeleted(_ queue: QueueState) {
    master?.queueDeleted(queue)
    front?.queueDeleted(queue)
  }

  func enqueued(_ queue: QueueState) { master?.enqueued(queue) }
  func removed(_ position: UInt64, from queue: QueueState) { master?.removed(position, from: queue) }

  func applied(_ batch: RequestBatch, results: [OperationResult]) {
    guard let front, batch.origin == own, batch.incarnation == front.requests.incarnation else { return }
    front.applied(batch, results)
  }

  func handedOut(_ handout: Handout, _ message: Message, _ queue: QueueState) {
    if handout.node == own { front?.handedOut(handout, message) }
  }

  func purged(_ purge: Purge, count: Int) {
    if purge.node == own, purge.wait != 0 { front?.purged(purge.wait, UInt32(clamping: count)) }
  }
}

extension Broker {
  func write(_ record: LogRecord) {
    actions.records.append(record)
    position += 1
  }

  /// Carries out everything that follows from what was told.
  func settleDown() {
    while true {
      front.flush()
      var isMoving = false
      while let message = board.nextFromOwn() {
        receive(message, from: config.id)
        isMoving = true
      }
      master.dispatch()
      for queue in master.abandoned { requests.append(.deleteQueue(id: queue), .none) }
      isMoving = isMoving || !master.abandoned.isEmpty
      master.abandoned = []
      writeClassic()
      propose()
      if takeRaftOutput() { isMoving = true }
      if releaseDurable() { isMoving = true }
      answerReads()
      if !isMoving, !board.hasOwn { break }
    }
    front.flushAnswers()
  }

  private func writeClassic() {
    guard !master.record.isEmpty || !master.unsynced.isEmpty else { return }
    if !master.record.isEmpty {
      write(.classic(data: master.record.encoded))
      master.record = ClassicRecord()
    }
    awaiting.append(Awaiting(position: position, confirms: master.unsynced, veiled: master.veiled))
    master.unsynced = []
    master.veiled = []
  }

  private func propose() {
    for proposal in master.proposals { _ = raft.propose(proposal) }
    master.proposals = []
    guard !master.reads.isEmpty else { return }
    if let round = raft.confirmLeadership() {
      for (node, answer) in master.reads { reads.append((round, node, answer)) }
    }
    master.reads = []
  }

  private func answerReads() {
    guard !reads.isEmpty else { return }
    guard master.isServing else {
      reads = []
      return
    }
    let confirmed = raft.confirmedRound
    for (round, node, answer) in reads where round <= confirmed { board.post(answer, to: node) }
    reads.removeAll { $0.round <= confirmed }
  }

  /// True where there was any.
  private func takeRaftOutput() -> Bool {
    let output = raft.takeOutput()
    guard !output.isEmpty else { return false }
    if let hard = output.hardState { write(.hardState(term: hard.term, vote: hard.votedFor)) }
    if let from = output.truncateFrom { write(.truncate(from: from)) }
    for entry in output.append { write(.entry(index: entry.index, term: entry.term, data: entry.payload)) }
    if output.needsPersisting || !output.sendAfterPersist.isEmpty {
      // Also a reply that needs no record of its own waits for those before it.
      awaiting.append(
        Awaiting(
          position: position, messages: output.sendAfterPersist,
          lastEntry: output.append.last.map { ($0.index, $0.term) }))
    }
    for (node, message) in output.send { board.post(.raft(message), to: node) }
    if output.roleChanged {
      if master.isServing, raft.role != .leader || servingTerm != raft.term {
        master.stopServing()
        reads = []
      }
      front.termSeen(raft.term, isLeading: raft.role == .leader)
    }
    for entry in output.committed where !entry.payload.isEmpty { state.apply(entry.payload) }
    if !output.committed.isEmpty {
      front.releaseHeld()
      raft.compact(to: raft.compactableIndex)
    }
    if raft.isServing, !master.isServing {
      servingTerm = raft.term
      master.startServing(term: raft.term)
    }
    return true
  }

  // MARK: Links and requests

  /// Finds links that are silent, and nodes that were gone for too long.
  func watchLinks() {
    for node in board.members where node != config.id {
      if board.isUp[node] {
        if now - heard[node] > config.linkTimeout {
          actions.lostLinks.append(node)
          linkDown(node)
        } else if now >= pingDue {
          board.post(.ping, to: node)
        }
      }
      if let since = goneSince[node], now - since > config.grace {
        goneSince[node] = nil
        master.drop(node)
      }
    }
    if now >= pingDue { pingDue = now + Self.pinging }
  }

  /// Sends everything again where the oldest batch has not moved.
  func watchRequests() {
    guard now >= resendDue else { return }
    resendDue = now + Self.resending
    if !requests.pending.isEmpty, requests.pending.start == resendMark { requests.sendAllAgain() }
    resendMark = requests.pending.start
  }
}
