// What is said before the end of a run: never of a sound broker, never what the end does not confirm, and soon.

import Base
import History
import Testing

@testable import Checkers

@Suite struct WatchTests {
  private struct Unit: Hashable, Comparable, CustomStringConvertible {
    var name: FindingName
    var message: MessageID
    var attempt: UInt32
    var queue: UInt16
    var description: String { "\(name.rawValue) \(message) \(attempt) \(queue)" }

    init(_ finding: Finding) {
      (name, message, queue) = (finding.name, finding.message, finding.queue)
      // An id that was duplicated by a retry has several.
      attempt = finding.name == .duplicatedByRetry ? 0 : finding.attempt
    }

    static func < (a: Unit, b: Unit) -> Bool { a.description < b.description }
  }

  private struct Sample {
    let level: ReliabilityLevel
    let history: RecordedHistory
    var rng: SeededGenerator

    init(seed: UInt64) {
      rng = SeededGenerator(seed: seed, label: "watch")
      level = rng.pick(ReliabilityLevel.allCases)
      history =
        SimulatedRun(
          seed: seed, level: level, messages: 1 + rng.below(12), producers: 1 + rng.below(2),
          consumers: 1 + rng.below(4), queues: 1 + rng.below(3), isRough: rng.chance(0.5)
        ).history
    }
  }

  private func units(_ history: RecordedHistory, _ level: ReliabilityLevel) -> Set<Unit> {
    var options = DeliveryOptions(level: level)
    options.listed = Set(FindingName.allCases)
    return Set(DeliveryChecker.check(history, options: options).findings.map(Unit.init))
  }

  private func cut(_ history: RecordedHistory, _ count: Int) -> RecordedHistory {
    RecordedHistory(names: history.names, events: Array(history.events.prefix(count)), isComplete: false)
  }

  /// Every prefix of a valid history is one that the watch sees: it says nothing all the way.
  @Test func soundBrokersAreNeverAccused() {
    var events = 0
    let rounds = Rounds("watch of sound brokers", usual: 1500, parts: 3)
    for seed in rounds.seeds {
      let sample = Sample(seed: seed)
      // What a retry may do is allowed below level high.
      let watched =
        sample.level == .high ? DeliveryWatch.early : DeliveryWatch.early.subtracting([.duplicatedByRetry])
      for memory in [1 << 18, 1 + sample.history.events.count / 40] {
        var watch = DeliveryWatch(watched: watched, memory: memory)
        watch.names = sample.history.names
        for event in sample.history.events { watch.take(event) }
        #expect(watch.accusations.isEmpty, "seed \(seed) \(sample.level) memory \(memory) \(watch.accusations)")
        events += watch.eventCount
      }
    }
    guard rounds.finish() else { return }
    #expect(events > 50_000)
  }

  /// Whatever is wrong with a history: what the watch says at any moment, the check of the whole history says too; and
  /// what a check of the part so far would find for certain, the watch has said by then.
  @Test func whatIsSaidEarlyIsTheFinalWord() {
    // Said of the event and of those before alone.
    let immediate: Set<FindingName> = [.unexpected, .wrongRedeliveredFlag, .outOfOrder, .duplicated]
    var said: [FindingName: Int] = [:]
    var (early, late) = (0, 0)
    let rounds = Rounds("watch of damaged histories", usual: 900, parts: 3)
    for seed in rounds.seeds {
      var sample = Sample(seed: seed)
      // Nothing of dead letters: the watch does not know them.
      let plants = Plant.allCases.filter { $0.levels.contains(sample.level) && $0.finding != .deadLetterLost }
        .shuffled(using: &sample.rng)
      let sick =
        sample.rng.chance(0.4)
        ? EditableHistory(sample.history, sample.rng).damaged()
        : plants.lazy.compactMap { $0.planted(in: sample.history, sample.rng) }.first ?? sample.history
      guard Self.keepsItsWord(sick) else { continue }
      let final = units(sick, sample.level)
      let note: Comment = "seed \(seed) \(sample.level)"
      var watch = DeliveryWatch()
      watch.names = sick.names
      var known: Set<Unit> = []
      for (index, event) in sick.events.enumerated() {
        guard watch.take(event) else { continue }
        let new = watch.accusations.dropFirst(known.count).map(Unit.init)
        for unit in new {
          said[unit.name, default: 0] += 1
          if index < sick.events.count * 9 / 10 { early += 1 } else { late += 1 }
          // What was delivered twice by a retry and is called failed afterwards was read though it failed.
          let isConfirmed =
            final.contains(unit)
            || unit.name == .duplicatedByRetry
              && final.contains { $0.name == .abortedRead && $0.message == unit.message }
          #expect(isConfirmed, "\(note) event \(index) \(unit): \(final.sorted())")
        }
        known.formUnion(new)
      }
      // The same at the end, and at a moment of chance, as a check of what was there by then.
      for count in [sick.events.count, sample.rng.below(sick.events.count + 1)] {
        var part = DeliveryWatch()
        part.names = sick.names
        for event in sick.events.prefix(count) { part.take(event) }
        let here = Set(part.accusations.map(Unit.init)).filter { immediate.contains($0.name) }
        let there = units(cut(sick, count), sample.level).filter { immediate.contains($0.name) }
        #expect(here.isSubset(of: there), "\(note) of \(count): too much \(here.subtracting(there).sorted())")
        let missing = there.subtracting(here)
        // Of two acks of one delivery, and before a subscription, the watch claims nothing.
        if !missing.isEmpty, !Self.isOddHistory(cut(sick, count)) {
          Issue.record("\(note) of \(count): missing \(missing.sorted())")
        }
      }
    }
    guard rounds.finish() else { return }
    for name in DeliveryWatch.early { #expect(said[name, default: 0] > 5, "\(name) was hardly said: \(said)") }
    #expect(early > late / 2, "\(early) before the last tenth of a history, \(late) in it")
  }

  /// With little memory less is said, and nothing else.
  @Test func forgettingOnlySilences() {
    var (all, kept) = (0, 0)
    let rounds = Rounds("watch that forgets", usual: 500, parts: 3)
    for seed in rounds.seeds {
      let sample = Sample(seed: seed)
      let sick = EditableHistory(sample.history, sample.rng).damaged()
      guard Self.keepsItsWord(sick) else { continue }
      var whole = DeliveryWatch()
      var small = DeliveryWatch(memory: 4)
      (whole.names, small.names) = (sick.names, sick.names)
      for event in sick.events {
        whole.take(event)
        small.take(event)
      }
      let final = units(sick, sample.level)
      for finding in small.accusations where finding.name != .duplicatedByRetry {
        #expect(final.contains(Unit(finding)), "seed \(seed) \(finding)")
      }
      all += whole.accusations.count
      kept += small.accusations.count
    }
    guard rounds.finish() else { return }
    #expect(kept > 0 && kept < all, "\(kept) of \(all)")
  }

  /// As long as the number of clients and of messages under way is the same, so is what is kept.
  @Test func memoryDoesNotGrowWithTheRun() {
    var watch = DeliveryWatch(memory: 500)
    var names = Names()
    let (route, queue) = (names.route(to: ["q"]), names.word("q"))
    watch.names = names
    var builder = HistoryBuilder()
    var marks: [Int] = []
    var time: Nanoseconds = 0
    var op: UInt64 = 0
    func feed(_ function: Function, _ outcome: Outcome, _ op: UInt64, _ fill: (inout Event) -> Void) {
      var event = Event()
      (event.function, event.outcome, event.op) = (function, outcome, op)
      time += 1000
      event.time = time
      fill(&event)
      watch.take(event)
    }
    feed(.subscribe, .invoke, 1) { ($0.session, $0.place) = (1, queue) }
    op = 1
    for sequence in 1...20_000 {
      let (publish, ack, commit) = (op + 1, op + 2, op + 3)
      op += 3
      let transaction = UInt64(sequence)
      let message = MessageID(producer: 1, sequence: sequence)
      feed(.publish, .invoke, publish) {
        ($0.message, $0.attempt, $0.place, $0.session, $0.transaction) = (message, 1, route, 50, transaction)
      }
      feed(.commit, .invoke, commit) { $0.transaction = transaction }
      feed(.commit, .ok, commit) { $0.transaction = transaction }
      feed(.deliver, .ok, 0) {
        ($0.message, $0.attempt, $0.place, $0.session, $0.tag) = (message, 1, queue, 1, UInt64(sequence))
      }
      feed(.ack, .invoke, ack) { ($0.session, $0.tag) = (1, UInt64(sequence)) }
      if sequence % 5000 == 0 { marks.append(watch.kept) }
    }
    builder.wait(.millisecond)
    #expect(watch.accusations.isEmpty)
    #expect(marks.allSatisfy { $0 == marks[0] } && marks[0] <= 500 * 6, "\(marks)")
  }

  @Test func aSecondDeliveryIsCertainWhenTheFirstSessionProvesAlive() {
    var builder = HistoryBuilder()
    builder.subscribe(1)
    builder.subscribe(2)
    builder.send(1)
    builder.deliver(1, session: 1, tag: 1)
    builder.alive(2)
    builder.deliver(1, session: 2, tag: 1, flags: .redelivered)
    let so = builder.events.count
    builder.alive(1)
    builder.alive(2)
    var watch = DeliveryWatch()
    watch.names = builder.names
    for event in builder.events.prefix(so) { watch.take(event) }
    // The first session may have been lost without our knowledge.
    #expect(watch.accusations.isEmpty)
    for event in builder.events.dropFirst(so) { watch.take(event) }
    #expect(watch.accusations.map(\.name) == [.duplicated])
    #expect(watch.accusations.first?.reason == "delivered again while the first delivery was still held")
  }

  @Test func aFaultExcusesASecondDelivery() {
    var builder = HistoryBuilder()
    builder.subscribe(1)
    builder.subscribe(2)
    builder.send(1)
    builder.deliver(1, session: 1, tag: 1)
    builder.fault("crash#1", .invoke)
    builder.deliver(1, session: 2, tag: 1, flags: .redelivered)
    builder.fault("crash#1", .ok)
    for _ in 0..<3 {
      builder.alive(1)
      builder.alive(2)
    }
    var watch = DeliveryWatch()
    watch.names = builder.names
    for event in builder.events { watch.take(event) }
    #expect(watch.accusations.isEmpty)
  }

  @Test func aTransactionThatMayStillCommitAccusesNobody() {
    var builder = HistoryBuilder()
    builder.subscribe(1)
    builder.publish(1, tx: 7)
    builder.deliver(1, session: 1, tag: 1)
    var watch = DeliveryWatch()
    watch.names = builder.names
    for event in builder.events { watch.take(event) }
    #expect(watch.accusations.isEmpty)
    let so = builder.events.count
    builder.end(.commit, tx: 7, .fail)
    for event in builder.events.dropFirst(so) { watch.take(event) }
    #expect(watch.accusations.map(\.name) == [.abortedRead])
  }

  @Test func aTableThatForgetsIsStillATable() {
    var rng = SeededGenerator(seed: Rounds.firstSeed, label: "table")
    var table = LiveTable()
    var model: [UInt64: Int32] = [:]
    for round in 0..<20_000 {
      // Few keys, so that they meet again; some with the same low bits.
      let key = UInt64(rng.below(300)) << UInt64(rng.pick([0, 0, 32]))
      if rng.chance(0.5) {
        table.set(key, 3, to: Int32(round))
        model[key] = Int32(round)
      } else {
        table.remove(key, 3)
        model[key] = nil
      }
      if round % 50 == 0 {
        for key in (0..<300).flatMap({ [UInt64($0), UInt64($0) << 32] }) {
          #expect(table.find(key, 3) == model[key] ?? -1)
        }
        #expect(table.count == model.count && table.find(1, 4) == -1)
      }
    }
  }

  /// What a watch takes for granted: no failure after an ok of the same operation, one end of a transaction.
  private static func keepsItsWord(_ history: RecordedHistory) -> Bool {
    var answered: Set<UInt64> = []
    for event in history.events where event.op != 0 {
      if event.outcome == .ok { answered.insert(event.op) }
      if event.outcome == .fail, answered.contains(event.op) { return false }
    }
    return true
  }

  private static func isOddHistory(_ history: RecordedHistory) -> Bool {
    var acked: Set<[UInt64]> = []
    var subscribed: Set<UInt32> = []
    for event in history.events {
      if event.function == .subscribe { subscribed.insert(event.session) }
      if event.function == .deliver, !subscribed.contains(event.session) { return true }
      guard event.function == .ack || event.function == .nack else { continue }
      if event.outcome == .fail { return true }
      if event.outcome == .invoke, !acked.insert([UInt64(event.session), event.tag]).inserted { return true }
    }
    return false
  }
}
