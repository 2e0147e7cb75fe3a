// The links between nodes: dialled, silent when cut, closed after a while of silence, and dialled anew.

import Base
import Broker

/// One link between each two nodes at a time; each end knows it, or does not, by itself.
final class PeerNetwork {
  private struct End {
    /// The connection that this end holds; 0: none.
    var generation = 0
    var lastHeard: Nanoseconds = 0
  }

  private let world: World
  private var clock: VirtualClock { world.clock }
  private let count: Int
  /// By (node, other): the node's end of its link to the other, and the way from it to the other.
  private var ends: [End]
  private var pipes: [Pipe]
  private var generation = 0

  private static let latency: ClosedRange<Nanoseconds> = 50 * .microsecond...1500 * .microsecond
  private static let beat = 200 * Nanoseconds.millisecond
  private static let silence = 1500 * Nanoseconds.millisecond

  init(_ world: World, count: Int) {
    self.world = world
    self.count = count
    ends = Array(repeating: End(), count: count * count)
    pipes = (0..<count * count).map { _ in Pipe(world.clock, latency: Self.latency) }
  }

  private func at(_ from: Int, _ to: Int) -> Int { from * count + to }

  func start() {
    for a in 0..<count {
      for b in 0..<count where a < b { clock.after(clock.draw(0...Self.beat)) { [self] in watch(a, b) } }
    }
  }

  // MARK: Cuts

  func cut(_ from: Int, _ to: Int) { pipes[at(from, to)].cut() }
  func heal(_ from: Int, _ to: Int) { pipes[at(from, to)].heal() }

  // MARK: Frames

  func send(from: Int, to: Int, _ frame: [UInt8]) {
    let generation = ends[at(from, to)].generation
    guard generation != 0 else { return }
    pipes[at(from, to)].send { [self] in arrived(from: from, to: to, generation, frame) }
  }

  private func arrived(from: Int, to: Int, _ generation: Int, _ frame: [UInt8]) {
    let node = world.nodes[to]
    node.perform { [self] in
      guard ends[at(to, from)].generation == generation, let broker = node.broker else { return }
      ends[at(to, from)].lastHeard = clock.now
      guard !frame.isEmpty else { return }
      do {
        try frame.withUnsafeBytes { try broker.peerReceived(from, frame: $0, now: clock.now) }
      } catch {
        world.breaks("\(node.name): a frame of \(world.nodes[from].name): \(error)")
      }
      node.touch()
    }
  }

  // MARK: Links

  /// Gives signs of life, looks for silence, and dials.
  private func watch(_ a: Int, _ b: Int) {
    clock.after(Self.beat) { [self] in watch(a, b) }
    for (own, other) in [(a, b), (b, a)] where world.nodes[own].isUp && !world.nodes[own].isPaused {
      guard ends[at(own, other)].generation != 0 else { continue }
      if clock.now - ends[at(own, other)].lastHeard > Self.silence {
        reset(own, other)
      } else {
        send(from: own, to: other, [])
      }
    }
    let canDial = world.nodes[a].isUp && !world.nodes[a].isPaused && ends[at(a, b)].generation == 0
    if canDial { clock.after(clock.draw(0...200 * .millisecond)) { [self] in dial(a, b) } }
  }

  private func dial(_ a: Int, _ b: Int) {
    let (first, second) = (world.nodes[a], world.nodes[b])
    guard first.isUp, second.isUp, !first.isPaused, !second.isPaused, ends[at(a, b)].generation == 0,
      !pipes[at(a, b)].isCut, !pipes[at(b, a)].isCut
    else { return }
    generation += 1
    let new = generation
    pipes[at(a, b)].clear()
    pipes[at(b, a)].clear()
    // What the other end still holds is a leftover.
    close(b, a)
    connect(b, a, new)
    let life = first.life
    pipes[at(b, a)].send { [self] in
      first.perform { [self] in
        guard first.life == life, ends[at(a, b)].generation == 0, ends[at(b, a)].generation == new else { return }
        connect(a, b, new)
      }
    }
  }

  private func connect(_ own: Int, _ other: Int, _ generation: Int) {
    ends[at(own, other)] = End(generation: generation, lastHeard: clock.now)
    world.nodes[own].broker?.peerConnected(other, now: clock.now)
    world.nodes[own].touch()
  }

  /// This end gives its link up; the other hears of it where something can reach it.
  func reset(_ own: Int, _ other: Int) {
    let generation = ends[at(own, other)].generation
    guard generation != 0 else { return }
    close(own, other)
    sayGone(from: own, to: other, generation)
  }

  private func sayGone(from own: Int, to other: Int, _ generation: Int) {
    pipes[at(own, other)].send { [self] in
      world.nodes[other].perform { [self] in
        if ends[at(other, own)].generation == generation { close(other, own) }
      }
    }
  }

  private func close(_ own: Int, _ other: Int) {
    guard ends[at(own, other)].generation != 0 else { return }
    ends[at(own, other)].generation = 0
    world.nodes[own].broker?.peerDisconnected(other, now: clock.now)
    world.nodes[own].touch()
  }

  func nodeDied(_ id: Int, silently: Bool) {
    for other in 0..<count where other != id {
      let generation = ends[at(id, other)].generation
      ends[at(id, other)].generation = 0
      if !silently, generation != 0 { sayGone(from: id, to: other, generation) }
    }
  }
}
