// Outages and recoveries: a service whose figures are known, and random histories against their evaluation from words.

import Base
import History
import Testing

@testable import Checkers

@Suite struct AvailabilityTests {
  /// A message every 10 ms for ten seconds, confirmed after 4 ms and delivered after 6; but nothing is answered from 3 s,
  /// when a fault begins, to 5.5 s, half a second after its heal, and what had to wait is answered a ms after the other.
  private static func service(hasConfirms: Bool = true, change: (inout [Event]) -> Void = { _ in }) -> RecordedHistory {
    var names = Names()
    let (route, queue, fault) = (names.route(to: ["q"]), names.word("q"), names.word("crash#1"))
    var events: [Event] = []
    func add(_ function: Function, _ outcome: Outcome, _ time: Nanoseconds, _ fill: (inout Event) -> Void) {
      var event = Event()
      (event.function, event.outcome, event.time) = (function, outcome, time)
      fill(&event)
      events.append(event)
    }
    add(.fault, .invoke, 3 * .second) { $0.place = fault }
    add(.fault, .ok, 5 * .second) { $0.place = fault }
    var free: Nanoseconds = 0
    for k in 0..<1000 {
      let sent = Nanoseconds(k) * 10 * .millisecond + 100
      let isHeld = sent >= 3 * .second && sent < 5500 * .millisecond
      let ready = max(isHeld ? 5500 * .millisecond : sent, free)
      free = ready + .millisecond
      let id = MessageID(producer: 1, sequence: k)
      let op = UInt64(k + 1)
      add(.publish, .invoke, sent) { ($0.message, $0.op, $0.place, $0.attempt) = (id, op, route, 1) }
      add(.publish, hasConfirms ? .ok : .info, ready + 4 * .millisecond) {
        ($0.message, $0.op, $0.attempt, $0.flags) = (id, op, 1, .sent)
      }
      add(.deliver, .ok, ready + 6 * .millisecond) { ($0.message, $0.place, $0.attempt, $0.tag) = (id, queue, 1, op) }
    }
    change(&events)
    events.sort { $0.time < $1.time }
    for k in events.indices.dropFirst() where events[k].time <= events[k - 1].time {
      events[k].time = events[k - 1].time + 1
    }
    return RecordedHistory(names: names, events: events, isComplete: true)
  }

  private func isNear(_ value: Nanoseconds?, _ milliseconds: Double) -> Bool {
    value.map { abs($0.milliseconds - milliseconds) < 0.15 } ?? false
  }

  @Test(arguments: [true, false]) func aServiceThatStoodStillAndCameBack(hasConfirms: Bool) throws {
    let history = Self.service(hasConfirms: hasConfirms)
    let seen = try #require(Availability(history, hasConfirms: hasConfirms))
    // The last before the fault was sent at 2.99 s, the first after it was answered at 5.5 s.
    #expect(isNear(seen.confirms.length, 2510) && isNear(seen.confirms.began, 2994))
    #expect(isNear(seen.deliveries.length, 2510) && isNear(seen.deliveries.began, 2996))
    let recovery = try #require(seen.recoveries.first)
    #expect(seen.recoveries.count == 1 && recovery.fault == "crash#1" && recovery.hasBegun)
    #expect(isNear(recovery.confirmAfterBegin, 2504) && isNear(recovery.deliveryAfterBegin, 2506))
    // The 200 that were sent before the heal are answered first.
    #expect(isNear(recovery.confirmAfterHeal, 704) && isNear(recovery.deliveryAfterHeal, 506))
    // 250 had to wait: 1 ms each, while one more comes every 10 ms; they are through at 5.5 + 0.25 / 0.9 s.
    #expect(isNear(recovery.backlogDrained, 800))
    // What was sent until 5.778 s was late; the bound is twice 4 ms (6 ms): from 5.77 s on it is met.
    #expect(isNear(recovery.latencyBack, 800))
    let figures = AvailabilityFigures(seen)
    #expect(figures.longestOutage == seen.confirms.length.seconds && figures.recoveries.count == 1)
    #expect(figures.words.first == "longest time without a confirm 2.51 s, without a delivery 2.51 s")
    #expect(figures.words.last?.contains("confirm after its heal 0.704 s, delivery 0.506 s") == true)
  }

  @Test func whatNeverComesBackIsSaidSo() throws {
    let history = Self.service { events in events.removeAll { $0.function != .fault && $0.time > 3 * .second } }
    let seen = try #require(Availability(history, hasConfirms: true))
    let recovery = try #require(seen.recoveries.first)
    #expect(recovery.confirmAfterBegin == nil && recovery.deliveryAfterBegin == nil)
    #expect(recovery.confirmAfterHeal == nil && recovery.deliveryAfterHeal == nil && recovery.latencyBack == nil)
    // Nobody published any more: nothing is on its way.
    #expect(recovery.backlogDrained != nil)
    #expect(AvailabilityFigures(seen).words.last?.contains("latency back never") == true)
  }

  @Test func ofWhatWasLostNothingIsAwaited() throws {
    let history = Self.service { events in
      events.removeAll { $0.function == .deliver && (100..<160).contains($0.message.sequence) }
    }
    let recovery = try #require(Availability(history, hasConfirms: true)?.recoveries.first)
    #expect(isNear(recovery.backlogDrained, 800))
  }

  @Test func aPublishThatFailedWantsNoAnswer() throws {
    // Every second one from 6 s on, refused at once: of the others all are timely.
    let history = Self.service { events in
      for k in events.indices where events[k].function == .publish && events[k].outcome == .ok {
        if events[k].message.sequence >= 540, events[k].message.sequence % 2 == 0 { events[k].outcome = .fail }
      }
    }
    #expect(isNear(Availability(history, hasConfirms: true)?.recoveries.first?.latencyBack, 800))
    let silent = Self.service { events in
      events.removeAll {
        $0.function == .publish && $0.outcome == .ok && $0.message.sequence >= 540 && $0.message.sequence % 2 == 0
      }
    }
    #expect(Availability(silent, hasConfirms: true)?.recoveries.first?.latencyBack == nil)
  }

  @Test func withoutFaultsThereAreOnlyOutages() throws {
    let history = Self.service { events in events.removeAll { $0.function == .fault } }
    let seen = try #require(Availability(history, hasConfirms: true))
    #expect(seen.recoveries.isEmpty && isNear(seen.confirms.length, 2510))
    #expect(Availability(RecordedHistory(names: Names(), events: [], isComplete: true), hasConfirms: true) == nil)
  }

  @Test func aFaultThatNeverBeganIsNotReported() {
    let history = Self.service()
    let seen = Availability(
      history, faults: [FaultWindow("pause#1", began: nil, healed: nil)], begin: 0, end: 10 * .second, hasConfirms: true
    )
    #expect(seen.recoveries.count == 1 && AvailabilityFigures(seen).recoveries.isEmpty)
  }

  @Test func timesAtTheEdgesDoNotOverflow() {
    var history = Self.service()
    history.events[0].time = .min
    history.events[history.events.count - 1].time = .max
    let seen = Availability(
      history, faults: [FaultWindow("x", began: .min, healed: .max)], begin: .min, end: .max, hasConfirms: false)
    #expect(seen.recoveries.count == 1)
  }

  /// A message every 10 ms for ten seconds, from 0.1 ms on, answered after `latency` ms; a fault from 3 s to `healed`.
  private func steady(
    healed: Double = 5, transaction: Bool = false, intended: ((Int) -> Double)? = nil, latency: (Int) -> Double?
  ) -> RecordedHistory {
    func time(_ milliseconds: Double) -> Nanoseconds { Nanoseconds(milliseconds * 1e6) }
    var names = Names()
    let (route, fault) = (names.route(to: ["q"]), names.word("pause#1"))
    var events: [Event] = []
    func add(_ function: Function, _ outcome: Outcome, _ at: Double, _ fill: (inout Event) -> Void) {
      var event = Event()
      (event.function, event.outcome, event.time) = (function, outcome, time(at))
      fill(&event)
      events.append(event)
    }
    add(.fault, .invoke, 3000) { $0.place = fault }
    add(.fault, .ok, healed * 1000) { $0.place = fault }
    for k in 0..<1000 {
      let (sent, id, op) = (Double(k) * 10 + 0.1, MessageID(producer: 1, sequence: k), UInt64(k + 1))
      add(.publish, .invoke, sent) {
        ($0.message, $0.op, $0.place, $0.attempt) = (id, op, route, 1)
        if transaction { ($0.op, $0.transaction) = (0, op) }
        if let intended { $0.intended = time(intended(k)) }
      }
      let function: Function = transaction ? .commit : .publish
      if let latency = latency(k) {
        add(function, .ok, sent + latency) { ($0.op, $0.transaction) = (op + 5000, transaction ? op : 0) }
        if !transaction { events[events.count - 1].op = op }
      } else if transaction {
        add(.rollback, .ok, sent + 1) { ($0.op, $0.transaction) = (op + 5000, op) }
      }
    }
    events.sort { $0.time < $1.time }
    for k in events.indices.dropFirst() where events[k].time <= events[k - 1].time {
      events[k].time = events[k - 1].time + 1
    }
    return RecordedHistory(names: names, events: events, isComplete: true)
  }

  private func back(_ history: RecordedHistory) -> Nanoseconds? {
    Availability(history, hasConfirms: true)?.recoveries.first?.latencyBack
  }

  @Test func theBandIsTwiceThe99thPercentile() {
    // One in twenty takes 7 ms before the fault: 13 ms are usual enough after it, 15 are not.
    func usual(_ k: Int, after: Double) -> Double { k < 300 ? k % 20 == 0 ? 7 : 2 : after }
    #expect(isNear(back(steady { usual($0, after: 13) }), 0))
    #expect(back(steady { usual($0, after: 15) }) == nil)
    // One in a hundred may be late, and no more.
    #expect(isNear(back(steady { usual($0, after: $0 % 100 == 50 ? 90 : 2) }), 0))
    #expect(back(steady { usual($0, after: $0 % 50 == 20 ? 90 : 2) }) == nil)
  }

  /// The slice in which it was healed lies partly before the heal.
  @Test func latencyIsBackAfterTheHeal() {
    #expect(isNear(back(steady(healed: 5.05) { _ in 2 }), 50))
    #expect(isNear(back(steady(healed: 5.05) { $0 < 650 && $0 >= 300 ? 50 : 2 }), 1450))
  }

  @Test func whatWasRolledBackWantsNoAnswer() {
    #expect(isNear(back(steady(transaction: true) { $0 % 3 == 0 ? nil : 2 }), 0))
    // The same without a transaction is a publish that nobody ever answered.
    #expect(back(steady { $0 % 3 == 0 ? nil : 2 }) == nil)
  }

  /// A generator that is late is late for everybody who waits.
  @Test func latencyBeginsWhenTheScheduleMeantIt() throws {
    // From 6.2 s on each is sent 100 ms late.
    let late = steady(intended: { $0 >= 620 ? Double($0) * 10 - 100 : Double($0) * 10 }, latency: { _ in 2 })
    #expect(isNear(back(late), 0))
    let allLate = steady(intended: { $0 >= 510 ? Double($0) * 10 - 100 : Double($0) * 10 }, latency: { _ in 2 })
    #expect(back(allLate) == nil)
    // The first confirm after the begin is of what was sent after it, whenever it was meant to be.
    let held = steady(intended: { k in k >= 300 && k < 800 ? 2999 : Double(k) * 10 }, latency: { _ in 2 })
    let recovery = try #require(Availability(held, hasConfirms: true)?.recoveries.first)
    #expect(isNear(recovery.confirmAfterBegin, 2.1))
  }

  @Test func onlyTheLoadCounts() throws {
    // Slow before the load begins at 1 s and after it ends at 8 s; not back until 8.5 s.
    let history = steady { k in k < 100 ? 50 : k < 300 || k >= 850 ? 2 : 20 }
    let faults = FaultWindow.all(in: history)
    let inside = Availability(history, faults: faults, begin: .second, end: 8 * .second, hasConfirms: true)
    #expect(inside.recoveries[0].latencyBack == nil)
    let all = Availability(history, faults: faults, begin: .second, end: 10 * .second, hasConfirms: true)
    #expect(isNear(all.recoveries[0].latencyBack, 3500))
  }

  @Test func aFaultThatStandsDoesNotBeginAgain() {
    var builder = HistoryBuilder()
    builder.fault("a", .invoke)
    builder.fault("a", .invoke)
    builder.fault("b", .ok)
    builder.fault("a", .ok)
    builder.fault("a", .invoke)
    #expect(
      FaultWindow.all(in: builder.history) == [
        FaultWindow("a", began: .millisecond, healed: 4 * .millisecond),
        FaultWindow("a", began: 5 * .millisecond, healed: nil),
      ])
  }

  @Test func randomHistoriesGiveWhatTheWordsSay() {
    let rounds = Rounds("availability", usual: 300, parts: 20)
    var seen: [String: Int] = [:]
    for seed in rounds.seeds {
      var rng = SeededGenerator(seed: seed, label: "availability")
      let level = rng.pick(ReliabilityLevel.allCases)
      let run = SimulatedRun(
        seed: seed, level: level, messages: 3 + rng.below(20), producers: 1 + rng.below(2), consumers: 1 + rng.below(3),
        queues: 1 + rng.below(2), isRough: rng.chance(0.5), hasDeadLetters: false)
      var history = run.history
      if rng.chance(0.3) { history = EditableHistory(history, rng).damaged() }
      guard let first = history.events.first?.time, let last = history.events.last?.time else { continue }
      // Faults of the history, or any; the load is all of it, or a piece.
      var faults = FaultWindow.all(in: history)
      let span = last - first
      if rng.chance(0.6) {
        faults = (0...rng.below(3)).map { k in
          let began = first + Nanoseconds(rng.below(Int(span) + 1))
          let healed = rng.chance(0.8) ? began + Nanoseconds(rng.below(Int(span) + 1)) : nil
          return FaultWindow("f\(k)", began: rng.chance(0.9) ? began : nil, healed: healed)
        }
      }
      let begin = rng.chance(0.5) ? first : first + span / 10
      let end = rng.chance(0.5) ? last : first + span / 2
      let hasConfirms = level != .low
      let fast = Availability(history, faults: faults, begin: begin, end: end, hasConfirms: hasConfirms)
      let naive = NaiveAvailability(history, faults: faults, begin: begin, end: end, hasConfirms: hasConfirms)
      #expect(fast.confirms.length == naive.longestOutage, "seed \(seed)")
      #expect(fast.deliveries.length == naive.longestDeliveryOutage, "seed \(seed)")
      for (k, fault) in faults.enumerated() {
        let expected = naive.recovery(fault)
        #expect(fast.recoveries[k] == expected, "seed \(seed) \(fault)")
        if expected.confirmAfterBegin != nil { seen["confirm", default: 0] += 1 }
        if expected.deliveryAfterBegin != nil { seen["delivery", default: 0] += 1 }
        if expected.latencyBack ?? 0 > 0 { seen["latency", default: 0] += 1 }
        if expected.backlogDrained ?? 0 > 0 { seen["backlog", default: 0] += 1 }
      }
    }
    guard rounds.finish() else { return }
    for (what, least) in [("confirm", 20), ("delivery", 20), ("latency", 4), ("backlog", 20)] {
      #expect(seen[what, default: 0] > least, "\(what)")
    }
  }
}
