// Each rule of queues in a few lines of its own, and what the command says of them.

import Base
import History
import Testing

@testable import Checkers

@Suite struct QueueRuleTests {
  private func check(_ model: QueueModel, _ build: (inout HistoryBuilder) -> Void) -> QueueResult {
    var builder = HistoryBuilder()
    build(&builder)
    return QueueChecker.check(builder.history, model: model)
  }

  private func found(_ result: QueueResult) -> [QueueFindingName: Int] { result.counts.filter { $0.value > 0 } }

  @Test func orderMattersInAFifoOnly() throws {
    func build(_ builder: inout HistoryBuilder) {
      builder.enqueue(1)
      builder.enqueue(2)
      builder.dequeue(2)
      builder.dequeue(1)
    }
    let result = check(.fifo, build)
    #expect(found(result) == [.outOfOrder: 1])
    let finding = try #require(result.findings.first)
    #expect(finding.message == HistoryBuilder.id(1))
    #expect(finding.events == [0, 1, 2, 6, 7])
    #expect(check(.bag, build).verdict == .valid)
  }

  @Test func passedOverIsLostUnlessSomethingTookIt() {
    func build(_ builder: inout HistoryBuilder, _ between: (inout HistoryBuilder) -> Void) {
      builder.enqueue(1)
      between(&builder)
      builder.enqueue(2)
      builder.dequeue(2)
    }
    #expect(found(check(.fifo) { build(&$0) { _ in } }) == [.lost: 1])
    #expect(check(.fifo) { build(&$0) { $0.dequeue(nil, .info) } }.verdict == .valid)
    #expect(check(.fifo) { build(&$0) { $0.dequeue(1, .info) } }.verdict == .valid)
    #expect(check(.fifo) { build(&$0) { $0.add(.dequeue, .invoke) } }.verdict == .valid)
    #expect(found(check(.fifo) { build(&$0) { $0.dequeue(nil, .fail) } }) == [.lost: 1])
    // Too late: the other was out before.
    #expect(
      found(
        check(.fifo) {
          build(&$0) { _ in }
          $0.dequeue(nil, .info)
        }) == [.lost: 1])
  }

  /// The need with the nearest deadline has the first choice, in whatever order the values went in.
  @Test func needsAreMetByDeadline() {
    let result = check(.fifo) {
      let slow = $0.add(.enqueue, .invoke) { $0.message = HistoryBuilder.id(1) }
      $0.enqueue(2)
      $0.dequeue(nil, .info)
      $0.enqueue(3)
      $0.dequeue(3)
      $0.add(.enqueue, .ok, op: slow) { $0.message = HistoryBuilder.id(1) }
      $0.dequeue(nil, .info)
      $0.enqueue(4)
      $0.dequeue(4)
    }
    #expect(result.verdict == .valid)
  }

  @Test func twiceNeverAndFailed() {
    #expect(
      found(
        check(.bag) {
          $0.enqueue(1)
          $0.dequeue(1)
          $0.dequeue(1)
        }) == [.duplicated: 1])
    #expect(found(check(.bag) { $0.dequeue(1) }) == [.unexpected: 1])
    #expect(
      found(
        check(.bag) {
          $0.enqueue(1, .fail)
          $0.dequeue(1)
        }) == [.abortedRead: 1])
  }

  @Test func anEmptyAnswerNeedsAMomentWithNothingInside() {
    for model in QueueModel.allCases {
      #expect(
        found(
          check(model) {
            $0.enqueue(1)
            $0.dequeue(nil)
            $0.dequeue(1)
          }) == [.falseEmpty: 1])
      #expect(
        check(model) {
          $0.enqueue(1)
          $0.dequeue(1)
          $0.dequeue(nil)
        }.verdict == .valid)
      #expect(
        check(model) {
          $0.enqueue(1)
          $0.dequeue(nil, .info)
          $0.dequeue(nil)
        }.verdict == .valid)
      // What was seen was inside, though nobody knows when it went in, and it came out later.
      #expect(
        found(
          check(model) {
            $0.enqueue(1, .info)
            $0.dequeue(1, .info)
            $0.dequeue(nil)
            $0.dequeue(1)
          }) == [.falseEmpty: 1])
    }
  }

  /// Unknown results, a sighting and empty answers: the rules would give one dequeue of unknown result to two who need one.
  @Test func theCornerIsSearchedWithinBounds() throws {
    func build(_ count: Int) -> RecordedHistory {
      var builder = HistoryBuilder()
      builder.enqueue(1)
      for _ in 0..<count { builder.dequeue(nil, .info) }
      builder.dequeue(nil)
      builder.dequeue(1, .info)
      builder.enqueue(2)
      builder.dequeue(nil)
      return builder.history
    }
    for model in QueueModel.allCases {
      let one = QueueChecker.check(build(1), model: model)
      #expect(one.isCorner && one.isSearched && found(one) == [.unexplained: 1])
      let finding = try #require(one.findings.first)
      #expect(finding.events == [11] && finding.reason == "no order of all operations explains what had come by then")
      let two = QueueChecker.check(build(2), model: model)
      #expect(two.isCorner && two.isSearched && two.verdict == .valid)
      for budget in [SearchBudget(steps: 3), SearchBudget(bytes: 1 << 10)] {
        let cut = QueueChecker.check(build(1), model: model, budget: budget)
        #expect(cut.isCorner && !cut.isSearched && cut.verdict == .undecided && found(cut).isEmpty)
      }
    }
  }

  /// Seen before another went in: it was inside by then, whenever its enqueue is answered.
  @Test(arguments: [true, false]) func aSightingSaysThatItWasInside(isAnswered: Bool) {
    var builder = HistoryBuilder()
    let put = builder.add(.enqueue, .invoke) { $0.message = HistoryBuilder.id(1) }
    builder.dequeue(1, .info)
    builder.enqueue(2)
    builder.dequeue(2)
    builder.dequeue(1)
    if isAnswered { builder.add(.enqueue, .ok, op: put) { $0.message = HistoryBuilder.id(1) } }
    let history = builder.history
    #expect(QueueChecker.check(history, model: .fifo).verdict == .violated)
    #expect(QueueSearch.run(history, model: .fifo, budget: .standard).outcome != .explained)
    #expect(QueueSearch.run(history, model: .bag, budget: .standard).outcome == .explained)
  }

  @Test func aHistoryOfSomethingElseIsUndecided() {
    #expect(check(.fifo) { $0.send(1) }.verdict == .undecided)
    #expect(check(.bag) { _ in }.verdict == .undecided)
  }

  // MARK: Deliveries

  private func deliveries(prefetch: UInt64 = 1, _ build: (inout HistoryBuilder) -> Void) -> QueueResult {
    var builder = HistoryBuilder()
    let queue = builder.names.word("q")
    builder.subscribe(1, prefetch: prefetch)
    build(&builder)
    return QueueChecker.checkDeliveries(builder.history, queue: queue, options: DeliveryOptions(level: .medium))
  }

  private func twoSwapped(_ builder: inout HistoryBuilder, _ between: (inout HistoryBuilder) -> Void) {
    builder.send(1)
    between(&builder)
    builder.send(2)
    builder.deliver(2, session: 1, tag: 1)
    builder.ack(session: 1, tag: 1)
    builder.deliver(1, session: 1, tag: 2)
    builder.ack(session: 1, tag: 2)
  }

  @Test func firstDeliveriesAcrossChannelsKeepTheirOrder() {
    #expect(found(deliveries { twoSwapped(&$0) { _ in } }) == [.outOfOrder: 1])
    // Somebody else was there with a free slot, and is gone: it may have been sent there, and come back.
    #expect(
      deliveries {
        twoSwapped(&$0) {
          $0.subscribe(2)
          $0.add(.release, .info) { $0.session = 2 }
        }
      }.verdict == .valid)
    // The same where its slot had become free again.
    #expect(
      deliveries {
        $0.subscribe(2)
        $0.send(9)
        $0.deliver(9, session: 2, tag: 1)
        $0.ack(session: 2, tag: 1)
        twoSwapped(&$0) { $0.add(.release, .info) { $0.session = 2 } }
      }.verdict == .valid)
    // That one was busy, so it cannot have been.
    let busy = deliveries {
      $0.subscribe(2)
      $0.send(9)
      $0.deliver(9, session: 2, tag: 1)
      twoSwapped(&$0) { _ in }
      $0.add(.release, .info) { $0.session = 2 }
    }
    #expect(found(busy) == [.outOfOrder: 1])
    // A fault can have emptied its hands.
    let faulty = deliveries {
      $0.subscribe(2)
      $0.send(9)
      $0.deliver(9, session: 2, tag: 1)
      $0.fault("f", .invoke)
      twoSwapped(&$0) { _ in }
    }
    #expect(faulty.verdict == .valid)
    // With room for more they may have been on their way at once.
    #expect(deliveries(prefetch: 0) { twoSwapped(&$0) { _ in } }.verdict == .valid)
  }

  /// One idle consumer excuses one late message; while a fault stood it may have been given, and lost, many.
  @Test func aFaultExcusesMoreThanOne() {
    func threeLate(isFaulty: Bool) -> QueueResult {
      deliveries {
        if isFaulty { $0.fault("f", .invoke) }
        for id in 1...4 { $0.send(id) }
        if isFaulty { $0.fault("f", .ok) }
        $0.subscribe(3)
        for (k, id) in [4, 1, 2, 3].enumerated() {
          $0.deliver(id, session: 3, tag: UInt64(k + 1))
          $0.ack(session: 3, tag: UInt64(k + 1))
        }
      }
    }
    #expect(found(threeLate(isFaulty: false)) == [.outOfOrder: 2])
    #expect(threeLate(isFaulty: true).verdict == .valid)
  }

  /// A reply read in between shows that the second was sent after the first had been read.
  @Test func aReplyPartsWhatAWiderPrefetchJoins() {
    func swapped(_ between: (inout HistoryBuilder) -> Void) -> QueueResult {
      deliveries(prefetch: 2) {
        $0.send(1)
        $0.send(2)
        $0.deliver(2, session: 1, tag: 1)
        between(&$0)
        $0.deliver(1, session: 1, tag: 2)
      }
    }
    #expect(swapped { _ in }.verdict == .valid)
    #expect(found(swapped { $0.alive(1) }) == [.outOfOrder: 1])
  }

  /// A consumer without a limit may hold anything unseen, whatever it was sent before.
  @Test func anUnlimitedConsumerExcusesWhatAnotherGetsLate() {
    #expect(found(deliveries { twoSwapped(&$0) { _ in } }) == [.outOfOrder: 1])
    let beside = deliveries {
      $0.subscribe(2, prefetch: 0)
      twoSwapped(&$0) { _ in }
    }
    #expect(beside.verdict == .valid)
    // A prefetch limits nothing where nothing is acknowledged: the one got 9, and may have got 1.
    for isAuto in [false, true] {
      let busy = deliveries {
        $0.subscribe(2, isAuto: isAuto, prefetch: 1)
        $0.send(9)
        $0.deliver(9, session: 2, tag: 1)
        twoSwapped(&$0) { _ in }
      }
      #expect(found(busy) == (isAuto ? [:] : [.outOfOrder: 1]))
    }
  }

  /// What was passed over and never came is lost, but for as many as somebody can have had unseen.
  @Test func passedOverInAQueueOfDeliveriesIsLost() {
    func passed(_ others: (inout HistoryBuilder) -> Void = { _ in }) -> QueueResult {
      deliveries {
        others(&$0)
        for id in 1...3 { $0.send(id) }
        $0.deliver(3, session: 1, tag: 1)
        $0.ack(session: 1, tag: 1)
      }
    }
    #expect(found(passed()) == [.lost: 2])
    #expect(found(passed { $0.subscribe(2) }) == [.lost: 1])
    #expect(passed { $0.subscribe(2, prefetch: 2) }.verdict == .valid)
  }

  /// Each delivery takes the slot that was free the longest; the next one can only have the slot freed after it.
  @Test func aSlotIsTakenOnce() {
    let result = deliveries {
      $0.send(9)
      $0.deliver(9, session: 1, tag: 1)
      $0.ack(session: 1, tag: 1)
      $0.send(1)
      $0.send(2)
      for (k, id) in [2, 1].enumerated() {
        $0.deliver(id, session: 1, tag: UInt64(k + 2))
        $0.ack(session: 1, tag: UInt64(k + 2))
      }
    }
    #expect(found(result) == [.outOfOrder: 1])
  }

  /// What is read first need not have been sent first.
  @Test func theEarliestSendingOfAMessageCounts() {
    func late(again: Bool) -> QueueResult {
      deliveries {
        $0.subscribe(2)
        if !again {
          $0.send(9)
          $0.deliver(9, session: 2, tag: 1)
        }
        $0.send(1)
        $0.send(2)
        $0.deliver(2, session: 1, tag: 1)
        $0.ack(session: 1, tag: 1)
        $0.deliver(1, session: 1, tag: 2, flags: .redelivered)
        if again { $0.deliver(1, session: 2, tag: 1) }
      }
    }
    #expect(late(again: true).verdict == .valid)
    #expect(found(late(again: false)) == [.outOfOrder: 1])
  }

  /// What was published in a transaction goes in with its commit, and is in for certain when that was confirmed.
  @Test func aTransactionGoesInWithItsCommit() {
    func take(_ builder: inout HistoryBuilder, _ id: Int, tag: UInt64) {
      builder.deliver(id, session: 1, tag: tag)
      builder.ack(session: 1, tag: tag)
    }
    let overtakes = deliveries {
      $0.publish(2, channel: 51, tx: 7)
      $0.send(1)
      $0.end(.commit, tx: 7, .ok)
      take(&$0, 2, tag: 1)
      take(&$0, 1, tag: 2)
    }
    #expect(found(overtakes) == [.outOfOrder: 1])
    let waits = deliveries {
      let publish = $0.publish(1, channel: 51, tx: 7)
      $0.add(.publish, .ok, op: publish)
      $0.send(2)
      take(&$0, 2, tag: 1)
      $0.end(.commit, tx: 7, .ok)
      take(&$0, 1, tag: 2)
    }
    #expect(waits.verdict == .valid)
  }

  @Test func requeuedComesBackToItsPlaceWithoutBlame() {
    let result = deliveries {
      $0.send(1)
      $0.deliver(1, session: 1, tag: 1)
      $0.nack(session: 1, tag: 1)
      $0.send(2)
      $0.deliver(1, session: 1, tag: 2, flags: .redelivered)
      $0.ack(session: 1, tag: 2)
      $0.deliver(2, session: 1, tag: 3)
      $0.ack(session: 1, tag: 3)
    }
    #expect(result.verdict == .valid && result.enqueued == 2 && result.dequeued == 2)
  }
}
