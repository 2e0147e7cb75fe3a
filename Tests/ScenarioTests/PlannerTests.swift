// What the planner decides: queues, expectations, routes, and what it refuses.

import Base
import Testing

import struct Scenario.Expectation

@testable import Scenario

struct PlannerTests {
  private func plan(_ yaml: String, levels: [String]? = nil) throws -> Plan {
    try Planner.plan(Scenario.decode(Array((MistakeTests.head + yaml).utf8)), levels: levels)
  }

  @Test func bundlesAreThoseOfTheDesign() {
    #expect(
      Bundle.low.axes == Axes(publish: .fireAndForget, consume: .autoAck, durability: .transient, retry: .none))
    #expect(
      Bundle.medium.axes == Axes(publish: .confirm, consume: .manualAck, durability: .durable, retry: .untilConfirmed))
    #expect(
      Bundle.high.axes
        == Axes(publish: .transaction, consume: .transaction, durability: .replicated, retry: .certainFailures))
    func reported(_ bundle: Bundle) -> [String] { bundle.expectations.filter { $0.rule == .report }.map(\.name) }
    #expect(reported(.low) == ["lost", "duplicated-by-retry", "redelivered", "recovered"])
    #expect(reported(.medium) == ["duplicated-by-retry", "redelivered", "recovered"])
    #expect(reported(.high) == ["redelivered", "recovered"])
  }

  /// nodes, type and durable as written → type and durability at low, medium, high.
  @Test(arguments: [
    (3, "", ["classic-", "quorum+", "quorum+"]), (1, "", ["classic-", "classic+", "classic+"]),
    (2, "", ["classic-", "classic+", "classic+"]),
    (3, "type: classic", ["classic-", "classic+", "classic+"]),
    (3, "type: quorum", ["quorum+", "quorum+", "quorum+"]),
    (3, "type: classic, durable: true", ["classic+", "classic+", "classic+"]),
    (3, "type: classic, durable: false", ["classic-", "classic-", "classic-"]),
  ])
  func queues(nodes: Int, type: String, expected: [String]) throws {
    let separator = type.isEmpty ? "" : ", "
    let plan = try plan("cluster: {nodes: \(nodes)}\ntopology: {queues: [{name: q\(separator)\(type)}]}")
    #expect(plan.levels.map { "\($0.queues[0].type.rawValue)\($0.queues[0].durable ? "+" : "-")" } == expected)
  }

  @Test func narrowerExpectationsOverrideWiderOnes() throws {
    let plan = try plan(
      """
      levels: [medium, {name: mine, base: medium}, low]
      expect:
        mine: {lost: 2}
        medium: {lost: 1, first-confirm-after-heal: report}
        all: {lost: report, duplicated: 5, first-confirm-after-heal: "< 5s"}
      """)
    func rules(_ level: Int, _ name: String) -> Expectation.Rule? {
      plan.levels[level].expect.first { $0.name == name }?.rule
    }
    #expect((0..<3).map { rules($0, "lost") } == [.atMost(1), .atMost(2), .report])
    #expect((0..<3).map { rules($0, "duplicated") } == [.atMost(5), .atMost(5), .atMost(5)])
    #expect((0..<3).map { rules($0, "first-confirm-after-heal") } == [.report, .report, .below(5 * .second)])
    #expect(plan.levels[1].judgedAs == "medium")
    #expect(plan.levels[0].expect.count == FindingRule.names.count + 1)
  }

  @Test func axesOfALevelOfOnesOwn() throws {
    let plan = try plan("levels: [{name: mine, base: high, consume: manual-ack, durability: durable}]")
    #expect(
      plan.levels[0].axes
        == Axes(publish: .transaction, consume: .manualAck, durability: .durable, retry: .certainFailures))
  }

  @Test func routes() throws {
    let plan = try plan(
      """
      topology:
        exchanges: [{name: t, type: topic}, {name: d, type: direct}, {name: f, type: fanout}]
        queues:
          - {name: a, bind: [{exchange: t, key: "order.#"}, {exchange: d, key: k}, {exchange: f}]}
          - {name: b, bind: [{exchange: t, key: "*.created"}, {exchange: d, key: l}, {exchange: f}]}
          - {name: c, bind: [{exchange: t, key: "#"}]}
          - {name: e}
      """)
    #expect(
      plan.routes == [
        RoutePlan(exchange: "t", key: "order.created", to: ["a", "b", "c"]),
        RoutePlan(exchange: "t", key: "created.created", to: ["b", "c"]),
        RoutePlan(exchange: "t", key: "created", to: ["c"]), RoutePlan(exchange: "d", key: "k", to: ["a"]),
        RoutePlan(exchange: "d", key: "l", to: ["b"]), RoutePlan(exchange: "f", key: "", to: ["a", "b"]),
        RoutePlan(exchange: "", key: "e", to: ["e"]),
      ])
  }

  @Test(arguments: [
    ("#", "", true), ("#", "a.b", true), ("a.#", "a", true), ("a.#", "a.b.c", true), ("a.#", "b.a", false),
    ("*", "a", true), ("*", "", false), ("*", "a.b", false), ("a.*.c", "a.b.c", true), ("a.*.c", "a.c", false),
    ("#.c", "c", true), ("#.b.#", "a.b.c", true), ("#.b.#", "a.c", false), ("", "", true), ("a..b", "a..b", true),
    ("#.#.#.#.#.#.#.#.x", "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a", false),
  ])
  func topics(pattern: String, key: String, matches: Bool) {
    #expect(TopicPattern.matches(pattern, key) == matches)
  }

  @Test func examplesMatchTheirPattern() {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<2000 {
      let words = (0...random.below(5)).map { _ in ["a", "b", "*", "#", ""][random.below(5)] }
      let pattern = words.joined(separator: ".")
      #expect(TopicPattern.matches(pattern, TopicPattern.example(pattern)), "seed 7: \(pattern)")
    }
  }

  @Test func levelsAreChosenInTheirOwnOrder() throws {
    #expect(try plan("", levels: ["high", "low"]).levels.map(\.name) == ["low", "high"])
    let alone = try plan("", levels: ["high"]).levels[0]
    #expect(try plan("").levels[2] == alone)
    #expect(throws: PlanError.self) { try plan("", levels: []) }
    let error = #expect(throws: PlanError.self) { try plan("", levels: ["hihg"]) }
    #expect(error?.description.contains("did you mean high?") == true)
  }

  @Test func defects() throws {
    let scenario = try Files.scenario("quickstart")
    #expect(try Planner.plan(scenario, defect: "torn-commit").cluster.defect == "torn-commit")
    #expect(throws: PlanError.self) { try Planner.plan(scenario, defect: "torn-comit") }
    #expect(throws: PlanError.self) { try Planner.plan(Files.scenario("rabbitmq"), defect: "torn-commit") }
  }

  @Test(arguments: ["n2", "leader", "leader-of: q", "random", "random-follower", "majority", "all"])
  func targetsComeBack(text: String) {
    #expect(Target(text).description == text)
    if text != "n2" { #expect(Target(text) != .node(text)) }
  }

  @Test(arguments: [("0", "0"), ("report", "report"), ("< 5s", "< 5s"), ("<90s", "< 90s"), ("< 60s", "< 1m")])
  func rulesComeBack(text: String, canonical: String) {
    #expect(Expectation.Rule(text: text)?.description == canonical)
  }

  @Test(arguments: ["", "-1", "5s", "< ", "< 0s", "<< 5s", "< 5", "reports"])
  func noRules(text: String) { #expect(Expectation.Rule(text: text) == nil) }

  @Test(arguments: [
    ("2s", 2e9), ("2.8s", 2.8e9), ("500ms", 5e8), ("1m", 6e10), ("0s", 0), ("1.5us", 1500), ("0.1s", 1e8),
  ])
  func durations(text: String, nanoseconds: Double) { #expect(Quantity.duration.read(text) == nanoseconds) }

  @Test(arguments: ["", "s", "2", "2 s", "-2s", "2S", ".5s", "5.s", "1.2.3s", "1e3s", "99999999999h", "2ss"])
  func noDurations(text: String) { #expect(Quantity.duration.read(text) == nil) }

  @Test func shares() {
    #expect(["1%", "5%", "7%", "0.5%"].map(Quantity.share.read) == [0.01, 0.05, 0.07, 0.005])
    #expect(Quantity.size.read("1KiB") == 1024 && Quantity.size.read("2kB") == 2000)
  }
}
