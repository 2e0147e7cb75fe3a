// The inside: PID 1 of a sandbox, with one small scenario per test, which tells the harness what it saw.

import Arena
import Base
import EventLoop
import Glibc

final class Supervisor {
  let loop: Loop
  let interior: SandboxInterior
  let channel: ControlChannel<Word, Word>
  var network: Network?
  var nodes: [NodeProcess] = []
  var sockets: [NotifySocket] = []
  var kept: [AnyObject] = []

  static func run(_ arguments: [String]) -> Int32 {
    do {
      let interior = try SandboxInterior.enter(avoiding: [])
      let supervisor = try Supervisor(interior)
      try supervisor.begin(arguments.first ?? "", Array(arguments.dropFirst()))
      supervisor.loop.run()
      return 0
    } catch {
      writeError("supervisor: \(error)")
      return 5
    }
  }

  static func writeError(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
  }

  private init(_ interior: SandboxInterior) throws {
    self.interior = interior
    loop = try Loop()
    channel = try ControlChannel(loop: loop, descriptor: interior.controlDescriptor)
    channel.onEnd = { _ in exit(0) }
  }

  func say(_ text: String) { channel.send(.line(text)) }

  func begin(_ scenario: String, _ arguments: [String]) throws {
    switch scenario {
    case "talk": talk()
    case "mute": mute()
    case "linger": try linger()
    case "links": try links()
    case "stream": try stream(arguments)
    case "node": try node()
    case "broken": try broken()
    case "companion": try companion()
    case "disk": try disk(arguments)
    case "faults": try faults(arguments)
    case "appends": try appends(arguments)
    case "rules": try rules(arguments)
    case "stalled": try stalled(arguments)
    case "hangers": try hangers(arguments)
    case "lost-disk": try lostDisk(arguments)
    default: throw ArenaError("find the scenario \(scenario)")
    }
  }

  /// A long message there and back, then the end.
  func talk() {
    let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    channel.onMessage = { [self] word in
      switch word {
      case .big(let back):
        say("back \(back == bytes.reversed())")
        channel.send(.stop)
      case .stop: exit(7)
      case .line: break
      }
    }
    channel.send(.big(bytes))
  }

  /// Says one thing and then hangs: the harness must notice.
  func mute() {
    say("hanging")
    loop.timer(after: 100 * .millisecond) { while true { sleep(1000) } }
  }

  func makeNetwork(_ names: [String], mtu: Int = Network.defaultMTU) throws -> Network {
    let endpoints = names.enumerated().map { Network.Endpoint(name: $1, address: "10.77.0.\($0 + 1)") }
    let network = try Network(endpoints: endpoints, seed: 42, mtu: mtu, loop: loop)
    network.onSwitchExit = { [self] status in say("switch \(status)") }
    self.network = network
    return network
  }

  func makeNode(_ name: String, _ arguments: [String], log: String? = nil) -> NodeProcess {
    var spec = NodeSpec(
      name: name, main: .init(arguments: arguments, environment: ["PATH": "/bin:/usr/bin:/sbin"], log: log))
    if let network { spec.files = NodeSpec.nameFiles(hosts: network.endpoints.map { ($0.name, $0.address) }) }
    let node = NodeProcess(spec: spec, loop: loop, namespace: network?.namespace(of: name), interior: interior)
    nodes.append(node)
    return node
  }

  func after(_ time: Nanoseconds, _ body: @escaping () throws -> Void) {
    loop.timer(after: time) {
      do { try body() } catch {
        Self.writeError("\(error)")
        exit(6)
      }
    }
  }

  func finish() {
    say("done")
    after(50 * .millisecond) { exit(0) }
  }

  /// Everything at once, with a process that runs away from its parent, until the harness dies.
  func linger() throws {
    let network = try makeNetwork(["n1", "n2", "clients"])
    var started = 0
    for name in ["n1", "n2"] {
      let escape = "(setsid sh -c 'trap \"\" TERM HUP; sleep 7777' &) ; exec sleep 7777"
      let node = makeNode(name, ["/bin/sh", "-c", escape])
      node.onStarted = { [self] in
        started += 1
        if started == 2 {
          network.probe(from: "n1", to: "n2", timeout: .second) { [self] in say("up \($0.received)") }
        }
      }
      node.onExit = { [self] in say("exit \($0.cause)") }
      try node.start()
    }
  }
}
