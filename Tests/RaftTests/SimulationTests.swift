// Seeded clusters in trouble: the sound library keeps every rule, planted mistakes break one.

import Base
import Foundation
import Testing

@testable import Raft

struct SimulationTests {
  /// `RAFT_SEEDS=5000` runs more; `RAFT_SEED=17` runs one again.
  static let seeds: [UInt64] = {
    let environment = ProcessInfo.processInfo.environment
    if let one = environment["RAFT_SEED"].flatMap(UInt64.init) { return [one] }
    return Array(1...(environment["RAFT_SEEDS"].flatMap(UInt64.init) ?? 10))
  }()

  @Test(arguments: [3, 5]) func aSoundClusterKeepsEveryRule(members: Int) {
    var committed: UInt64 = 0
    var elections = 0
    for seed in Self.seeds {
      let cluster = Cluster(.init(seed: seed, members: members))
      cluster.run()
      #expect(cluster.watch.broken == nil, "RAFT_SEED=\(seed) with \(members) members")
      committed += cluster.watch.lastCommitted
      elections += cluster.elections
    }
    // The subject was there: entries were committed, through changes of leader.
    #expect(committed > 50 * UInt64(Self.seeds.count))
    #expect(elections > 2 * Self.seeds.count)
    print("\(Self.seeds.count) seeds, \(members) members: \(committed) entries committed, \(elections) elections")
  }

  @Test func theSameSeedIsTheSameRun() {
    let runs = (0..<2).map { _ in
      let cluster = Cluster(.init(seed: 7))
      cluster.run()
      return cluster
    }
    #expect(runs[0].watch.committed.map(\.entry) == runs[1].watch.committed.map(\.entry))
    #expect(runs[0].proposals == runs[1].proposals && runs[0].now == runs[1].now)
  }

  /// A leader that counts copies of older terms needs so rare a course of events that figure 8 itself is its test.
  static let mutants = RaftMutant.allCases.filter { $0 != .commitsOlderTermsByCounting }

  @Test(arguments: mutants) func aPlantedMistakeIsNoticed(mutant: RaftMutant) {
    // Where it was seen first; when the library changes, the search goes on from there.
    let first: UInt64 =
      switch mutant {
      case .votesBeforePersisted: 48
      case .votesTwice: 13
      case .skipsConsistencyCheck: 12
      default: 1
      }
    for seed in first..<first + 300 {
      let cluster = Cluster(.init(seed: seed, members: seed % 2 == 0 ? 3 : 5, mutant: mutant))
      cluster.run()
      if let broken = cluster.watch.broken {
        print("\(mutant): seed \(seed): \(broken)")
        return
      }
    }
    Issue.record("\(mutant) was not noticed from seed \(first) on")
  }
}
