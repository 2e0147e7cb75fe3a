// A cluster of small nodes that talk and write, under a nemesis: what the tests of the faults run inside a sandbox.

import Arena
import Base
import EventLoop
import Faults
import FoundationEssentials
import Glibc
import History
import Scenario

/// What a test asks for, as JSON on the command line.
struct FaultScenario: Codable {
  var directory: String
  var faults: [FaultPlan]
  /// The length of the load, in milliseconds from its begin.
  var load: Int
  /// Nodes that neither send nor write, nor are sent anything.
  var idle: [String] = []
  /// Kill the nodes behind the nemesis' back after so many milliseconds of load.
  var murder: [String: Int] = [:]
}

/// The context of a nemesis without a run around it. Says `event JSON`, `record ID begins` and, at the end, what is left.
final class FaultBench: FaultContext {
  let network: Network
  let nodeNames = ["n1", "n2", "n3"]
  let clientName = "clients"
  private let supervisor: Supervisor
  private let scenario: FaultScenario
  private var nodes: [String: NodeProcess] = [:]
  private var disks: [String: Disk] = [:]
  private var nemesis: Nemesis?
  private var begins = 0

  var loop: Loop { supervisor.loop }

  private static let program = """
    import os, socket, sys, threading, time
    directory, peers = sys.argv[1], sys.argv[2:]
    def write():
        fd = os.open(directory + '/log', os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        while True:
            try: os.write(fd, b'x' * 200); os.fsync(fd)
            except OSError: pass
            time.sleep(0.005)
    if not peers:
        while True: time.sleep(1000)
    threading.Thread(target=write, daemon=True).start()
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('0.0.0.0', 6000)); s.setblocking(False)
    while True:
        for p in peers: s.sendto(b'x' * 100, (p, 6000))
        try:
            while True: s.recv(1000)
        except BlockingIOError: pass
        time.sleep(0.01)
    """

  init(_ supervisor: Supervisor, _ scenario: FaultScenario) throws {
    (self.supervisor, self.scenario) = (supervisor, scenario)
    network = try supervisor.makeNetwork(nodeNames + [clientName])
    let talking = nodeNames.filter { !scenario.idle.contains($0) }
    for name in nodeNames {
      let disk = try supervisor.makeDisk(name, below: scenario.directory)
      disks[name] = disk
      let peers = scenario.idle.contains(name) ? [] : talking.filter { $0 != name } + [clientName]
      let addresses = network.endpoints.filter { peers.contains($0.name) }.map(\.address)
      let node = supervisor.makePython(
        name, Self.program, [disk.mount] + addresses, log: "\(scenario.directory)/\(name).log")
      nodes[name] = node
      node.onExit = { supervisor.say("exit \(name) \($0.cause)") }
      try node.start()
    }
    waitForTraffic(of: talking)
  }

  /// The load begins when every node has sent and written something.
  private func waitForTraffic(of talking: [String]) {
    let ready = talking.allSatisfy { name in
      (network.counters(from: name, to: clientName)?.packets ?? 0) > 0
        && (disks[name]?.counters[.fsync].requests ?? 0) > 0
    }
    supervisor.after(ready ? 100 * .millisecond : 10 * .millisecond) { [self] in
      if ready { begin() } else { waitForTraffic(of: talking) }
    }
  }

  private func begin() {
    let nemesis = Nemesis(plan: scenario.faults, context: self)
    self.nemesis = nemesis
    let now = Loop.monotonicNow()
    supervisor.say("load \(now)")
    nemesis.start(loadAt: now)
    for (name, time) in scenario.murder {
      supervisor.after(Nanoseconds(time) * .millisecond) { [self] in nodes[name]?.crash() }
    }
    supervisor.after(Nanoseconds(scenario.load) * .millisecond) { [self] in
      supervisor.say("standing \(nemesis.standing.joined(separator: " "))")
      nemesis.healAll { [self] in
        supervisor.say("healed")
        supervisor.after(400 * .millisecond) { [self] in end() }
      }
    }
  }

  private func end() {
    let running = nodeNames.filter { nodes[$0]?.isRunning == true }
    let all = nodeNames + [clientName]
    let policies = all.flatMap { from in all.map { network.links.policy(from: index(from), to: index($0)) } }
    let moving = nodeNames.filter { (nodes[$0]?.sample()?.stopped ?? 1) == 0 }
    supervisor.say("running \(running.joined(separator: " "))")
    supervisor.say("moving \(moving.joined(separator: " "))")
    supervisor.say("open \(policies.allSatisfy { $0 == LinkPolicy() })")
    supervisor.say("waiting \(disks.values.reduce(0) { $0 + $1.counters.waiting })")
    supervisor.say("standing \(nemesis?.standing.joined(separator: " ") ?? "")")
    nemesis?.stop()
    supervisor.finish()
  }

  private func index(_ name: String) -> Int { network.index(of: name) ?? 0 }

  func node(_ name: String) -> NodeProcess? { nodes[name] }
  func disk(_ name: String) -> Disk? { disks[name] }

  func resolve(_ target: Target, seed: UInt64, _ then: @escaping ([String], String) -> Void) {
    loop.timer(after: .millisecond) { [self] in
      switch target {
      case .node(let name): then([name], "by name")
      case .all: then(nodeNames, "all of them")
      case .leader: then([], "no node says that it leads")
      default: break  // never answers
      }
    }
  }

  func restart(_ node: String, _ then: @escaping (Bool) -> Void) {
    guard let process = nodes[node], !process.isRunning else { return then(false) }
    let before = network.counters(from: node, to: clientName)?.packets ?? 0
    do { try process.start() } catch { return then(false) }
    waitUntilReady(node, before, then)
  }

  private func waitUntilReady(_ node: String, _ before: UInt64, _ then: @escaping (Bool) -> Void) {
    if nodes[node]?.isRunning != true { return then(false) }
    let sends = (network.counters(from: node, to: clientName)?.packets ?? 0) > before
    if sends || scenario.idle.contains(node) { return then(true) }
    supervisor.after(5 * .millisecond) { [self] in waitUntilReady(node, before, then) }
  }

  func record(_ fault: String, begins: Bool, _ then: @escaping () -> Void) {
    supervisor.say("record \(fault) \(begins)")
    loop.timer(after: .millisecond, then)
  }

  func emit(_ event: RunEvent) {
    guard let bytes = try? JSONEncoder().encode(event) else { return }
    supervisor.say("event \(String(decoding: bytes, as: UTF8.self))")
  }
}

extension Supervisor {
  func faults(_ arguments: [String]) throws {
    let text = arguments.first ?? ""
    kept.append(try FaultBench(self, try JSONDecoder().decode(FaultScenario.self, from: Data(text.utf8))))
  }
}
