// The nodes of one level: their disks, their notify sockets, their processes; boot, restart, readiness, samples.

import Arena
import Base
import Drivers
import EventLoop
import Foundation
import History
import Scenario

/// Belongs to the supervisor's loop.
final class Cluster {
  /// One node, over all its starts.
  final class Member {
    let plan: NodePlan
    let process: NodeProcess
    let disk: Disk
    let notify: NotifySocket
    var isReady = false
    /// Those who wait for READY, or for the end of the attempt.
    var waiting: [(Bool) -> Void] = []
    var timeout: LoopTimer?
    var usage = NodeUsage()
    var usageAt: Nanoseconds = 0
    var written: Int64 = 0

    init(plan: NodePlan, process: NodeProcess, disk: Disk, notify: NotifySocket) {
      (self.plan, self.process, self.disk, self.notify) = (plan, process, disk, notify)
    }
  }

  private(set) var members: [Member] = []
  private(set) var roles: Roles
  var onEvent: (RunEvent) -> Void = { _ in }
  /// A part of the arena ended that never should; a sentence.
  var onBroken: (String) -> Void = { _ in }

  private let loop: Loop
  private let driver: any Driver

  /// Makes mounts and files for all nodes; nothing of a broker runs yet.
  /// - Throws: `ArenaError`, `DriverError`, or what the file system says.
  init(
    plan: Plan, level: LevelPlan, driver: any Driver, directory: RunDirectory.Level, executables: String, loop: Loop,
    network: Network, interior: SandboxInterior
  ) throws {
    self.loop = loop
    self.driver = driver
    roles = Roles(nodes: plan.cluster.nodes.map(\.name))
    let hosts = network.endpoints.map { (name: $0.name, address: $0.address) }
    for node in plan.cluster.nodes {
      let place = directory.node(node.name)
      for path in [place.path, place.backing, place.mount] { try Self.make(path) }
      let disk = try Disk(name: node.name, backing: place.backing, mount: place.mount, loop: loop)
      let notify = try NotifySocket(loop: loop, interior: interior, node: node.name)
      let launch = try driver.launch(
        NodeContext(
          node: node, cluster: plan.cluster, directory: place.path, data: place.mount,
          runtime: "\(interior.scratch)/\(node.name)", notifySocket: notify.path, executables: executables,
          seed: level.seed))
      try Self.prepare(launch)
      var spec = NodeSpec(
        name: node.name,
        main: .init(
          arguments: launch.arguments, environment: launch.environment, workingDirectory: launch.workingDirectory,
          log: place.log))
      spec.beside = launch.sidecars.map {
        .init(
          arguments: $0, environment: launch.environment, workingDirectory: launch.workingDirectory,
          log: place.log + ".beside")
      }
      spec.files = NodeSpec.nameFiles(hosts: hosts)
      let process = NodeProcess(
        spec: spec, loop: loop, namespace: network.namespace(of: node.name), interior: interior)
      let member = Member(plan: node, process: process, disk: disk, notify: notify)
      members.append(member)
      process.onExit = { [unowned self, unowned member] exit in ended(member, exit) }
      notify.onMessage = { [unowned self, unowned member] message in heard(message, from: member) }
      disk.onExit = { [unowned self] status in onBroken("the disk of \(node.name) ended: \(status)") }
    }
  }

  subscript(name: String) -> Member? { members.first { $0.plan.name == name } }

  func setHosts(_ hosts: [String: String]) { roles.hosts = hosts }

  // MARK: boot and restart

  /// Starts all nodes; `then` with nil when all are ready, else with a sentence.
  func boot(then: @escaping (String?) -> Void) {
    if driver.boot.oneByOne {
      bootNext(0, then)
    } else {
      var left = members.count
      var failed: String?
      for member in members {
        start(member) { ready in
          left -= 1
          if !ready { failed = failed ?? "\(member.plan.name) did not become ready" }
          if left == 0 { then(failed) }
        }
      }
    }
  }

  private func bootNext(_ index: Int, _ then: @escaping (String?) -> Void) {
    guard index < members.count else { return then(nil) }
    let member = members[index]
    start(member) { [self] ready in
      if ready { bootNext(index + 1, then) } else { then("\(member.plan.name) did not become ready") }
    }
  }

  /// Starts a node that does not run; `then` when it is ready, or with false when it ended or its time is over.
  func start(_ member: Member, then: @escaping (Bool) -> Void) {
    if member.process.isRunning && member.isReady { return then(true) }
    member.waiting.append(then)
    if member.process.isRunning { return }
    member.isReady = false
    do {
      try member.process.start()
    } catch {
      note("cannot start \(member.plan.name): \(error)", node: member)
      return settle(member, ready: false)
    }
    emit(.nodeSpawned, member)
    member.timeout?.cancel()
    member.timeout = loop.timer(after: driver.boot.timeout) { [unowned self] in
      member.timeout = nil
      settle(member, ready: false)
    }
  }

  private func settle(_ member: Member, ready: Bool) {
    member.timeout?.cancel()
    member.timeout = nil
    let waiting = member.waiting
    member.waiting = []
    for then in waiting { then(ready) }
  }

  private func heard(_ message: NotifyMessage, from member: Member) {
    let now = Loop.monotonicNow()
    if let status = message.status, roles.status(status, of: member.plan.name, at: now) {
      var event = RunEvent(time: now, kind: .role)
      event.node = member.plan.name
      event.role = roles.said[member.plan.name]?.role
      event.term = roles.said[member.plan.name]?.term
      onEvent(event)
    }
    if message.isReady && !member.isReady {
      member.isReady = true
      emit(.nodeReady, member)
      settle(member, ready: true)
    }
  }

  private func ended(_ member: Member, _ exit: NodeExit) {
    member.isReady = false
    member.usageAt = 0
    roles.gone(member.plan.name)
    emit(.nodeExited, member, text: exit.cause.description, at: exit.at)
    settle(member, ready: false)
  }

  /// Asks every node to end, and kills what has not ended in time.
  func stop(within time: Nanoseconds, then: @escaping () -> Void) {
    for member in members { member.process.terminate() }
    let deadline = Loop.monotonicNow() + time
    func look() {
      if !members.contains(where: { $0.process.isRunning }) || Loop.monotonicNow() >= deadline {
        for member in members { member.process.crash() }
        return then()
      }
      loop.timer(after: 20 * .millisecond) { look() }
    }
    look()
  }

  // MARK: samples

  /// What each node used since the last call.
  func samples() -> [NodeSample] {
    let now = Loop.monotonicNow()
    return members.map { member in
      var sample = NodeSample(name: member.plan.name)
      sample.role = roles.said[member.plan.name]?.role ?? ""
      let written = Int64(member.disk.counters.bytesWritten)
      sample.diskWritten = max(0, written - member.written)
      member.written = written
      guard let usage = member.process.sample() else { return sample }
      sample.alive = member.process.pid != nil
      // Init, which forwards and reaps, is never stopped.
      sample.paused = usage.stopped > 0
      sample.residentBytes = Int64(usage.residentBytes)
      if member.usageAt > 0 && now > member.usageAt {
        sample.cpu = Double(max(0, usage.processorTime - member.usage.processorTime)) / Double(now - member.usageAt)
      }
      member.usage = usage
      member.usageAt = now
      return sample
    }
  }

  // MARK: words

  private func emit(_ kind: RunEvent.Kind, _ member: Member, text: String? = nil, at: Nanoseconds? = nil) {
    var event = RunEvent(time: at ?? Loop.monotonicNow(), kind: kind)
    event.node = member.plan.name
    event.text = text
    onEvent(event)
  }

  private func note(_ text: String, node: Member) { emit(.note, node, text: text) }

  private static func prepare(_ launch: NodeLaunch) throws {
    for path in launch.directories { try make(path) }
    for link in launch.links {
      try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: link.target)
    }
    for file in launch.files {
      try Data(file.content.utf8).write(to: URL(fileURLWithPath: file.path))
      chmod(file.path, file.mode)
    }
  }

  private static func make(_ path: String) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
}
