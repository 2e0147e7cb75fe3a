// Interaction scripts of elections: section 5.2 of the paper, restarts, pre-vote and check-quorum.

import Base
import Testing

@testable import Raft

struct ElectionTests {
  @Test func section52_aMemberWinsAndItsNoOpCommits() {
    var play = Play([[], [], []])
    play.expire(0)
    play.deliverAll()
    #expect(
      play.transcript() == """
        0 ticks
          0 asks around at t0
        0→1 pre-vote t1 last 0.0
        0→2 pre-vote t1 last 0.0
        1→0 pre-vote yes t1
          0 keeps t1 vote 0
          0 is candidate t1
        2→0 pre-vote yes t1
        0→1 vote t1 last 0.0
          1 keeps t1 vote 0
          1 follows nobody t1
        0→2 vote t1 last 0.0
          2 keeps t1 vote 0
          2 follows nobody t1
        1→0 vote yes t1
          0 writes [1.1]
          0 leads t1
        2→0 vote yes t1
        0→1 append t1 after 0.0 [1.1] commit 0
          1 writes [1.1]
          1 follows 0 t1
        0→2 append t1 after 0.0 [1.1] commit 0
          2 writes [1.1]
          2 follows 0 t1
        1→0 has 1
          0 applies [1.1]
        2→0 has 1
        0→1 append t1 after 1.1 [] commit 1
          1 applies [1.1]
        0→2 append t1 after 1.1 [] commit 1
          2 applies [1.1]
        1→0 has 1
        2→0 has 1
        """)
    #expect(play.members[0].isServing)
    #expect(!play.members[1].isServing)
    #expect(play.members[1].leader == 0)
  }

  @Test func section52_aSplitVoteIsDecidedByTheNextTimeout() {
    var play = Play([[], [], [], []])
    play.expire(0)
    play.expire(1)
    play.drop { from, to in (from, to) == (0, 1) || (from, to) == (1, 0) }
    // Pre-votes promise nothing, so both get enough; the votes are then split two by two.
    for (from, to) in [(0, 2), (0, 3), (1, 2), (1, 3), (2, 0), (3, 0), (2, 1), (3, 1)] { play.deliver(from, to) }
    play.note("both ask for votes")
    for (from, to) in [(0, 2), (1, 3), (0, 3), (1, 2), (2, 0), (3, 0), (2, 1), (3, 1)] { play.deliver(from, to) }
    play.deliverAll()
    let first = play.members.indices.min { play.members[$0].nextDeadline < play.members[$1].nextDeadline } ?? 0
    play.expire(first)
    play.deliverAll()
    #expect(
      play.transcript() == """
        0 ticks
          0 asks around at t0
        1 ticks
          1 asks around at t0
        0→2 pre-vote t1 last 0.0
        0→3 pre-vote t1 last 0.0
        1→2 pre-vote t1 last 0.0
        1→3 pre-vote t1 last 0.0
        2→0 pre-vote yes t1
        3→0 pre-vote yes t1
          0 keeps t1 vote 0
          0 is candidate t1
        2→1 pre-vote yes t1
        3→1 pre-vote yes t1
          1 keeps t1 vote 1
          1 is candidate t1
        both ask for votes
        0→2 vote t1 last 0.0
          2 keeps t1 vote 0
          2 follows nobody t1
        1→3 vote t1 last 0.0
          3 keeps t1 vote 1
          3 follows nobody t1
        0→3 vote t1 last 0.0
        1→2 vote t1 last 0.0
        2→0 vote yes t1
        3→0 vote no t1
        2→1 vote no t1
        3→1 vote yes t1
        0→1 vote t1 last 0.0
        1→0 vote t1 last 0.0
        1→0 vote no t1
        0→1 vote no t1
        0 ticks
          0 asks around at t1
        0→1 pre-vote t2 last 0.0
        0→2 pre-vote t2 last 0.0
        0→3 pre-vote t2 last 0.0
        1→0 pre-vote yes t2
        2→0 pre-vote yes t2
          0 keeps t2 vote 0
          0 is candidate t2
        3→0 pre-vote yes t2
        0→1 vote t2 last 0.0
          1 keeps t2 vote 0
          1 follows nobody t2
        0→2 vote t2 last 0.0
          2 keeps t2 vote 0
          2 follows nobody t2
        0→3 vote t2 last 0.0
          3 keeps t2 vote 0
          3 follows nobody t2
        1→0 vote yes t2
        2→0 vote yes t2
          0 writes [1.2]
          0 leads t2
        3→0 vote yes t2
        0→1 append t2 after 0.0 [1.2] commit 0
          1 writes [1.2]
          1 follows 0 t2
        0→2 append t2 after 0.0 [1.2] commit 0
          2 writes [1.2]
          2 follows 0 t2
        0→3 append t2 after 0.0 [1.2] commit 0
          3 writes [1.2]
          3 follows 0 t2
        1→0 has 1
        2→0 has 1
          0 applies [1.2]
        3→0 has 1
        0→1 append t2 after 1.2 [] commit 1
          1 applies [1.2]
        0→2 append t2 after 1.2 [] commit 1
          2 applies [1.2]
        0→3 append t2 after 1.2 [] commit 1
          3 applies [1.2]
        1→0 has 1
        2→0 has 1
        3→0 has 1
        """)
  }

  @Test func section52_aVoteSurvivesARestart() {
    var play = Play([[], [], []], terms: [3, 3, 3])
    play.expire(0)
    play.deliver(0, 1)
    play.deliver(1, 0)
    play.drop { _, to in to == 2 }
    play.deliver(0, 1)
    play.restart(1)
    play.drop()
    // Member 2 wants the same term.
    play.members[1].receive(from: 2, message: .vote(.init(term: 4, last: .init(index: 9, term: 3))), now: play.now)
    #expect(play.members[1].takeOutput().sendAfterPersist.map { say($0.message) } == ["vote no t4"])
    #expect(
      play.transcript() == """
        0 ticks
          0 asks around at t3
        0→1 pre-vote t4 last 0.0
        1→0 pre-vote yes t4
          0 keeps t4 vote 0
          0 is candidate t4
        0→1 vote t4 last 0.0
          1 keeps t4 vote 0
          1 follows nobody t4
        1 restarts
        """)
  }

  @Test func section541_onlyTheNewestLogMayWin() {
    var play = Play([[1, 1], [1, 2], [1, 1, 1]], terms: [2, 2, 2])
    play.expire(2)
    play.deliverAll(lost: [0])
    play.expire(1)
    play.deliverAll(lost: [0])
    #expect(
      play.transcript() == """
        2 ticks
          2 asks around at t2
        2→1 pre-vote t3 last 3.1
        1→2 pre-vote no t2
        1 ticks
          1 asks around at t2
        1→2 pre-vote t3 last 2.2
        2→1 pre-vote yes t3
          1 keeps t3 vote 1
          1 is candidate t3
        1→2 vote t3 last 2.2
          2 keeps t3 vote 1
          2 follows nobody t3
        2→1 vote yes t3
          1 writes [3.3]
          1 leads t3
        1→2 append t3 after 2.2 [3.3] commit 0
          2 follows 1 t3
        2→1 refused 2 hint 2.1
        1→2 append t3 after 1.1 [2.2x 3.3] commit 0
          2 cuts from 2
          2 writes [2.2x 3.3]
        2→1 has 3
          1 applies [1.1x 2.2x 3.3]
        1→2 append t3 after 3.3 [] commit 3
          2 applies [1.1x 2.2x 3.3]
        2→1 has 3
        """)
  }

  @Test func aSingleMemberLeadsAtOnceAndCommitsWhatIsDurable() {
    var play = Play([[1, 1]])
    play.stalled = [0]
    play.expire(0)
    play.propose(0, "a")
    #expect(!play.members[0].isServing)
    play.flush(0)
    #expect(
      play.transcript() == """
        0 ticks
          0 keeps t2 vote 0
          0 writes [3.2]
          0 leads t2
        0 proposes a
          0 writes [4.2a]
        0 disk done
          0 applies [1.1x 2.1x 3.2 4.2a]
        """)
    #expect(play.members[0].isServing)
    #expect(play.members[0].nextDeadline == .max)
  }

  @Test func preVote_aMemberCutOffDoesNotRaiseTheTerm() {
    var play = Play([[], [], []])
    play.elect(0)
    for _ in 0..<3 {
      while play.members[0].nextDeadline < play.members[2].nextDeadline {
        play.expire(0)
        play.deliverAll(lost: [2])
      }
      play.expire(2)
      play.drop()
    }
    _ = play.transcript()
    play.note("2 is back, and asks once more")
    play.members[2].tick(now: play.members[2].nextDeadline)
    for request in play.members[2].takeOutput().send { play.wire.append((2, request.to, request.message)) }
    play.deliverAll()
    play.expire(0)
    play.deliverAll()
    #expect(
      play.transcript() == """
        2 is back, and asks once more
        2→0 pre-vote t2 last 1.1
        2→1 pre-vote t2 last 1.1
        0→2 pre-vote no t1
        1→2 pre-vote no t1
          2 follows nobody t1
        0 ticks
        0→1 append t1 after 1.1 [] commit 1
        0→2 append t1 after 1.1 [] commit 1
          2 follows 0 t1
        1→0 has 1
        2→0 has 1
        """)
    #expect(play.members[0].term == 1)
  }

  @Test func preVote_aVoteForAHigherTermIsIgnoredWhileALeaderIsHeard() {
    var play = Play([[], [], []])
    play.elect(0)
    play.members[1].receive(from: 2, message: .vote(.init(term: 9, last: .init(index: 9, term: 8))), now: play.now)
    #expect(play.members[1].takeOutput().isEmpty)
    #expect(play.members[1].term == 1)
  }

  @Test func aMemberStuckInAHigherTermDeposesTheLeaderByItsRefusal() {
    var play = Play([[], [], []])
    play.elect(0)
    play.members[2] = Raft(config: play.config(2), hardState: .init(term: 7), log: play.disks[2].log, now: play.now)
    play.expire(0)
    play.deliverAll()
    #expect(
      play.transcript() == """
        0 ticks
        0→1 append t1 after 1.1 [] commit 1
        0→2 append t1 after 1.1 [] commit 1
        1→0 has 1
        2→0 refused t7
          0 keeps t7 vote none
          0 follows nobody t7
        """)
  }

  @Test func checkQuorum_aLeaderThatHearsNoMajorityStepsDown() {
    var play = Play([[], [], []])
    play.elect(0)
    let cut = play.now
    while play.members[0].role == .leader, play.now < cut + 10 * .second {
      play.expire(0)
      play.drop()
    }
    #expect(play.members[0].role == .follower)
    let range = play.config(0).electionTimeout
    #expect(play.now - cut >= range.lowerBound - play.config(0).heartbeat && play.now - cut <= range.upperBound)
    play.note("cut off from both")
    play.propose(0, "a")
    #expect(play.transcript().hasSuffix("0 follows nobody t1\ncut off from both\n0 cannot propose"))
  }

  @Test func checkQuorum_oneOfTwoFollowersIsEnough() {
    var play = Play([[], [], []])
    play.elect(0)
    for _ in 0..<30 {
      play.expire(0)
      play.deliverAll(lost: [2])
    }
    #expect(play.members[0].role == .leader)
  }

  @Test func checkQuorum_aStalledDiskIsNoDeadMember() {
    var play = Play([[], [], []])
    play.elect(0)
    play.stalled = [1, 2]
    play.propose(0, "a")
    play.deliverAll()
    for _ in 0..<30 {
      play.expire(0)
      play.deliverAll()
    }
    #expect(play.members[0].role == .leader)
    #expect(play.members[0].commitIndex == 1)
    play.flush(1)
    play.deliverAll()
    #expect(play.members[0].commitIndex == 2)
  }

  @Test func reads_aRoundIsConfirmedByAMajorityOfTheSameTerm() throws {
    var play = Play([[], [], []])
    play.elect(0)
    let first = play.members[0].confirmLeadership()
    let round = try #require(first)
    #expect(play.members[0].confirmedRound < round)
    play.propose(0)
    play.deliverAll(lost: [2])
    #expect(play.members[0].confirmedRound == round)
    #expect(play.members[1].confirmLeadership() == nil)
    // A leader of the past gets no confirmation.
    play.elect(1, lost: [0])
    let second = play.members[0].confirmLeadership()
    let late = try #require(second)
    play.propose(0)
    play.deliverAll()
    #expect(play.members[0].confirmedRound < late)
  }
}
