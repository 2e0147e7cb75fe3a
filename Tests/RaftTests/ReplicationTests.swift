// Interaction scripts of log replication and safety: sections 5.3 and 5.4 of the paper with figures 7 and 8.

import Base
import Testing

@testable import Raft

struct ReplicationTests {
  @Test func section53_proposalsOfOneTurnTravelTogether() {
    var play = Play([[], [], []])
    play.elect(0)
    play.propose(0, "a", "b")
    play.propose(0, "c")
    play.deliverAll()
    #expect(
      play.transcript() == """
        0 proposes a
        0 proposes b
          0 writes [2.1a 3.1b]
        0 proposes c
          0 writes [4.1c]
        0→1 append t1 after 1.1 [2.1a 3.1b] commit 1
          1 writes [2.1a 3.1b]
        0→2 append t1 after 1.1 [2.1a 3.1b] commit 1
          2 writes [2.1a 3.1b]
        0→1 append t1 after 3.1 [4.1c] commit 1
          1 writes [4.1c]
        0→2 append t1 after 3.1 [4.1c] commit 1
          2 writes [4.1c]
        1→0 has 3
          0 applies [2.1a 3.1b]
        2→0 has 3
        1→0 has 4
          0 applies [4.1c]
        2→0 has 4
        0→1 append t1 after 4.1 [] commit 3
          1 applies [2.1a 3.1b]
        0→2 append t1 after 4.1 [] commit 3
          2 applies [2.1a 3.1b]
        0→1 append t1 after 4.1 [] commit 4
          1 applies [4.1c]
        0→2 append t1 after 4.1 [] commit 4
          2 applies [4.1c]
        1→0 has 4
        2→0 has 4
        1→0 has 4
        2→0 has 4
        """)
    #expect(play.applied.allSatisfy { $0 == play.applied[0] && $0.count == 4 })
  }

  @Test func section53_aLeaderDoesNotCountItselfBeforeItsDisk() {
    var play = Play([[], [], [], []])
    play.elect(0)
    play.stalled = [0]
    play.propose(0, "a")
    play.deliverAll(lost: [2, 3])
    #expect(play.members[0].commitIndex == 1)
    play.expire(0)
    play.deliverAll(lost: [3])
    // Two followers are no majority of four without the leader's own disk.
    #expect(play.members[0].commitIndex == 1)
    play.flush(0)
    #expect(play.members[0].commitIndex == 2)
  }

  @Test func section53_followersAloneMayCommitWhileTheLeadersDiskStalls() {
    var play = Play([[], [], []])
    play.elect(0)
    play.stalled = [0]
    play.propose(0, "a")
    play.deliverAll()
    #expect(play.members[0].commitIndex == 2)
    #expect(
      play.transcript() == """
        0 proposes a
          0 writes [2.1a]
        0→1 append t1 after 1.1 [2.1a] commit 1
          1 writes [2.1a]
        0→2 append t1 after 1.1 [2.1a] commit 1
          2 writes [2.1a]
        1→0 has 2
        2→0 has 2
          0 applies [2.1a]
        0→1 append t1 after 2.1 [] commit 2
          1 applies [2.1a]
        0→2 append t1 after 2.1 [] commit 2
          2 applies [2.1a]
        1→0 has 2
        2→0 has 2
        """)
  }

  @Test func figure7_everyFollowerIsBroughtInLineWithOneRefusal() {
    let terms = Array(repeating: UInt64(7), count: 7)
    var play = Play(
      [
        [1, 1, 1, 4, 4, 5, 5, 6, 6, 6], [1, 1, 1, 4, 4, 5, 5, 6, 6], [1, 1, 1, 4], [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
        [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7], [1, 1, 1, 4, 4, 4, 4], [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
      ], terms: terms)
    play.expire(0)
    play.deliverAll()
    #expect(play.members[0].role == .leader)
    #expect(play.disks.allSatisfy { $0.log == play.disks[0].log })
    #expect(play.applied.allSatisfy { $0 == play.disks[0].log })
    let refusals = play.transcript().split(separator: "\n").filter { $0.contains("refused") }.map(String.init)
    #expect(
      refusals == [
        "1→0 refused 10 hint 9.6", "2→0 refused 10 hint 4.4", "5→0 refused 10 hint 7.4", "6→0 refused 10 hint 10.3",
      ])
  }

  /// Figure 8 (c), where only the entry of term 2 has reached a majority.
  private static func majorityOfAnOlderTerm(mutant: RaftMutant? = nil) -> Play {
    var play = Play([[1, 2], [1, 2], [1], [1], [1, 3]], terms: [3, 3, 3, 3, 3])
    play.members[0].mutant = mutant
    play.expire(0)
    play.drop { _, to in to > 2 }
    for (from, to) in [(0, 1), (0, 2), (1, 0), (2, 0), (0, 1), (0, 2), (1, 0), (2, 0)] { play.deliver(from, to) }
    play.drop { from, _ in from == 0 }
    let first = play.disks[0].log[1]
    for follower in [1, 2] {
      let request = RaftMessage.AppendRequest(
        term: 4, previous: .init(index: 1, term: 1), entries: [first], commit: 0, matchedByAll: 0, round: 0)
      play.wire.append((0, follower, .append(request)))
    }
    play.deliver(0, 1)
    play.deliver(0, 2)
    play.deliver(1, 0)
    play.deliver(2, 0)
    return play
  }

  /// The rule is what keeps it from happening: without it the same play commits.
  @Test func figure8_aLeaderThatCountsIsNoticed() {
    #expect(Self.majorityOfAnOlderTerm(mutant: .commitsOlderTermsByCounting).members[0].commitIndex == 2)
  }

  /// Figure 8: an entry of an older term on a majority is not committed by counting; only with one of the leader's own term.
  @Test func figure8_olderTermsAreNotCommittedByCounting() {
    // (b): S1 led term 2 and reached S2; S5 led term 3 and reached nobody. (c): S1 leads term 4 and reaches S3.
    var play = Play([[1, 2], [1, 2], [1], [1], [1, 3]], terms: [3, 3, 3, 3, 3])
    play.elect(0, lost: [3, 4])
    #expect(play.members[0].role == .leader && play.members[0].term == 4)
    // As elected it has already replicated its no-op, so index 3 of term 4 commits, and index 2 with it.
    #expect(play.members[0].commitIndex == 3)

    // The same, but nothing of term 4 gets through: index 2 is on a majority and still not committed.
    play = Self.majorityOfAnOlderTerm()
    #expect(play.members[0].role == .leader && play.members[0].term == 4)
    #expect(play.members[0].commitIndex == 0)
    #expect(
      play.transcript() == """
        0 ticks
          0 asks around at t3
        0→1 pre-vote t4 last 2.2
        0→2 pre-vote t4 last 2.2
        1→0 pre-vote yes t4
        2→0 pre-vote yes t4
          0 keeps t4 vote 0
          0 is candidate t4
        0→1 vote t4 last 2.2
          1 keeps t4 vote 0
          1 follows nobody t4
        0→2 vote t4 last 2.2
          2 keeps t4 vote 0
          2 follows nobody t4
        1→0 vote yes t4
        2→0 vote yes t4
          0 writes [3.4]
          0 leads t4
        0→1 append t4 after 1.1 [2.2x] commit 0
          1 follows 0 t4
        0→2 append t4 after 1.1 [2.2x] commit 0
          2 writes [2.2x]
          2 follows 0 t4
        1→0 has 2
        2→0 has 2
        """)
    // (d): S5 wins term 5 and overwrites it everywhere, also at S1.
    play.elect(4, lost: [0])
    // The first attempt only learned of term 4.
    play.elect(4, lost: [0])
    #expect(play.members[4].role == .leader && play.members[4].term == 5)
    play.expire(4)
    play.deliverAll()
    #expect(play.disks.allSatisfy { $0.log.map(\.term) == [1, 3, 5] })
  }

  @Test func restart_aMemberGoesOnFromItsDisk() {
    var play = Play([[], [], []])
    play.elect(0)
    play.propose(0, "a")
    play.deliverAll()
    _ = play.transcript()
    play.restart(2)
    play.propose(0, "b")
    play.deliverAll()
    #expect(
      play.transcript() == """
        2 restarts
        0 proposes b
          0 writes [3.1b]
        0→1 append t1 after 2.1 [3.1b] commit 2
          1 writes [3.1b]
        0→2 append t1 after 2.1 [3.1b] commit 2
          2 writes [3.1b]
          2 applies [1.1 2.1a]
          2 follows 0 t1
        1→0 has 3
          0 applies [3.1b]
        2→0 has 3
        0→1 append t1 after 3.1 [] commit 3
          1 applies [3.1b]
        0→2 append t1 after 3.1 [] commit 3
          2 applies [3.1b]
        1→0 has 3
        2→0 has 3
        """)
  }

  @Test func restart_whatWasSentButNotDurableIsSentAgain() {
    var play = Play([[], [], []])
    play.elect(0)
    play.propose(0, "a")
    // Member 2 never saw it: its messages were lost with the connection.
    play.drop { _, to in to == 2 }
    play.propose(0, "b")
    play.deliverAll()
    #expect(
      play.transcript() == """
        0 proposes a
          0 writes [2.1a]
        0 proposes b
          0 writes [3.1b]
        0→1 append t1 after 1.1 [2.1a] commit 1
          1 writes [2.1a]
        0→1 append t1 after 2.1 [3.1b] commit 1
          1 writes [3.1b]
        0→2 append t1 after 2.1 [3.1b] commit 1
        1→0 has 2
          0 applies [2.1a]
        1→0 has 3
          0 applies [3.1b]
        2→0 refused 2 hint 1.1
        0→1 append t1 after 3.1 [] commit 2
          1 applies [2.1a]
        0→2 append t1 after 3.1 [] commit 2
        0→1 append t1 after 3.1 [] commit 3
          1 applies [3.1b]
        0→2 append t1 after 3.1 [] commit 3
        0→2 append t1 after 1.1 [2.1a 3.1b] commit 3
          2 writes [2.1a 3.1b]
          2 applies [2.1a 3.1b]
        1→0 has 3
        2→0 refused 3 hint 1.1
        1→0 has 3
        2→0 refused 3 hint 1.1
        2→0 has 3
        """)
    #expect(play.applied[2] == play.applied[0])
  }

  @Test func aCommittedEntryIsNeverCut() {
    var play = Play([[], [], []])
    play.elect(0)
    let rogue = RaftEntry(index: 1, term: 5, payload: [1])
    let request = RaftMessage.AppendRequest(
      term: 5, previous: .zero, entries: [rogue], commit: 1, matchedByAll: 0, round: 0)
    play.members[1].receive(from: 2, message: .append(request), now: play.now)
    let output = play.members[1].takeOutput()
    #expect(output.truncateFrom == nil && output.append.isEmpty)
    #expect(output.sendAfterPersist.isEmpty)
  }
}
