// The whole load over loopback against a small broker that drops connections; the history is then judged by the checkers.

import Base
import Checkers
import EventLoop
import Glibc
import History
import Scenario
import Testing

@testable import Workloads

@Suite(.serialized) struct LoadTests {
  struct Run {
    var history: RecordedHistory
    var samples: [LoadSample] = []
    var hosts: [String: String] = [:]
    var left: Int?
    var accepted = 0
    var latencies: [HistogramLog.Entry] = []
    var failure: String?
  }

  private func plan(_ bundle: Bundle, rate: WorkloadPlan.Rate) -> Plan {
    let queues = ["q1", "q2"].map {
      QueuePlan(name: $0, type: .classic, durable: bundle != .low, bind: [BindingPlan(exchange: "e", key: $0)])
    }
    return Plan(
      name: "test", about: "", seed: 11,
      cluster: ClusterPlan(
        broker: "",
        nodes: TinyBroker.nodes.enumerated().map { NodePlan(name: "n\($0.offset + 1)", address: $0.element) },
        client: ""),
      exchanges: [ExchangePlan(name: "e", type: "topic")],
      routes: ["q1", "q2"].map { RoutePlan(exchange: "e", key: $0, to: [$0]) },
      levels: [
        LevelPlan(
          name: bundle.rawValue, seed: 12, axes: bundle.axes, judgedAs: bundle.rawValue, queues: queues, expect: [])
      ],
      workload: WorkloadPlan(
        kind: "work-queue", producers: 3, consumers: 4, rate: rate, messageSize: 200, window: 50, prefetch: 10,
        serviceTime: 200 * .microsecond, requeue: 0.05, transactionSize: 5, rollback: 0.2),
      phases: PhasesPlan(warmup: 0, load: 0, settle: 0, drain: 0), faults: [])
  }

  /// Produces for 900 ms; every 60 ms `disturb` is called with the number of the time.
  private func run(
    _ bundle: Bundle, rate: WorkloadPlan.Rate = .open(base: 1500, burst: nil), setUp: (TinyBroker) -> Void = { _ in },
    disturb: @escaping (TinyBroker, Int) -> Void = { _, _ in }
  ) throws -> Run {
    let loop = try Loop()
    let broker = try TinyBroker(loop)
    setUp(broker)
    let folder = "/tmp/stormproof-load-test-\(getpid())"
    mkdir(folder, 0o755)
    defer { for name in ["/history.bin", "/latency.hlog", ""] { remove(folder + name) } }
    let configuration = LoadConfiguration(
      plan: plan(bundle, rate: rate), level: bundle.rawValue, port: broker.port, historyPath: folder + "/history.bin",
      latencyPath: folder + "/latency.hlog", redeliveryTimer: 200 * .millisecond)
    let recorder = try HistoryRecorder(path: configuration.historyPath)
    var result = Run(history: RecordedHistory(names: Names(), events: [], isComplete: false))
    var load: Load?
    load = try Load(loop: loop, configuration: configuration, sink: recorder) { report in
      switch report {
      case .ready(let hosts):
        result.hosts = hosts
        load?.begin(loadAt: Loop.monotonicNow() + 100 * .millisecond)
        var times = 0
        let nuisance = loop.timer(after: 60 * .millisecond, repeat: 60 * .millisecond) {
          times += 1
          load?.record(fault: "drop#\(times)", begins: true)
          disturb(broker, times)
          load?.record(fault: "drop#\(times)", begins: false)
        }
        loop.timer(after: 900 * .millisecond) {
          nuisance.cancel()
          load?.stopProducing()
        }
      case .sample(let sample): result.samples.append(sample)
      case .stopped: load?.drain(bound: 20 * .second)
      case .drained(let left):
        result.left = left
        loop.stop()
      case .failed(let sentence):
        result.failure = sentence
        loop.stop()
      case .recorded, .finished: break
      }
    }
    // A test that hangs says so.
    loop.timer(after: 50 * .second) {
      result.failure = "not done after 50 s, in phase \(load.map { "\($0.phase)" } ?? "?")"
      loop.stop()
    }
    loop.run()
    try load?.finish()
    broker.close()
    loop.runOnce()
    result.accepted = broker.accepted
    result.history = try HistoryReader.read(configuration.historyPath)
    result.latencies = try HistogramLog.read(configuration.latencyPath)
    return result
  }

  private func check(_ run: Run, _ bundle: Bundle) throws -> DeliveryResult {
    #expect(run.failure == nil)
    #expect(run.left == 0)
    #expect(run.history.isComplete)
    let level = try #require(ReliabilityLevel(rawValue: bundle.rawValue))
    let result = DeliveryChecker.check(run.history, options: DeliveryOptions(level: level))
    #expect(result.isDrained)
    return result
  }

  @Test(arguments: Bundle.allCases) func undisturbed(bundle: Bundle) throws {
    let run = try run(bundle)
    let result = try check(run, bundle)
    #expect(
      Violations.verdict(of: result, judgedAs: try #require(ReliabilityLevel(rawValue: bundle.rawValue))) == .valid)
    #expect(result.attempted > 500)
    let firsts = run.history.events.filter { $0.function == .publish && $0.outcome == .invoke && $0.attempt == 1 }
    #expect(firsts.allSatisfy { $0.intended > 0 && $0.intended <= $0.time }, "late, perhaps, but never early")
    #expect(result.acknowledged == result.attempted || bundle == .high)
    #expect(result.delivered == result.acknowledged)
    #expect(Set(run.hosts.keys) == ["q1", "q2"])
    #expect(run.samples.first.map { $0.offered > 0 && $0.confirmed > 0 && $0.endToEndP50 != nil } == true)
    #expect(run.latencies.map(\.tag) == HistogramLog.tags)
    #expect(run.latencies.allSatisfy { $0.histogram.count > 300 })
    if bundle == .high { #expect(result.committed > 100) }
    if bundle != .low { #expect(result.counts[.redelivered, default: 0] > 10, "requeues come again") }
  }

  @Test(arguments: Bundle.allCases) func connectionsAreLost(bundle: Bundle) throws {
    let run = try run(bundle) {
      $0.unroutableEvery = bundle == .low ? 0 : 100
    } disturb: { broker, times in
      broker.drop(times % 7 == 0 ? nil : times * 3)
    }
    let result = try check(run, bundle)
    #expect(
      Violations.verdict(of: result, judgedAs: try #require(ReliabilityLevel(rawValue: bundle.rawValue))) == .valid)
    #expect(run.accepted > 15)
    #expect(result.delivered > 500)
    #expect(run.history.events.contains { $0.function == .release && $0.outcome == .info })
    if bundle == .medium {
      #expect(result.counts[.lost] == 0 && result.acknowledged == result.attempted)
      #expect(run.history.events.contains { $0.function == .publish && $0.attempt > 1 && $0.outcome == .ok })
      #expect(run.history.events.contains { $0.function == .publish && $0.outcome == .fail })
    }
    if bundle == .high { #expect(result.counts[.duplicatedByRetry] == 0) }
  }

  /// The proof that the above can fail.
  @Test func aBrokerThatForgetsIsCaught() throws {
    let run = try run(.medium) { $0.losesEvery = 400 }
    let result = try check(run, .medium)
    #expect(result.counts[.lost, default: 0] >= 2)
  }

  @Test func flatOut() throws {
    let run = try run(.low, rate: .max)
    let result = try check(run, .low)
    #expect(result.counts[.lost] == 0)
    #expect(result.attempted > 5000)
  }

  @Test func noSuchLevel() throws {
    let loop = try Loop()
    let configuration = LoadConfiguration(
      plan: plan(.low, rate: .max), level: "none", port: 1, historyPath: "", latencyPath: "", redeliveryTimer: 1)
    #expect(throws: Load.Failure.self) {
      _ = try Load(loop: loop, configuration: configuration, sink: MemorySink()) { _ in }
    }
  }
}
