// What an event costs in the checks, in nanoseconds. Only where asked for, and only in a release build:
//   STORMPROOF_BENCH=1 swift test -c release -Xswiftc -enable-testing --filter CheckersTests.Benchmark

import Base
import Foundation
import History
import Testing

@testable import Checkers

@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["STORMPROOF_BENCH"] != nil)) struct Benchmark {
  @Test func deliveries() {
    for level in ReliabilityLevel.allCases {
      let history =
        SimulatedRun(seed: 1, level: level, messages: 160_000, producers: 8, consumers: 16, queues: 4).history
      var result = DeliveryResult()
      let spent =
        (0..<5).map { _ in
          time { result = DeliveryChecker.check(history, options: DeliveryOptions(level: level)) }
        }.min() ?? 0
      let count = history.events.count
      print("delivery \(level): \(count) events, \(Int(spent * 1e3)) ms, \(Int(spent * 1e9) / count) ns an event")
      #expect(Violations.verdict(of: result, judgedAs: level) == .valid)
    }
  }

  @Test func queues() {
    for hasEmpties in [false, true] {
      let history = Self.steadyQueue(operations: 500_000, hasEmpties: hasEmpties)
      var result = QueueResult()
      let spent = (0..<5).map { _ in time { result = QueueChecker.check(history, model: .fifo) } }.min() ?? 0
      let count = history.events.count
      print("fifo, empties \(hasEmpties): \(count) events, \(Int(spent * 1e9) / count) ns an event")
      #expect(result.verdict == .valid)
    }
  }

  @Test func logs() {
    for unknown in [0, 0.01] {
      let log = SimulatedLog(seed: 1, operations: 1_000_000, clients: 50, unknown: unknown)
      var result = LogResult()
      let spent = (0..<5).map { _ in time { result = LogChecker.check(log.operations) } }.min() ?? 0
      print("log, unknown \(unknown): \(log.operations.count) operations, \(Int(spent * 1e3)) ns an operation")
      #expect(result.verdict == .valid)
    }
  }

  @Test func transactions() {
    for mode in SimulatedTransactions.Mode.allCases where mode != .serial {
      let run = SimulatedTransactions(seed: 1, mode: mode, transactions: 4_000, clients: 20, keys: 20)
      let history = run.history.history()
      var result = TransactionResult()
      let spent =
        (0..<5).map { _ in time { result = TransactionChecker.check(history, options: mode.options) } }.min() ?? 0
      let count = history.accesses.count
      print(
        "transactions \(mode): \(history.transactions.count), \(count) messages, \(Int(spent * 1e9) / count) ns a message"
      )
      #expect(result.verdict == .valid)
    }
  }

  /// A queue some values deep; in between, where asked for, it runs empty and is asked.
  private static func steadyQueue(operations: Int, hasEmpties: Bool) -> RecordedHistory {
    var events: [Event] = []
    var (op, put, taken) = (UInt64(0), 0, 0)
    func add(_ function: Function, _ message: MessageID) {
      op += 1
      var event = Event()
      (event.op, event.function, event.time) = (op, function, Int64(events.count) + 1)
      event.message = function == .enqueue ? message : .none
      events.append(event)
      (event.outcome, event.message, event.time) = (.ok, message, Int64(events.count) + 1)
      events.append(event)
    }
    while Int(op) < operations {
      for _ in 0..<50 {
        add(.enqueue, MessageID(producer: 0, sequence: put))
        put += 1
      }
      for _ in 0..<50 {
        add(.dequeue, MessageID(producer: 0, sequence: taken))
        taken += 1
      }
      if hasEmpties { add(.dequeue, .none) }
    }
    return RecordedHistory(names: Names(), events: events, isComplete: true)
  }

  private func time(_ work: () -> Void) -> Double {
    let clock = ContinuousClock()
    let spent = clock.measure(work).components
    return Double(spent.seconds) + Double(spent.attoseconds) * 1e-18
  }
}
