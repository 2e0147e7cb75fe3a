// The hidden subcommand `load-bench`: the load alone against a broker that runs already, and what a message costs it.

import Base
import EventLoop
import Glibc
import History
import Scenario

/// Drives one level against a broker, flat out or at a rate, drains, and prints rates and CPU time.
public enum LoadBench {
  static let usage = """
    usage: stormproof load-bench ADDR[,ADDR…]:PORT LEVEL SECONDS [--no-record] [--history FILE] [--rate N]
             [--size BYTES] [--producers N] [--consumers N] [--window N] [--transaction N] [--seed N]
             [--rollback PERCENT] [--requeue PERCENT] [--service MICROSECONDS] [--prefetch N]
    LEVEL is low, medium or high. Without --rate producers are flat out.
    """

  /// - Parameter arguments: what follows the subcommand.
  /// - Returns: 0, 2 for a mistake in the arguments, 5 where the load fails.
  public static func main(_ arguments: [String]) -> Int32 {
    guard let options = LoadBenchOptions(arguments) else {
      print(usage)
      return 2
    }
    do {
      let bench = try Bench(options)
      try bench.run()
      return 0
    } catch {
      print("load-bench: \(error)")
      return 5
    }
  }
}

/// The command line of `load-bench`.
struct LoadBenchOptions {
  var addresses: [String]
  var port: UInt16
  var bundle: Bundle
  var seconds: Int
  var records = true
  var history = "/tmp/stormproof-load-bench.history"
  var numbers = [
    "--rate": 0, "--size": 100, "--producers": 2, "--consumers": 2, "--window": 500, "--transaction": 50, "--seed": 1,
    "--rollback": 0, "--requeue": 0, "--service": 0, "--prefetch": 200,
  ]

  /// nil where they are not understood.
  init?(_ arguments: [String]) {
    guard arguments.count >= 3, let colon = arguments[0].lastIndex(of: ":"),
      let port = UInt16(arguments[0][arguments[0].index(after: colon)...]), let bundle = Bundle(rawValue: arguments[1]),
      let seconds = Int(arguments[2]), seconds > 0
    else { return nil }
    addresses = arguments[0][..<colon].split(separator: ",").map(String.init)
    (self.port, self.bundle, self.seconds) = (port, bundle, seconds)
    var rest = arguments[3...]
    while let option = rest.popFirst() {
      if option == "--no-record" {
        records = false
      } else if option == "--history", let path = rest.popFirst() {
        history = path
      } else if numbers[option] != nil, let number = rest.popFirst().flatMap({ Int($0) }), number >= 0 {
        numbers[option] = number
      } else {
        return nil
      }
    }
    if addresses.isEmpty { return nil }
  }

  subscript(_ name: String) -> Int { numbers[name] ?? 0 }

  var plan: Plan {
    let nodes = addresses.enumerated().map { NodePlan(name: "n\($0.offset + 1)", address: $0.element) }
    let replicated = nodes.count >= 3
    // A name for each level: a broker refuses to declare what it has with other properties.
    let name = "bench-\(bundle.rawValue)"
    let queue = QueuePlan(
      name: name, type: bundle != .low && replicated ? .quorum : .classic, durable: bundle != .low,
      bind: [BindingPlan(exchange: "bench", key: bundle.rawValue)])
    let level = LevelPlan(
      name: bundle.rawValue, seed: UInt64(self["--seed"]), axes: bundle.axes, judgedAs: bundle.rawValue,
      queues: [queue],
      expect: [])
    let rate = self["--rate"]
    return Plan(
      name: "bench", about: "", seed: UInt64(self["--seed"]),
      cluster: ClusterPlan(broker: "", nodes: nodes, client: ""),
      exchanges: [ExchangePlan(name: "bench", type: "topic")],
      routes: [RoutePlan(exchange: "bench", key: bundle.rawValue, to: [name])], levels: [level],
      workload: WorkloadPlan(
        kind: "work-queue", producers: self["--producers"], consumers: self["--consumers"],
        rate: rate == 0 ? .max : .open(base: Double(rate), burst: nil), messageSize: self["--size"],
        window: self["--window"], prefetch: self["--prefetch"],
        serviceTime: Nanoseconds(self["--service"]) * .microsecond, requeue: Double(self["--requeue"]) / 100,
        transactionSize: self["--transaction"], rollback: Double(self["--rollback"]) / 100),
      phases: PhasesPlan(warmup: 0, load: 0, settle: 0, drain: 0), faults: [])
  }
}

/// Keeps nothing: what the load costs without a recorder.
final class NoRecord: EventSink {
  private var names = Names()
  private(set) var count = 0
  var failure: String? { nil }
  func word(_ text: String) -> UInt16 { names.word(text) }
  func route(to queues: [String]) -> UInt16 { names.route(to: queues) }
  @discardableResult
  func append(_ event: Event) -> Int {
    count += 1
    return count - 1
  }
  func flush() {}
  @discardableResult
  func close() -> Bool { true }
}

private final class Bench {
  private struct Costs {
    var time = Loop.monotonicNow()
    /// CPU time of the loop's thread, of all threads, and of it in the kernel.
    var thread = CPUTime.ofThread()
    var process = CPUTime.ofProcess()
    var system = CPUTime.ofKernel()
    var confirmed: Int
    var delivered: Int
  }

  private let options: LoadBenchOptions
  private let loop: Loop
  private var load: Load?
  private var failure: String?
  private var begin: Costs?
  private var end: Costs?
  private var left = 0

  init(_ options: LoadBenchOptions) throws {
    self.options = options
    loop = try Loop()
  }

  func run() throws {
    let configuration = LoadConfiguration(
      plan: options.plan, level: options.bundle.rawValue, port: options.port, historyPath: options.history,
      latencyPath: options.history + ".hlog", redeliveryTimer: 500 * .millisecond)
    let sink: any EventSink = options.records ? try HistoryRecorder(path: options.history) : NoRecord()
    let load = try Load(loop: loop, configuration: configuration, sink: sink) { [unowned self] in take($0) }
    self.load = load
    loop.run()
    if let failure { throw Load.Failure(description: failure) }
    try load.finish()
    printFigures(load)
  }

  private func costs(_ load: Load) -> Costs {
    Costs(confirmed: load.stats.totalConfirmed, delivered: load.stats.totalDelivered)
  }

  private func take(_ report: LoadReport) {
    guard let load else { return }
    switch report {
    case .ready:
      load.begin(loadAt: Loop.monotonicNow())
      begin = costs(load)
      loop.timer(after: Nanoseconds(options.seconds) * .second) { [self] in
        end = costs(load)
        load.stopProducing()
      }
    case .stopped: load.drain(bound: 60 * .second)
    case .drained(let left):
      self.left = left
      loop.stop()
    case .failed(let sentence):
      failure = sentence
      loop.stop()
    case .sample, .recorded, .finished: break
    }
  }

  private func printFigures(_ load: Load) {
    guard let begin, let end else { return }
    let seconds = (end.time - begin.time).seconds
    let (confirmed, delivered) = (end.confirmed - begin.confirmed, end.delivered - begin.delivered)
    // A message that was published and consumed counts once, one that was only published half.
    let messages = Double(max(1, confirmed + delivered)) / 2
    let (thread, process) = (end.thread - begin.thread, end.process - begin.process)
    func micro(_ cpu: Nanoseconds) -> Double { (Double(cpu) / messages).rounded() / 1000 }
    func rate(_ count: Int) -> Int { Int(Double(count) / seconds) }
    func quantiles(_ histogram: Histogram) -> String {
      [50, 99, 99.9].map { "p\($0 == 99.9 ? "99.9" : "\(Int($0))") \(histogram.percentile($0).milliseconds)" }
        .joined(separator: ", ") + ", max \(histogram.max.milliseconds) ms"
    }
    print("level: \(options.bundle.rawValue), \(options.records ? "recorded" : "not recorded")")
    print("confirmed/s: \(rate(confirmed))")
    print("delivered/s: \(rate(delivered))")
    print("client CPU us/message: \(micro(process))")
    print("of it in the kernel: \(micro(end.system - begin.system))")
    print("of it the recorder's thread: \(micro(process - thread))")
    print("client CPU share of one core: \((process.seconds / seconds * 1000).rounded() / 1000)")
    print("confirm latency: \(quantiles(load.stats.confirmFromIntended))")
    print("end-to-end latency: \(quantiles(load.stats.endToEndFromIntended))")
    print("left in the queue: \(left)")
  }
}
