// What a leader looks at before it proposes the requests of a node: their order, and what they acknowledge.

extension Master {
  /// Proposes the next batch of a node. One that is there already is ignored, and one that leaves a gap: it comes again.
  func propose(_ data: [UInt8], from node: Int) {
    guard isServing, let head = try? RequestBatch.Head(batch: data), head.origin == node else { return }
    if head.incarnation > intake[node].incarnation { intake[node] = (head.incarnation, 0) }
    guard head.incarnation == intake[node].incarnation, head.number == intake[node].number + 1 else { return }
    if head.hasSettlements {
      guard case .requests(let batch)? = try? EntryPayload(data) else { return }
      proposals.append(validated(batch).encoded)
    } else {
      proposals.append(data)
    }
    intake[node].number = head.number
  }

  /// Takes out acknowledgements of what is not checked out to whom acknowledges it, and refuses whole transactions with
  /// such ones. What is acknowledged rightly does not go back to its queue from now on.
  private func validated(_ batch: RequestBatch) -> RequestBatch {
    let operations = batch.operations.map { operation -> Operation in
      switch operation {
      case .settle(let settlements): return .settle(settlements.filter { begin($0, batch.origin) })
      case .transaction(_, let settlements):
        for (index, settlement) in settlements.enumerated() where !begin(settlement, batch.origin) {
          for settlement in settlements[..<index] { dispatchers[settlement.queue]?.undoSettling(settlement.position) }
          return .refused
        }
        return operation
      default: return operation
      }
    }
    return RequestBatch(
      origin: batch.origin, incarnation: batch.incarnation, number: batch.number,
      hasSettlements: batch.hasSettlements, operations: operations)
  }

  private func begin(_ settlement: Settlement, _ node: Int) -> Bool {
    dispatchers[settlement.queue]?.beginSettling(
      settlement.position, of: .init(node: node, number: settlement.attachment)) ?? false
  }
}
