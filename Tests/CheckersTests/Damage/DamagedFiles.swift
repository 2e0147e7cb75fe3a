// The files that are damaged before they are checked: small histories of every model, mostly sound ones.

import Base
import Foundation
import History

@testable import Checkers

enum DamagedFiles {
  static let deliveries: [[UInt8]] = (1...UInt64(16)).map { seed in
    JSONLines.export(delivery(seed).history)
  }

  static func delivery(_ seed: UInt64) -> SimulatedRun {
    var rng = SeededGenerator(seed: seed, label: "damaged deliveries")
    return SimulatedRun(
      seed: seed, level: rng.pick(ReliabilityLevel.allCases), messages: 1 + rng.below(3), producers: 1,
      consumers: 1 + rng.below(2), queues: 1 + rng.below(2), isRough: rng.chance(0.3), hasDeadLetters: rng.chance(0.3))
  }

  static let queues: [[UInt8]] = queueHistories.map { JSONLines.export($0) }

  private static let queueHistories: [RecordedHistory] = (1...UInt64(12)).map { seed in
    RandomQueueHistory.make(
      SeededGenerator(seed: seed, label: "damaged queues"), seed % 2 == 0 ? .fifo : .bag,
      QueueMix.all[Int(seed) % QueueMix.all.count], operations: 8)
  }

  static let queueForms: [[UInt8]] = queueHistories.map { JepsenHistory.export($0) }

  static let registers: [[UInt8]] = (1...UInt64(12)).map { seed in
    let mix = RegisterMix.all[Int(seed) % RegisterMix.all.count]
    return JSONLines.export(
      RandomRegisterHistory.make(SeededGenerator(seed: seed, label: "damaged registers"), mix, operations: 8))
  }

  static let logs: [[UInt8]] = (1...UInt64(12)).map { seed in
    JSONLines.export(
      log(
        RandomLogHistory.make(
          SeededGenerator(seed: seed, label: "damaged logs"), isDense: seed % 2 == 0, operations: 8)))
  }

  private static func log(_ operations: [LogOperation]) -> RecordedHistory {
    var events: [Event] = []
    for (k, operation) in operations.enumerated() {
      var event = Event()
      (event.op, event.process, event.time) = (UInt64(k + 1), Int32(k), operation.begin)
      event.function = operation.kind == .append ? .append : .read
      if operation.kind == .append {
        event.message = operation.value
      } else {
        event.tag = UInt64(max(0, operation.offset))
      }
      events.append(event)
      guard operation.outcome != .invoke else { continue }
      (event.outcome, event.time) = (operation.outcome, operation.end)
      if operation.outcome == .ok { (event.message, event.tag) = (operation.value, UInt64(max(0, operation.offset))) }
      events.append(event)
    }
    // An event that ends an operation comes after the one that begins it.
    let order = events.indices.sorted { (events[$0].time, $0) < (events[$1].time, $1) }
    return RecordedHistory(names: Names(), events: order.map { events[$0] }, isComplete: true)
  }

  /// As recorders leave them, in blocks of a few events: of queues, and of deliveries.
  static func binaries() throws -> [[UInt8]] {
    try (queueHistories + (1...4).map { delivery($0).history }).map { history in
      let path = FileManager.default.temporaryDirectory.appendingPathComponent("damaged-\(UUID().uuidString)").path
      defer { try? FileManager.default.removeItem(atPath: path) }
      let recorder = try HistoryRecorder(path: path, blockEvents: 5)
      for entry in history.names.entries {
        switch entry {
        case .word(let text): _ = recorder.word(text)
        case .route(let queues): _ = recorder.route(to: queues.map { history.names.text($0) })
        }
      }
      for event in history.events { recorder.append(event) }
      recorder.close()
      return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }
  }

  static let transactions: [[UInt8]] = SimulatedTransactions.Mode.allCases.flatMap { mode in
    (1...UInt64(5)).map { seed in
      var rng = SeededGenerator(seed: seed, label: "damaged transactions")
      let run = SimulatedTransactions(
        seed: seed, mode: mode, transactions: 4 + rng.below(8), clients: 1 + rng.below(3), keys: 1 + rng.below(2))
      return TransactionText.lines(of: run.history.history())
    }
  }
}

/// Transactions written as `TransactionHistory.parse` reads them.
private enum TransactionText {
  static func lines(of history: TransactionHistory) -> [UInt8] {
    var lines: [(time: Int64, text: String)] = []
    for transaction in history.transactions {
      let isAssignment = transaction.kind == .assignment
      let keys = history.keyLists[transaction.keyList].map { "\"\(history.keys[Int($0)])\"" }.joined(separator: ",")
      func add(_ time: Int64, _ type: String, _ value: String, _ rest: String = "") {
        lines.append(
          (
            time,
            #"{"time":\#(time),"process":\#(transaction.process),"type":"\#(type)","#
              + #""f":"\#(isAssignment ? "assign" : "txn")","value":\#(isAssignment ? "[\(keys)]" : value)\#(rest)}"#
          ))
      }
      let accesses = Array(history.accesses[transaction.accesses])
      add(transaction.begin, "invoke", operations(accesses, history, isKnown: false))
      let type = [Outcome.ok: "ok", .fail: "fail", .info: "info"][transaction.outcome]
      guard let type else { continue }
      let rest = keys.isEmpty || isAssignment ? "" : #","rebalance-log":[{"keys":[\#(keys)]}]"#
      add(transaction.end, type, operations(accesses, history, isKnown: transaction.outcome == .ok), rest)
    }
    return Array(lines.sorted { $0.time < $1.time }.map(\.text).joined(separator: "\n").utf8)
  }

  private static func operations(
    _ accesses: [TransactionHistory.Access], _ history: TransactionHistory, isKnown: Bool
  ) -> String {
    let steps = Dictionary(grouping: accesses, by: \.step).sorted { $0.key < $1.key }.map(\.value)
    func pair(_ access: TransactionHistory.Access) -> String {
      "[\(access.offset < 0 ? "null" : "\(access.offset)"),\(access.value)]"
    }
    let texts = steps.map { step in
      if step[0].isSend {
        let key = history.keys[Int(step[0].key)]
        return "[\"send\",\"\(key)\",\(isKnown ? pair(step[0]) : "\(step[0].value)")]"
      }
      guard isKnown else { return "[\"poll\"]" }
      let logs = Dictionary(grouping: step, by: \.key).sorted { $0.key < $1.key }.map { key, accesses in
        "\"\(history.keys[Int(key)])\":[\(accesses.map(pair).joined(separator: ","))]"
      }
      return "[\"poll\",{\(logs.joined(separator: ","))}]"
    }
    return "[\(texts.joined(separator: ","))]"
  }
}
