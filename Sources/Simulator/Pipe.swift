// One direction of a TCP connection: bytes arrive in order and late, and while the way is cut they wait.

import Base

final class Pipe {
  private let clock: VirtualClock
  private let latency: ClosedRange<Nanoseconds>
  private(set) var isCut = false
  /// On their way or held, in the order of sending. Arrivals take the first: none can overtake.
  private var items: [() -> Void] = []
  private var lastArrival: Nanoseconds = 0
  /// Arrivals that were planned before a cut are void after it.
  private var epoch = 0

  init(_ clock: VirtualClock, latency: ClosedRange<Nanoseconds>) {
    self.clock = clock
    self.latency = latency
  }

  func send(_ deliver: @escaping () -> Void) {
    items.append(deliver)
    if !isCut { launch(extra: 0) }
  }

  /// Plans the arrival of one more item.
  private func launch(extra: Nanoseconds) {
    lastArrival = max(lastArrival + 1, clock.now + extra + clock.draw(latency))
    clock.at(lastArrival) { [self, epoch] in
      if self.epoch == epoch, !items.isEmpty { items.removeFirst()() }
    }
  }

  func cut() {
    isCut = true
    epoch += 1
  }

  /// What was held is sent again, as late as retransmission makes it.
  func heal() {
    guard isCut else { return }
    isCut = false
    let pause = clock.draw(0...200 * .millisecond)
    for _ in items { launch(extra: pause) }
  }

  /// The connection is given up with all that is on its way.
  func clear() {
    items = []
    epoch += 1
  }
}
