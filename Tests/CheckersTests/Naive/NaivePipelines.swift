// What sagas and transformers come to, by the words of each finding: filters over everything for every question.

import Base
import History

/// Shares nothing with `SagaChecker` but the names of its findings.
struct NaiveSaga {
  struct Step: Hashable {
    var order: Int
    var service: String
    var isCompletion: Bool
  }

  var services: [String]
  var orders: [Int: Outcome] = [:]
  var steps: [Step] = []
  var isDrained = true

  /// After a drain.
  func counts() -> [String: Int] {
    var counts = ["unexpected": 0, "duplicated": 0, "torn-transaction": 0, "lost": 0, "aborted-read": 0]
    counts["unexpected"] = steps.count { orders[$0.order] == nil || !services.contains($0.service) }
    for (order, outcome) in orders {
      var holders = 0
      for service in services {
        let done = steps.count { $0 == Step(order: order, service: service, isCompletion: true) }
        let undone = steps.count { $0 == Step(order: order, service: service, isCompletion: false) }
        if done >= 2 || undone >= 2 { counts["duplicated", default: 0] += 1 }
        if done >= 1, undone == 0 { holders += 1 }
      }
      if holders > 0, holders < services.count { counts["torn-transaction", default: 0] += 1 }
      if outcome == .ok, holders == 0 { counts["lost", default: 0] += 1 }
      if outcome == .fail, holders == services.count { counts["aborted-read", default: 0] += 1 }
    }
    return counts
  }

  var isSound: Bool { counts().values.allSatisfy { $0 == 0 } }

  /// Whether some way on leads to a drain at which all is well: every set of further steps is tried.
  func canBecomeSound() -> Bool {
    var further = self
    for step in steps where orders[step.order] == nil { further.orders[step.order] = .info }
    let possible = further.orders.keys.sorted().flatMap { order in
      services.flatMap { service in
        [true, false].map { Step(order: order, service: service, isCompletion: $0) }
      }
    }
    for set in 0..<(1 << possible.count) {
      further.steps = steps + possible.indices.filter { set >> $0 & 1 == 1 }.map { possible[$0] }
      if further.isSound { return true }
    }
    return false
  }
}

/// Shares nothing with `TransformChecker` but the names of its findings.
struct NaiveTransform {
  struct Input {
    var partition: String
    var offset: Int
    var parts: Int
  }

  struct Output {
    var input: Int
    var part: Int
    var transaction: Int
  }

  var inputs: [Int: Input] = [:]
  var outputs: [Output] = []
  var transactions: [Int: Outcome] = [:]
  /// By partition the offsets that were committed, one after the other.
  var committed: [String: [Int]] = [:]
  var isDrained = true

  /// After a drain.
  func counts() -> [String: Int] {
    func fits(_ output: Output) -> Bool { inputs[output.input].map { output.part < $0.parts } ?? true }
    var counts = ["duplicated": 0, "lost": 0, "torn-transaction": 0, "uncommitted-offset": 0, "unprocessed": 0]
    counts["aborted-read"] = outputs.count { fits($0) && transactions[$0.transaction] == .fail }
    counts["unexpected"] = outputs.count {
      !fits($0)
        || transactions[$0.transaction] != .fail
          && (inputs[$0.input] == nil || transactions[$0.transaction] == nil)
    }
    for (id, input) in inputs {
      let copies = (0..<input.parts).map { part in
        outputs.count {
          $0.input == id && $0.part == part && (transactions[$0.transaction] ?? .fail) != .fail
        }
      }
      let present = copies.count { $0 > 0 }
      let isCommitted = input.offset < committed[input.partition]?.last ?? 0
      if copies.contains(where: { $0 > 1 }) { counts["duplicated", default: 0] += 1 }
      if present > 0, present < input.parts { counts["torn-transaction", default: 0] += 1 }
      let name: String? =
        switch (present > 0, isCommitted) {
        case (true, true): nil
        case (true, false): "uncommitted-offset"
        case (false, true): input.parts == 0 ? nil : "lost"
        case (false, false): "unprocessed"
        }
      if let name { counts[name, default: 0] += 1 }
    }
    return counts
  }

  var isSound: Bool { counts().values.allSatisfy { $0 == 0 } }

  /// Whether all is well if from here on everything goes as well as it can: what is unknown turns out to have been there,
  /// what is missing is written, and everything is committed.
  func canBecomeSound() -> Bool {
    var best = self
    for output in outputs {
      if best.transactions[output.transaction] == nil { best.transactions[output.transaction] = .ok }
      if inputs[output.input] == nil {
        let parts = outputs.filter { $0.input == output.input }.map(\.part).max() ?? 0
        best.inputs[output.input] = Input(partition: "new", offset: output.input, parts: parts + 1)
      }
    }
    best.transactions[999] = .ok
    for (id, input) in best.inputs {
      best.committed[input.partition] = [1000]
      for part in 0..<input.parts where !best.outputs.contains(where: { $0.input == id && $0.part == part }) {
        best.outputs.append(Output(input: id, part: part, transaction: 999))
      }
    }
    return best.isSound
  }
}
