// The rules by which one expectation becomes a verdict, and the doubts that make a "holds" inconclusive.

import Base
import Checkers
import History
import Scenario

/// Reasons for which what would hold is inconclusive, for a level as a whole.
struct Doubts: Equatable {
  /// Sentences that say what is missing and what to change.
  var all: [String] = []
  var faultsFelt = 0

  init(_ record: LevelRecord, timeline: LevelTimeline, measures: LevelMeasures) {
    if let aborted = record.aborted {
      all.append(
        "The level was ended on a violation (\(aborted)): what only a whole load and the drain can show is not decided."
      )
    }
    faultsFelt = timeline.faults.count { $0.inForce && $0.felt }
    if !record.history.isComplete {
      all.append("The run was cut off: its history has no end. Run it again.")
    }
    for fault in timeline.faults where !fault.inForce {
      let unsaid = fault.began == nil ? "it never began" : "no evidence of it was recorded"
      let text = fault.evidence.isEmpty ? unsaid : fault.evidence
      all.append("\(fault.plan.id) was not in force: \(text).")
    }
    if !timeline.faults.isEmpty, all.isEmpty {
      if faultsFelt == 0 {
        all.append(
          "No fault was felt by the broker: nothing of its traffic, requests or processes was touched. Aim the faults at"
            + " what this level uses.")
      } else if !measures.wasExposed {
        all.append("No client did anything while a fault stood. Let the load last longer than the faults.")
      }
    }
    if record.result.acknowledged == 0 {
      let word = record.result.hasConfirms ? "acknowledged" : "sent"
      all.append("No message was \(word): there was nothing to lose. Lengthen the load, or look into the broker's log.")
    }
  }
}

extension Judge {
  /// Nil where the expectation has no meaning at this level.
  static func guarantee(
    _ expectation: Expectation, record: LevelRecord, timeline: LevelTimeline, measures: LevelMeasures, doubts: Doubts
  ) -> LevelVerdict.Guarantee? {
    var guarantee = LevelVerdict.Guarantee(
      name: expectation.name, expected: expectation.rule.description, observed: 0,
      promised: record.settings?.promised[expectation.name], faultsFelt: doubts.faultsFelt, upper95PerFault: nil,
      verdict: .holds, why: nil)
    if let name = FindingName(rawValue: expectation.name) {
      guard applies(name, at: record.plan.axes) else { return nil }
      count(name, expectation.rule, record.result, doubts, &guarantee)
    } else if let measure = Measure(rawValue: expectation.name), case .below(let bound) = expectation.rule {
      time(measure, bound, timeline, measures, doubts, &guarantee)
    } else {
      guarantee.verdict = .inconclusive
      guarantee.why = "\(expectation.name) with \(expectation.rule) cannot be judged by this version."
    }
    return guarantee
  }

  private static func applies(_ name: FindingName, at axes: Axes) -> Bool {
    switch name {
    case .tornTransaction: axes.publish == .transaction || axes.consume == .transaction
    case .stuckConfirm: axes.publish != .fireAndForget
    default: true
    }
  }

  private static func count(
    _ name: FindingName, _ rule: Expectation.Rule, _ result: DeliveryResult, _ doubts: Doubts,
    _ guarantee: inout LevelVerdict.Guarantee
  ) {
    let observed = result.counts[name, default: 0]
    let undecided = result.undecided[name, default: 0]
    guarantee.observed = Double(observed)
    // Of what every sound broker does, none is no achievement.
    let isFault = name != .redelivered && name != .recovered
    if isFault, observed == 0, undecided == 0, doubts.all.isEmpty {
      guarantee.upper95PerFault = ZeroBound.upper95(doubts.faultsFelt)
    }
    guard case .atMost(let allowed) = rule else {
      // What is only reported is no promise; a time is none for a count.
      if case .below = rule {
        guarantee.verdict = .inconclusive
        guarantee.why = "\(name.rawValue) is a count and has no time."
      }
      return
    }
    if observed > allowed {
      guarantee.verdict = .violated
      return
    }
    if let doubt = doubts.all.first {
      guarantee.why = doubt
    } else if observed + undecided > allowed {
      guarantee.why =
        "The drain did not finish: \(Words.count(undecided, "case")) of \(name.rawValue) may only be late. Lengthen the"
        + " drain phase."
    } else if name == .tornTransaction, result.committed + result.unknownTransactions == 0 {
      guarantee.why = "No transaction was committed: nothing could be torn. Lengthen the load."
    }
    if guarantee.why != nil { guarantee.verdict = .inconclusive }
  }

  private static func time(
    _ measure: Measure, _ bound: Nanoseconds, _ timeline: LevelTimeline, _ measures: LevelMeasures, _ doubts: Doubts,
    _ guarantee: inout LevelVerdict.Guarantee
  ) {
    var longest: Nanoseconds = 0
    var late: String?
    var open: String?
    if measure == .longestOutage {
      longest = measures.availability.confirms.length
      if !timeline.hasWholeLoad { open = "The load phase did not end: the run was cut off." }
    } else {
      let what = measure == .firstConfirmAfterHeal ? "publish" : "delivery"
      for (index, fault) in timeline.faults.enumerated() {
        guard let healed = fault.healed else {
          open = open ?? "\(fault.plan.id) was never healed."
          continue
        }
        let recovery = measures.availability.recoveries[index]
        let first = measure == .firstConfirmAfterHeal ? recovery.confirmAfterHeal : recovery.deliveryAfterHeal
        if let first {
          longest = max(longest, first)
        } else if timeline.loadEnd - healed >= bound {
          // The load went on for long enough, and nothing came.
          longest = max(longest, timeline.loadEnd - healed)
          late =
            "\(measure.rawValue): no \(what) succeeded in the \(Words.seconds((timeline.loadEnd - healed).seconds))"
            + " of load after \(fault.plan.id) was healed, expected \(guarantee.expected)"
        } else {
          open =
            open ?? "The load ended too soon after the heal of \(fault.plan.id) to see it recover. Lengthen the load."
        }
      }
      if timeline.faults.isEmpty { open = "The plan has no fault: there is nothing to recover from." }
    }
    guarantee.observed = longest.milliseconds
    if longest >= bound {
      guarantee.verdict = .violated
      guarantee.why = late
    } else if let why = doubts.all.first ?? open {
      guarantee.verdict = .inconclusive
      guarantee.why = why
    }
  }
}
