// A stage for interaction scripts: members whose messages, disks and clocks a test moves by hand, and a transcript of it all.

import Base

@testable import Raft

/// Entries are written `index.term`, followed by their payload as text: `2.1a`.
struct Play {
  var members: [Raft] = []
  private(set) var lines: [String] = []
  /// Messages on their way, oldest first.
  var wire: [(from: Int, to: Int, message: RaftMessage)] = []
  /// Members whose disk does not finish anything for now.
  var stalled: Set<Int> = []
  private var waiting: [[(last: LogPosition?, messages: [(to: Int, message: RaftMessage)])]]
  private(set) var disks: [(hardState: HardState, log: [RaftEntry])]
  private(set) var applied: [[RaftEntry]]
  var now: Nanoseconds = 0

  /// `logs` gives the terms of each member's entries; the hard state's term is that of the last entry, or `terms`.
  init(_ logs: [[UInt64]], terms: [UInt64]? = nil) {
    waiting = Array(repeating: [], count: logs.count)
    applied = Array(repeating: [], count: logs.count)
    disks = logs.enumerated().map { at, log in
      let entries = log.enumerated().map { RaftEntry(index: UInt64($0 + 1), term: $1, payload: Array("x".utf8)) }
      return (HardState(term: terms?[at] ?? log.last ?? 0), entries)
    }
    for id in logs.indices { members.append(load(id)) }
  }

  func config(_ id: Int) -> RaftConfig { RaftConfig(id: id, peers: Array(disks.indices), seed: 1) }
  private func load(_ id: Int) -> Raft {
    Raft(config: config(id), hardState: disks[id].hardState, log: disks[id].log, now: now)
  }

  // MARK: Acts

  /// Time goes on to this member's next deadline, for it alone.
  mutating func expire(_ id: Int) {
    now = max(now, members[id].nextDeadline)
    note("\(id) ticks")
    members[id].tick(now: now)
    settle(id)
  }

  mutating func propose(_ id: Int, _ payloads: String...) {
    for payload in payloads {
      let place = members[id].propose(Array(payload.utf8))
      note(place == nil ? "\(id) cannot propose" : "\(id) proposes \(payload)")
    }
    settle(id)
  }

  /// The first message on the wire between the two arrives.
  mutating func deliver(_ from: Int, _ to: Int) {
    guard let at = wire.firstIndex(where: { $0.from == from && $0.to == to }) else {
      return note("nothing from \(from) to \(to)")
    }
    let (from, to, message) = wire.remove(at: at)
    note("\(from)→\(to) \(say(message))")
    members[to].receive(from: from, message: message, now: now)
    settle(to)
  }

  /// Everything arrives until nothing is on its way, in the order of sending; what goes to or comes from `lost` does not.
  mutating func deliverAll(lost: Set<Int> = []) {
    while !wire.isEmpty {
      if lost.contains(wire[0].from) || lost.contains(wire[0].to) {
        wire.removeFirst()
      } else {
        deliver(wire[0].from, wire[0].to)
      }
    }
  }

  mutating func drop(where isLost: (Int, Int) -> Bool = { _, _ in true }) {
    wire.removeAll { isLost($0.from, $0.to) }
  }

  mutating func restart(_ id: Int) {
    note("\(id) restarts")
    waiting[id] = []
    stalled.remove(id)
    applied[id] = []
    members[id] = load(id)
    settle(id)
  }

  /// The disk finishes what it has. What it holds counts as kept from the moment it is handed over.
  mutating func flush(_ id: Int) {
    stalled.remove(id)
    for write in waiting[id] {
      if let last = write.last { members[id].persisted(upTo: last.index, term: last.term) }
      for (to, message) in write.messages { wire.append((id, to, message)) }
    }
    waiting[id] = []
    note("\(id) disk done")
    settle(id)
  }

  /// An election that `id` wins, outside the transcript's interest.
  mutating func elect(_ id: Int, lost: Set<Int> = []) {
    let kept = lines
    drop()
    // Whoever still hears an old leader would refuse.
    now += 2 * config(id).electionTimeout.upperBound
    for other in members.indices where other != id && !lost.contains(other) && members[other].role == .leader {
      expire(other)
      drop()
    }
    members[id].tick(now: now)
    settle(id)
    deliverAll(lost: lost)
    lines = kept
  }

  mutating func note(_ line: String) { lines.append(line) }

  /// The transcript so far, which then begins anew.
  mutating func transcript() -> String {
    defer { lines = [] }
    return lines.joined(separator: "\n")
  }

  // MARK: What a caller of the library does

  private mutating func settle(_ id: Int) {
    while true {
      let output = members[id].takeOutput()
      if output.isEmpty { return }
      if let state = output.hardState {
        disks[id].hardState = state
        note("  \(id) keeps t\(state.term) vote \(state.votedFor.map(String.init) ?? "none")")
      }
      if let from = output.truncateFrom {
        disks[id].log.removeAll { $0.index >= from }
        note("  \(id) cuts from \(from)")
      }
      if !output.append.isEmpty {
        disks[id].log += output.append
        note("  \(id) writes \(say(output.append))")
      }
      for (to, message) in output.send { wire.append((id, to, message)) }
      let last = output.append.last.map { LogPosition(index: $0.index, term: $0.term) }
      if stalled.contains(id) {
        waiting[id].append((last, output.sendAfterPersist))
      } else {
        for (to, message) in output.sendAfterPersist { wire.append((id, to, message)) }
        if let last { members[id].persisted(upTo: last.index, term: last.term) }
      }
      if !output.committed.isEmpty {
        applied[id] += output.committed
        note("  \(id) applies \(say(output.committed))")
      }
      if output.roleChanged { note("  \(id) \(sayRole(id))") }
    }
  }

  private func sayRole(_ id: Int) -> String {
    let member = members[id]
    switch member.role {
    case .leader: return "leads t\(member.term)"
    case .candidate: return "is candidate t\(member.term)"
    case .preCandidate: return "asks around at t\(member.term)"
    case .follower: return "follows \(member.leader.map(String.init) ?? "nobody") t\(member.term)"
    }
  }
}

func say(_ place: LogPosition) -> String { "\(place.index).\(place.term)" }

func say(_ entries: [RaftEntry]) -> String {
  "[" + entries.map { "\($0.index).\($0.term)\(String(decoding: $0.payload, as: UTF8.self))" }.joined(separator: " ")
    + "]"
}

func say(_ message: RaftMessage) -> String {
  switch message {
  case .preVote(let m): return "pre-vote t\(m.term) last \(say(m.last))"
  case .vote(let m): return "vote t\(m.term) last \(say(m.last))"
  case .preVoteReply(let m): return "pre-vote \(m.granted ? "yes" : "no") t\(m.term)"
  case .voteReply(let m): return "vote \(m.granted ? "yes" : "no") t\(m.term)"
  case .append(let m): return "append t\(m.term) after \(say(m.previous)) \(say(m.entries)) commit \(m.commit)"
  case .appendReply(let m):
    if !m.success {
      return m.round == 0 && m.rejected == 0 ? "refused t\(m.term)" : "refused \(m.rejected) hint \(say(m.hint))"
    }
    return m.match == 0 ? "heard" : "has \(m.match)"
  }
}
