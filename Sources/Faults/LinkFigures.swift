// Figures of links over the time of a fault: counters as differences, and probes over many links at once.

import Arena
import Base
import EventLoop
import Glibc

/// What the counters of some links have gained since a fault began.
struct LinkFigures {
  private let links: [DirectedLink]
  private let network: Network
  private let before: [LinkCounters]
  private var after: [LinkCounters]?

  init(_ links: [DirectedLink], _ arena: FaultArena) {
    self.links = links
    network = arena.network
    before = links.map { arena.network.counters(from: $0.from, to: $0.to) ?? LinkCounters() }
  }

  /// The fault is over: what happens from now on is not its doing.
  mutating func freeze() { after = now }

  private var now: [LinkCounters] { links.map { network.counters(from: $0.from, to: $0.to) ?? LinkCounters() } }

  func since(_ field: (LinkCounters) -> UInt64) -> UInt64 {
    zip(before, after ?? now).reduce(0) { $0 + (field($1.1) &- field($1.0)) }
  }
}

extension FaultArena {
  /// Probes all links at the same time.
  func probe(
    _ links: [DirectedLink], count: Int, timeout: Nanoseconds,
    then: @escaping ([DirectedLink: ProbeResult]) -> Void
  ) {
    var results: [DirectedLink: ProbeResult] = [:]
    let network = network
    Self.each(links) { link, done in
      network.probe(from: link.from, to: link.to, count: count, timeout: timeout) { result in
        results[link] = result
        done()
      }
    } then: {
      then(results)
    }
  }

  /// A broker's start may take long; a node that is not ready by then counts as one that does not come.
  static let restartLimit: Nanoseconds = 60 * .second
}

enum FaultClock {
  static func now() -> Nanoseconds { Loop.monotonicNow() }
}

/// `n1, n2 and n3`.
func list(_ names: [String]) -> String {
  guard let last = names.last else { return "nobody" }
  return names.count == 1 ? last : names.dropLast().joined(separator: ", ") + " and " + last
}

/// `1.25 ms`.
func milliseconds(_ time: Nanoseconds) -> String { "\(Double(time / 10_000) / 100) ms" }
