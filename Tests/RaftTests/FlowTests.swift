// Windows, batches, long logs and forgetting: what keeps a leader and its memory within bounds.

import Base
import Testing

@testable import Raft

struct FlowTests {
  static func appends(_ output: RaftOutput, to peer: Int) -> [RaftMessage.AppendRequest] {
    output.send.compactMap { (to, message) in
      if to == peer, case .append(let request) = message { request } else { nil }
    }
  }

  /// A leader of three whose followers have its no-op.
  static func leader(_ change: (inout RaftConfig) -> Void = { _ in }) -> Raft {
    var config = RaftConfig(id: 0, peers: [0, 1, 2], seed: 3)
    change(&config)
    var raft = Raft(config: config, now: 0)
    let now = raft.nextDeadline
    raft.tick(now: now)
    _ = raft.takeOutput()
    raft.receive(from: 1, message: .preVoteReply(.init(term: 1, granted: true)), now: now)
    _ = raft.takeOutput()
    raft.receive(from: 1, message: .voteReply(.init(term: 1, granted: true)), now: now)
    _ = raft.takeOutput()
    raft.persisted(upTo: 1, term: 1)
    for peer in [1, 2] {
      raft.receive(from: peer, message: .appendReply(.init(term: 1, round: 0, success: true, match: 1)), now: now)
    }
    _ = raft.takeOutput()
    return raft
  }

  @Test func batchesAndWindowAreBounded() {
    var raft = Self.leader {
      $0.maxBatchBytes = 1000
      $0.maxInFlight = 4
    }
    for _ in 0..<100 { _ = raft.propose(Array(repeating: 0, count: 184)) }
    let first = Self.appends(raft.takeOutput(), to: 1)
    #expect(first.map(\.entries.count) == [5, 5, 5, 5])
    // Heartbeats go through a full window, with nothing in them.
    raft.tick(now: raft.nextDeadline)
    #expect(Self.appends(raft.takeOutput(), to: 1).map(\.entries.count) == [0])
    // One acknowledged batch makes room for one.
    raft.receive(from: 1, message: .appendReply(.init(term: 1, round: 0, success: true, match: 6)), now: 0)
    let next = Self.appends(raft.takeOutput(), to: 1)
    #expect(next.map(\.previous.index) == [21])
  }

  @Test func bytesInFlightAreBounded() {
    var raft = Self.leader {
      $0.maxBatchBytes = 1000
      $0.maxInFlightBytes = 2500
    }
    for _ in 0..<20 { _ = raft.propose(Array(repeating: 0, count: 3000)) }
    // A single entry larger than a batch goes alone.
    #expect(Self.appends(raft.takeOutput(), to: 1).map(\.entries.count) == [1])
  }

  @Test func aRefusalInFullFlightFallsBackAndSendsAgain() {
    var raft = Self.leader()
    for _ in 0..<3 {
      _ = raft.propose([1])
      _ = raft.takeOutput()
    }
    let refusal = RaftMessage.AppendReply(
      term: 1, round: 0, success: false, rejected: 3, hint: LogPosition(index: 1, term: 1))
    raft.receive(from: 1, message: .appendReply(refusal), now: 0)
    let again = Self.appends(raft.takeOutput(), to: 1)
    #expect(again.map(\.previous.index) == [1] && again.map(\.entries.count) == [3])
    // The refusal of the message behind says nothing new.
    var late = refusal
    late.rejected = 2
    raft.receive(from: 1, message: .appendReply(late), now: 0)
    #expect(Self.appends(raft.takeOutput(), to: 1).isEmpty)
  }

  @Test func memoryForgetsOnlyWhatAllHave() {
    var raft = Self.leader()
    for _ in 0..<3000 { _ = raft.propose([7]) }
    _ = raft.takeOutput()
    raft.persisted(upTo: 3001, term: 1)
    raft.receive(from: 1, message: .appendReply(.init(term: 1, round: 0, success: true, match: 3001)), now: 0)
    #expect(raft.takeOutput().committed.count == 3000)
    raft.compact(to: .max)
    #expect(raft.firstIndex == 2)
    raft.receive(from: 2, message: .appendReply(.init(term: 1, round: 0, success: true, match: 2001)), now: 0)
    raft.compact(to: 1500)
    #expect(raft.firstIndex == 1501)
    raft.compact(to: .max)
    #expect(raft.firstIndex == 2002)
    #expect(raft.lastIndex == 3001)
    // Appends go on behind, and are told what all have.
    _ = raft.propose([8])
    let request = Self.appends(raft.takeOutput(), to: 2).last
    #expect(request?.previous.index == 3001 && request?.matchedByAll == 2001)
  }

  @Test func aFollowerForgetsWhatItsLeaderSaysAllHave() {
    var play = Play([[], [], []])
    play.elect(0)
    play.propose(0, "a", "b", "c")
    play.deliverAll()
    play.expire(0)
    play.deliverAll()
    play.members[1].compact(to: .max)
    #expect(play.members[1].firstIndex == 5)
    // It still understands messages that reach before its memory, and can still lead.
    play.propose(0, "d")
    play.deliverAll()
    #expect(play.applied[1].count == 5)
    play.elect(1, lost: [0])
    #expect(play.members[1].role == .leader)
    play.expire(1)
    play.deliverAll()
    #expect(play.disks[0].log == play.disks[1].log)
  }

  @Test func aStrangerIsIgnored() {
    var raft = Self.leader()
    raft.receive(from: 9, message: .vote(.init(term: 8, last: .init(index: 99, term: 7))), now: 0)
    #expect(raft.term == 1)
    #expect(raft.takeOutput().isEmpty)
  }

  @Test func aHugeLogIsReadFromDiskAndFollowedWithoutRescanning() {
    let log = (1...200_000).map { RaftEntry(index: UInt64($0), term: UInt64($0 / 1000 + 1), payload: []) }
    var raft = Raft(
      config: RaftConfig(id: 0, peers: [0, 1, 2], seed: 1), hardState: .init(term: 300), log: log, now: 0)
    for at in 1...20_000 {
      let entry = RaftEntry(index: UInt64(200_000 + at), term: 300, payload: [1])
      let request = RaftMessage.AppendRequest(
        term: 300, previous: LogPosition(index: entry.index - 1, term: at == 1 ? 201 : 300), entries: [entry],
        commit: entry.index - 1, matchedByAll: 0, round: 0)
      raft.receive(from: 1, message: .append(request), now: Nanoseconds(at))
      _ = raft.takeOutput()
    }
    #expect(raft.commitIndex == 219_999)
  }
}
