// Sagas as JSON lines. A mistake is told with its line, its byte and what was expected there.

import Base

extension SagaHistory {
  /// The history in `bytes`, which may be compressed, one fact a line, in the order in which they became known:
  ///
  ///     {"f": "services", "value": ["stock", "billing"]}
  ///     {"f": "order", "value": 7, "type": "invoke"}
  ///     {"f": "complete", "value": 7, "service": "stock"}
  ///     {"f": "compensate", "value": 7, "service": "stock"}
  ///     {"f": "order", "value": 7, "type": "fail"}
  ///     {"f": "drained"}
  ///
  /// The services come first, all of them: otherwise a service that never heard of an order could not be told from one that
  /// has no part in it. An order has a line when it is placed, which may be missing, and one with what its client was told:
  /// ok, fail or info. `drained` says that the services were left alone until no message was under way; it counts where it
  /// is the last of all. `time` in nanoseconds may stand in every line and ascends then. Lines of `fault` and keys that are
  /// none of these are passed over.
  /// - Parameter file: Only for errors.
  public static func parse(_ bytes: [UInt8], file: String) throws(HistoryError) -> SagaHistory {
    try FlatLineReader.read(ByteWindow(bytes, file: file), SagaBuilder()).history
  }

  /// The history in a file, plain or compressed.
  /// - Parameters:
  ///   - path: `-` is standard input.
  ///   - name: What errors call it; nil: its path.
  public static func read(_ path: String, name: String? = nil) throws(HistoryError) -> SagaHistory {
    try FlatLineReader.read(path, name: name, SagaBuilder()).history
  }
}

private struct SagaBuilder: FlatLineBuilder {
  static var content: StaticString { "orders and what services did for them" }

  var history = SagaHistory()
  private var orders: [MessageID: Int] = [:]
  /// By name: the declared ones first.
  private var services: [String: Int] = [:]
  private var declaration: LineMark?

  init() { history.isDrained = false }

  mutating func add(_ line: FlatLine, _ function: String) throws(FlatLine.Failure) {
    if history.events == 0 { history.start = line.mark.time }
    switch function {
    case "services": try declare(line)
    case "order":
      try expectDeclaration(before: line)
      try order(line)
      history.isDrained = false
    case "complete", "compensate":
      try expectDeclaration(before: line)
      try step(line, function == "complete" ? .completed : .compensated)
      history.isDrained = false
    case "drained":
      let type = try line.outcome() ?? .ok
      history.isDrained = type == .ok
    case "fault": return
    default: throw line.stranger("services, order, complete, compensate or drained")
    }
    history.events += 1
  }

  private mutating func declare(_ line: FlatLine) throws(FlatLine.Failure) {
    try line.expectFact("the list of services")
    if let declaration {
      throw line.failure("expected no second list of services: the first is in line \(declaration.line + 1)")
    }
    history.services = try line.need(line.list("value", "a list of the names of services"), "value")
    for (k, name) in history.services.enumerated() { services[name] = k }
    declaration = line.mark
  }

  private func expectDeclaration(before line: FlatLine) throws(FlatLine.Failure) {
    guard declaration == nil else { return }
    throw line.failure(
      #"expected a line {"f":"services","value":["NAME",...]} before this one, with all that orders go through"#)
  }

  private mutating func order(_ line: FlatLine) throws(FlatLine.Failure) {
    let id = try line.id("the id of an order, 0 or more")
    let outcome = try line.need(line.outcome(), "type")
    let k = orders[id] ?? history.orders.count
    if k == history.orders.count {
      orders[id] = k
      history.orders.append(SagaHistory.Order(id, .invoke))
    }
    try history.orders[k].told.add(line, outcome, "order \(id)")
  }

  private mutating func step(_ line: FlatLine, _ act: SagaHistory.Act) throws(FlatLine.Failure) {
    try line.expectFact("what a service did")
    let id = try line.id("the id of an order, 0 or more")
    let name = try line.need(line.text("service", "the name of a service"), "service")
    let service = services[name] ?? services.count
    if service == services.count {
      services[name] = service
      history.strangers.append(name)
    }
    history.steps.append(
      SagaHistory.Step(id, service: UInt32(truncatingIfNeeded: service), act, mark: line.mark))
  }
}
