// From who sent and polled what to the graph of dependencies, and from its cycles to findings.

import Base
import History

struct Dependencies {
  let ledger: TransactionLedger
  let options: TransactionOptions
  private(set) var graph: DependencyGraph
  private var transactions: [TransactionHistory.Transaction] { ledger.history.transactions }

  init(_ ledger: TransactionLedger, _ options: TransactionOptions) {
    self.ledger = ledger
    self.options = options
    graph = DependencyGraph(transactions: ledger.history.transactions.count)
    addWrites()
    addReads()
    if options.usesProcessOrder { addProcesses() }
    if options.usesRealTime { addTime() }
  }

  /// The committed transaction that wrote what stands here; nil where that is not known. What stands at several offsets
  /// is nobody's beyond the first.
  private func writer(_ entry: TransactionLedger.Entry) -> Int32? {
    let value = ledger.values[Int(entry.value)]
    guard value.writer >= 0, value.least == entry.offset, ledger.isCommitted[Int(value.writer)] else { return nil }
    return value.writer
  }

  private mutating func addWrites() {
    for log in ledger.logs {
      for (a, b) in zip(log, log.dropFirst()) {
        if let before = writer(a), let after = writer(b) { graph.add(before, after, .writeWrite, value: b.value) }
      }
    }
  }

  private mutating func addReads() {
    let accesses = ledger.history.accesses
    for t in transactions.indices where ledger.isCommitted[t] {
      let polls = transactions[t].accesses.filter { !accesses[$0].isSend }
      for at in polls {
        let value = ledger.values[Int(ledger.valueOf[at])]
        guard value.writer >= 0, ledger.isCommitted[Int(value.writer)] else { continue }
        graph.add(value.writer, Int32(t), .writeRead, value: ledger.valueOf[at])
      }
      guard options.pollsReachEnd else { continue }
      for key in Set(polls.map { accesses[$0].key }).sorted() {
        let last = polls.filter { accesses[$0].key == key }.map(ledger.offset).max() ?? -1
        // Behind the greatest offset that there is nothing can stand.
        guard last >= 0, last < .max else { continue }
        let behind = ledger.position(key, last + 1)
        guard behind < ledger.logs[Int(key)].count else { continue }
        let entry = ledger.logs[Int(key)][behind]
        if let after = writer(entry) { graph.add(Int32(t), after, .readWrite, value: entry.value) }
      }
    }
  }

  private mutating func addProcesses() {
    var last: [Int32: Int32] = [:]
    for t in transactions.indices where ledger.isCommitted[t] {
      let before = last[transactions[t].process]
      if let before { graph.add(before, Int32(t), .process) }
      // Of unknown outcome, it may take effect after whatever comes next.
      guard transactions[t].outcome == .ok else { continue }
      let rung = graph.rung()
      if let before { graph.add(before, rung, .process) }
      graph.add(Int32(t), rung, .process)
      last[transactions[t].process] = rung
    }
  }

  private mutating func addTime() {
    let done = transactions.indices.filter { ledger.isCommitted[$0] && transactions[$0].outcome == .ok }
      .sorted { (transactions[$0].end, $0) < (transactions[$1].end, $1) }
    let begun = transactions.indices.filter { ledger.isCommitted[$0] }
      .sorted { (transactions[$0].begin, $0) < (transactions[$1].begin, $1) }
    var (next, last): (Int, Int32?) = (0, nil)
    for t in begun {
      while next < done.count, transactions[done[next]].end < transactions[t].begin {
        let rung = graph.rung()
        if let last { graph.add(last, rung, .realtime) }
        graph.add(Int32(done[next]), rung, .realtime)
        last = rung
        next += 1
      }
      if let last { graph.add(last, Int32(t), .realtime) }
    }
  }

  /// Finds the cycles and tells them.
  func run(_ book: inout TransactionBook, _ result: inout TransactionResult) {
    var search = CycleSearch(
      graph, usesWriteOrder: !options.allowances.writesInterleave, limit: options.searchLimit)
    search.run(process: options.usesProcessOrder, realtime: options.usesRealTime)
    result.longCycles = search.exhausted
    for cycle in search.cycles {
      book.add(
        cycle.name, cycle.steps.map(\.from),
        steps: cycle.steps.map(step),
        cycle.steps.map(explain).joined(separator: "; "))
    }
  }

  private func step(_ edge: DependencyGraph.Edge) -> TransactionFinding.Step {
    var step = TransactionFinding.Step(from: Int(edge.from), to: Int(edge.to), kind: edge.kind)
    if edge.value >= 0 {
      let value = ledger.values[Int(edge.value)]
      (step.key, step.value) = (Int(value.key), value.message)
    }
    return step
  }

  private func explain(_ edge: DependencyGraph.Edge) -> String {
    let value = edge.value >= 0 ? ledger.values[Int(edge.value)] : nil
    let (message, key) = (value?.message.description ?? "", value.map { ledger.history.keys[Int($0.key)] } ?? "")
    let (from, to) = ("T\(edge.from)", "T\(edge.to)")
    switch edge.kind {
    case .writeWrite: return "\(from) sent to \(key) directly before \(to) sent \(message)"
    case .writeRead: return "\(from) sent \(message) to \(key), which \(to) polled"
    case .readWrite: return "\(from) polled \(key) up to what stands before \(message), which \(to) sent"
    case .process: return "\(from) came before \(to) in process \(transactions[Int(edge.from)].process)"
    case .realtime: return "\(from) had returned before \(to) was invoked"
    }
  }
}
