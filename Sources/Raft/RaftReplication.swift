// Log replication: what a leader sends, what a follower takes, and when an entry is committed (sections 5.3 and 5.4).

import Base

extension Raft {
  /// A message from another member. Messages of strangers are ignored.
  public mutating func receive(from: Int, message: RaftMessage, now: Nanoseconds) {
    advance(to: now)
    guard from != config.id, let at = config.peers.firstIndex(of: from) else { return }
    switch message {
    case .preVote(let request): return receivePreVote(request, from: from)
    case .vote(let request): return receiveVote(request, from: from)
    case .preVoteReply(let reply) where reply.granted: return receivePreVoteReply(reply, at: at)
    default: break
    }
    if message.term > term { becomeFollower(term: message.term, leader: nil) }
    switch message {
    case .preVoteReply(let reply): receivePreVoteReply(reply, at: at)
    case .voteReply(let reply): receiveVoteReply(reply, at: at)
    case .append(let request): receiveAppend(request, from: from)
    case .appendReply(let reply): receiveAppendReply(reply, at: at)
    case .preVote, .vote: break
    }
  }

  // MARK: The follower

  private mutating func receiveAppend(_ request: RaftMessage.AppendRequest, from: Int) {
    guard request.term == term else {
      // So that a leader of the past, or a member that waits for its term to win, learns of this one.
      output.sendAfterPersist.append((from, .appendReply(.init(term: term, round: 0, success: false))))
      return
    }
    guard role != .leader else { return }
    becomeFollower(term: term, leader: from)
    lastLeaderContact = now
    resetElectionTimer()

    var previous = request.previous
    var entries = request.entries[...]
    // What memory has forgotten is durable and the same everywhere.
    while previous.index < log.base.index, let first = entries.first {
      previous = LogPosition(index: first.index, term: first.term)
      entries.removeFirst()
    }
    let agrees = previous.index < log.base.index || log.term(at: previous.index) == previous.term
    guard agrees || (mutant == .skipsConsistencyCheck && previous.index <= log.lastIndex) else {
      let hint = log.lastPlace(atOrBefore: previous.index, termAtMost: previous.term)
      let reply = RaftMessage.AppendReply(
        term: term, round: request.round, success: false, rejected: request.previous.index, hint: hint)
      output.sendAfterPersist.append((from, .appendReply(reply)))
      return
    }
    guard take(entries) else { return }
    let match = request.previous.index + UInt64(request.entries.count)
    advanceCommit(to: min(request.commit, match))
    matchedByAll = max(matchedByAll, min(request.matchedByAll, commitIndex))

    var reply = RaftMessage.AppendReply(term: term, round: request.round, success: true)
    let mayWait = isHardStateDirty || truncateFrom != nil || durable < log.lastIndex
    if request.entries.isEmpty, mayWait {
      // A slow disk is no dead member: the heartbeat is answered at once, with no claim about the log.
      output.send.append((from, .appendReply(reply)))
    }
    reply.match = match
    if mutant == .acknowledgesBeforePersisted {
      output.send.append((from, .appendReply(reply)))
    } else {
      output.sendAfterPersist.append((from, .appendReply(reply)))
    }
  }

  /// Appends what is new, and drops what contradicts it. False: the message would undo what is committed.
  private mutating func take(_ entries: ArraySlice<RaftEntry>) -> Bool {
    for entry in entries {
      if let known = log.term(at: entry.index) {
        if known == entry.term || mutant == .keepsConflictingEntries { continue }
        if entry.index <= commitIndex, mutant == nil { return false }
        truncate(from: entry.index)
      }
      log.append(entry)
    }
    return true
  }

  private mutating func truncate(from index: UInt64) {
    log.truncate(from: index)
    if index <= handedOver {
      truncateFrom = min(truncateFrom ?? .max, index)
      handedOver = index - 1
    }
    durable = min(durable, index - 1)
  }

  private mutating func advanceCommit(to index: UInt64) {
    if index > commitIndex { commitIndex = min(index, log.lastIndex) }
  }

  // MARK: The leader

  private mutating func receiveAppendReply(_ reply: RaftMessage.AppendReply, at: Int) {
    guard role == .leader, reply.term == term else { return }
    progress[at].lastHeard = now
    progress[at].round = max(progress[at].round, min(reply.round, round))
    if reply.success {
      guard reply.match <= log.lastIndex else { return }
      if reply.match > progress[at].match {
        progress[at].match = reply.match
        progress[at].free(through: reply.match)
        advanceCommit()
      }
      if progress[at].state == .probe {
        progress[at].becomeReplicate()
      } else {
        progress[at].next = max(progress[at].next, progress[at].match + 1)
      }
    } else {
      // Refusals that a later message has overtaken say nothing.
      let peer = progress[at]
      guard peer.state == .probe ? reply.rejected == peer.next - 1 : reply.rejected > peer.match else { return }
      let place = log.lastPlace(atOrBefore: min(reply.hint.index, reply.rejected), termAtMost: reply.hint.term)
      progress[at].becomeProbe(next: place.index + 1)
    }
  }

  /// Commits what a majority has durable, if its last entry is of this term (5.4.2, figure 8).
  mutating func advanceCommit() {
    let own = mutant == .leaderCountsItselfBeforePersisted ? log.lastIndex : durable
    let index = quorumValue(own: own) { $0.match }
    if index > commitIndex, log.term(at: index) == term || mutant == .commitsOlderTermsByCounting {
      commitIndex = index
    }
    var least = durable
    for (at, peer) in config.peers.enumerated() where peer != config.id { least = min(least, progress[at].match) }
    matchedByAll = max(matchedByAll, min(least, commitIndex))
  }

  /// A majority, this member included, was heard within the shortest election timeout.
  var hearsMajority: Bool {
    var heard = 1
    for (at, peer) in config.peers.enumerated() where peer != config.id {
      if now - progress[at].lastHeard < config.electionTimeout.lowerBound { heard += 1 }
    }
    return heard >= majority
  }

  mutating func broadcastHeartbeat() {
    for at in progress.indices where config.peers[at] != config.id { sendAppend(at, entries: []) }
    sentRound = round
  }

  /// Sends every member what its window allows. Called once for all that happened since the last output.
  mutating func replicate() {
    if mutant == .leaderCountsItselfBeforePersisted { advanceCommit() }
    for at in progress.indices where config.peers[at] != config.id {
      var hasSent = false
      if progress[at].state == .probe {
        if !progress[at].isPaused, progress[at].next <= log.lastIndex {
          sendAppend(
            at, entries: log.batch(from: progress[at].next, through: log.lastIndex, bytes: config.maxBatchBytes))
          progress[at].isPaused = true
          hasSent = true
        }
      } else {
        while progress[at].next <= log.lastIndex, progress[at].hasRoom(config) {
          let batch = log.batch(from: progress[at].next, through: log.lastIndex, bytes: config.maxBatchBytes)
          guard let last = batch.last else { break }
          sendAppend(at, entries: batch)
          progress[at].sent(through: last.index, bytes: batch.reduce(0) { $0 + $1.cost })
          progress[at].next = last.index + 1
          hasSent = true
        }
      }
      let isBehind =
        progress[at].state == .replicate && progress[at].toldCommit < min(commitIndex, progress[at].next - 1)
      if !hasSent, isBehind || sentRound < round { sendAppend(at, entries: []) }
    }
    sentRound = round
  }

  private mutating func sendAppend(_ at: Int, entries: [RaftEntry]) {
    // A member that lacks what memory has forgotten is told nothing it could misunderstand: it refuses, and stays behind.
    let index = max(progress[at].next - 1, log.base.index)
    guard let previous = log.term(at: index) else { return }
    progress[at].toldCommit = commitIndex
    let request = RaftMessage.AppendRequest(
      term: term, previous: LogPosition(index: index, term: previous), entries: entries, commit: commitIndex,
      matchedByAll: matchedByAll, round: round)
    output.send.append((config.peers[at], .append(request)))
  }
}
