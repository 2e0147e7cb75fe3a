// Publishes that were never answered on a connection that stayed open, while later ones to the same queue were.

import Base
import History

extension DeliveryAudit {
  /// Judged only where there are confirms, and once every fault is healed.
  mutating func judgeConfirms() {
    guard ledger.options.hasConfirms, ledger.standingCount == 0, !ledger.events.isEmpty else { return }
    var waits: [(attempt: Int32, until: Int32)] = []
    for (k, attempt) in ledger.attempts.enumerated() where attempt.transaction < 0 {
      let until = min(
        attempt.replied, ended(ledger.events[Int(attempt.invoke)].session), Int32(ledger.events.count) - 1)
      let since = max(ledger.time(attempt.invoke), ledger.lastHeal)
      if ledger.time(until) - since > ledger.options.stuckConfirmAfter { waits.append((Int32(k), until)) }
    }
    guard !waits.isEmpty else { return }
    let confirms = confirmsByQueue()
    for (at, until) in waits {
      let attempt = ledger.attempts[Int(at)]
      let overtaking = ledger.queues(of: attempt).lazy.compactMap { queue -> Int32? in
        let list = confirms[Int(queue)]
        let next = firstIndex(in: list) { $0.invoke > attempt.invoke }
        return next < list.count && list[next].ok <= until ? list[next].ok : nil
      }.first
      if let overtaking, book.count(.stuckConfirm) { book.keep(stuckConfirm(at, until, overtaking)) }
    }
  }

  /// When the publish channel was closed, or lost as the client saw it.
  private func ended(_ channel: UInt32) -> Int32 {
    let session = channel == 0 ? -1 : ledger.sessionTable.find(UInt64(channel))
    return session < 0 ? DeliveryLedger.never : ledger.sessions[Int(session)].ended
  }

  /// By queue its publishes in the order of invocation, each with the earliest confirm of it or of a later one.
  private func confirmsByQueue() -> [[(invoke: Int32, ok: Int32)]] {
    var queues = [[(invoke: Int32, ok: Int32)]](repeating: [], count: ledger.names.entries.count)
    for attempt in ledger.attempts where attempt.transaction < 0 && !attempt.hasFailed {
      for queue in ledger.queues(of: attempt) { queues[Int(queue)].append((attempt.invoke, attempt.ok)) }
    }
    for queue in queues.indices {
      var best = DeliveryLedger.never
      for k in queues[queue].indices.reversed() {
        best = min(best, queues[queue][k].ok)
        queues[queue][k].ok = best
      }
    }
    return queues
  }
}
