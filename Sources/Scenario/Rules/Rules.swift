// What the shapes cannot say: references that lead nowhere, and values that contradict each other.

import Base

/// Looks at a scenario that has the right shape, or the right shape but for holes: a rule keeps quiet where what it needs
/// is a hole, since that mistake is noted already.
struct Rules {
  let file: Value
  let scenario: Scenario
  var mistakes: [Mistake]
  var brokers = BrokerTraits.known

  mutating func apply() {
    topology()
    levels()
    rate()
    faults()
    expectations()
  }

  mutating func note(_ mark: Mark, _ what: String, expected: String) {
    mistakes.append(Mistake(mark, what, expected: expected))
  }

  /// A name that should be one of `names`.
  mutating func reference(_ name: String, at mark: Mark, _ noun: String, of names: [String]) {
    if names.contains(name) || names.contains("") { return }
    let hint = nearest(name, in: names).map { "; did you mean \($0)?" } ?? ""
    let expected = names.isEmpty ? "none, since there are none" : "one of \(names.joined(separator: ", "))\(hint)"
    note(mark, "there is no \(noun) \(quoted(name))", expected: expected)
  }

  private mutating func unique(_ items: [Value], _ noun: String) {
    var lines: [String: Int] = [:]
    for item in items {
      guard let mark = item["name"]?.mark ?? item.asText.map({ _ in item.mark }) else { continue }
      guard let name = item["name"]?.asText ?? item.asText else { continue }
      if let line = lines[name] {
        note(mark, "\(noun) \(quoted(name)) again", expected: "each name once (the first is in line \(line))")
      } else {
        lines[name] = mark.line
      }
    }
  }

  // MARK: topology

  private mutating func topology() {
    let exchanges = file["topology"]?["exchanges"]?.items ?? []
    let queues = file["topology"]?["queues"]?.items ?? []
    unique(exchanges, "exchange")
    unique(queues, "queue")
    for (name, item) in exchanges.map({ ($0.text("name"), $0["name"]) }) + queues.map({ ($0.text("name"), $0["name"]) })
    where name.hasPrefix("amq.") {
      if let item { note(item.mark, "name \(quoted(name))", expected: "another: amq. is the broker's own") }
    }
    for queue in queues {
      type(of: queue)
      for binding in queue["bind"]?.items ?? [] { bind(binding, exchanges) }
    }
  }

  private mutating func type(of queue: Value) {
    guard let type = queue["type"], let word = type.asText else { return }
    if let traits = brokers.first(where: { $0.name == scenario.broker }), let kind = QueuePlan.Kind(rawValue: word),
      !traits.queueTypes.contains(kind)
    {
      let types = traits.queueTypes.map(\.rawValue).joined(separator: ", ")
      note(type.mark, "broker \(traits.name) has no \(word) queues", expected: "auto or one of \(types)")
    }
    guard let durable = queue["durable"], let flag = queue.flag("durable") else { return }
    if word == "auto" {
      note(durable.mark, "durable with type auto", expected: "type: classic, or no durable: the level decides")
    } else if word == "quorum", !flag {
      note(durable.mark, "a quorum queue that is not durable", expected: "true, or type: classic")
    }
  }

  private mutating func bind(_ binding: Value, _ exchanges: [Value]) {
    guard let exchange = binding["exchange"], let name = exchange.asText else { return }
    if file["topology"]?["exchanges"]?.isInvalid == true { return }
    reference(name, at: exchange.mark, "exchange", of: exchanges.map { $0.text("name") })
    guard let type = exchanges.first(where: { $0.text("name") == name })?.text("type"), !type.isEmpty else { return }
    switch (type, binding["key"]) {
    case ("fanout", let key?):
      note(key.mark, "a key for the fanout exchange \(name)", expected: "none: it routes to every queue")
    case ("direct", nil), ("topic", nil):
      note(binding.mark, "a binding to the \(type) exchange \(name) without a key", expected: "key: a routing key")
    default: break
    }
  }

  // MARK: levels

  private mutating func levels() {
    let items = file["levels"]?.items ?? []
    unique(items, "level")
    for (item, level) in zip(items, scenario.levels) {
      guard let name = item["name"] else { continue }
      if level.name == "all" { note(name.mark, "a level named all", expected: "another name: in expect, all is all") }
      if let bundle = Bundle(rawValue: level.name), item["base"]?.isInvalid == false, level.base != bundle {
        note(name.mark, "a level named \(bundle.rawValue) with base \(level.base.rawValue)", expected: "another name")
      }
      if level.axes.publish == .fireAndForget, level.axes.retry != .none, item["publish"]?.isInvalid != true {
        let mark = (item["retry"] ?? item["publish"] ?? item).mark
        note(
          mark, "retry \(level.axes.retry.rawValue) with publish fire-and-forget",
          expected: "retry: none, since no answer says what failed")
      }
    }
  }

  // MARK: workload

  private mutating func rate() {
    guard let rate = file["workload"]?["rate"], rate["base"] != nil else { return }
    let keys = ["burst", "for", "every"]
    let written = keys.filter { rate.keyMark($0) != nil }
    if written.isEmpty {
      if let mark = rate.keyMark("from") { note(mark, "from without burst", expected: "burst, from, for and every") }
      return
    }
    for key in keys where rate.keyMark(key) == nil {
      note(rate.mark, "a burst without \(key)", expected: "burst, from, for and every together")
    }
    guard written.count == keys.count, case .open(_, let burst?) = scenario.workload.rate else { return }
    if let length = rate["for"], let every = rate["every"], !length.isInvalid, !every.isInvalid,
      burst.length >= burst.every
    {
      note(length.mark, "a burst of \(burst.length.text) every \(burst.every.text)", expected: "for shorter than every")
    }
    if let from = rate["from"], !from.isInvalid, file["phases"]?["load"]?.isInvalid == false,
      burst.from >= scenario.phases.load
    {
      note(from.mark, "the first burst begins at \(burst.from.text)", expected: within)
    }
  }

  var within: String { "a time within the load phase of \(scenario.phases.load.text)" }

  // MARK: expectations

  private mutating func expectations() {
    if file["levels"]?.isInvalid == true { return }
    let names = scenario.levels.map(\.name) + Bundle.allCases.map(\.rawValue) + ["all"]
    var known: [String] = []
    for name in names where !known.contains(name) { known.append(name) }
    for (name, mark, _) in file["expect"]?.names ?? [] { reference(name, at: mark, "level", of: known) }
  }
}
