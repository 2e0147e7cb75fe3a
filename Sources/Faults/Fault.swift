// What every fault can do: begin, show that it stands, tell who felt it, end, and see the first traffic after that.

import Arena
import Base
import EventLoop
import Scenario

/// What a probe of ours through the same path says.
struct FaultProbe {
  var inForce: Bool
  var counts: [String: Double] = [:]
  var text: String
}

/// What the broker's own packets, requests or processes felt, from the begin on.
struct FaultEffect {
  var felt: Bool
  var counts: [String: Double] = [:]
  var text: String
}

/// One fault on the nodes that its target resolved to. It lives for one begin and one heal.
///
/// No method may hang: a completion comes also when a node, a disk or a probe does not answer (`FaultArena.within`).
protocol Fault: AnyObject {
  init(_ plan: FaultPlan, on nodes: [String], in arena: FaultArena)

  /// The act. `then` comes when it stands, as far as it could be done.
  func begin(_ then: @escaping () -> Void)
  /// Once, right after the begin. It may take as long as the fault stands, and must not disturb the broker.
  func probe(_ then: @escaping (FaultProbe) -> Void)
  /// The figures until now.
  func effect() -> FaultEffect
  /// Whether `effect` is complete only after the heal (how long requests waited is known when they are let go).
  var figuresComeWithHeal: Bool { get }
  /// Ends this fault, and nothing that other faults do to the same nodes. `then` gets what went wrong.
  func heal(_ then: @escaping (_ trouble: String?) -> Void)
  /// When something first came through again (CLOCK_MONOTONIC), asked every few milliseconds after the heal.
  func firstTraffic() -> Nanoseconds?
}

extension Fault {
  var figuresComeWithHeal: Bool { false }
}

extension FaultPlan.Kind {
  /// One file per fault; this is their list.
  var fault: any Fault.Type {
    switch self {
    case .crash: CrashFault.self
    case .pause: PauseFault.self
    case .partition: PartitionFault.self
    case .link: LinkFault.self
    case .diskStall: DiskStallFault.self
    case .diskDelay: DiskDelayFault.self
    case .diskError: DiskErrorFault.self
    }
  }
}

/// What all faults of a run share: the context, and what stands where, so that faults on one node compose.
final class FaultArena {
  let context: any FaultContext
  var links = StandingPolicies()
  let disks: StandingRules
  /// Faults that keep a node paused.
  private var pausers: [String: [String]] = [:]

  init(_ context: any FaultContext) {
    self.context = context
    disks = StandingRules(context)
  }

  var loop: Loop { context.loop }
  var network: Network { context.network }

  /// Applies the sum of what stands on these links.
  func apply(_ changed: [DirectedLink]) {
    for link in changed { network.setPolicy(links.policy(of: link), from: link.from, to: link.to) }
  }

  /// Whether the node was not paused before.
  func addPause(of node: String, by fault: String) -> Bool {
    pausers[node, default: []].append(fault)
    return pausers[node]?.count == 1
  }

  /// Whether nobody pauses the node any more.
  func removePause(of node: String, by fault: String) -> Bool {
    pausers[node]?.removeAll { $0 == fault }
    return pausers[node]?.isEmpty ?? true
  }

  /// Packets that arrived over these links.
  func packets(_ links: [DirectedLink]) -> UInt64 {
    links.reduce(0) { $0 + (network.counters(from: $1.from, to: $1.to)?.packets ?? 0) }
  }

  /// When the first packet since `since` arrived over one of the links, of which `packets` had arrived then. Exact where
  /// the policies of the link were set in between, else late by the time between two questions.
  func firstPacket(over links: [DirectedLink], since: Nanoseconds, baseline: UInt64) -> Nanoseconds? {
    if packets(links) <= baseline { return nil }
    let times = links.compactMap { network.counters(from: $0.from, to: $0.to) }.compactMap { counters in
      counters.firstPacketSincePolicy >= since
        ? counters.firstPacketSincePolicy : counters.lastPacket >= since ? counters.lastPacket : nil
    }
    return times.min()
  }

  /// Every link that begins at one of the nodes, or ends there.
  func links(from nodes: [String]) -> [DirectedLink] {
    nodes.flatMap { node in endpoints.filter { $0 != node }.map { DirectedLink(from: node, to: $0) } }
  }
  func links(to nodes: [String]) -> [DirectedLink] {
    links(from: nodes).map { DirectedLink(from: $0.to, to: $0.from) }
  }

  private var endpoints: [String] { context.nodeNames + [context.clientName] }

  /// Calls `work` with a completion, and `then` when that is called, or with nil when the time is over: once in any case.
  func within<Value>(
    _ time: Nanoseconds, _ work: (@escaping (Value) -> Void) -> Void, then: @escaping (Value?) -> Void
  ) {
    let waiting = Once(then)
    let timer = loop.timer(after: time) { waiting.call(nil) }
    work { value in
      timer.cancel()
      waiting.call(value)
    }
  }

  /// The same for work without a value: whether it answered in time.
  func inTime(
    _ time: Nanoseconds, _ work: (@escaping () -> Void) -> Void, then: @escaping (_ inTime: Bool) -> Void
  ) {
    within(time, { (done: @escaping (Bool) -> Void) in work { done(true) } }, then: { then($0 == true) })
  }

  /// Does the same for each of several things at the same time, and goes on when all have answered.
  static func each<Item>(_ items: [Item], _ work: (Item, @escaping () -> Void) -> Void, then: @escaping () -> Void) {
    var left = items.count + 1
    func done() {
      left -= 1
      if left == 0 { then() }
    }
    for item in items { work(item, done) }
    done()
  }
}

private final class Once<Value> {
  private var body: ((Value?) -> Void)?
  init(_ body: @escaping (Value?) -> Void) { self.body = body }
  func call(_ value: Value?) {
    guard let body else { return }
    self.body = nil
    body(value)
  }
}
