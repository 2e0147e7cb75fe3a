// Chance with bad intentions: begins faults, heals each after a while, and records both.

import Base
import History

final class Nemesis {
  private let world: World
  private var clock: VirtualClock { world.clock }
  private var number = 0
  private var isOver = false
  /// Faults in force, with what heals them.
  private var standing: [(number: Int, place: UInt16, heal: () -> Void)] = []
  private let kinds: [SimulatedFault]
  private(set) var counts: [SimulatedFault: Int] = [:]

  init(_ world: World) {
    self.world = world
    kinds = SimulatedFault.allCases.filter(world.options.faults.contains)
  }

  func start() { if !kinds.isEmpty { plan() } }

  private func plan() {
    let pause = Double(world.options.pace) * 2 * clock.random.unit()
    clock.after(Nanoseconds(pause)) { [self] in
      guard !isOver else { return }
      strike(kinds[clock.random.below(kinds.count)])
      plan()
    }
  }

  func healAll() {
    isOver = true
    for fault in standing { heal(fault.number) }
  }

  private func heal(_ number: Int) {
    guard let at = standing.firstIndex(where: { $0.number == number }) else { return }
    let fault = standing.remove(at: at)
    fault.heal()
    world.record(.fault, .ok, place: fault.place, process: -1)
  }

  private func begin(_ kind: SimulatedFault, _ target: String, _ act: () -> Void, heal: @escaping () -> Void) {
    number += 1
    counts[kind, default: 0] += 1
    let place = world.recorder.names.word("\(kind.rawValue) \(target) #\(number)")
    world.record(.fault, .invoke, place: place, process: -1)
    act()
    standing.append((number, place, heal))
    // Mostly short; sometimes long enough for every time-out there is.
    let length =
      clock.random.chance(0.7) ? clock.draw(50 * .millisecond...900 * .millisecond) : clock.draw(.second...5 * .second)
    clock.after(length) { [self, number] in self.heal(number) }
  }

  /// A node, most often the leader.
  private func target() -> VirtualNode {
    if clock.random.chance(0.5), let leader = world.nodes.first(where: \.isLeader) { return leader }
    return world.nodes[clock.random.below(world.nodes.count)]
  }

  private func strike(_ kind: SimulatedFault) {
    let node = target()
    let others = world.nodes.indices.filter { $0 != node.id }
    switch kind {
    case .crash, .powerLoss:
      if clock.random.chance(0.15) { return kill(world.nodes, kind) }
      guard kind == .powerLoss, clock.random.chance(0.7) else { return kill([node], kind) }
      // Where it hurts: between the writing of a batch and its sync.
      node.atNextWrite = { [self] in kill([node], kind) }
    case .isolate:
      guard !others.isEmpty else { return }
      change(kind, node.name, others.flatMap { [(node.id, $0), ($0, node.id)] })
    case .cutLinks:
      let links = world.nodes.indices.flatMap { a in world.nodes.indices.map { (a, $0) } }
        .filter { $0.0 != $0.1 && clock.random.chance(0.3) }
      guard !links.isEmpty else { return }
      change(kind, "\(links.count)", links)
    case .cutClients:
      begin(kind, node.name) {
        world.cutClients(node.id, true)
      } heal: { [world] in
        world.cutClients(node.id, false)
      }
    case .pause:
      guard node.isUp, !node.isPaused else { return }
      begin(kind, node.name) {
        node.pause()
      } heal: {
        node.resume()
      }
    case .slowDisk:
      begin(kind, node.name) {
        node.diskDelay = .millisecond...250 * .millisecond
      } heal: {
        node.diskDelay = VirtualNode.healthyDisk
      }
    case .stalledDisk:
      begin(kind, node.name) {
        node.stallDisk()
      } heal: {
        node.unstallDisk()
      }
    }
  }

  private func kill(_ nodes: [VirtualNode], _ kind: SimulatedFault) {
    let victims = nodes.filter(\.isUp)
    guard !victims.isEmpty, !isOver else { return }
    begin(kind, victims.map(\.name).joined(separator: "+")) {
      for victim in victims { victim.crash(losesPower: kind == .powerLoss) }
    } heal: {
      for victim in victims { victim.start() }
    }
  }

  /// Cuts of several faults may overlap: a link is whole when nobody cuts it any more.
  private lazy var cuts = Array(repeating: 0, count: world.nodes.count * world.nodes.count)

  private func change(_ kind: SimulatedFault, _ target: String, _ links: [(Int, Int)]) {
    begin(kind, target) {
      for (from, to) in links {
        cuts[from * world.nodes.count + to] += 1
        world.peers.cut(from, to)
      }
    } heal: { [self] in
      for (from, to) in links {
        cuts[from * world.nodes.count + to] -= 1
        if cuts[from * world.nodes.count + to] == 0 { world.peers.heal(from, to) }
      }
    }
  }
}
