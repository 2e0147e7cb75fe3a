// From scenario files to plans.

import Base
import Testing

@testable import Scenario

struct PlanTests {
  @Test(arguments: Files.names)
  func everyScenarioGivesAPlanThatComesBackFromJSON(name: String) throws {
    let plan = try Planner.plan(Files.scenario(name))
    #expect(plan.name == name)
    #expect(try Plan(json: Array(plan.json.utf8)) == plan)
  }

  @Test func sameSeedSameBytes() throws {
    let scenario = try Files.scenario("quickstart")
    let again = try Planner.plan(Files.scenario("quickstart")).json
    #expect(try Planner.plan(scenario).json == again)
    #expect(try Planner.plan(scenario, seed: 42).json == again)
    #expect(try Planner.plan(scenario, seed: 43).json != again)
  }

  @Test func quickstart() throws {
    let plan = try Planner.plan(Files.scenario("quickstart"))
    #expect(plan.cluster.nodes.map(\.address) == ["10.77.0.1", "10.77.0.2", "10.77.0.3"])
    #expect(plan.routes == [RoutePlan(exchange: "orders", key: "order.created", to: ["q"])])
    #expect(plan.levels.map(\.name) == ["low", "medium", "high"])
    #expect(plan.levels.map { $0.queues[0].type } == [.classic, .quorum, .quorum])
    #expect(plan.levels.map { $0.queues[0].durable } == [false, true, true])
    #expect(Set(plan.levels.map(\.seed) + plan.faults.map(\.seed)).count == 6)
    #expect(plan.faults.map(\.id) == ["crash#1", "partition#1", "disk-stall#1"])
    #expect(plan.faults.map(\.target) == [.leaderOf("q"), .leaderOf("q"), .leaderOf("q")])
    #expect(plan.faults.map(\.at) == [2_800, 6_800, 10_800].map { $0 * Nanoseconds.millisecond })
    #expect(plan.faults.map(\.length) == [2 * .second, 3 * .second, 2 * .second])
    #expect(plan.faults[1].shape == .isolate)
    let burst = WorkloadPlan.Burst(rate: 4000, from: 2 * .second, length: .second, every: 4 * .second)
    #expect(plan.workload.rate == .open(base: 1000, burst: burst))
    #expect(plan.workload.messageSize == 1024)
    #expect(plan.workload.requeue == 0.01 && plan.workload.rollback == 0.05)
    #expect(plan.levels[0].expect.first { $0.name == "lost" }?.rule == .report)
    #expect(plan.levels[1].expect.first { $0.name == "lost" }?.rule == .atMost(0))
  }
}
