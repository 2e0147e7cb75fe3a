// Elections: timers, pre-votes and votes (section 5.2 of the paper, 5.4.1 for whose log may win; 9.6 of the thesis).

import Base

extension Raft {
  mutating func resetElectionTimer() {
    let range = config.electionTimeout
    electionDeadline =
      now + range.lowerBound + Nanoseconds(generator.below(Int(range.upperBound - range.lowerBound) + 1))
  }

  /// A leader was heard so lately that nobody should be helped to replace it.
  var isLeased: Bool {
    role == .leader || (leader != nil && now - lastLeaderContact < config.electionTimeout.lowerBound)
  }

  mutating func becomeFollower(term newTerm: UInt64, leader newLeader: Int?) {
    if newTerm > term {
      term = newTerm
      votedFor = nil
      isHardStateDirty = true
    }
    if role != .follower {
      role = .follower
      progress = []
      resetElectionTimer()
    }
    leader = newLeader
  }

  mutating func campaignOrAsk() {
    leader = nil
    if config.peers.count == 1 { return campaign() }
    role = .preCandidate
    progress = []
    beginBallot()
    let request = RaftMessage.VoteRequest(term: term + 1, last: log.last)
    for peer in config.peers where peer != config.id { output.send.append((peer, .preVote(request))) }
  }

  mutating func campaign() {
    role = .candidate
    term += 1
    votedFor = config.id
    isHardStateDirty = true
    beginBallot()
    if config.peers.count == 1 { return becomeLeader() }
    // After persisting: the own vote must be durable before anybody else's can complete a majority with it.
    let request = RaftMessage.VoteRequest(term: term, last: log.last)
    for peer in config.peers where peer != config.id { output.sendAfterPersist.append((peer, .vote(request))) }
  }

  private mutating func beginBallot() {
    resetElectionTimer()
    for (at, peer) in config.peers.enumerated() { votes[at] = peer == config.id ? true : nil }
  }

  private func isUpToDate(_ last: LogPosition) -> Bool {
    if mutant == .votesForShorterLogs { return true }
    let own = log.last
    return last.term > own.term || (last.term == own.term && last.index >= own.index)
  }

  mutating func receivePreVote(_ request: RaftMessage.VoteRequest, from: Int) {
    // Nothing is promised by a pre-vote, so nothing has to be durable.
    if !isLeased, request.term > term, isUpToDate(request.last) {
      output.send.append((from, .preVoteReply(.init(term: request.term, granted: true))))
    } else {
      output.send.append((from, .preVoteReply(.init(term: term, granted: false))))
    }
  }

  mutating func receiveVote(_ request: RaftMessage.VoteRequest, from: Int) {
    // Who still hears a leader does not even take the term: a member that comes back must not depose it (4.2.3).
    if request.term > term, isLeased { return }
    if request.term > term { becomeFollower(term: request.term, leader: nil) }
    let isFree = votedFor == from || (votedFor == nil && leader == nil) || mutant == .votesTwice
    guard request.term == term, role == .follower, isFree, isUpToDate(request.last) else {
      output.sendAfterPersist.append((from, .voteReply(.init(term: term, granted: false))))
      return
    }
    if votedFor != from {
      votedFor = from
      isHardStateDirty = true
    }
    resetElectionTimer()
    let reply = (to: from, message: RaftMessage.voteReply(.init(term: term, granted: true)))
    if mutant == .votesBeforePersisted { output.send.append(reply) } else { output.sendAfterPersist.append(reply) }
  }

  mutating func receivePreVoteReply(_ reply: RaftMessage.VoteReply, at: Int) {
    guard role == .preCandidate, reply.granted ? reply.term == term + 1 : reply.term == term else { return }
    votes[at] = reply.granted
    if votes.count(where: { $0 == true }) >= majority {
      campaign()
    } else if votes.count(where: { $0 == false }) >= majority {
      becomeFollower(term: term, leader: nil)
    }
  }

  mutating func receiveVoteReply(_ reply: RaftMessage.VoteReply, at: Int) {
    guard role == .candidate, reply.term == term else { return }
    votes[at] = reply.granted
    if votes.count(where: { $0 == true }) >= majority {
      becomeLeader()
    } else if votes.count(where: { $0 == false }) >= majority {
      becomeFollower(term: term, leader: nil)
    }
  }

  private mutating func becomeLeader() {
    role = .leader
    leader = config.id
    progress = config.peers.map { _ in PeerProgress(next: log.lastIndex + 1, now: now) }
    round = 0
    sentRound = 0
    heartbeatDeadline = now + config.heartbeat
    // The no-op of the new term commits everything before it (5.4.2, 8).
    noopIndex = log.lastIndex + 1
    log.append(RaftEntry(index: noopIndex, term: term, payload: []))
  }
}
