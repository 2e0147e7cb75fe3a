// The bounded search: it keeps its bounds, does not repeat itself, and remembers exactly.

import Base
import History
import Synchronization
import Testing

@testable import Checkers

@Suite struct SearchTests {
  private typealias Operation = SearchOperation<SequentialRegister.Action>

  /// Writes of unknown result that may all have happened, in any order, and a read that none explains.
  private func hard(_ writes: Int) -> [Operation] {
    (0..<Int32(writes)).map {
      Operation(action: .write(UInt64($0) + 1), begin: $0, end: Operation.never)
    } + [Operation(action: .read(1_000), begin: Int32(writes), end: Int32(writes) + 1)]
  }

  @Test(arguments: [1, 100, 1_000, 12_345]) func stepsAreBounded(limit: Int) {
    var search = LinearizabilitySearch(SequentialRegister(), hard(40), budget: SearchBudget(steps: limit))
    #expect(search.run() == .outOfBounds)
    #expect(search.steps == limit + 1)
  }

  /// The clock is asked often enough that a search ends soon after its time.
  @Test func timeIsBounded() {
    for allowed in [0, 1, 50] {
      let asked = Atomic(0)
      let budget = SearchBudget(steps: .max) { asked.add(1, ordering: .relaxed).newValue > allowed }
      var search = LinearizabilitySearch(SequentialRegister(), hard(40), budget: budget)
      #expect(search.run() == .outOfBounds)
      #expect(search.steps <= (allowed + 1) * 256)
      #expect(asked.load(ordering: .relaxed) == allowed + 1)
    }
  }

  /// All of it is used, and no more.
  @Test(arguments: [1 << 20, 2_500_000]) func memoryIsBounded(limit: Int) {
    var search = LinearizabilitySearch(
      SequentialRegister(), hard(40), budget: SearchBudget(steps: .max, bytes: limit))
    #expect(search.run() == .outOfBounds)
    #expect(search.peakBytes <= limit)
    #expect(search.peakBytes >= limit - limit / 10)
  }

  @Test func whatCannotBeIsToldWithTheReturnInQuestion() {
    let operations = [
      Operation(action: .write(1), begin: 0, end: 1), Operation(action: .read(1), begin: 6, end: 9),
      Operation(action: .read(2), begin: 2, end: 5), Operation(action: .write(2), begin: 3, end: 4),
      Operation(action: .read(7), begin: 10, end: 11),
    ]
    var search = LinearizabilitySearch(SequentialRegister(), operations, budget: .standard)
    #expect(search.run() == .unexplained(at: 1))
    var sound = LinearizabilitySearch(
      SequentialRegister(), [operations[0], operations[2], operations[3]], budget: .standard)
    #expect(sound.run() == .explained)
    var empty = LinearizabilitySearch(SequentialRegister(), [], budget: .standard)
    #expect(empty.run() == .explained && empty.steps == 0)
  }

  /// Of operations that do the same only the first that is left is tried, so that many of them cost little.
  @Test func alikeIsTriedOnce() {
    let never = SearchOperation<QueueAction>.never
    var operations = (0..<200).map { SearchOperation(action: QueueAction.takeAny, begin: Int32($0), end: never) }
    for k in 0..<20 {
      operations.append(SearchOperation(action: .put(Int32(k)), begin: 200 + Int32(k) * 2, end: 201 + Int32(k) * 2))
    }
    operations.append(SearchOperation(action: .take(99), begin: 300, end: 301))
    let queue = SequentialQueue(isTaken: Array(repeating: false, count: 100))
    var search = LinearizabilitySearch(queue, operations, budget: .standard)
    #expect(search.run() == .unexplained(at: 220))
    #expect(search.steps < 2_000)
    let bag = SequentialBag(kinds: Array(repeating: .unnamed, count: 100))
    var other = LinearizabilitySearch(bag, operations, budget: .standard)
    #expect(other.run() == .unexplained(at: 220))
    #expect(other.steps < 2_000)
  }

  /// What a take of unknown result took is decided by what comes later.
  @Test(arguments: [Int32(0), 1, 2]) func everyResultOfAnActionIsTried(kept: Int32) {
    let actions: [QueueAction] = [.put(0), .put(1), .put(2), .takeAny, .takeAny, .take(kept), .findNothing]
    let operations = actions.enumerated().map { k, action in
      SearchOperation(action: action, begin: Int32(2 * k), end: Int32(2 * k + 1))
    }
    let bag = SequentialBag(kinds: [.sighted, .sighted, .sighted])
    var search = LinearizabilitySearch(bag, operations, budget: .standard)
    #expect(search.run() == .explained)
  }

  /// Twelve writes at once have 479 million orders, and some thousand configurations.
  @Test func aConfigurationIsEnteredOnce() {
    let writes = (0..<12).map { Operation(action: .write(UInt64($0) + 1), begin: Int32($0), end: 100 + Int32($0)) }
    let read = Operation(action: .read(50), begin: 200, end: 201)
    var search = LinearizabilitySearch(SequentialRegister(), writes + [read], budget: .standard)
    guard case .unexplained = search.run() else {
      Issue.record("an order was found")
      return
    }
    #expect(search.steps < 12 * 12 * 4096)
  }

  /// The set is what a set is, through all its growth.
  @Test(arguments: [UInt64(1), 2, 3]) func configurationsAreRememberedExactly(seed: UInt64) {
    var rng = SeededGenerator(seed: seed)
    var set = ConfigurationSet()
    var model: Set<[UInt64]> = []
    for _ in 0..<30_000 {
      // Alike on purpose: prefixes of each other, zeros, few values.
      let words = (0..<rng.below(6)).map { _ in UInt64(rng.below(5)) << UInt64(rng.below(3) * 31) }
      let isNew = model.insert(words).inserted
      #expect(set.insert(words, limit: .max) == (isNew ? .new : .known), "seed \(seed) \(words)")
    }
    #expect(set.count == model.count)
    #expect(set.insert(Array(repeating: 0, count: ConfigurationSet.chunkWords), limit: .max) == .full)
  }

  /// The same upper half of the hash, and one the beginning of the other: still two.
  @Test func alikeIsNotTheSame() {
    let (short, long): ([UInt64], [UInt64]) = ([1], [1, 599_131_892])
    #expect(ConfigurationSet.hash(short) >> 32 == ConfigurationSet.hash(long) >> 32)
    for pair in [[short, long], [long, short]] {
      var set = ConfigurationSet()
      for words in pair { #expect(set.insert(words, limit: .max) == .new) }
      for words in pair { #expect(set.insert(words, limit: .max) == .known) }
    }
  }

  @Test func aFullSetSaysSo() {
    var set = ConfigurationSet()
    var insertion = ConfigurationSet.Insertion.new
    var number: UInt64 = 0
    while insertion == .new, number < 1_000_000 {
      number += 1
      insertion = set.insert([number, 1, 2, 3], limit: 2 << 20)
    }
    #expect(insertion == .full && set.bytes <= 2 << 20)
    // Five words and a place each.
    #expect(number > 38_000 && number < 42_000)
  }

  /// Whole files by the search alone, each key by itself: the zones' verdict.
  @Test func filesByTheSearchAlone() throws {
    for name in ["register", "kv"] {
      for row in try CorpusTests.manifest(name)
      where row["ops"] == "1000" && row["clients"] == (name == "kv" ? "10" : "5") {
        var audit = RegisterAudit(try CorpusTests.history(name, row), findingLimit: 1)
        audit.collect()
        for key in audit.keys.indices { audit.keys[key].isOutside = true }
        audit.placeReads()
        audit.search(.standard)
        let result = audit.close(isComplete: true)
        #expect(result.undecidedKeys == 0)
        #expect(result.verdict == (row["verdict"] == "valid" ? .valid : .violated), "\(row["file"] ?? "")")
      }
    }
  }
}
